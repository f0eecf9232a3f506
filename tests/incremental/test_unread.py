"""The ends of maps that nothing reads are left out, and nothing else changes."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mriinterp.incremental import Occluder, grid_boxes, unread
from mriinterp.incremental.traced import take_apart
from mriinterp.models.classification3d import ClassificationModel3D
from tests.gradient.comparing import assert_as_autograd

from .occlusion_networks import assert_exact, calm, plain_loop


def test_the_papers_network_reads_two_fifths_of_a_scan():
    x = torch.zeros(1, 1, 113, 137, 113)
    network = take_apart(calm(ClassificationModel3D()), x).network
    assert unread.read_shape(network.steps).tolist() == [78, 114, 78]
    macs = sum(step.macs(step.shape) for step in network.steps)
    assert 0.35 < macs / network.whole_macs < 0.42
    whole = take_apart(calm(ClassificationModel3D()), x, whole=True).network
    assert sum(step.macs(step.shape) for step in whole.steps) == network.whole_macs


class ReadsShape(nn.Module):
    """Divides by the voxels of a map whose end no pooling reads."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool = nn.Conv3d(1, 2, 3), nn.MaxPool3d(4)

    def forward(self, x):
        x = self.conv(x)
        return self.pool(x).sum((2, 3, 4)) / (x.shape[2] * x.shape[3])


class TwoReaders(nn.Module):
    """A map of which one reader needs more than the other."""

    def __init__(self):
        super().__init__()
        self.conv, self.few, self.more = nn.Conv3d(1, 2, 3, padding=1), nn.AvgPool3d(5), nn.Conv3d(2, 3, 2, 3)

    def forward(self, x):
        x = self.conv(x)
        return torch.cat([self.few(x).flatten(1), F.relu(self.more(x)).flatten(1)], 1)


class UnevenAverage(nn.Module):
    """Averages whose divisors differ at the border that is left out."""

    def __init__(self):
        super().__init__()
        self.conv, self.mean = nn.Conv3d(1, 2, 2), nn.AvgPool3d(3, 2, 1, count_include_pad=False, ceil_mode=True)
        self.pool = nn.MaxPool3d(3)

    def forward(self, x):
        return self.pool(self.mean(self.conv(x))).flatten(1)


@pytest.mark.parametrize("kernel", [3, 6])
def test_windows_that_see_padding_only(kernel, monkeypatch, nothing_known):
    """A pooling reads no cell of the image, or the first one only."""
    monkeypatch.setattr(unread, "WORTH", 1.0)
    torch.manual_seed(0)
    layers = nn.Conv3d(1, 2, 3), nn.Conv3d(2, 2, 1, padding=5), nn.MaxPool3d(kernel, 20)
    network, x = calm(nn.Sequential(*layers, nn.Flatten())), torch.randn(1, 1, 9, 10, 11)
    boxes = grid_boxes(x.shape[2:], 4, 3)
    assert_exact(Occluder(network, x).run(boxes), plain_loop(network, x, boxes))
    assert_as_autograd(network, x)


@pytest.mark.parametrize("cls", [ReadsShape, TwoReaders, UnevenAverage])
def test_who_reads_what(cls, monkeypatch, nothing_known):
    monkeypatch.setattr(unread, "WORTH", 1.0)
    torch.manual_seed(0)
    network, x = calm(cls()), torch.randn(1, 1, 12, 13, 16)
    occluder, boxes = Occluder(network, x), grid_boxes(x.shape[2:], 4, 3)
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))
    assert occluder.reason is None
    saved = occluder.network.whole_macs - sum(step.macs(step.shape) for step in occluder.network.steps)
    assert (saved > 0) == (cls is not ReadsShape)
    assert_as_autograd(network, x)


def test_little_to_leave_out_is_kept():
    """One row of a map that nothing reads is no reason to make padding uneven."""
    network = calm(nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.MaxPool3d(2), nn.Flatten()))
    apart = take_apart(network, torch.zeros(1, 1, 41, 40, 40)).network
    assert apart.steps[1].between[0] == (41, 40, 40)
    assert sum(step.macs(step.shape) for step in apart.steps) == apart.whole_macs
