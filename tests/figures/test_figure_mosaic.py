"""Mosaics and slices: a bright voxel is where it should be, left is where the letters say."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mriinterp.figures import colours, planes
from mriinterp.figures.colours import Scale
from mriinterp.figures.mosaic import mosaic, mosaic_png, tile
from mriinterp.image.volume import Volume

AFFINE = np.array([[2.0, 0, 0, -20], [0, 3, 0, -30], [0, 0, 4, -10], [0, 0, 0, 1]])


@pytest.fixture
def scan():
    data = np.full((20, 22, 14), 50, np.float32)
    data[0, 0, 0] = 0
    return Volume(data, AFFINE)


def hot(scan, voxel):
    data = np.zeros(scan.data.shape, np.float32)
    data[voxel] = 1
    return scan.with_data(data)


def where(picture):
    """Middle of what is not grey, as shares of height and width."""
    coloured = np.argwhere(np.ptp(picture[..., :3].astype(int), axis=-1) > 20)
    return (coloured.mean(axis=0) + 0.5) / picture.shape[:2]


# voxel (3, 18, 11): left, anterior, superior
@pytest.mark.parametrize(
    ("axis", "row", "column", "marks"),
    [
        (0, 1 - 11.5 / 14, 18.5 / 22, ("P", "A", "S", "I")),
        (1, 1 - 11.5 / 14, 3.5 / 20, ("L", "R", "S", "I")),
        (2, 1 - 18.5 / 22, 3.5 / 20, ("L", "R", "A", "P")),
    ],
)
def test_a_voxel_is_where_its_letters_say(scan, axis, row, column, marks):
    voxel = (3, 18, 11)
    look = {"window": (0, 100), "pixels_per_mm": 5}
    picture = tile(scan, hot(scan, voxel), Scale(0, 1), axis, voxel[axis], **look)
    assert where(picture) == pytest.approx([row, column], abs=1e-6)
    assert planes.letters(axis) == marks
    flipped = tile(scan, hot(scan, voxel), Scale(0, 1), axis, voxel[axis], radiological=True, **look)
    if axis == 0:
        assert np.array_equal(flipped, picture)
        assert planes.letters(axis, radiological=True) == marks
    else:
        assert where(flipped) == pytest.approx([row, 1 - column], abs=1e-6)
        assert planes.letters(axis, radiological=True)[:2] == ("R", "L")


def test_pixels_are_square_in_mm(scan):
    picture = tile(scan, None, None, 1, 5, window=(0, 100), pixels_per_mm=2)
    assert picture.shape == (14 * 4 * 2, 20 * 2 * 2, 3)


def test_scans_in_another_voxel_order_look_the_same(scan):
    flipped = Volume(scan.data[::-1], AFFINE @ np.array([[-1, 0, 0, 19], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    voxel = (3, 18, 11)
    relevance = hot(scan, voxel)
    turned = Volume(relevance.data[::-1], flipped.affine)
    assert np.array_equal(mosaic(scan, relevance), mosaic(flipped, turned))


def test_the_scan_is_brought_to_the_map(scan):
    fine = Volume(np.zeros((40, 44, 28), np.float32), AFFINE @ np.diag([0.5, 0.5, 0.5, 1]))
    picture = mosaic(scan, fine, title="x")
    assert picture.shape[2] == 4
    assert (picture[..., 3] == 255).all()
    assert (picture[..., 0] > 100).any()


def test_slices_are_the_originals():
    expected = [int(np.round(113 / 7 / 2 + n * 113 / 7)) for n in range(7)]
    assert planes.slice_indices(113, 7) == expected
    assert planes.slice_indices(1, 3) == [0, 0, 0]  # np.round(5/6) = 1 would be outside


def test_positions_go_there_and_back(scan):
    assert planes.position(scan, "x", 3) == -14
    assert planes.nearest_index(scan, "x", -14.4) == 3
    with pytest.raises(ValueError, match="-20 to 18 mm"):
        planes.nearest_index(scan, "x", 40)


def test_pngs_open_again(scan):
    options = {"title": "Map <b> · é", "note": "simulated"}
    with Image.open(BytesIO(mosaic_png(scan, hot(scan, (3, 18, 11)), **options))) as image:
        assert (image.format, image.mode) == ("PNG", "RGBA")
        assert np.array_equal(np.asarray(image), mosaic(scan, hot(scan, (3, 18, 11)), **options))


def test_wrong_choices_name_the_right_ones(scan):
    with pytest.raises(ValueError, match="dark, light"):
        mosaic(scan, theme="pink")
    with pytest.raises(ValueError, match="sagittal"):
        planes.slice_of(scan.data, "up", 0)
    with pytest.raises(ValueError, match="0 to 19"):
        planes.slice_of(scan.data, 0, 20)
    assert colours.window(scan.data)[0] == 50
