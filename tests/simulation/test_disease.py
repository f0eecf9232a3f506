"""What disease did to a simulated brain: the twin without it, the field of the atrophy, volumes of its parts."""

from types import SimpleNamespace

import numpy as np
import pytest

from mriinterp.image.template import AREA_LABELS, DEMO_GRID, aal_labels
from mriinterp.simulation.anatomy import anatomy
from mriinterp.simulation.areas import AREA_WEIGHTS, COUNT, FLUID_SPACES
from mriinterp.simulation.atrophy import atrophy_amounts, shift_of
from mriinterp.simulation.subjects import DEMO, simulate_disease
from mriinterp.simulation.volumes import part_volumes

SICK = {number for name in AREA_WEIGHTS for number in AREA_LABELS[name]}


@pytest.fixture(scope="module")
def disease(ill):
    return simulate_disease(DEMO, ill.id)


def test_the_twin_is_the_same_scan_where_the_disease_did_nothing(ill, disease):
    scan, twin, field = ill.volume.data, disease.twin.data, disease.atrophy.data
    np.testing.assert_array_equal(scan == 0, twin == 0)
    untouched = (ill.healthy.data == ill.diseased.data) & (scan > 0)
    assert untouched.mean() > 0.05
    np.testing.assert_array_equal(scan[untouched], twin[untouched])  # scanner and noise included
    np.testing.assert_array_equal(scan != twin, (ill.healthy.data != ill.diseased.data) & (scan != twin))
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
    """Points of one anatomy, its volumes and those with two grades of disease."""
    person = anatomy(0)
    points = DEMO_GRID.to_mm(np.argwhere(person.inside > 0.5)).T.astype(np.float32)
    brain = SimpleNamespace(points=points)
    made = {}
    for severity in (0.0, 0.25, 0.5):
        shift = shift_of(person.tissues, atrophy_amounts(severity, asymmetry=0))
        made[severity] = shift, part_volumes(brain, shift)
    return points, made


def test_without_amounts_nothing_moves(brains):
    _, made = brains
    shift, volumes = made[0.0]
    assert not shift.displacement.any()
    assert volumes.shape == (COUNT,)
    assert 2.5 < volumes[37] < 9  # hippocampus, ml
    assert 1000 < volumes[:117].sum() < 2200


def test_diseased_areas_lose_tissue_and_ventricles_grow(brains):
    _, made = brains
    little, much = (made[severity][1] / made[0.0][1] - 1 for severity in (0.25, 0.5))
    for number in SICK:
        assert much[number] < little[number] < 0.01, number
    for number in (37, 38):
        assert -0.55 < much[number] < -0.1  # half was asked; fluid within the area is not tissue
    for (name, side), number in FLUID_SPACES.items():
        if name == "Ventricle":
            assert much[number] > little[number] > 0.1, side


def test_the_disease_keeps_far_regions_still(brains):
    points, made = brains
    moved = np.abs(made[0.5][0].at(points)).max(axis=0)
    assert moved[points[1] > 55].max() < 0.2  # frontal pole, mm
    assert moved.max() > 1
    change = made[0.5][1] / made[0.0][1] - 1
    frontal = [
        number for number in range(1, 31) if number not in (21, 22)
    ]  # the olfactory cortex lies at the ventricles
    assert np.abs(change[frontal]).max() < 0.05
