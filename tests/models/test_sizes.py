"""Sizes of layers: those that a real pass gives, and none where a network cannot run on an empty scan."""

import torch
from torch import nn

from mriinterp.figures.layers import layer_bars
from mriinterp.models.sizes import layer_sizes


def test_they_are_those_of_a_real_pass_and_the_network_is_left_alone():
    net = nn.Sequential(
        nn.Conv3d(1, 4, 3), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(), nn.Linear(4 * 2 * 3 * 3, 2)
    )
    found = layer_sizes(net.train(), (7, 8, 9))
    assert [(one.kind, one.channels, one.cells) for one in found] == [
        ("convolution", 4, (5, 6, 7)),
        ("pooling", 4, (2, 3, 3)),
        ("dense", 2, ()),
    ]
    assert net.training
    assert net(torch.rand(2, 1, 7, 8, 9)).shape == (2, 2)
    figure = layer_bars(found, (7, 8, 9), ["CN", "AD"])
    assert [(bar.name, list(bar.y)) for bar in figure.data] == [
        ("Input", [9]), ("Convolution", [7]), ("Pooling", [3]), ("Dense", [1]),
    ]  # fmt: skip


def test_a_network_that_cannot_run_on_an_empty_scan_has_none():
    class Odd(nn.Conv3d):
        def forward(self, x):
            if x.max().item() <= 0:
                raise ValueError("an empty scan")
            return super().forward(x)

    assert layer_sizes(nn.Sequential(nn.Conv3d(1, 2, 3, bias=False), Odd(2, 1, 3)), (7, 8, 9)) == []
    net = nn.Sequential(nn.Conv3d(1, 2, 3), nn.Conv3d(2, 1, 3))
    assert [one.cells for one in layer_sizes(net.double(), (7, 8, 9))] == [(5, 6, 7), (3, 4, 5)]
