"""Where cells look and what poolings drop: against PyTorch's own shapes and gradients."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mriinterp.methods.cells import drawn_centres, field_of_view, narrowings, read_box
from mriinterp.methods.placement import published_resize
from mriinterp.models.classification3d import ClassificationModel3D


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(1, 2, 3, stride=2, padding=1)
        self.last = nn.Conv3d(2, 2, (3, 2, 1))

    def forward(self, x):
        return F.max_pool3d(self.last(F.avg_pool3d(self.conv(x), 2)), 2)


def test_sizes_and_the_box_that_is_read_are_pytorchs():
    torch.manual_seed(0)
    net, shape = Chain(), (29, 31, 33)
    found = narrowings(net, shape)
    x = torch.rand((1, 1, *shape), requires_grad=True)
    out = net(x)
    assert tuple(axis.n for axis in found[-1].cells) == tuple(out.shape[2:])
    reached = torch.zeros(shape, dtype=torch.bool)
    for _ in range(20):  # a maximum reads one place at a time: over many scans, all of them
        x = torch.rand((1, 1, *shape), requires_grad=True)
        net(x).sum().backward()
        reached |= x.grad[0, 0] != 0
    box = read_box(found[-1].cells, shape)
    for axis, part in enumerate(box):
        hit = np.flatnonzero(reached.any(dim=tuple(a for a in range(3) if a != axis)).numpy())
        assert (part.start, part.stop) == (hit[0], hit[-1] + 1)


def test_the_original_notebooks_network_ends_in_4_5_4_cells():
    found = narrowings(ClassificationModel3D(features=5120), (193, 229, 193))
    assert [axis.n for axis in found[-1].cells] == [4, 5, 4]
    assert [one.kind for one in found] == ["convolution", "pooling"] * 4


def test_the_packaged_network_drops_a_border():
    found = narrowings(ClassificationModel3D(), (113, 137, 113))
    assert [axis.n for axis in found[-1].cells] == [1, 2, 1]
    assert found[-1].dropped == (2, 1, 2)
    assert read_box(found[-1].cells, (113, 137, 113)) == (slice(0, 78), slice(0, 114), slice(0, 78))


def test_cells_are_drawn_where_the_published_code_draws_them():
    matrix = published_resize(5, 113).numpy()
    middle = [np.flatnonzero(matrix[:, c]).mean() for c in range(1, 4)]
    np.testing.assert_allclose(drawn_centres(5, 113)[1:4], middle, atol=1)
    assert drawn_centres(5, 113)[[0, -1]].tolist() == [0, 112]


def test_the_field_of_view_is_what_can_change_the_output():
    assert field_of_view(nn.Sequential(nn.Conv3d(2, 1, 3), nn.MaxPool3d(2)), (7, 8, 9), channels=2) == (
        slice(0, 6),
        slice(0, 8),
        slice(0, 8),
    )


@pytest.mark.parametrize(
    "net",
    [
        nn.Sequential(nn.Conv3d(1, 2, 3), nn.InstanceNorm3d(2), nn.MaxPool3d(2)),  # its statistics read all cells
        nn.Sequential(nn.Flatten(), nn.Linear(504, 2)),  # no cells at all
    ],
)
def test_networks_whose_layers_do_not_tell_have_no_field_of_view(net):
    assert field_of_view(net, (7, 8, 9)) is None


def test_layers_beside_each_other_are_refused():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv3d(1, 1, 3), nn.Conv3d(1, 1, 5)

        def forward(self, x):
            return self.a(x).sum() + self.b(x).sum()

    with pytest.raises(ValueError, match="follow each other"):
        narrowings(Two(), (9, 9, 9))
