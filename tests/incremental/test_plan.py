"""The cost that a plan promises against what a run really does."""

import numpy as np
import pytest
import torch
from monai.networks.nets import ViT, resnet10
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mriinterp.image.volume import Grid
from mriinterp.incremental import Occluder, grid_boxes, macs, plan, traced
from mriinterp.incremental.plain import flat_outputs
from mriinterp.incremental.traced import take_apart
from mriinterp.models.classification3d import ClassificationModel3D

from .occlusion_networks import Gate, calm


def counted(network, x, boxes):
    with FlopCounterMode(display=False) as counter:
        Occluder(network, x).run(boxes)
    return counter.get_total_flops() // 2


CASES = {
    "paper": (lambda: ClassificationModel3D(128), (113, 137, 113), 20, 45),
    "resnet": (lambda: resnet10(spatial_dims=3, n_input_channels=1, num_classes=2), (60, 48, 50), 10, 20),
}


@pytest.mark.parametrize("name", CASES)
def test_the_saving_is_real(name):
    make, shape, size, stride = CASES[name]
    network = calm(make())
    promised = plan(network, shape, size, stride)
    boxes = grid_boxes(shape, size, stride)
    assert promised.windows == len(boxes)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, *shape))
    assert promised.plain_macs == counter.get_total_flops() // 2 * len(boxes)
    saved = promised.plain_macs - counted(network, torch.randn(1, 1, *shape), boxes)
    assert saved >= 0.95 * (promised.plain_macs - promised.macs) > 0
    assert promised.reason is None
    assert promised.ratio > 1.5


NETWORKS = {
    "paper": (lambda: ClassificationModel3D(128), (113, 137, 113)),
    "resnet": (lambda: resnet10(spatial_dims=3, n_input_channels=1, num_classes=2), (30, 24, 26)),
    "transformer": (
        lambda: ViT(
            1, (16, 16, 16), (8, 8, 8), hidden_size=24, mlp_dim=32, num_heads=2, num_layers=2, classification=True
        ),
        (16, 16, 16),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_pass_is_counted_when_the_network_is_taken_apart(name, monkeypatch):
    """Against PyTorch's own counter, which is not needed any more."""
    make, shape = NETWORKS[name]
    network, x = calm(make()), torch.randn(1, 1, *shape)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(x)
    monkeypatch.setattr(macs, "_count", lambda module, x: pytest.fail("counted again"))
    apart = take_apart(network, x)
    assert apart.network is not None
    assert macs.count_macs(network, x, apart.key) == counter.get_total_flops() // 2


def test_a_module_that_cannot_be_watched_is_counted_another_way():
    class Unwatched(Gate):
        def forward(self, x):
            if torch.utils._python_dispatch._get_current_dispatch_mode_stack():
                raise RuntimeError("no")
            return super().forward(x)

    found = traced._counted(module := Unwatched().eval(), x := torch.ones(1, 2, 8, 8, 8), counting := macs.Counting())
    assert torch.equal(found, flat_outputs(module(x)))
    assert counting.flops == 0


def test_model_grid_and_image_agree():
    class Model:
        module = calm(ClassificationModel3D(128))
        grid = Grid((113, 137, 113), np.diag([1.5, 1.5, 1.5, 1]))
        device = torch.device("cpu")

    first, second = plan(Model(), size=40, stride=25), plan(Model.module, torch.ones(1, 1, 113, 137, 113), 40, 25)
    assert first.windows == second.windows == 150
    assert first.macs == second.macs
    assert first.peak_memory_bytes < 1.5e9
    with pytest.raises(ValueError, match="expected a grid"):
        plan(Model.module)


def test_whole_passes_say_why():
    class Odd(nn.Module):
        def forward(self, x):
            return x.mean((2, 3)) if x.sum() > 0 else x.amax((2, 3))

    promised = plan(Odd().eval(), (9, 8), 2, 3)
    assert "trace" in promised.reason
    assert promised.ratio == 1 or promised.macs == 0


def test_estimate_is_a_time():
    network = calm(Gate())
    promised = plan(network, (14, 17, 12), 5, 4, channels=2)
    assert 0 < promised.estimate_seconds() < 60
    masks = [np.zeros((14, 17, 12), bool) for _ in range(2)]
    masks[0][2:4] = True
    assert plan(network, (14, 17, 12), regions=masks, channels=2).windows == 2


def test_the_plan_of_a_network_that_wraps_another_is_that_of_the_whole():
    """A wrapper that holds its network as ``module`` is not taken for a model."""

    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv3d(1, 4, 3)

        def forward(self, x, numbers=None):
            return self.conv(x).mean((2, 3, 4)) * numbers

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.module, self.more = Inner(), nn.Conv3d(1, 1, 3, padding=1)

        def forward(self, x):
            return self.module(self.more(x), torch.ones(1, 4))

    network = Outer().eval()
    found = plan(network, (12, 11, 10), 4, 4)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 12, 11, 10))
    assert found.plain_macs == found.windows * counter.get_total_flops() // 2
