"""Air, brain and extremes of a scan, by the template or by the scan itself."""

import numpy as np
import pytest

from mriinterp.image import intensity
from mriinterp.image.intensity import measure_intensities
from mriinterp.image.template import DEMO_GRID, brain_mask, template
from mriinterp.image.volume import Grid, Volume, resample

LAS = Grid((91, 109, 91), np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]]))


@pytest.fixture(scope="module")
def brain():
    """The template's brain, 0 outside."""
    return np.where(brain_mask(DEMO_GRID).data, template(DEMO_GRID).data, 0).astype(np.float32)


def of(data, grid=DEMO_GRID):
    return measure_intensities(Volume(data, grid.affine))


def test_a_stripped_scan(brain):
    found = of(brain)
    assert (found.air, found.air_spread, found.air_above, found.air_off) == (0, 0, 0, 0)
    assert 100 < found.brain < found.bulk < found.highest
    assert found.dark < 0.01
    assert (found.lowest, found.highest) == (0, brain.max())
    assert found.brightness == found.bulk


def test_an_offset_and_a_factor_move_with_the_scan(brain):
    one, other = of(brain), of(3 * brain - 20)
    for name in ("air", "brain", "bulk", "lowest", "highest"):
        assert getattr(other, name) == pytest.approx(3 * getattr(one, name) - 20, rel=1e-5)
    assert other.brightness == pytest.approx(3 * one.brightness)
    assert (other.air_above, other.air_off) == (0, 1)


@pytest.mark.parametrize(
    "grid", [LAS, Grid((60, 70, 60), np.array([[3.0, 0, 0, -88], [0, 3, 0, -124], [0, 0, 3, -70], [0, 0, 0, 1]]))]
)
def test_whatever_the_grid(brain, grid):
    scan = resample(Volume(brain + 7, DEMO_GRID.affine), grid)
    inside = resample(Volume(np.ones_like(brain), DEMO_GRID.affine), grid).data > 0.5
    found = measure_intensities(scan.with_data(np.where(inside, scan.data, 7)))
    assert found.air == pytest.approx(7)
    assert found.brain == pytest.approx(of(brain).brain + 7, rel=0.02)


def test_noise_in_the_air(brain, rng):
    found = of(np.abs(brain + rng.normal(0, 5, brain.shape)).astype(np.float32))
    assert found.air == pytest.approx(5 * 0.6745, rel=0.05)  # the median of half a normal distribution
    assert found.air_spread > 2
    assert found.air_above == 1


def test_air_in_part_of_the_picture(brain):
    data = brain.copy()
    data[:, :, :50] += np.where(brain[:, :, :50] == 0, 10, 0)
    found = of(data)
    assert found.air == 0
    assert 0.2 < found.air_off < 0.5
    assert found.air_off == found.air_above


def test_extremes_are_those_of_all_voxels(brain):
    data = brain.copy()
    data[0, 0, 0], data[-1, -1, -1] = 1e6, -1e6
    found = of(data)
    assert (found.lowest, found.highest) == (-1e6, 1e6)
    assert found.bulk == pytest.approx(of(brain).bulk, rel=1e-3)


def test_a_scan_of_less_than_the_brain_is_judged_by_itself():
    data = np.full((20, 21, 22), 4.0, np.float32)
    data[5:15, 5:15, 5:15] = np.linspace(-1, 9, 1000).reshape(10, 10, 10)
    found = of(data, Grid(data.shape, np.eye(4)))
    assert (found.air, found.air_spread, found.air_off) == (4, 0, 1)
    assert found.brain == pytest.approx(4, abs=0.02)
    assert found.dark == pytest.approx(0.1, abs=0.002)


def test_a_scan_without_air_shows_none(rng):
    data = rng.uniform(1, 2, (7, 8, 9)).astype(np.float32)
    found = of(data, Grid(data.shape, np.eye(4)))
    assert (found.air, found.air_off, found.air_above, found.dark) == (None, 0, 0, 0)
    assert found.brain == pytest.approx(np.median(data))
    flat = of(np.full((7, 8, 9), 3.0, np.float32), Grid((7, 8, 9), np.eye(4)))
    assert (flat.air, flat.brain, flat.brightness) == (None, 3, 3)


def test_a_brain_without_air_around_it(brain):
    """Cut at the brain: there is brain to be judged, and no air."""
    box = tuple(slice(int(hit.min()), int(hit.max()) + 1) for hit in np.nonzero(brain))
    affine = DEMO_GRID.affine.copy()
    affine[:3, 3] = DEMO_GRID.to_mm([side.start for side in box])
    found = of(np.ascontiguousarray(brain[box] - 500), Grid(brain[box].shape, affine))
    assert found.dark == 1


def test_measured_once_a_volume(brain, monkeypatch):
    volume = Volume(brain, DEMO_GRID.affine)
    first = measure_intensities(volume)
    monkeypatch.setattr(intensity, "_measure", None)
    assert measure_intensities(volume) is first


def test_eight_real_scans_are_as_expected(shared_data):
    from mriinterp.image.nifti import read_volume

    for path in sorted((shared_data / "ds002748" / "mni").glob("*.nii.gz"))[:3]:
        found = measure_intensities(read_volume(path))
        assert (found.air, found.air_off) == (0, 0)
        assert found.dark < 0.02
        assert found.highest < 2 * found.bulk
