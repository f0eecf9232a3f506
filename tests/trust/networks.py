"""Linear cases: relevance, drops and curves are known exactly."""

import numpy as np
import torch
from torch import nn

from mriinterp.trust import Case

SHAPE = (7, 8, 9)


class Linear3D(nn.Module):
    """Two outputs, each the sum of weights × voxels."""

    def __init__(self, shape=SHAPE, seed=1):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn((2, *shape), generator=generator))

    def forward(self, x):
        return (x * self.weight[None]).flatten(2).sum(2)

    def slope(self):
        """Gradient of the margin of output 1."""
        return (self.weight[1] - self.weight[0]).detach().double().numpy()


def small_network(seed=0):
    """A convolutional network on (7, 8, 9)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv3d(1, 4, 3, padding=1),
            nn.BatchNorm3d(4),
            nn.ReLU(),
            nn.MaxPool3d(2),
            nn.Conv3d(4, 6, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(6 * 3 * 4 * 4, 2),
        ).eval()


def areas_of(shape=SHAPE):
    """Six areas, a ninth of the voxels outside of all."""
    areas = np.zeros(shape, np.int64)
    half, third = shape[0] // 2, shape[1] // 3 + 1
    for side in range(2):
        for part in range(3):
            places = (slice(side * half, None if side else half), slice(part * third, (part + 1) * third))
            areas[places][..., 1:] = 1 + 3 * side + part
    return areas


def case_of(module, shape=SHAPE, **changes):
    """A case with a random scan, reference, brain mask and truth."""
    generator = torch.Generator().manual_seed(5)
    x, reference = (torch.randn((1, 1, *shape), generator=generator) for _ in range(2))
    mask = np.ones(shape, bool)
    mask[0, :2] = False
    truth = np.zeros(shape, bool)
    truth[2:5, 3:6, 2:5] = True
    given = {
        "module": module,
        "x": x,
        "target": 1,
        "mask": mask,
        "areas": areas_of(shape),
        "reference": reference,
        "truth": truth,
        "name": "sim-001",
    }
    return Case(**{**given, **changes})


def array(tensor):
    """The spatial part of a (1, 1, *spatial) tensor, float64."""
    return tensor[0, 0].double().numpy()
