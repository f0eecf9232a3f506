"""A network is taken apart once, and again whenever anything about it has changed."""

import copy

import pytest
import torch
from torch import nn

from mriinterp.incremental import Occluder, grid_boxes, plan
from mriinterp.incremental.digest import digest_of
from mriinterp.incremental.traced import MOST_NETWORKS, _kept, forget_networks

from .occlusion_networks import PaddedPools, assert_exact, calm, plain_loop
from .test_random_networks import NORMALISED

SHAPE = (9, 11, 10)
BOXES = grid_boxes(SHAPE, 4, 4)


@pytest.fixture(autouse=True)
def fresh():
    torch.manual_seed(0)
    forget_networks()
    yield
    forget_networks()


@pytest.fixture
def exports(monkeypatch):
    """Every call of torch.export.export."""
    calls, export = [], torch.export.export
    monkeypatch.setattr(torch.export, "export", lambda *args, **kwargs: calls.append(1) or export(*args, **kwargs))
    return calls


def test_exported_once_for_many_scans_and_copies(exports):
    network = calm(PaddedPools(SHAPE))
    network(torch.zeros(1, 1, *SHAPE))  # sets an attribute of its own
    for seed in range(3):
        copied = copy.deepcopy(network, {id(p): p for p in network.parameters()})
        x = torch.randn(1, 1, *SHAPE, generator=torch.Generator().manual_seed(seed))
        assert_exact(Occluder(copied, x).run(BOXES), plain_loop(network, x, BOXES))
        plan(network, SHAPE, 4, 4)
    assert len(exports) == 1


def test_exported_again_for_another_shape(exports):
    network = calm(nn.Sequential(PaddedPools(SHAPE).convolutions, nn.AdaptiveAvgPool3d(1)))
    for shape in (SHAPE, (12, 9, 9)):
        assert plan(network, shape, 4, 4).reason is None
    assert len(exports) == 2


def _weights_in_place(network):
    with torch.no_grad():
        network.convolutions[0].weight.mul_(-1)


def _weights_behind_autograd(network):
    network.fc[2].weight.data[0] += 1


def _statistics(network):
    network.convolutions[1].running_var += 1


def _attribute(network):
    network.convolutions[2] = nn.LeakyReLU(0.5)


@pytest.mark.parametrize("change", [_weights_in_place, _weights_behind_autograd, _statistics, _attribute])
def test_a_change_is_seen(change):
    network, x = calm(PaddedPools(SHAPE)), torch.randn(1, 1, *SHAPE)
    untouched = copy.deepcopy(network)
    before = Occluder(network, x).run(BOXES)
    change(network)
    expected = plain_loop(network, x, BOXES)
    assert (expected - before).abs().max() > 1e-4
    assert_exact(Occluder(network, x).run(BOXES), expected)
    assert_exact(Occluder(untouched, x).run(BOXES), before)  # what is kept of it has not changed with the other


def test_digests():
    network = calm(PaddedPools(SHAPE))
    assert digest_of(network) == digest_of(copy.deepcopy(network)) != digest_of(PaddedPools(SHAPE).eval())
    wide = copy.deepcopy(network)
    wide.convolutions[0].padding = (0, 0, 0)
    assert digest_of(wide) != digest_of(network)
    network.lock = (n for n in range(3))  # cannot be written down
    assert digest_of(network) is None
    x = torch.randn(1, 1, *SHAPE)
    assert_exact(Occluder(network, x).run(BOXES[:3]), plain_loop(network, x, BOXES[:3]))
    assert not _kept


def test_a_class_that_was_defined_anew():
    def make(sign):
        class Net(nn.Module):
            def forward(self, x):
                return sign * x.flatten(1)

        return Net().eval()

    assert digest_of(make(1)) != digest_of(make(-1))


def test_few_are_kept():
    for out in range(MOST_NETWORKS + 3):
        plan(nn.Sequential(nn.Conv2d(1, out + 1, 3), nn.Flatten()).eval(), (6, 5), 2, 2)
    assert len(_kept) == MOST_NETWORKS


@pytest.mark.parametrize("number", range(len(NORMALISED)))
def test_normalised_weights(number):
    """Weight norm and spectral norm, as hooks and as parametrizations; their parts were changed since the last pass."""
    wrap = NORMALISED[number]
    layers = [wrap(nn.Conv3d(1, 4, 3)), nn.ReLU(True), wrap(nn.Conv3d(4, 4, 3, padding=1)), nn.Flatten()]
    network = nn.Sequential(*layers, wrap(nn.Linear(4 * 7 * 9 * 8, 2))).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1)
    x = torch.randn(1, 1, *SHAPE)
    occluder = Occluder(network, x)
    assert occluder.reason is None
    assert [step.kind for step in occluder.network.steps] == ["input", "conv", "map", "conv"]
    assert_exact(occluder.run(BOXES), plain_loop(network, x, BOXES))
