"""Whole passes where they are faster, as fast as they can be, and a plan that says so."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mriinterp.incremental import Occluder, grid_boxes, plan, ways
from mriinterp.incremental import trace as trace_module
from mriinterp.incremental.lean import run_whole
from mriinterp.incremental.plain import flat_outputs
from mriinterp.incremental.trace import UNTRACED, Untraceable
from mriinterp.incremental.traced import Apart, take_apart
from mriinterp.incremental.ways import FEW, Way, whole_way

from .occlusion_networks import Gate, PaddedPools, assert_exact, calm, plain_loop

SHAPE = (17, 18, 16)
BOXES = grid_boxes(SHAPE, 5, 4)

pytestmark = pytest.mark.usefixtures("measured")


class EarlyGate(nn.Module):
    """A gate behind the first of three convolutions: little is left to save."""

    def __init__(self):
        super().__init__()
        self.first, self.seen = nn.Conv3d(1, 4, 3, padding=1), []
        self.rest = nn.Sequential(nn.Conv3d(4, 8, 3), nn.ReLU(), nn.Conv3d(8, 8, 3), nn.ReLU())

    def forward(self, x):
        x = torch.relu(self.first(x))
        return self.rest(x * torch.sigmoid(x.mean((2, 3, 4), keepdim=True))).mean((2, 3, 4))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return EarlyGate().eval()


@pytest.fixture
def image():
    return torch.randn(1, 1, *SHAPE, generator=torch.Generator().manual_seed(1))


def judged(monkeypatch, whole, parts):
    """Let a whole pass and a region take so many seconds."""
    monkeypatch.setattr(ways, "_fastest", lambda module, apart, x, most: Way(min(2, most), True, False, whole))
    monkeypatch.setattr(ways, "_window_seconds", lambda engine, groups, tail: parts)


@pytest.mark.parametrize(("whole", "parts"), [(1.0, 2.0), (2.0, 1.0)])
def test_a_plan_says_what_is_run(network, image, monkeypatch, whole, parts):
    judged(monkeypatch, whole, parts)
    promised = plan(network, image, 5, 4)
    occluder = Occluder(network, image)
    assert occluder.reason is None
    passes = []
    network.rest[1].register_forward_pre_hook(lambda module, inputs: passes.append(len(inputs[0])))
    with FlopCounterMode(display=False) as counter:
        found = occluder.run(BOXES)
    network.rest[1]._forward_pre_hooks.clear()
    assert promised.reason == occluder.reason
    assert_exact(found, plain_loop(network, image, BOXES))
    if whole < parts:
        assert "whole passes are faster" in occluder.reason
        assert passes == [2] * (len(BOXES) // 2)
        assert promised.macs == promised.plain_macs == counter.get_total_flops() // 2
        assert promised.ratio == 1
    else:
        assert not passes  # its tail is a copy of the network's
        assert promised.macs < promised.plain_macs


@pytest.mark.parametrize(("whole", "parts"), [(1.0, 2.0), (2.0, 1.0)])
def test_a_run_decides_for_later_plans(network, image, monkeypatch, whole, parts):
    judged(monkeypatch, whole, parts)
    occluder = Occluder(network, image)
    assert_exact(occluder.run(BOXES), plain_loop(network, image, BOXES))
    judged(monkeypatch, parts, whole)
    assert plan(network, image, 5, 4).reason == occluder.reason
    assert (occluder.reason is None) == (parts < whole)


def test_what_is_measured_is_remembered(network, image, monkeypatch):
    judged(monkeypatch, 1.0, 2.0)
    reason = plan(network, image, 5, 4).reason
    judged(monkeypatch, 2.0, 1.0)
    assert plan(network, image, 5, 4).reason == reason is not None
    other = calm(Gate())
    assert plan(other, (14, 17, 12), 5, 4, channels=2).reason is None


def test_few_regions_are_not_worth_a_trial(network, image, monkeypatch):
    def never(*args):
        raise AssertionError("measured")

    monkeypatch.setattr(ways, "_fastest", never)
    monkeypatch.setattr(ways, "_window_seconds", never)
    occluder = Occluder(network, image)
    few = BOXES[: FEW - 1]
    assert_exact(occluder.run(few), plain_loop(network, image, few))
    assert occluder.reason == plan(network, image, regions=few).reason is not None


def test_much_to_save_needs_no_trial(monkeypatch):
    monkeypatch.setattr(ways, "_fastest", None)
    shape = (40, 41, 42)
    network = calm(PaddedPools(shape))
    assert plan(network, shape, 5, 4).reason is None


def test_whole_passes_of_networks_that_look_at_everything(image):
    """Every arrangement and batch gives the plain loop's outputs."""

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.Conv3d(4, 4, 3, stride=2))

        def forward(self, x):
            return self.net(x - x.mean((1, 2, 3, 4), keepdim=True)).flatten(1)

    network = Whole().eval()
    occluder = Occluder(network, image)
    assert "reads all of it" in occluder.reason
    assert_exact(occluder.run(BOXES), plain_loop(network, image, BOXES))


class Picky(nn.Module):
    """Reads one arrangement in memory only, and gives something else for four images."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images):
        self.seen.append((len(images), images.is_contiguous()))
        if not images.is_contiguous():
            raise RuntimeError("view size is not compatible with input tensor's size and stride")
        return images.view(len(images), -1)[:, :4] * (1 if len(images) < 4 else 2)


def test_the_fastest_way_is_a_right_one():
    """Arrangements that a layer cannot read, and batches that give something else, are no candidates."""
    x, picky, apart = torch.rand(1, 3, 6, 7, 5), Picky().eval(), Apart(None, "it looks at everything")
    way = whole_way(picky, apart, x, 8, 100)
    assert not way.channels_last
    assert way.batch < 4
    assert (1, False) in picky.seen
    assert whole_way(picky, apart, x, 1, 100).batch == 1
    assert whole_way(None, apart, x, 8, FEW - 1) == whole_way(None, Apart(None, "", "key"), x, 1, 1)


class Lean(nn.Module):
    """Convolutions behind a gate, with padding in front of them, batch norms behind, and values that are written over."""

    def __init__(self, written):
        super().__init__()
        self.first, self.written = nn.Conv3d(2, 4, 3), written
        self.pad, self.conv, self.norm = (
            nn.ConstantPad3d((1, 0, 2, 1, 0, 0), 0.0),
            nn.Conv3d(4, 6, 3),
            nn.BatchNorm3d(6),
        )
        self.second, self.after = nn.Conv3d(6, 6, 3, padding="same", groups=2, bias=False), nn.BatchNorm3d(6)
        self.twice = nn.Conv3d(6, 6, 1)

    def forward(self, x):
        x = self.first(x)
        x = x * torch.sigmoid(x.mean((2, 3, 4), keepdim=True))
        padded = self.pad(x)
        if self.written:
            x.mul_(2)  # the padded map has the values from before
        y = self.norm(self.conv(padded))
        y = torch.nn.functional.relu(self.after(self.second(y)))
        z = self.twice(y)
        return (self.norm(z) + z).mean((2, 3, 4)) + x.sum((2, 3, 4))[:, :1]


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("exported", [False, True])
def test_what_a_tail_is_made_of_changes_nothing(written, exported, monkeypatch):
    module = calm(Lean(written))
    x = torch.randn(2, 2, 11, 12, 10, generator=torch.Generator().manual_seed(0))
    if exported:
        monkeypatch.setattr(trace_module, "_graph", refuse)
    apart = take_apart(module, x[:1])
    assert apart.reason is None
    expected = module(x.clone())
    with torch.inference_mode():
        for last in (False, True):
            apart.network.tail_last = last
            torch.testing.assert_close(
                flat_outputs(run_whole(apart.network, x.clone())), expected, rtol=1e-4, atol=1e-5
            )
    names = [type(call.function).__name__ for call in apart.network.calls]
    assert "ConstantPad3d" not in names or written
    assert names.count("BatchNorm3d") == (0 if exported else 1)  # one reads what something else reads as well


def refuse(module):
    raise Untraceable(f"{UNTRACED}: not today")


def test_the_network_that_was_taken_apart_may_be_the_fastest_way(network, image, monkeypatch):
    occluder = Occluder(network, image)
    monkeypatch.setattr(ways, "_fastest", lambda module, apart, x, most: Way(2, apart=True, seconds=1.0))
    monkeypatch.setattr(ways, "_window_seconds", lambda engine, groups, tail: 2.0)
    assert_exact(occluder.run(BOXES), plain_loop(network, image, BOXES))
    assert "whole passes are faster" in occluder.reason


def test_every_way_is_tried(network, image):
    found = ways._fastest(network, take_apart(network, image), image, 4)
    assert found.seconds < float("inf")


def test_one_slow_timing_does_not_decide(network, image, monkeypatch):
    cost = {(1, False): [1.0], (1, True): [1.0], (2, False): [1.1, 0.6], (2, True): [0.9]}  # seconds of an image
    clock, left, run = [0.0], {way: list(times) for way, times in cost.items()}, ways.run_images

    def timed(module, apart, images, way):
        times = left[way.batch, way.channels_last]
        clock[0] += len(images) * (times.pop(0) if len(times) > 1 else times[0])
        return run(module, apart, images, way)

    monkeypatch.setattr(ways, "run_images", timed)
    monkeypatch.setattr(ways, "seconds_now", lambda device: clock[0])
    found = ways._fastest(network, Apart(None, "", None), image, 2)
    assert (found.batch, found.channels_last, found.apart) == (2, False, False)
    assert found.seconds == pytest.approx(0.6)
