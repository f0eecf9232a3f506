"""Relevance by the steps of a network beside that of the tape."""

import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.nn import functional as F

from mriinterp.explain import relevance
from mriinterp.gradient import run
from mriinterp.gradient.forward import has_codes
from mriinterp.incremental.traced import take_apart
from mriinterp.methods import lrp_run
from mriinterp.methods.lrp_rules import alpha_beta, epsilon, flat, gamma
from mriinterp.methods.lrp_steps import has_rules
from tests.gradient.test_random_networks import SETTINGS, halving_networks
from tests.incremental.occlusion_networks import calm

SMALL = epsilon(0.01)
RULES = {
    "epsilon": (SMALL, SMALL, SMALL),
    "alphabeta": (alpha_beta(0.5),) * 3,
    "beta 0": (alpha_beta(0),) * 3,
    "composite": (flat, gamma(0.25), SMALL),
}
SHAPE = (14, 15, 13)


pytestmark = pytest.mark.usefixtures("nothing_known")


def image(seed=0, background=True):
    x = torch.randn(1, 1, *SHAPE, generator=torch.Generator().manual_seed(seed))
    if background:
        x[:, :, :5] = 0
    return x


def both(network, x, rules, score="raw"):
    """Relevance by steps and by the tape."""
    apart = take_apart(network, x, whole=True)
    assert has_rules(apart.network)
    before = x.clone()
    by_steps = lrp_run._by_steps(network, apart.network, x, 0, score, rules)
    assert torch.equal(x, before)
    return by_steps, lrp_run._by_autograd(network, x, 0, score, rules)


def assert_same(found, expected):
    assert found.shape == expected.shape
    wrong = (found - expected).abs() > 1e-5 * expected.abs().max()
    assert wrong.float().mean() <= 1e-3, f"{int(wrong.sum())} of {wrong.numel()} voxels differ"


class Paper(nn.Module):
    """Like the paper's network, small."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.second = nn.Conv3d(1, 4, 3), nn.BatchNorm3d(4), nn.Conv3d(4, 5, 2)
        self.dense, self.out = nn.Linear(40, 6), nn.Linear(6, 2)

    def forward(self, x):
        x = F.max_pool3d(F.relu(self.norm(self.first(x))), 2)
        x = F.max_pool3d(F.relu(self.second(x)), 2)
        return self.out(F.relu(self.dense(x.flatten(1))))


class NormBehindPooling(Paper):
    """As the network of Qiu et al.: batch norm, which turns signs, behind the pooling; a leaky ReLU; padding."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(1, 4, 5, stride=2, padding=2)
        self.dense = nn.Linear(5, 6)
        self.leaky = nn.LeakyReLU(0.1)

    def forward(self, x):
        x = self.leaky(self.norm(F.max_pool3d(self.first(x), 3, 2)))
        return self.out(F.relu(self.dense(F.max_pool3d(self.second(x), 2).flatten(1))))


class Branches(Paper):
    """Two convolutions read the same map, and their channels stand side by side."""

    def __init__(self):
        super().__init__()
        self.other = nn.Conv3d(4, 3, 2)
        self.dense = nn.Linear(64, 6)

    def forward(self, x):
        x = F.max_pool3d(F.relu(self.first(x)), 2)
        x = F.max_pool3d(torch.cat([F.relu(self.second(x)), F.relu(self.other(x))], 1), 2)
        return self.out(F.relu(self.dense(x.flatten(1))))


def made(cls, seed=0):
    torch.manual_seed(seed)
    return calm(cls())


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
@pytest.mark.parametrize("cls", [Paper, NormBehindPooling, Branches])
def test_maps_are_those_of_the_tape(cls, rules):
    network = made(cls)
    for seed in range(3):
        assert_same(*both(network, image(seed), rules))


@settings(max_examples=30, **SETTINGS)
@given(halving_networks())
def test_pooling_by_halves(case):
    network, x = case
    apart = take_apart(network, x, whole=True).network
    assert any(has_codes(step) for step in apart.steps)
    for rules in RULES.values():
        assert_same(*both(network, x, rules))


@pytest.mark.parametrize("method", ["lrp_epsilon", "lrp_alphabeta", "lrp_composite"])
def test_methods_take_the_steps_after_both_ways_were_compared(monkeypatch, method):
    monkeypatch.setattr(run, "SMALL_IMAGE", 0)
    network, calls = made(Paper), []
    for name in ("_by_steps", "_by_autograd"):
        function = getattr(lrp_run, name)
        monkeypatch.setattr(lrp_run, name, lambda *a, n=name, f=function, **k: calls.append(n) or f(*a, **k))
    first = relevance(network, image(1), method, target=1)
    assert calls == ["_by_steps", "_by_autograd", "_by_steps"]
    relevance(network, image(2), method, target=1)
    assert calls[3:] == ["_by_steps"]
    monkeypatch.setattr(run, "SMALL_IMAGE", 2**30)
    assert_same(first, relevance(network, image(1), method, target=1))
    assert calls[4:] == ["_by_autograd"]


class Detached(Paper):
    """Its second layer's bias is the first layer's mean, which no relevance goes through."""

    def forward(self, x):
        x = F.max_pool3d(F.relu(self.first(x)), 2)
        x = F.max_pool3d(F.relu(self.second(x + x.detach())), 2)
        return self.out(F.relu(self.dense(x.flatten(1))))


def test_other_networks_go_by_the_tape(monkeypatch):
    monkeypatch.setattr(run, "SMALL_IMAGE", 0)
    network, x = made(Detached), image()
    expected = lrp_run._by_autograd(network, x, 0, "raw", RULES["epsilon"])
    found = lrp_run.propagate_relevance(network, x, 0, "raw", first=SMALL, convolution=SMALL, dense=SMALL)
    assert torch.equal(found, expected)
