"""Networks, regions and the plain loop that the engine is compared with."""

import torch
from torch import nn
from torch.nn import functional as F


def calm(module):
    """Batch norms with statistics of their own (some scales negative), eval mode."""
    generator = torch.Generator().manual_seed(1)
    for layer in module.modules():
        if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm3d)):
            shape = layer.running_mean.shape
            layer.running_mean = torch.randn(shape, generator=generator) * 0.2
            layer.running_var = torch.rand(shape, generator=generator) + 0.5
            layer.weight.data = torch.randn(shape, generator=generator)
            layer.bias.data = torch.randn(shape, generator=generator) * 0.2
    return module.eval()


def plain_loop(module, x, regions, fill=0.0):
    """One full pass per region (box or mask), written with indexing only."""
    fill = torch.as_tensor(fill, dtype=x.dtype).expand_as(x)
    rows = []
    with torch.no_grad():
        for region in regions:
            image = x.clone()
            if isinstance(region, torch.Tensor):
                image = torch.where(region, fill, image)
            else:
                inside = (..., *(slice(max(0, lo), max(0, hi)) for lo, hi in region))
                image[inside] = fill[inside]
            rows.append(module(image).reshape(1, -1))
    return torch.cat(rows)


def assert_exact(found, expected):
    """Equal within 1e-5 · max(1, |logit|)."""
    error = ((found - expected).abs() / expected.abs().clamp(min=1)).max().item()
    assert error <= 1e-5, f"differs by {error:.2g}"


class Published(nn.Module):
    """The backbone and COG head of Qiu et al. 2022, for 182×218×182 voxels."""

    def __init__(self, features=5760):
        super().__init__()
        layers = []
        sizes = [(1, 20, 7, 2, 0, 3), (20, 40, 4, 1, 0, 2), (40, 80, 3, 1, 0, 2), (80, 160, 3, 1, 0, 2)]
        for channels, out, kernel, stride, padding, pool in sizes:
            layers += [
                nn.Conv3d(channels, out, kernel, stride, padding, bias=False),
                nn.MaxPool3d(pool, 2),
                nn.BatchNorm3d(out),
                nn.LeakyReLU(),
            ]
        self.backbone = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(features, 100), nn.LeakyReLU(), nn.Linear(100, 1))

    def forward(self, x):
        return self.head(self.backbone(x).flatten(1))


class Plane(nn.Module):
    """A 2D network with same padding, dilation, groups, pooling of both kinds and functional calls."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, (3, 4), padding="same", dilation=(2, 1))
        self.norm = nn.BatchNorm2d(6)
        self.second = nn.Conv2d(6, 8, 3, stride=2, padding=1, groups=2)
        self.scale = nn.Parameter(torch.rand(8, 1, 1))
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = F.relu_(self.norm(self.first(x)))
        x = F.max_pool2d(x, 3, 2, padding=1, ceil_mode=True)
        y = self.second(x)
        y += 1
        y = F.leaky_relu(y, 0.1) * self.scale
        y = F.avg_pool2d(y, 2, padding=1, ceil_mode=True, count_include_pad=False)
        return self.head(F.dropout(y, 0.5, self.training).mean((2, 3)))


class Gate(nn.Module):
    """Squeeze and excitation in the middle, and a residual around it."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(2, 6, 3, 2, padding=1), nn.BatchNorm3d(6), nn.ReLU(inplace=True))
        self.block = nn.Conv3d(6, 6, 3, padding=1)
        self.squeeze = nn.Sequential(nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 6), nn.Sigmoid())
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        x = self.stem(x)
        y = self.block(x)
        batch, channels = y.shape[:2]
        gate = self.squeeze(y.mean((2, 3, 4))).view(batch, channels, 1, 1, 1)
        return self.head(torch.relu(x + y * gate).amax((2, 3, 4)))


class _PadPool(nn.Module):
    """Max pooling that pads odd maps with zeros in front, as ClinicaDL's PadMaxPool3d."""

    def __init__(self, size):
        super().__init__()
        self.size, self.pad, self.pool = size, nn.ConstantPad3d(0, 0), nn.MaxPool3d(size, size)

    def forward(self, x):
        missing = [-n % self.size if n % self.size else 0 for n in x.shape[2:]]
        self.pad.padding = (missing[2], 0, missing[1], 0, missing[0], 0)
        return self.pool(self.pad(x))


class PaddedPools(nn.Module):
    """The layers of ClinicaDL's Conv5_FC3: convolution, batch norm, ReLU and padded pooling, then dense layers."""

    def __init__(self, shape, channels=(4, 6, 8), hidden=(20, 10)):
        super().__init__()
        layers, before = [], 1
        for out in channels:
            layers += [nn.Conv3d(before, out, 3, padding=1), nn.BatchNorm3d(out), nn.ReLU(), _PadPool(2)]
            before, shape = out, [-(-n // 2) for n in shape]
        self.convolutions = nn.Sequential(*layers)
        dense, count = [nn.Flatten(), nn.Dropout(0.5)], before * shape[0] * shape[1] * shape[2]
        for out in hidden:
            dense += [nn.Linear(count, out), nn.ReLU()]
            count = out
        self.fc = nn.Sequential(*dense, nn.Linear(count, 2))

    def forward(self, x):
        return self.fc(self.convolutions(x))
