"""Explain a bare PyTorch network: a tensor goes in, its relevance comes out.

Images of any number of channels, 2D or 3D. The network is left as it was.
"""

import torch
from torch import nn

from mriinterp import relevance

torch.manual_seed(0)
net = nn.Sequential(
    nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2)
).eval()
x = torch.rand(1, 1, 24, 28, 24)

for method in ("sensitivity", "occlusion", "gradient_x_input"):
    settings = {"size": 8, "stride": 4} if method == "occlusion" else {}
    found = relevance(net, x, method, target=1, **settings)
    print(f"{method}: shape {tuple(found.shape)}, largest at voxel {divmod(int(found.abs().argmax()), 28 * 24)[0]}")
