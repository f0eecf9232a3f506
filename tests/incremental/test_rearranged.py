"""Networks that repeat, choose or convert channels before their first layer: steps as others, and true reasons."""

import re

import pytest
import torch
from torch import nn

from mriinterp import relevance
from mriinterp.gradient import Gradients
from mriinterp.gradient.run import by_autograd
from mriinterp.incremental import Occluder, grid_boxes

from .occlusion_networks import assert_exact, calm, plain_loop

SHAPE = (12, 13, 14)
THREE, ONE, TWO = 3, 1, 2

STARTS = {
    "repeat": (lambda x: x.repeat(1, 3, 1, 1, 1), ONE, THREE),
    "repeat of two": (lambda x: x.repeat((1, 2, 1, 1, 1)), TWO, 4),
    "tile": (lambda x: x.tile((1, 3, 1, 1, 1)), ONE, THREE),
    "expand": (lambda x: x.expand(-1, 3, -1, -1, -1), ONE, THREE),
    "expand by its shape": (lambda x: x.expand(x.shape[0], 3, *SHAPE), ONE, THREE),
    "interleave": (lambda x: torch.repeat_interleave(x, 3, dim=1), ONE, THREE),
    "cat": (lambda x: torch.cat([x, x, x], 1), ONE, THREE),
    "memory format": (lambda x: x.to(memory_format=torch.channels_last_3d), ONE, ONE),
    "contiguous": (lambda x: x.contiguous(memory_format=torch.channels_last_3d), ONE, ONE),
    "float": (lambda x: x.float().to(torch.float32).type(torch.float32), ONE, ONE),
    "first channel": (lambda x: x[:, :1], TWO, ONE),
    "a channel, all voxels": (lambda x: x[:, 1:2, :, :], TWO, ONE),
    "twice": (lambda x: (x * 2).repeat(1, 2, 1, 1, 1)[:, 1:].repeat(1, 3, 1, 1, 1), ONE, THREE),
}


class Start(nn.Module):
    """A small network behind a start; `exported` makes its flow depend on a shape, which fx cannot follow."""

    def __init__(self, start, channels, exported):
        super().__init__()
        self.start, self.exported = start, exported
        self.body = nn.Sequential(nn.Conv3d(channels, 4, 3), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(4, 6, 3), nn.ReLU())
        self.end = nn.Linear(6, 2)

    def forward(self, x):
        if self.exported and x.shape[2] < 3:
            raise ValueError("expected an image of 3 voxels")
        return self.end(self.body(self.start(x)).mean((2, 3, 4)))


def made(name, exported=False):
    start, channels, inner = STARTS[name]
    generator = torch.Generator().manual_seed(2)
    torch.manual_seed(0)
    return Start(start, inner, exported).eval(), torch.randn(1, channels, *SHAPE, generator=generator)


@pytest.mark.parametrize("exported", [False, True], ids=["fx", "export"])
@pytest.mark.parametrize("name", STARTS)
def test_a_start_is_a_step(name, exported):
    network, x = made(name, exported)
    occluder = Occluder(network, x)
    boxes = grid_boxes(SHAPE, 5, 4)
    found = occluder.run(boxes)
    assert occluder.reason is None
    assert_exact(found, plain_loop(network, x, boxes))


@pytest.mark.parametrize("name", STARTS)
def test_gradients_by_the_steps_are_those_of_autograd(name, monkeypatch):
    monkeypatch.setattr("mriinterp.gradient.run.SMALL_IMAGE", 1)
    network, x = made(name)
    for p in network.parameters():
        p.requires_grad_(False)
    gradients = Gradients(network, x)
    assert gradients.reason is None
    found, _ = gradients(x, lambda out: out[:, 1])
    expected, _ = by_autograd(network, x, lambda out: out[:, 1])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["repeat", "tile", "expand", "interleave"])
@pytest.mark.parametrize("method", ["lrp_epsilon", "lrp_alphabeta", "lrp_composite"])
def test_relevance_of_copies_is_added(name, method):
    network, x = made(name)
    same = made("cat")[0]
    found, expected = (relevance(net, x, method, target=1) for net in (network, same))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (lambda x: x - x.mean(), "'mean' on the image reads all of it"),
        (lambda x: x.masked_fill(x < 0, 0), "no rule to compute its operation '(masked_fill|lt)' on a part"),
        (lambda x: x.repeat(1, 1, 2, 1, 1), "no rule to compute its operation 'repeat' on a part"),
        (lambda x: x.flip(2), "no rule to compute its operation 'flip' on a part"),
        (nn.InstanceNorm3d(1), "'InstanceNorm3d' on the image reads all of it"),
    ],
)
def test_a_start_that_is_no_step_is_named(start, words):
    torch.manual_seed(0)
    network = Start(start, 1, False).eval()
    occluder = Occluder(network, torch.rand(1, 1, *SHAPE))
    assert occluder.reason is not None
    assert re.search(words, occluder.reason), occluder.reason


class Slices(nn.Module):
    """A 2D network over a scan: its slices as images of a batch, as channels, one after the other, or three planes."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        channels = SHAPE[2] if how == "channels" else 1
        self.body = nn.Sequential(
            *(nn.ZeroPad2d(1), nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(4, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2)),
        )

    def forward(self, x):
        return getattr(self, self.how)(x)

    def batch(self, x):
        images = x.permute(0, 4, 1, 2, 3).reshape(-1, 1, *x.shape[2:4])
        return self.body(images).view(x.shape[0], -1, 2).mean(1)

    def channels(self, x):
        return self.body(x[:, 0].permute(0, 3, 1, 2))

    def loop(self, x):
        return torch.stack([self.body(x[..., k]) for k in range(x.shape[-1])]).mean(0)

    def planes(self, x):
        return self.body(x[..., 7]) + self.body(x[:, :, :, 6]) + self.body(x[:, :, 6])


@pytest.mark.parametrize("how", ["batch", "channels", "loop", "planes"])
def test_networks_of_slices(how):
    torch.manual_seed(0)
    network, x = calm(Slices(how)), torch.rand(1, 1, *SHAPE)
    boxes = grid_boxes(SHAPE, 5, 4)
    assert_exact(Occluder(network, x).run(boxes), plain_loop(network, x, boxes))
    with pytest.raises(ValueError, match=r"other axes than the scan\. Occlusion and gradients need no layer"):
        relevance(network, x, "grad_cam", target=1)


def test_a_fault_while_a_network_is_taken_apart_leaves_whole_passes(monkeypatch):
    def fails(*_, **__):
        raise IndexError("no such axis")

    monkeypatch.setattr("mriinterp.incremental.trace.simplify", fails)
    network, x = made("cat")
    occluder = Occluder(network, x)
    assert occluder.reason == "it cannot be taken apart (IndexError: no such axis)"
    boxes = grid_boxes(SHAPE, 5, 4)[:4]
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))
