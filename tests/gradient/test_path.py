"""Gradients added up on a line: the first layer passed once, where the line begins at zero, as with a pass for each."""

from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from torch import nn

from mriinterp.gradient import Gradients, by_autograd, path, run
from mriinterp.gradient.path import Path
from tests.incremental.occlusion_networks import calm

from .comparing import weighted
from .test_random_networks import SETTINGS, exact_networks, halving_networks

PLACES = ((0.25, 0.5), (0.5, -1.0), (0.75, 2.0))


def assert_as_one_by_one(network, start, x, *, once):
    """The sum is autograd's, and the first layer was passed once or not, as expected."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    small, agreed = patch.object(run, "SMALL_IMAGE", 0), patch.object(Gradients, "agreed", return_value=True)
    with small, agreed, patch.object(path, "run_first", wraps=path.run_first) as first:
        line = Path(Gradients(network, x), weighted, start, x)
        for place, weight in PLACES:
            line.add(place, weight)
    assert first.called == once
    at = [(weight, start + place * (x - start)) for place, weight in PLACES]
    expected = sum(weight * by_autograd(network, image, weighted)[0] for weight, image in at)
    difference = (line.total() - expected).abs() / expected.abs().max().clamp(min=1e-30)
    assert float((difference > 1e-5).float().mean()) < 1e-3
    with torch.no_grad():
        for place, image in ((0, start), (0.5, start + (x - start) / 2), (1, x)):
            score = float(weighted(network(image.clone()).flatten(1)))
            assert line.value(place) == pytest.approx(score, rel=1e-5, abs=1e-5)


@settings(max_examples=25, **SETTINGS)
@given(halving_networks())
def test_halving_networks(case):
    network, x = case
    assert_as_one_by_one(network, torch.zeros_like(x), x, once=True)


@settings(max_examples=30, **SETTINGS)
@given(exact_networks())
def test_ties(case):
    """Of images of whole numbers, four on the line: halves and quarters of them are exact, ties included."""
    network, x = case
    assert_as_one_by_one(network, torch.zeros_like(x), 4 * x, once=isinstance(network[0], (nn.Conv2d, nn.Conv3d)))


@pytest.mark.parametrize(
    ("layers", "baseline"),
    [
        ([nn.Conv3d(1, 2, 3)], 0.5),  # the line does not begin at zero
        ([nn.ConstantPad3d(1, 0.5), nn.Conv3d(1, 2, 3)], 0.0),  # what pads the image is not on the line
        ([nn.BatchNorm3d(1), nn.Conv3d(1, 2, 3, padding=1)], 0.0),
        ([nn.LeakyReLU(0.2), nn.Conv3d(1, 2, 3)], 0.0),
    ],
)
def test_other_lines_are_gone_one_by_one(layers, baseline, nothing_known):
    torch.manual_seed(0)
    network = calm(nn.Sequential(*layers, nn.MaxPool3d(2), nn.ReLU(), nn.Conv3d(2, 3, 2), nn.ReLU(), nn.Flatten()))
    x = torch.randn(1, 1, 11, 12, 10)
    assert_as_one_by_one(network, torch.full_like(x, baseline), x, once=False)


class Beside(nn.Module):
    """Reads the image twice."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv3d(1, 1, 3, padding=1)

    def forward(self, x):
        return (self.first(x).relu() + x * x).flatten(1)


def test_an_image_that_is_read_twice(nothing_known):
    x = torch.randn(1, 1, 9, 10, 8)
    assert_as_one_by_one(calm(Beside()), torch.zeros_like(x), x, once=False)
