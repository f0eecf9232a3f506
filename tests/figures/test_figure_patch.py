"""What is said of the occlusion patch is what occlusion does."""

import numpy as np
import pytest
import torch

from mriinterp.figures.patch import patch_words
from mriinterp.image.volume import Grid
from mriinterp.incremental import BoxGrid
from mriinterp.methods import get_method

GRID = Grid((13, 17, 11), np.array([[2.0, 0, 0, -12], [0, 3, 0, -24], [0, 0, 4, -20], [0, 0, 0, 1]]))


class _Watch(torch.nn.Module):
    """Remembers where its input is hidden."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def forward(self, x):
        for one in x:
            hidden = np.argwhere(one[0].numpy() == 0)
            if len(hidden):
                self.seen.add(tuple(zip(hidden.min(axis=0).tolist(), (hidden.max(axis=0) + 1).tolist(), strict=True)))
        return x.flatten(1)[:, :2]


@pytest.mark.parametrize("placement", ["cells", "published"])
@pytest.mark.parametrize(("size", "stride"), [(4, 4), (5, 4), (3, 5), (2, 1)])
def test_boxes_are_those_that_the_network_sees_hidden(placement, size, stride):
    network = _Watch().eval()
    with torch.inference_mode():
        get_method("occlusion").function(
            network,
            torch.ones(1, 1, *GRID.shape),
            0,
            score="raw",
            size=size,
            stride=stride,
            fill="zero",
            placement=placement,
        )
    boxes = get_method("occlusion").boxes_on(GRID.shape, {"size": size, "stride": stride, "placement": placement})
    assert network.seen == set(boxes.boxes)
    assert boxes == BoxGrid(GRID.shape, size, stride, published=placement == "published")


@pytest.mark.parametrize("stride", [1, 4])
def test_a_box_of_one_voxel_hides_one_voxel(stride):
    boxes = get_method("occlusion").boxes_on(GRID.shape, {"size": 1, "stride": stride, "placement": "cells"})
    assert all(stop - start == 1 for box in boxes.boxes for start, stop in box)


def test_words_tell_voxels_millimetres_and_number():
    def words(size, **more):
        return patch_words(GRID, BoxGrid(GRID.shape, size, 4, **more))

    assert "4 × 5 × 3 = 60 positions" in words(5)
    assert "5 voxels an edge (10 × 15 × 20 mm), moved by 4 voxels (8 × 12 × 16 mm)" in words(5)
    assert "4 voxels an edge (8 × 12 × 16 mm)" in words(5, published=True)
    shape = (113, 137, 113)
    assert "(60 mm), moved by 25 voxels (37.5 mm)" in patch_words(
        Grid(shape, np.diag([1.5, 1.5, 1.5, 1])), BoxGrid(shape, 40, 25)
    )
