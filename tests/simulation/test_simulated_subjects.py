"""Simulated scans: seeded, with known disease, on the side and in the areas it claims."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from mriinterp.image.template import AREA_LABELS, area_mask, brain_mask, template, ventricle
from mriinterp.image.volume import Grid, resample
from mriinterp.simulation import atrophy
from mriinterp.simulation import subjects as simulate
from mriinterp.simulation.displacement import interpolated
from mriinterp.simulation.lesions import lesions
from mriinterp.simulation.people import stream
from mriinterp.simulation.subjects import DEMO, DEMO_GRID, apply_atrophy, make_brain, simulate_subject


def x_of(volume):
    """The x coordinate (mm) of every voxel of an upright grid, to broadcast."""
    return (np.arange(volume.data.shape[0]) * volume.affine[0, 0] + volume.affine[0, 3])[:, None, None]


def test_same_bytes_again_in_another_thread(ill):
    with ThreadPoolExecutor(2) as pool:
        again, _ = pool.map(lambda name: simulate_subject(DEMO, name), [ill.id, ill.id])
    assert again.volume.digest == ill.volume.digest
    assert again.truth.digest == ill.truth.digest


def test_unknown_ids_are_refused():
    with pytest.raises(KeyError, match="sim-001"):
        simulate_subject(DEMO, "sim-0001")


def test_volume_is_a_skull_stripped_brain_on_the_grid(ill, well):
    for subject in (ill, well):
        data = subject.volume.data
        assert subject.volume.grid.matches(DEMO_GRID)
        assert data.dtype == np.float32
        assert np.isfinite(data).all()
        assert data.min() == 0
        litres = (data > 0).sum() * DEMO_GRID.voxel_volume / 1e6
        assert 1.4 < litres < 2.5
        reference = template(DEMO_GRID).data
        both = (data > 0) & (reference > 0)
        assert np.corrcoef(data[both], reference[both])[0, 1] > 0.5


def test_truth_is_empty_without_disease(well):
    assert not well.truth.data.any()
    assert well.healthy.digest == well.diseased.digest


def test_truth_lies_in_the_diseased_structures(ill):
    truth = ill.truth.data
    assert truth.dtype == bool
    brain = brain_mask(DEMO_GRID).data
    for side in ("L", "R"):
        assert truth[area_mask("Hippocampus", side).data].mean() > 2 * truth[brain].mean()
    frontal = brain & (DEMO_GRID.to_mm(np.indices(DEMO_GRID.shape).transpose(1, 2, 3, 0))[..., 1] > 45)
    assert truth[frontal].mean() < 0.001


def test_truth_is_what_the_definition_says(ill):
    before, after = ill.healthy.data.astype(float), ill.diseased.data.astype(float)
    by_hand = np.abs(after - before) > atrophy.TRUTH_THRESHOLD * before[before > 0].mean()
    assert (by_hand != ill.truth.data).sum() <= 2  # rounding at the threshold


def test_disease_widens_ventricles(ill):
    mm = DEMO_GRID.to_mm(np.indices(DEMO_GRID.shape).transpose(1, 2, 3, 0))
    central = (np.abs(mm[..., 0]) < 35) & (mm[..., 1] > -55) & (mm[..., 1] < 30) & (mm[..., 2] > 0) & (mm[..., 2] < 30)
    fluid = [(np.where(central, v.data, 999) < 112).sum() for v in (ill.healthy, ill.diseased)]
    assert fluid[1] > 1.1 * fluid[0]


def test_lesions_darken_white_matter_of_old_brains():
    """The same person with and without ageing's scale: lesions are where the brain is darker, by their share."""
    number = next(
        n
        for n in range(1, 400)
        if simulate.row_of(DEMO, n)["severity"] == 0
        and lesions(stream(DEMO, n, 7), simulate.row_of(DEMO, n)["age"], DEMO.ageing).sum() > 150
    )
    old = make_brain(DEMO, number)
    spots = lesions(stream(DEMO, number, 7), old.row["age"])
    at = interpolated(spots, DEMO_GRID.to_voxel(old.points.T).T)
    lesion = at > 0.6
    assert lesion.sum() > 10
    white = (at == 0) & (interpolated(simulate.template().data, DEMO_GRID.to_voxel(old.points.T).T) > 215)
    assert np.median(old.before[lesion]) < np.median(old.before[white]) - 20


@pytest.mark.parametrize(("asymmetry", "heavier"), [(0.6, -1), (-0.6, 1)])
def test_asymmetry_is_on_the_side_it_names(coarse, asymmetry, heavier):
    _, truth = apply_atrophy(coarse, 0.8, asymmetry=asymmetry)
    heavy = (truth.data & (heavier * x_of(truth) > 0)).sum()
    light = (truth.data & (heavier * x_of(truth) < 0)).sum()
    assert heavy > 1.5 * light > 0


def test_atrophy_on_another_voxel_order_is_the_same_atrophy(coarse):
    flipped_affine = coarse.affine.copy()
    flipped_affine[0] = [-3, 0, 0, coarse.affine[0, 3] + 3 * (coarse.data.shape[0] - 1)]
    flipped = resample(coarse, Grid(coarse.data.shape, flipped_affine))
    out, truth = apply_atrophy(coarse, 0.8, asymmetry=0.5)
    other, other_truth = apply_atrophy(flipped, 0.8, asymmetry=0.5)
    difference = np.abs(other.data[::-1] - out.data)
    assert (difference > 0.5).mean() < 2e-3  # at one border: the transform's lengths are padded on one side
    assert difference.max() < 6
    assert (other_truth.data[::-1] != truth.data).mean() < 1e-3


def test_severity_grades_the_change_and_zero_changes_nothing(coarse):
    sizes, losses = [], []
    for severity in (0.0, 0.3, 0.6, 1.0):
        out, truth = apply_atrophy(coarse, severity)
        sizes.append(truth.data.sum())
        losses.append(((out.data > 0) & (out.data < 112)).sum())  # darker than any grey matter
        assert np.isfinite(out.data).all()
        assert ((out.data > 0) == (coarse.data > 0)).all()
        if severity == 0:
            np.testing.assert_array_equal(out.data, coarse.data)
    assert sizes[0] == 0
    assert sizes == sorted(sizes)
    assert losses == sorted(losses)


def test_atrophy_does_not_depend_on_the_intensity_scale(coarse):
    out, truth = apply_atrophy(coarse, 0.7)
    scaled, scaled_truth = apply_atrophy(coarse.with_data(coarse.data * 7), 0.7)
    np.testing.assert_allclose(scaled.data / 7, out.data, atol=0.05)
    assert (truth.data != scaled_truth.data).mean() < 1e-4


def test_a_scan_without_ventricles_is_refused(coarse):
    with pytest.raises(ValueError, match="ventricles"):
        apply_atrophy(coarse.with_data(np.zeros_like(coarse.data)), 0.5)


def test_template_structures_are_where_they_should_be():
    for side, sign in (("L", -1), ("R", 1)):
        for area in AREA_LABELS:
            at = np.argwhere(area_mask(area, side).data).mean(axis=0)
            assert sign * DEMO_GRID.to_mm(at)[0] > 4, area
        body = ventricle(side)
        assert 3 < body.data.sum() / 1000 < 15  # ml at 1 mm
        assert sign * body.grid.to_mm(np.argwhere(body.data)).mean(axis=0)[0] > 0
    with pytest.raises(KeyError, match="available: Hippocampus"):
        area_mask("Thalamus", "L")


def test_confound_is_a_mark_outside_the_brain_of_the_ill_only(ill, well):
    settings = replace(DEMO, variant="confound")
    marked, clean = simulate_subject(settings, ill.id), simulate_subject(settings, well.id)
    assert clean.volume.digest == well.volume.digest
    mark = marked.volume.data != ill.volume.data
    assert 40 < mark.sum() < 120
    assert not (mark & (ill.volume.data > 0)).any()
    centre = DEMO_GRID.to_mm(np.argwhere(mark).mean(axis=0))
    assert np.abs(centre - simulate.MARK_MM).max() < 4
    assert marked.truth.digest == ill.truth.digest


def test_suppressor_contaminates_both_groups_and_shows_alone_elsewhere(ill, well):
    settings = replace(DEMO, variant="suppressor")
    for plain in (ill, well):
        other = simulate_subject(settings, plain.id)
        inside = plain.volume.data > 0
        change = np.abs(other.volume.data - plain.volume.data)
        at = {tuple(c): tuple(np.round(DEMO_GRID.to_voxel(c)).astype(int)) for c in simulate.SUPPRESSOR_MM}
        near = [change[tuple(slice(i - 3, i + 4) for i in voxel)].mean() for voxel in at.values()]
        assert min(near) > 5 * np.median(change[inside])
        assert other.truth.digest == plain.truth.digest


def test_same_atrophy_on_a_real_scan_that_lends_no_anatomy(shared_data):
    nifti = pytest.importorskip("mriinterp.image.nifti")
    scan = nifti.read_volume(next((shared_data / "ds002748" / "mni").glob("sub-56_*.nii.gz")))
    out, truth = apply_atrophy(scan, 0.8, asymmetry=0.5)
    assert out.grid.matches(scan.grid)
    left = (truth.data & (x_of(truth) < 0)).sum()
    assert left > 1.3 * (truth.data & (x_of(truth) > 0)).sum()
    share = truth.data[area_mask("Hippocampus", "L", scan.grid).data].mean()
    assert share > 2 * truth.data[scan.data > 0].mean()
