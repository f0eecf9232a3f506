"""Exported programs, and networks that only torch.export can follow."""

import logging

import pytest
import torch
from monai.networks.blocks.squeeze_and_excitation import SEResNetBottleneck
from monai.networks.nets import BasicUNet, SENet
from torch import nn

from mriinterp.incremental import Occluder, grid_boxes, plan
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.models.exported import OneByOne

from .occlusion_networks import Gate, Plane, assert_exact, calm, plain_loop

SHAPES = {"paper": (1, 113, 137, 113), "gate": (2, 14, 17, 12), "plane": (1, 41, 38), "squeeze": (1, 40, 36, 44)}
NETWORKS = {
    "paper": lambda: ClassificationModel3D(128),
    "gate": Gate,
    "plane": Plane,
    # One block of each of the four kinds that SEResNet50 repeats.
    "squeeze": lambda: SENet(
        3, 1, SEResNetBottleneck, (1, 1, 1, 1), groups=1, reduction=16, num_classes=2, dropout_prob=None, inplanes=64,
        downsample_kernel_size=1, input_3x3=False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("batch", ["one", "any"])
@pytest.mark.parametrize("name", NETWORKS)
def test_exported_program(name, batch):
    torch.manual_seed(0)
    network = calm(NETWORKS[name]()) if name != "squeeze" else NETWORKS[name]().eval()
    x = torch.randn(2, *SHAPES[name])
    if batch == "one":
        program = OneByOne(torch.export.export(network, (x[:1],)).module())
    else:
        program = torch.export.export(network, (x,), dynamic_shapes=({0: torch.export.Dim("n")},)).module()
    program.training = False  # exported programs refuse eval(); they were exported in eval mode
    x = x[:1]
    boxes = grid_boxes(x.shape[2:], 12, 9)
    boxes = boxes[:: max(1, len(boxes) // 6)]
    occluder = Occluder(program, x)
    assert occluder.reason is None
    assert len(occluder.network.steps) > 3
    assert_exact(occluder.run(boxes, 0.2), plain_loop(network, x, boxes, 0.2))


def test_shape_dependent_flow():
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3)

        def forward(self, x):
            if x.shape[1] != 1 or x.dim() != 4:
                raise ValueError("expected one channel")
            x = self.conv(x)
            if min(x.shape[2:]) > 4:
                x = torch.max_pool2d(x.relu_(), 2)
            return torch.cat([part.mean((2, 3)) for part in x.split(1)])

    network, x = Careful().eval(), torch.randn(1, 1, 13, 11)
    boxes = grid_boxes((13, 11), 4, 3)
    occluder = Occluder(network, x)
    assert occluder.reason is None
    assert [step.kind for step in occluder.network.steps] == ["input", "convmax", "map"]
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))
    assert plan(network, x, 4, 3).reason is None


def test_data_dependent_flow_runs_whole(caplog):
    class Odd(nn.Module):
        def forward(self, x):
            return x.mean((2, 3)) if x.sum() > 0 else x.amax((2, 3))

    network, x = Odd().eval(), torch.randn(1, 1, 8, 8)
    occluder = Occluder(network, x)
    assert "control flow" in occluder.reason
    assert "whole passes" in caplog.text
    boxes = grid_boxes((8, 8), 4, 3)
    assert_exact(occluder.run(boxes, 5.0), plain_loop(network, x, boxes, 5.0))


def test_forward_hooks_run_whole():
    network = Plane().eval()
    network.first.register_forward_hook(lambda module, inputs, output: output * 2)
    x = torch.randn(1, 1, 20, 21)
    occluder = Occluder(network, x)
    assert "hooks" in occluder.reason
    boxes = grid_boxes((20, 21), 6, 5)
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))


class Asking(nn.Module):
    """Asks what it was given, as MONAI's BasicUNet does: no tensor, while it is traced."""

    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 2, 3)

    def forward(self, x):
        x = self.conv(x).relu()
        if isinstance(x, torch.Tensor):
            x = x + 1
        return self.last(x).flatten(1)


def test_a_graph_that_is_not_the_network_is_found_out():
    torch.manual_seed(0)
    network, x = Asking().eval(), torch.randn(1, 1, 12, 11)
    boxes = grid_boxes((12, 11), 4, 3)
    occluder = Occluder(network, x)
    assert occluder.reason is None  # torch.export goes the right way
    assert_exact(occluder.clean[None], network(x).detach())
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))


def test_where_nothing_follows_it_the_network_itself_runs(monkeypatch):
    monkeypatch.setattr(torch.export, "export", lambda *args, **kwargs: 1 / 0)
    network, x = Asking().eval(), torch.randn(1, 1, 12, 11)
    occluder = Occluder(network, x)
    assert "other outputs than the network" in occluder.reason
    assert plan(network, x, 4, 3).reason == occluder.reason
    boxes = grid_boxes((12, 11), 4, 3)
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))


def test_a_random_network_need_not_agree():
    class Random(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x.relu().flatten(1), 0.5)

    assert Occluder(Random().eval(), torch.randn(1, 1, 9, 8)).reason is None


class Converting(nn.Module):
    """Converts to what it has, and widens a residual by channels, as MONAI's HighResNet does."""

    def __init__(self, wanted):
        super().__init__()
        self.wanted, self.conv, self.last = wanted, nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3, padding=1)

    def forward(self, x):
        x = self.conv(x).to(self.wanted)
        if min(x.shape[2:]) > 3:
            x = self.last(x).to(torch.float32) + nn.functional.pad(x, (0, 0, 0, 0, 1, 1))
        return x.relu_().mean((2, 3))


@pytest.mark.parametrize("wanted", ["cpu", torch.float32, torch.float64])
def test_conversions(wanted):
    torch.manual_seed(0)
    network, x = Converting(wanted).eval(), torch.randn(1, 1, 12, 11)
    if wanted == torch.float64:
        network.last.double()
    boxes = grid_boxes((12, 11), 4, 3)
    occluder = Occluder(network, x)
    assert occluder.reason is None
    assert (len(occluder.network.steps) == 2) == (wanted == torch.float64)  # a change of type begins the tail
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))


def test_basic_unet():
    network = BasicUNet(spatial_dims=2, in_channels=1, out_channels=2, features=(4, 4, 6, 8, 8, 4), norm="batch").eval()
    x = torch.randn(1, 1, 33, 32)
    boxes = grid_boxes((33, 32), 9, 12)
    assert_exact(Occluder(network, x).run(boxes), plain_loop(network, x, boxes))


class AsksValues(nn.Module):
    """Goes another way where an image is bright, which neither fx nor torch.export can follow."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(1, 2, 3)

    def forward(self, x):
        x = x * 2 if x.mean() > 1e9 else x
        return self.conv(x).mean((2, 3, 4))


def test_a_failed_export_prints_nothing(capfd, caplog):
    assert Occluder(AsksValues().eval(), torch.rand(1, 1, 6, 7, 8)).reason is not None
    assert "def forward" not in "".join(capfd.readouterr())
    assert not [r for r in caplog.records if r.name.startswith("torch") and r.levelno >= logging.WARNING]
