"""Where the boxes of an occlusion lie: one formula for engine, methods, cost and viewer."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriinterp.incremental import BoxGrid, grid_boxes

small = st.integers(1, 12)


@given(st.lists(st.tuples(st.integers(1, 30), small, small), min_size=2, max_size=3), st.booleans())
def test_boxes_written_out(axes, published):
    shape, size, stride = zip(*axes, strict=True)
    if published and min(size) < 2:
        with pytest.raises(ValueError, match="size of 2 or more with the published placement"):
            BoxGrid(shape, size, stride, published)
        return
    sides = []
    for n, k, step in axes:
        inside = []
        for centre in range(0, n, step):
            first = centre - k // 2
            last = centre + k // 2 - 1 if published else first + k - 1
            hidden = [voxel for voxel in range(n) if first <= voxel <= last]
            inside.append((hidden[0], hidden[-1] + 1))
        sides.append(inside)
    grid = BoxGrid(shape, size, stride, published)
    assert grid.boxes == grid_boxes(shape, size, stride, published=published) == list(product(*sides))
    assert grid.counts == tuple(map(len, sides))
    hidden = np.zeros(shape, bool)
    for box in grid.boxes:
        hidden[tuple(slice(*side) for side in box)] = True
    assert grid.missed == pytest.approx(1 - hidden.mean(), abs=1e-12)
    assert bool(grid.warning) == (not hidden.all())


def test_boxes_of_the_paper():
    grid = BoxGrid((113, 137, 113), 40, 25, published=True)
    assert grid.counts == (5, 6, 5)
    assert grid.ranges[1][-1] == (105, 137)
    assert BoxGrid((113,), 41, 25, published=True).ranges[0][1] == (5, 45)
    assert BoxGrid((113,), 41, 25).ranges[0][1] == (5, 46)
    assert grid.warning == ""


@pytest.mark.parametrize(("size", "stride"), [(0, 1), (1, 0), ((3, 3, -1), 2)])
def test_sizes_and_strides_below_one_are_refused(size, stride):
    with pytest.raises(ValueError, match="at least 1"):
        grid_boxes((5, 5, 5), size, stride)


def test_what_is_never_hidden_is_said():
    assert BoxGrid((100, 100, 100), 20, 21).warning.endswith("the stride of 21 is larger than the box of 20 voxels")
    assert BoxGrid((100, 100, 100), 21, 21, published=True).warning.startswith("27.1% of the voxels lie in no box")
    assert "stride of 21 is larger than the box of 20" in BoxGrid((100,) * 3, 21, 21, published=True).warning
    ends = BoxGrid((113, 137, 113), 40, 40).warning
    assert ends.startswith("21.7% of the voxels lie in no box and are never hidden: the last boxes end at voxel 100 of")
    assert "113 along i, voxel 100 of 113 along k" in ends
