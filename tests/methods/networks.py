"""Small networks the tests of the methods share; sizes and weights that make every layer count."""

import torch
from torch import nn

SHAPE = (7, 8, 9)
SHAPE_2D = (17, 14)


def seeded(module, seed=0):
    """Random weights, biases and batch-norm statistics; eval mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.copy_(noise.abs() + 0.5)
            elif tensor.ndim > 1:
                tensor.copy_(noise * (2 / tensor[0].numel()) ** 0.5)
            else:
                tensor.copy_(noise * 0.3 + (1.0 if "weight" in name else 0.0))
    return module.eval()


def small_3d(classes=2, channels=1):
    """Two convolution blocks on (7, 8, 9), last activation of 3 × 4 × 4 cells."""
    return seeded(
        nn.Sequential(
            nn.Conv3d(channels, 4, 3, padding=1),
            nn.BatchNorm3d(4),
            nn.ReLU(),
            nn.MaxPool3d(2),
            nn.Conv3d(4, 6, 3, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(6 * 3 * 4 * 4, classes),
        )
    )


def small_2d(classes=3):
    """The same in 2D on (17, 14)."""
    return seeded(
        nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2),
            nn.ReLU(),
            nn.AvgPool2d(2, 1),
            nn.Conv2d(4, 5, 3),
            nn.LeakyReLU(),
            nn.Flatten(),
            nn.Linear(5 * 5 * 3, classes),
        )
    )


class Linear3D(nn.Module):
    """Two outputs, each the sum of weights × voxels: relevance is known exactly."""

    def __init__(self, shape=SHAPE, seed=1):
        super().__init__()
        self.weight = nn.Parameter(torch.randn((2, *shape), generator=torch.Generator().manual_seed(seed)))

    def forward(self, x):
        return (x * self.weight[None]).flatten(2).sum(2)


def image(shape, seed=3, channels=1):
    """Standard normal noise (1, channels, *shape)."""
    return torch.randn((1, channels, *shape), generator=torch.Generator().manual_seed(seed))


def labels_of(shape):
    """An atlas of three areas in slabs along the first axis; 1 and 2 are one area when sides are merged."""
    apart = torch.zeros(shape, dtype=torch.int64)
    third = shape[0] // 3
    for area in range(3):
        apart[area * third : (area + 1) * third, 1:] = area + 1
    merged = apart.clone()
    merged[apart == 2] = 1
    return torch.stack([apart, merged])
