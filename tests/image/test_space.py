"""Registered scans are told from others, with room to spare."""

import numpy as np
import pytest
from nibabel.affines import from_matvec
from nibabel.eulerangles import euler2mat
from scipy import ndimage

from mriinterp.image.nifti import read_volume
from mriinterp.image.space import (
    MNI_CORRELATION,
    check_mni_space,
    check_skull_stripped,
    looks_skull_stripped,
    mni_correlation,
    skull_signal,
)
from mriinterp.image.template import DEMO_GRID, brain_mask, template, tissue
from mriinterp.image.volume import Grid, Volume, resample

MARGIN = 0.05


def moved(volume, matrix=None, by=(0, 0, 0)):
    return Volume(volume.data, from_matvec(np.eye(3) if matrix is None else matrix, by) @ volume.affine)


MOVES = {
    "3 cm to the right": (None, (30, 0, 0)),
    "3 cm to the left": (None, (-30, 0, 0)),
    "3 cm to the front": (None, (0, 30, 0)),
    "3 cm to the back": (None, (0, -30, 0)),
    "3 cm up": (None, (0, 0, 30)),
    "3 cm down": (None, (0, 0, -30)),
    "upside down": (np.diag([1, 1, -1]), (0, 0, 20)),
    "back to front": (np.diag([1, -1, 1]), (0, -36, 0)),
    "nodding 30°": (euler2mat(0, 0, np.pi / 6), (0, 0, 0)),
    "turned 30°": (euler2mat(np.pi / 6), (0, 0, 0)),
    "tilted 30°": (euler2mat(0, np.pi / 6), (0, 0, 0)),
    "on its side": (euler2mat(0, np.pi / 2), (0, 0, 0)),
    "axes swapped": (np.eye(3)[[1, 0, 2]], (0, 0, 0)),
    "in metres": (np.eye(3) / 1000, (0, 0, 0)),
    "30% too small": (np.eye(3) * 0.7, (0, 0, 0)),
}


@pytest.fixture(scope="module")
def scan():
    return template(DEMO_GRID)


def with_skull(volume, rng):
    """Fluid, a dark skull, a bright scalp and noise around a stripped brain."""
    level = float(volume.data.max())
    mm = ndimage.distance_transform_edt(~ndimage.binary_fill_holes(volume.data > 0.05 * level)) * 1.5
    head = volume.data + level * (0.2 * ((mm > 0) & (mm <= 3)) + 1.2 * ((mm > 9) & (mm < 16)))
    return volume.with_data(head + np.abs(rng.normal(0, 0.03 * level, volume.data.shape)))


def test_the_real_scans(shared_data):
    registered = sorted((shared_data / "ds002748" / "mni").glob("*.nii.gz"))
    native = sorted((shared_data / "ds002748" / "native").glob("*.nii.gz"))
    assert len(registered) == 8
    assert len(native) == 2
    for path in registered:
        volume = read_volume(path)
        assert check_mni_space(volume) > MNI_CORRELATION + 4 * MARGIN
        assert looks_skull_stripped(volume)
    for path in native:
        volume = read_volume(path)
        assert mni_correlation(volume) < MNI_CORRELATION - 6 * MARGIN
        with pytest.raises(ValueError, match=r"sub-5\d.* not lie in MNI space.*correlation of 0\.\d\d.*Register"):
            check_mni_space(volume, path.name)


@pytest.mark.parametrize("move", MOVES)
def test_moved_scans_are_refused(scan, move, shared_data):
    assert mni_correlation(moved(scan, *MOVES[move])) < MNI_CORRELATION - MARGIN
    real = read_volume(shared_data / "ds002748/mni/sub-56_space-MNI152_desc-brain_T1w.nii.gz")
    assert mni_correlation(moved(real, *MOVES[move])) < MNI_CORRELATION - MARGIN


def test_left_and_right_cannot_be_told(scan):
    assert mni_correlation(moved(scan, np.diag([-1, 1, 1]))) > 0.9


@pytest.mark.parametrize(
    "grid",
    [
        DEMO_GRID,
        Grid((182, 218, 182), from_matvec(np.diag([-1, 1, 1]), [90, -126, -72])),
        Grid((91, 109, 91), from_matvec(np.diag([2, 2, 2]), [-90, -126, -72])),
        Grid((60, 74, 60), from_matvec(np.diag([3, 3, 3]), [-90, -126, -72])),
        Grid((160, 140, 80), from_matvec(euler2mat(0.1, -0.15, 0.2) @ np.diag([1.3, 1.8, 3]), [-60, -140, -110])),
    ],
    ids=str,
)
def test_any_grid(grid):
    assert mni_correlation(template(grid)) > 0.9


def test_intensities_do_not_matter_but_contrast_does(scan, rng):
    level = mni_correlation(scan)
    assert mni_correlation(scan.with_data(scan.data * 1e-4 - 3)) == pytest.approx(level, abs=1e-3)
    bias = np.exp(np.linspace(-0.4, 0.4, scan.data.shape[0]))[:, None, None]
    assert mni_correlation(scan.with_data(scan.data * bias)) > 0.9
    spikes = np.where(rng.random(scan.data.shape) < 1e-5, 1e5, scan.data)
    assert mni_correlation(scan.with_data(spikes)) > 0.9
    assert mni_correlation(tissue("gm")) < 0  # not a T1 scan
    assert abs(mni_correlation(scan.with_data(rng.random(scan.data.shape)))) < 0.2
    assert mni_correlation(brain_mask()) < MNI_CORRELATION - MARGIN
    assert mni_correlation(scan.with_data(np.ones(scan.data.shape))) == 0


def test_a_skull_changes_little(scan, rng):
    head = with_skull(scan, rng)
    assert mni_correlation(head) == pytest.approx(mni_correlation(scan), abs=0.1)
    assert skull_signal(head) > 0.5
    assert skull_signal(scan) < 0.02
    assert not looks_skull_stripped(head)
    check_skull_stripped(scan)
    with pytest.raises(ValueError, match=r"sub-1 still shows skull or scalp: \d+%.*remove the skull"):
        check_skull_stripped(head, "sub-1")


def test_stripped_and_normalised_scans_count_as_stripped(scan):
    z = scan.with_data((scan.data - scan.data.mean()) / scan.data.std())
    assert looks_skull_stripped(z)
    cut = resample(z, Grid((100, 120, 96), scan.affine @ from_matvec(np.eye(3), [6, 8, 6])))
    assert looks_skull_stripped(cut)


def test_a_scan_that_ends_at_the_brain_is_not_blamed():
    inner = Grid((20, 20, 20), from_matvec(np.eye(3) * 2, [-20, -40, 0]))
    assert skull_signal(template(inner)) == 0


def test_tiny_and_odd_volumes(small_volume):
    assert mni_correlation(small_volume) < MNI_CORRELATION
    slab = Volume(np.ones((1, 1, 500), np.float32), np.diag([0.1, 0.1, 0.1, 1]))
    assert mni_correlation(slab) < MNI_CORRELATION
