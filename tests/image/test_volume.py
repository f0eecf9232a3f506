"""Volumes and grids against plain loops and nibabel."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine, from_matvec
from scipy import ndimage

from mriinterp.image.volume import Grid, Volume, check_same_grid, resample


def test_grid_maps_voxels_to_mm_and_back(oblique_affine, rng):
    grid = Grid((7, 8, 9), oblique_affine)
    voxels = rng.uniform(0, 6, (5, 2, 3))
    np.testing.assert_allclose(grid.to_mm(voxels), apply_affine(oblique_affine, voxels))
    np.testing.assert_allclose(grid.to_voxel(grid.to_mm(voxels)), voxels, atol=1e-12)
    np.testing.assert_allclose(grid.voxel_sizes, (1.5, 2.0, 2.5))
    assert grid.voxel_volume == pytest.approx(7.5)


@pytest.mark.parametrize(
    "affine",
    [
        np.zeros((4, 4)),
        np.eye(3),
        np.diag([1, 1, 0, 1.0]),
        np.full((4, 4), np.nan),
        from_matvec([[1e5, 1e5, 0], [1e-5, 0, 0], [0, 0, 1]]),  # determinant 1, yet two axes are one
        np.diag([1e300, 1, 1, 1]),
        np.eye(4) + np.eye(4)[::-1],
    ],
    ids=["zero", "3x3", "flat", "nan", "nearly flat", "huge", "perspective"],
)
def test_unusable_affines_are_refused(affine):
    with pytest.raises(ValueError, match="affine"):
        Grid((7, 8, 9), affine)


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
def test_small_and_large_voxels_are_fine(size):
    assert Grid((7, 8, 9), np.diag([size, size, size, 1])).voxel_volume == pytest.approx(size**3)


@pytest.mark.parametrize(
    "shape",
    [
        (7, 8),
        (7, 0, 9),
        (7, -8, 9),
        (7, 8, 9, 1),
        (7, 8, 9.5),
        (7, 8, 1e400),
        (7, 8, np.nan),
        (7, 8, 2**31),
        (7, 8, 10**400),
        (7, 8, "9"),
        (7, 8, None),
        (7, 8, [9]),
        (True, 8, 9),
        "789",
        789,
        None,
        {7: 0, 8: 0, 9: 0},
    ],
)
def test_unusable_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected a shape of three positive whole numbers") as caught:
        Grid(shape, np.eye(4))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("shape", [[7, 8, 9], (7.0, 8, 9), np.array([7, 8, 9]), (np.int16(7), np.float32(8), 9)])
def test_whole_numbers_of_any_type_are_a_shape(shape):
    grid = Grid(shape, np.eye(4))
    assert grid.shape == (7, 8, 9)
    assert all(type(n) is int for n in grid.shape)


@pytest.mark.parametrize(
    "affine",
    [
        None,
        "identity",
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0]],
        [["1", "0", "0", "0"], ["0", "1", "0", "0"], ["0", "0", "1", "0"], ["0", "0", "0", "1"]],
        [[10**400, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        [[1e400, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        [[1j, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        [[{}] * 4] * 4,
        np.ones((200, 200)),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(affine):
    with pytest.raises(ValueError, match=r"expected a (finite )?4×4 affine") as caught:
        Grid((7, 8, 9), affine)
    assert len(str(caught.value)) < 200


def test_matches_looks_at_every_corner(oblique_affine):
    grid = Grid((7, 8, 9), oblique_affine)
    turned = oblique_affine.copy()
    turned[0, 2] += 0.001  # 8 micrometres at the far end only
    nearly = oblique_affine + np.vstack([np.full((3, 4), 1e-9), np.zeros(4)])
    assert grid.matches(Grid((7, 8, 9), nearly))
    assert not grid.matches(Grid((7, 8, 9), turned))
    assert not grid.matches(Grid((7, 8, 10), oblique_affine))


def test_check_same_grid_names_both(small_volume):
    other = Volume(np.zeros((7, 8, 10)), small_volume.affine)
    with pytest.raises(ValueError, match=r"map: 7×8×9 .*scan: 7×8×10"):
        check_same_grid(small_volume, other, "map", "scan")
    check_same_grid(small_volume, small_volume.grid)


def test_voxels_are_read_only_and_the_callers_array_is_not(rng):
    mine = rng.normal(size=(7, 8, 9)).astype(np.float32)
    volume = Volume(mine, np.eye(4))
    with pytest.raises(ValueError, match="read-only"):
        volume.data[0, 0, 0] = 1
    mine[0, 0, 0] = 1  # still the caller's own


def test_types():
    assert Volume(np.zeros((2, 2, 2)), np.eye(4)).data.dtype == np.float32
    assert Volume(np.zeros((2, 2, 2), np.int16), np.eye(4)).data.dtype == np.int16
    with pytest.raises(ValueError, match="complex"):
        Volume(np.zeros((2, 2, 2), complex), np.eye(4))
    with pytest.raises(ValueError, match="3D"):
        Volume(np.zeros((2, 2)), np.eye(4))


def test_digest_tells_doubtful_volumes_apart(small_volume):
    digests = {
        Volume(small_volume.data, small_volume.affine, notes=notes).digest
        for notes in ((), ("mirrored",), ("mirrored", "NaN"))
    }
    assert len(digests) == 3
    assert small_volume.digest in digests


def test_digest_depends_on_voxels_affine_type_and_nothing_else(small_volume):
    same = Volume(np.asfortranarray(small_volume.data), small_volume.affine)
    assert same.digest == small_volume.digest
    changed = small_volume.data.copy()
    changed[3, 4, 5] += 1
    assert small_volume.with_data(changed).digest != small_volume.digest
    moved = from_matvec(np.eye(3), [1e-6, 0, 0]) @ small_volume.affine
    assert Volume(small_volume.data, moved).digest != small_volume.digest


@pytest.mark.parametrize("codes", ["LAS", "RAS", "PSR", "IPL", "ALI"])
def test_canonical_is_what_nibabel_does(small_volume, codes):
    turn = nib.orientations.axcodes2ornt(codes)
    data = nib.apply_orientation(small_volume.data, turn)
    affine = small_volume.affine @ nib.orientations.inv_ornt_aff(turn, small_volume.data.shape)
    volume = Volume(data, affine).canonical()
    expected = nib.as_closest_canonical(nib.Nifti1Image(data, affine))
    np.testing.assert_array_equal(volume.data, expected.get_fdata(dtype=np.float32))
    np.testing.assert_allclose(volume.affine, expected.affine, atol=1e-12)


def test_canonical_remembers_where_it_came_from(small_volume):
    flipped = Volume(small_volume.data[::-1], small_volume.affine @ from_matvec(np.diag([-1, 1, 1]), [6, 0, 0]))
    canonical = flipped.canonical()
    assert canonical.source.matches(flipped.grid)
    np.testing.assert_array_equal(resample(canonical, canonical.source, 3).data, flipped.data)


def nearest_by_loop(volume, grid):
    out = np.zeros(grid.shape, volume.data.dtype)
    inverse = np.linalg.inv(volume.affine)
    for voxel in np.ndindex(grid.shape):
        at = apply_affine(inverse, apply_affine(grid.affine, voxel))
        index = np.floor(at + 0.5).astype(int)
        if np.all(index >= 0) and np.all(index < volume.data.shape):
            out[voxel] = volume.data[tuple(index)]
    return out


def trilinear_by_loop(volume, grid):
    out = np.zeros(grid.shape)
    inverse = np.linalg.inv(volume.affine)
    for voxel in np.ndindex(grid.shape):
        at = apply_affine(inverse, apply_affine(grid.affine, voxel))
        base = np.floor(at).astype(int)
        for corner in np.ndindex(2, 2, 2):
            index = base + corner
            if np.all(index >= 0) and np.all(index < volume.data.shape):
                weight = np.prod(1 - np.abs(at - index))
                out[voxel] += weight * volume.data[tuple(index)]
    return out


OTHER_GRID = Grid((9, 7, 6), from_matvec(np.diag([-1.7, 1.9, 2.3]), [7.3, -8.1, -10.2]))


def test_nearest_neighbour_against_a_plain_loop(small_volume, rng):
    labels = Volume(rng.integers(0, 100, (7, 8, 9)), small_volume.affine)
    moved = resample(labels, OTHER_GRID, order=0)
    np.testing.assert_array_equal(moved.data, nearest_by_loop(labels, OTHER_GRID))
    assert moved.data.any()
    assert moved.data.dtype == labels.data.dtype


def test_trilinear_against_a_plain_loop(small_volume):
    expected = trilinear_by_loop(small_volume, OTHER_GRID)
    np.testing.assert_allclose(resample(small_volume, OTHER_GRID, order=1).data, expected, atol=2e-6)
    assert np.abs(expected).max() > 0.5


@pytest.mark.parametrize("order", [0, 1, 3])
def test_equal_to_nilearn_between_the_outermost_centres(rng, order):
    image = pytest.importorskip("nilearn.image")
    volume = Volume(
        rng.normal(size=(20, 21, 22)).astype(np.float32), from_matvec(np.diag([2.0, 2, 2]), [-20, -20, -20])
    )
    grid = Grid((29, 30, 27), from_matvec(np.diag([1.7, 1.8, 1.9]), [-25.313, -26.217, -24.931]))
    name = {0: "nearest", 1: "linear", 3: "continuous"}[order]
    theirs = image.resample_img(
        nib.Nifti1Image(volume.data, volume.affine), grid.affine, grid.shape, interpolation=name, force_resample=True
    ).get_fdata(dtype=np.float32)
    ours = resample(volume, grid, order).data
    voxels = volume.grid.to_voxel(grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1)))
    margin = 4 if order == 3 else 0  # a spline's values depend on how the image goes on
    inside = ((voxels >= margin) & (voxels <= np.array(volume.data.shape) - 1 - margin)).all(axis=-1)
    beyond = ((voxels <= -1) | (voxels >= volume.data.shape)).any(axis=-1)
    assert inside.any()
    assert beyond.any()
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=1e-2 if order == 3 else 1e-5)
    if order < 3:
        assert not ours[beyond].any()
        assert not theirs[~inside & ~beyond].any()
        assert ours[~inside & ~beyond].any()


@pytest.mark.parametrize("finer", [2, 3, 4])
def test_the_edge_keeps_the_sum(small_volume, finer):
    """What a map holds stays what it holds: the outermost voxels count whole."""
    shape = tuple((n + 2) * finer for n in small_volume.data.shape)
    step = from_matvec(np.eye(3) / finer, [-1.5 + 0.5 / finer] * 3)  # one voxel more on each side
    fine = resample(small_volume, Grid(shape, small_volume.affine @ step))
    assert fine.data.sum(dtype=float) / finer**3 == pytest.approx(small_volume.data.sum(dtype=float), rel=1e-4)


def test_labels_reach_to_the_outer_face(oblique_affine):
    labels = Volume(np.ones((3, 3, 3), np.int16), oblique_affine)
    line = Grid((9, 1, 1), oblique_affine @ from_matvec(np.diag([0.5, 1, 1]), [-0.99, 1, 1]))  # −0.99, −0.49, 0.01 …
    assert resample(labels, line, order=0).data.ravel().tolist() == [0, 1, 1, 1, 1, 1, 1, 0, 0]


def test_cubic_is_exact_on_a_smooth_function(oblique_affine):
    grid = Grid((20, 22, 24), oblique_affine)

    def wave(points):
        return np.sin(points[..., 0] / 8) + np.cos(points[..., 1] / 9) * points[..., 2] / 20

    volume = Volume(wave(grid.to_mm(np.moveaxis(np.indices(grid.shape), 0, -1))), grid.affine)
    inner = Grid((6, 6, 6), oblique_affine @ from_matvec(np.eye(3), [8.3, 8.6, 9.4]))
    expected = wave(inner.to_mm(np.moveaxis(np.indices(inner.shape), 0, -1)))
    np.testing.assert_allclose(resample(volume, inner, order=3).data, expected, atol=1e-3)
    assert np.abs(resample(volume, inner, order=0).data - expected).max() > 0.05


def test_masks_stay_masks(small_volume):
    mask = small_volume.with_data(small_volume.data > 0)
    moved = resample(mask, OTHER_GRID, order=0)
    assert moved.data.dtype == bool
    np.testing.assert_array_equal(moved.data, nearest_by_loop(mask, OTHER_GRID))


def test_same_grid_passes_bitwise(small_volume):
    assert resample(small_volume, small_volume.grid, order=3).data.tobytes() == small_volume.data.tobytes()


def test_unknown_order_is_refused(small_volume):
    with pytest.raises(ValueError, match="order"):
        resample(small_volume, small_volume.grid, order=5)


@settings(deadline=None)  # the machine may be busy
@given(flips=st.tuples(*[st.booleans()] * 3), turn=st.permutations(range(3)), pad=st.integers(0, 3))
def test_reordering_and_padding_are_exact(flips, turn, pad):
    rng = np.random.default_rng(7)
    affine = from_matvec(np.array([[1.4, 0.2, -0.1], [-0.2, 1.9, 0.3], [0.1, -0.3, 2.4]]), [-4, -7, -11])
    volume = Volume(rng.normal(size=(7, 8, 9)).astype(np.float32), affine)
    signs = np.where(flips, -1, 1)
    shape = np.array(volume.data.shape)[list(turn)]
    matrix = np.zeros((3, 3))
    matrix[list(turn), range(3)] = signs
    offset = np.zeros(3)
    offset[list(turn)] = np.where(flips, shape - 1, 0)
    to_old = from_matvec(matrix, offset) @ from_matvec(np.eye(3), [-pad] * 3)
    grid = Grid(tuple(shape + 2 * pad), affine @ to_old)
    expected = np.flip(volume.data.transpose(turn), [a for a in range(3) if flips[a]])
    np.testing.assert_array_equal(resample(volume, grid, order=3).data, np.pad(expected, pad))


@pytest.mark.parametrize("order", [0, 1])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_axes_that_do_not_mix_are_interpolated_as_scipy_does(order, data):
    """Scales and shifts of half voxels, as between 1 and 1.5 mm, are exact; others to rounding."""
    halves = data.draw(st.booleans())
    steps = st.integers(-6, 6).filter(bool).map(lambda v: v / 2) if halves else st.floats(0.2, 2.5)
    shifts = st.integers(-8, 20).map(lambda v: v / 2) if halves else st.floats(-4, 10)
    scale, shift = (np.array(data.draw(st.tuples(one, one, one))) for one in (steps, shifts))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    values = rng.integers(-99, 99, data.draw(st.tuples(*3 * [st.integers(1, 6)]))).astype(np.float32)
    grid = Grid((4, 5, 6), from_matvec(np.diag(scale), shift))
    found = resample(Volume(values, np.eye(4)), grid, order)
    wanted = ndimage.affine_transform(
        values, np.diag(scale), shift, output_shape=grid.shape, order=order, mode="grid-constant"
    )
    np.testing.assert_allclose(found.data, wanted, rtol=1e-6, atol=0 if halves or order == 0 else 1e-5)
    assert found.data.dtype == np.float32
