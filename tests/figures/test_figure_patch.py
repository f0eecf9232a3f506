"""The occlusion patch is drawn where occlusion hides."""

import numpy as np
import pytest

from mriinterp.figures.patch import patch_boxes, patch_figure, patch_words
from mriinterp.volume import Grid, Volume

GRID = Grid((13, 17, 11), np.array([[2.0, 0, 0, -12], [0, 3, 0, -24], [0, 0, 4, -20], [0, 0, 0, 1]]))
FLIPPED = Grid((13, 17, 11), GRID.affine @ np.array([[-1, 0, 0, 12], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))


@pytest.mark.parametrize("grid", [GRID, FLIPPED])
@pytest.mark.parametrize("published", [False, True])
def test_the_box_covers_what_occlusion_hides(grid, published):
    size, stride, mm = 5, 4, (1.0, 2.0, 3.0)
    figure = patch_figure(Volume(np.ones(GRID.shape), GRID.affine), grid, size, stride, mm=mm, published=published)
    voxel = np.array([round(v / stride) * stride for v in grid.to_voxel(mm)])
    before, after = size // 2, size // 2 if published else size - size // 2
    hidden = np.zeros(grid.shape, bool)
    hidden[tuple(slice(max(c - before, 0), c + after) for c in voxel)] = True
    centres = grid.to_mm(np.argwhere(hidden))
    low = centres.min(axis=0) - np.array(grid.voxel_sizes) / 2
    high = centres.max(axis=0) + np.array(grid.voxel_sizes) / 2
    for shape, (across, up) in zip(figure.layout.shapes, ((1, 2), (0, 2), (0, 1)), strict=True):
        assert (shape.x0, shape.x1) == pytest.approx((low[across], high[across]))
        assert (shape.y0, shape.y1) == pytest.approx((low[up], high[up]))


def test_centres_are_those_of_occlusion():
    figure = patch_figure(Volume(np.ones(GRID.shape), GRID.affine), GRID, 5, 4)
    _, dots, *_ = figure.data
    assert sorted(set(dots.x)) == [-24 + 12 * n for n in range(5)]
    assert sorted(set(dots.y)) == [-20 + 16 * n for n in range(3)]
    assert [len(ranges) for ranges in patch_boxes(GRID, 5, 4)] == [4, 5, 3]
    assert "4 × 5 × 3 = 60 positions" in patch_words(GRID, 5, 4)
    assert "4 voxels an edge (8 × 12 × 16 mm)" in patch_words(GRID, 5, 4, published=True)


def test_slices_are_where_the_axes_say():
    data = np.zeros(GRID.shape, np.float32)
    data[2:-2, 2:-2, 2:-2] = 1
    data[3, 8, 4] = 9
    figure = patch_figure(Volume(data, GRID.affine), GRID, 5, 4, mm=(0, 0, -4))
    axial = figure.data[4]
    row, column = np.unravel_index(np.asarray(axial.z).argmax(), (17, 13))
    assert axial.x[column] == -6
    assert axial.y[row] == 0
    flipped = patch_figure(Volume(data, GRID.affine), GRID, 5, 4, radiological=True)
    assert flipped.layout.xaxis.autorange is True
    assert flipped.layout.xaxis3.autorange == "reversed"
    assert flipped.layout.xaxis3.title.text.startswith("R")
