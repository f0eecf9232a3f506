"""What disease did to a simulated brain: the twin without it, the field of the atrophy, volumes of its parts."""

from types import SimpleNamespace

import numpy as np
import pytest

from mriinterp.image.template import AREA_LABELS, DEMO_GRID, aal_labels
from mriinterp.simulation import atrophy
from mriinterp.simulation.anatomy import anatomy
from mriinterp.simulation.areas import AREA_WEIGHTS, COUNT, FLUID_SPACES
from mriinterp.simulation.atrophy import apply_atrophy, atrophy_amounts, shift_of
from mriinterp.simulation.displacement import interpolated
from mriinterp.simulation.healthy import deformation
from mriinterp.simulation.subjects import DEMO, simulate_disease, simulate_subject
from mriinterp.simulation.volumes import part_volumes

SICK = {number for name in AREA_WEIGHTS for number in AREA_LABELS[name]}


@pytest.fixture(scope="module")
def disease(ill):
    return simulate_disease(DEMO, ill.id)


def test_the_twin_is_the_same_scan_where_the_disease_did_nothing(ill, disease):
    scan, twin, field = ill.volume.data, disease.twin.data, disease.atrophy.data
    np.testing.assert_array_equal(scan == 0, twin == 0)
    untouched = (ill.healthy.data == ill.diseased.data) & (scan > 0)
    assert untouched.sum() > 100
    np.testing.assert_array_equal(scan[untouched], twin[untouched])  # scanner and noise included
    frontal = (scan > 0) & (DEMO_GRID.to_mm(np.indices(DEMO_GRID.shape).transpose(1, 2, 3, 0))[..., 1] > 45)
    assert np.abs(scan - twin)[frontal].mean() < 0.015 * scan[frontal].mean()  # a third of other noise's
    changed = field > 0.3
    assert np.abs(scan - twin)[changed].mean() > 5 * np.abs(scan - twin)[(scan > 0) & (field < 0.01)].mean()


def test_the_field_is_strongest_where_the_disease_is(disease):
    field, labels = disease.atrophy.data, aal_labels()
    assert field.dtype == np.float32
    assert field.min() >= 0
    assert np.isfinite(field).all()
    mean = {number: field[labels == number].mean() for number in range(1, 91)}
    for name in ("Hippocampus", "ParaHippocampal", "Temporal_Inf", "Precuneus"):
        for number in AREA_LABELS[name]:
            assert mean[number] > 3 * np.median([value for other, value in mean.items() if other not in SICK]), name
    assert mean[AREA_LABELS["Hippocampus"][0]] > 20 * mean[3]  # superior frontal gyrus


def test_the_healthy_have_no_atrophy_and_are_their_own_twin(well):
    disease = simulate_disease(DEMO, well.id)
    assert not disease.atrophy.data.any()
    np.testing.assert_array_equal(disease.twin.data, well.volume.data)


@pytest.fixture(scope="module")
def brains():
    """Points of a deformed anatomy, and shifts and volumes of three grades of disease."""
    person = anatomy(0)
    at = deformation(np.random.default_rng(1), DEMO_GRID)  # off the voxels, as people are
    inside = interpolated(person.inside, DEMO_GRID.to_voxel(at.reshape(3, -1).T).T) > 0.5
    points = at.reshape(3, -1)[:, inside]
    made = {}
    for severity in (0.0, 0.25, 0.5):
        shift = shift_of(person.tissues, atrophy_amounts(severity, asymmetry=0))
        made[severity] = shift, part_volumes(SimpleNamespace(points=points), shift)
    return points, made


def change_of(made, severity):
    """Share by which each part's volume changes."""
    return made[severity][1] / made[0.0][1] - 1


def test_without_amounts_nothing_moves(brains):
    _, made = brains
    shift, volumes = made[0.0]
    assert not shift.displacement.any()
    assert volumes.shape == (COUNT,)
    assert 2.5 < volumes[37] < 9  # hippocampus, ml
    assert 1000 < volumes[:117].sum() < 2200


def test_diseased_areas_lose_tissue_by_severity_and_ventricles_grow(brains):
    _, made = brains
    little, much = change_of(made, 0.25), change_of(made, 0.5)
    for name, weight in AREA_WEIGHTS.items():
        changes = [both[list(AREA_LABELS[name])].mean() for both in (little, much)]
        assert changes[1] < changes[0] + 0.02 < 0.04, name
        if weight > 0.55 and "Pole" not in name:
            assert changes[1] < min(changes[0], -0.04), name
    for number in (37, 38):  # what was asked, less what is fluid within the area
        assert -0.25 < little[number] < -0.06
        assert -0.5 < much[number] < -0.12
    for (name, side), number in FLUID_SPACES.items():
        if name == "Ventricle":
            assert much[number] > little[number] > 0.1, side


def test_volumes_are_those_of_the_jacobian_determinant(brains):
    """Counting voxels by where they come from, and the mean of the determinant over an area, are two ways to its change."""
    points, made = brains
    shift = made[0.25][0]
    voxels = np.round(DEMO_GRID.to_voxel((points + shift.at(points)).T)).astype(int)
    labels = aal_labels()[tuple(np.clip(voxels, 0, np.array(DEMO_GRID.shape) - 1).T)]
    log = interpolated(shift.log_jacobian(), shift.grid.to_voxel(points.T).T)
    for number in (37, 38, *AREA_LABELS["Temporal_Inf"]):
        here = labels == number
        by_determinant = here.sum() / np.exp(log[here]).sum() - 1  # the volume after, over the volume before
        assert change_of(made, 0.25)[number] == pytest.approx(by_determinant, abs=0.06)


def test_the_disease_keeps_far_regions_still(brains):
    points, made = brains
    moved = np.abs(made[0.5][0].at(points)).max(axis=0)
    assert moved[points[1] > 55].max() < 0.2  # frontal pole, mm
    assert moved.max() > 1
    frontal = [
        number for number in range(1, 31) if number not in (21, 22)
    ]  # the olfactory cortex lies at the ventricles
    assert np.abs(change_of(made, 0.5)[frontal]).max() < 0.08


def test_what_is_far_from_the_brain_need_not_be_turned_round(ill, disease, monkeypatch):
    """Nothing of a scan changes by a bit when it is."""
    after, _ = apply_atrophy(ill.healthy, 0.5)
    turned, left = atrophy.turned_round, []

    def everywhere(forward, wanted):
        left.append(1 - wanted.mean())
        return turned(forward)

    monkeypatch.setattr(atrophy, "turned_round", everywhere)
    again = simulate_subject(DEMO, ill.id)
    for one, two in ((again.volume, ill.volume), (again.truth, ill.truth), (again.healthy, ill.healthy)):
        np.testing.assert_array_equal(one.data, two.data)
    np.testing.assert_array_equal(simulate_disease(DEMO, ill.id).atrophy.data, disease.atrophy.data)
    np.testing.assert_array_equal(apply_atrophy(ill.healthy, 0.5)[0].data, after.data)
    assert min(left) > 0.3
