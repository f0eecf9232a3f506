"""The MRI network of Qiu et al., Nature Communications 2022.

"Multimodal deep learning for Alzheimer's disease dementia assessment",
weights published at github.com/vkola-lab/ncomms2022 (MIT).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Ncomms2022"]

_BLOCKS = (  # channels, convolution (kernel, stride), pooling (kernel, stride)
    (20, (7, 2), (3, 2)),
    (40, (4, 1), (2, 2)),
    (80, (3, 1), (2, 2)),
    (160, (3, 1), (2, 2)),
)


class _Block(nn.Module):
    def __init__(self, channels_in: int, channels: int, conv: tuple[int, int], pool: tuple[int, int]):
        super().__init__()
        self.conv = nn.Conv3d(channels_in, channels, conv[0], stride=conv[1], bias=False)
        self.pooling = nn.MaxPool3d(pool[0], stride=pool[1])
        self.BN = nn.BatchNorm3d(channels)
        self.act = nn.LeakyReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.BN(self.pooling(self.conv(x))))


class Ncomms2022(nn.Module):
    """Backbone of four blocks and one multilayer head per task.

    Parameters
    ----------
    heads : dict of str to (int, int)
        Hidden and output sizes by task, e.g. ``{"COG": (100, 1), "ADD":
        (30, 2)}``; outputs are concatenated in this order.
    """

    FEATURES = 5760

    def __init__(self, heads: dict[str, tuple[int, int]]):
        super().__init__()
        channels = (1, *(block[0] for block in _BLOCKS))
        self.blocks = nn.ModuleList(_Block(channels[i], *block) for i, block in enumerate(_BLOCKS))
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(nn.Linear(self.FEATURES, hidden), nn.LeakyReLU(), nn.Linear(hidden, outputs))
                for name, (hidden, outputs) in heads.items()
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map scans (n, 1, 182, 218, 182) to the outputs of all heads (n, outputs)."""
        for block in self.blocks:
            x = block(x)
        x = torch.flatten(x, 1)
        return torch.cat([head(x) for head in self.heads.values()], dim=1)
