"""Constant padding as a step like others."""

import pytest
import torch
from monai.networks.nets import EfficientNetBN
from torch import nn
from torch.nn import functional as F

from mriinterp.incremental import Occluder, grid_boxes

from .occlusion_networks import PaddedPools, assert_exact, calm, plain_loop


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("shape", [(29, 34, 31), (16, 16, 16), (33, 17, 18)])
def test_a_network_that_pads_before_it_pools(shape):
    network = calm(PaddedPools(shape))
    x = torch.randn(1, 1, *shape)
    boxes = grid_boxes(shape, 9, 8)
    occluder = Occluder(network, x)
    assert occluder.reason is None
    kinds = [step.kind for step in occluder.network.steps]
    assert kinds == ["input", "convmax", "map", "conv", "max", "map", "conv", "max", "map"]
    assert_exact(occluder.clean[None], network(x).detach())
    assert_exact(occluder.run(boxes, 0.3), plain_loop(network, x, boxes, 0.3))


class Layers(nn.Module):
    """Functions in a row, and a head on all that they give."""

    def __init__(self, *functions):
        super().__init__()
        self.functions = functions
        self.conv = nn.Conv2d(2, 3, 3)

    def forward(self, x):
        x = self.conv(x)
        for function in self.functions:
            x = function(x)
        return x.flatten(1)


INF = float("inf")
CASES = {
    "zeros, then maximum": (F.relu, lambda x: F.pad(x, (1, 2, 2, 0)), lambda x: F.max_pool2d(x, 2)),
    "-inf, then maximum": (
        F.relu,
        lambda x: F.pad(x, (3, 4, 0, 5), value=-INF),
        lambda x: F.max_pool2d(x, 2),
        lambda x: x.clamp(min=-9.0),  # some windows have nothing but padding
    ),
    "two, then maximum": (F.relu, lambda x: F.pad(x, (3, 4, 0, 5), value=2.0), lambda x: F.max_pool2d(x, 3, 2)),
    "minus two, padded maximum": (lambda x: F.pad(x, (1, 1), value=-2.0), lambda x: F.max_pool2d(x, 3, 2, 1)),
    "zeros, then average": (lambda x: F.pad(x, (1, 2, 2, 0)), lambda x: F.avg_pool2d(x, 3, 2, 1)),
    "zeros, then mean of the map": (lambda x: F.pad(x, (1, 2)), lambda x: F.avg_pool2d(x, 3, 2, 1, True, False)),
    "ones, then average": (lambda x: F.pad(x, (1, 2), value=1.0), lambda x: F.avg_pool2d(x, 3, 2)),
    "cropped": (lambda x: F.pad(x, (-2, 1, 1, -3)), F.relu),
    "cropped and padded again": (lambda x: F.pad(x, (-2, -1)), lambda x: F.pad(x, (2, 1)), lambda x: x.neg()),
    "two paddings": (lambda x: F.pad(x, (2, 1)), lambda x: F.pad(x, (2, 1, 0, 4)), lambda x: F.max_pool2d(x, 2)),
    "channels": (lambda x: F.pad(x, (0, 0, 0, 0, 1, 2), value=0.5), torch.sigmoid),
    "read twice": (lambda x: F.pad(x, (1, 1, 1, 1)), lambda x: F.max_pool2d(x, 3, 1, 1) + F.avg_pool2d(x, 3, 1, 1)),
    "as a layer": (nn.ZeroPad2d((0, 1, 2, 3)), nn.ConstantPad2d(1, 0.25), F.relu),
}


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_constant_padding(name):
    network, x = Layers(*CASES[name]).eval(), torch.randn(1, 2, 15, 17)
    boxes = grid_boxes((15, 17), 5, 4)
    occluder = Occluder(network, x)
    assert occluder.reason is None
    assert all(step.kind != "conv" or step.shape == (13, 15) for step in occluder.network.border)
    assert len(occluder.network.calls) == 1  # all but the last operation are steps
    assert_exact(occluder.run(boxes, 1.5), plain_loop(network, x, boxes, 1.5))


def test_padding_of_the_image_itself():
    network = nn.Sequential(nn.ConstantPad3d((1, 0, 2, 1, 0, 3), 0.0), nn.Conv3d(1, 3, 3), nn.Flatten()).eval()
    x = torch.randn(1, 1, 8, 9, 7)
    boxes = grid_boxes((8, 9, 7), 3, 3)
    occluder = Occluder(network, x)
    assert [step.kind for step in occluder.network.steps] == ["input", "conv"]
    assert_exact(occluder.run(boxes, -1.0), plain_loop(network, x, boxes, -1.0))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_other_padding_runs_whole(mode):
    network, x = Layers(lambda x: F.pad(x, (1, 1, 1, 1), mode=mode), F.relu).eval(), torch.randn(1, 2, 9, 8)
    boxes = grid_boxes((9, 8), 4, 3)
    occluder = Occluder(network, x)
    assert len(occluder.network.steps) == 2
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))


def test_efficientnet():
    network = EfficientNetBN("efficientnet-b0", spatial_dims=3, in_channels=1, num_classes=2).eval()
    x = torch.randn(1, 1, 64, 64, 60)
    boxes = [((0, 7),) * 3, ((20, 30), (25, 35), (21, 31))]
    occluder = Occluder(network, x)
    assert [step.kind for step in occluder.network.steps] == ["input", "conv", "map", "conv", "map"]
    assert_exact(occluder.run(boxes, 0.3), plain_loop(network, x, boxes, 0.3))
