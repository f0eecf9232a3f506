"""Points and images between template and scan."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from mriinterp.image.volume import Grid, Volume, resample
from mriinterp.prepare.transform import Transform, Warp

MATRIX = np.array([[0.9, 0.1, -0.05, 3.0], [-0.08, 0.85, 0.2, -11.0], [0.04, -0.15, 1.1, 7.5], [0, 0, 0, 1.0]])
TEMPLATE = Grid((20, 24, 18), np.array([[4, 0, 0, -38], [0, 4, 0, -50], [0, 0, 4, -30], [0, 0, 0, 1.0]]))


def scan():
    affine = MATRIX @ np.array([[0, 5, 0, -50], [-4.5, 0, 0, 48], [0, 0, 5.5, -44], [0, 0, 0, 1.0]])
    return Volume(np.random.default_rng(0).random((21, 19, 17), dtype=np.float32), affine)


def test_points_come_back():
    points = np.random.default_rng(1).uniform(-80, 80, (500, 3))
    transform = Transform(MATRIX)
    np.testing.assert_allclose(transform.to_template(transform.to_scan(points)), points, atol=1e-9)


def test_itk_reads_the_same_transform(tmp_path):
    path = tmp_path / "affine.txt"
    path.write_text(Transform(MATRIX).itk_text())
    itk = sitk.ReadTransform(str(path))
    point = np.array([12.0, -34.0, 56.0])
    flip = np.array([-1, -1, 1])
    np.testing.assert_allclose(
        flip * itk.TransformPoint(tuple(flip * point)), Transform(MATRIX).to_scan(point[None])[0]
    )


def test_an_image_is_resampled_as_by_its_moved_affine():
    volume = scan()
    moved = Volume(volume.data, np.linalg.inv(MATRIX) @ volume.affine)
    np.testing.assert_allclose(
        Transform(MATRIX).scan_on(volume, TEMPLATE).data, resample(moved, TEMPLATE).data, atol=1e-5
    )


def test_a_map_goes_home_by_the_inverse():
    volume = scan()
    found = Transform(MATRIX).map_on(Volume(np.ones(TEMPLATE.shape, np.float32), TEMPLATE.affine), volume.grid)
    voxels = np.argwhere(found.data > 0.999)
    at = TEMPLATE.to_voxel(Transform(MATRIX).to_template(volume.grid.to_mm(voxels)))
    assert len(voxels) > 100
    assert (at > -0.01).all()
    assert (at < np.array(TEMPLATE.shape) - 0.99).all()


def test_labels_and_masks_keep_their_type():
    volume = scan()
    labels = volume.with_data((volume.data * 90).astype(np.int16))
    found = Transform(MATRIX).scan_on(labels, TEMPLATE, order=0)
    assert found.data.dtype == np.int16
    assert set(np.unique(found.data)) <= {0, *np.unique(labels.data)}
    assert Transform(MATRIX).scan_on(volume.with_data(volume.data > 0.5), TEMPLATE, order=0).data.dtype == bool


def test_a_warp_moves_points_before_the_matrix():
    shift = np.zeros((3, *TEMPLATE.shape), np.float32)
    shift[1] = 2.0
    transform = Transform(MATRIX, Warp(shift, TEMPLATE))
    point = np.array([[1.0, 2.0, 3.0]])
    there = Transform(MATRIX).to_scan(point + np.array([0, 2, 0]))
    np.testing.assert_allclose(transform.to_scan(point), there, rtol=1e-6)


def test_a_warp_is_led_back_within_a_tenth_of_a_millimetre():
    rng = np.random.default_rng(2)
    rough = rng.normal(size=(3, *TEMPLATE.shape))
    smooth = np.stack([ndimage.gaussian_filter(part, 2.5) for part in rough])
    warp = Warp((7 * smooth / np.abs(smooth).max()).astype(np.float32), TEMPLATE)
    points = rng.uniform(-20, 20, (500, 3))
    transform = Transform(MATRIX, warp)
    assert np.abs(transform.to_scan(points) - Transform(MATRIX).to_scan(points)).max() > 3
    assert np.abs(transform.to_template(transform.to_scan(points)) - points).max() < 0.1


@pytest.mark.parametrize("order", [0, 1])
def test_only_points_that_can_reach_the_image_are_led_home(order):
    rng = np.random.default_rng(3)
    smooth = np.stack([ndimage.gaussian_filter(part, 2.5) for part in rng.normal(size=(3, *TEMPLATE.shape))])
    transform = Transform(MATRIX, Warp((5 * smooth / np.abs(smooth).max()).astype(np.float32), TEMPLATE))
    data = np.zeros(TEMPLATE.shape, np.float32)
    data[5:9, 6:11, 4:9] = rng.integers(1, 9, (4, 5, 5))
    volume, raw = Volume(data, TEMPLATE.affine), scan().grid
    voxels = np.stack(np.unravel_index(np.arange(np.prod(raw.shape)), raw.shape), axis=1)
    at = TEMPLATE.to_voxel(transform.to_template(raw.to_mm(voxels))).T
    whole = ndimage.map_coordinates(data, at, order=order, mode="grid-constant").reshape(raw.shape)
    assert whole.any()
    np.testing.assert_allclose(transform.map_on(volume, raw, order=order).data, whole, atol=1e-5)
    assert not transform.map_on(volume.with_data(np.zeros_like(data)), raw, order=order).data.any()


def test_a_transform_is_read_back_from_its_files(tmp_path):
    shift = np.random.default_rng(0).normal(size=(3, *TEMPLATE.shape)).astype(np.float32)
    whole = Transform(MATRIX, Warp(shift, TEMPLATE))
    whole.warp.write(tmp_path / "warp.nii.gz")
    found = Transform.from_itk_text(whole.itk_text(), Warp.read(tmp_path / "warp.nii.gz"))
    np.testing.assert_allclose(found.matrix, MATRIX, rtol=0, atol=1e-14)
    points = np.random.default_rng(1).uniform(-30, 30, (50, 3))
    np.testing.assert_allclose(found.to_scan(points), whole.to_scan(points), atol=1e-5)
    with pytest.raises(ValueError, match="twelve parameters"):
        Transform.from_itk_text("Parameters: 1 2 3")


def test_itk_reads_the_warp(tmp_path):
    """A displacement field of LPS vectors, applied to points of the template before the affine."""
    shift = np.zeros((3, *TEMPLATE.shape), np.float32)
    shift[0], shift[1], shift[2] = 1.0, -2.0, 3.0
    Warp(shift, TEMPLATE).write(tmp_path / "warp.nii.gz")
    field = sitk.DisplacementFieldTransform(sitk.ReadImage(str(tmp_path / "warp.nii.gz"), sitk.sitkVectorFloat64))
    flip = np.array([-1, -1, 1])
    moved = flip * field.TransformPoint(tuple(flip * np.array([2.0, 3.0, 4.0])))
    np.testing.assert_allclose(moved, [3, 1, 7], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_chunks_do_not_show(monkeypatch, seed):
    volume = scan()
    whole = Transform(MATRIX).scan_on(volume, TEMPLATE).data
    monkeypatch.setattr("mriinterp.prepare.transform.CHUNK", 1000 + seed)
    np.testing.assert_array_equal(Transform(MATRIX).scan_on(volume, TEMPLATE).data, whole)


def test_a_warp_is_kept_at_every_second_voxel(tmp_path, monkeypatch):
    """What greedy writes (vectors in LPS mm on the template's grid) moves points by the same vectors."""
    import nibabel as nib

    from mriinterp.prepare import register

    template = Volume(np.zeros(TEMPLATE.shape, np.float32), TEMPLATE.affine)
    points = TEMPLATE.to_mm(np.stack(np.meshgrid(*map(np.arange, TEMPLATE.shape), indexing="ij"), axis=-1))
    field = np.stack([0.02 * points[..., 1], 1 + 0.01 * points[..., 2], -0.03 * points[..., 0]], axis=-1)  # RAS mm
    lps = (field * [-1, -1, 1]).astype(np.float32)[:, :, :, None]
    nib.save(nib.Nifti1Image(lps, TEMPLATE.affine), tmp_path / "warp.nii")
    monkeypatch.setattr(register, "native_template", lambda: template)
    monkeypatch.setattr(register, "run_greedy", lambda command, images, read, **_: read(tmp_path))
    warp = register.register_warp(template, np.eye(4))
    assert warp.shift.shape == (3, 10, 12, 9)
    inside = np.random.default_rng(0).uniform(-25, 25, (100, 3))
    expected = np.stack([0.02 * inside[:, 1], 1 + 0.01 * inside[:, 2], -0.03 * inside[:, 0]], axis=1)
    np.testing.assert_allclose(warp(inside) - inside, expected, atol=1e-5)
