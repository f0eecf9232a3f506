"""Maps beside the field of the atrophy."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mriinterp.trust import Explainer, get_measure
from mriinterp.trust.measures.atrophy import LEAST
from tests.trust.networks import Linear3D, areas_of, case_of

MEASURE = get_measure("atrophy")


def diseased_case(rng):
    areas = areas_of()
    field = np.where(areas == 2, rng.uniform(0.1, 0.6, areas.shape), rng.uniform(0, 0.9 * LEAST, areas.shape))
    diseased = np.zeros(7, bool)
    diseased[2] = True
    return case_of(Linear3D(), atrophy=field, diseased=diseased)


def test_the_field_itself_is_a_perfect_map_and_its_opposite_the_worst(rng):
    case = diseased_case(rng)
    values = MEASURE.run(case, Explainer("occlusion"), case.atrophy).values
    for name in ("auprc_field", "auc_field", "auc_edges", "rho_areas"):
        assert values[name] == pytest.approx(1), name
    inside = case.mask & (case.areas == 2)
    assert values["chance_field"] == pytest.approx(inside.sum() / case.mask.sum())
    assert values["amount_areas"] == pytest.approx(case.atrophy[inside].sum())
    assert values["share_areas"] == pytest.approx(case.atrophy[inside].sum() / case.atrophy[case.mask].sum())
    worst = MEASURE.run(case, Explainer("occlusion"), 1 - case.atrophy).values
    assert worst["auc_field"] == worst["auc_edges"] == 0


def test_voxels_count_by_their_loss_against_scikit_learn(rng):
    case = diseased_case(rng)
    relevance = rng.random(case.mask.shape)
    field = case.atrophy[case.mask]
    wanted = roc_auc_score(field >= LEAST, relevance[case.mask], sample_weight=np.where(field >= LEAST, field, 1.0))
    assert MEASURE.run(case, Explainer("occlusion"), relevance).values["auc_field"] == pytest.approx(wanted)


def test_maps_are_judged_as_they_are_read(rng):
    case = diseased_case(rng)
    signed = -case.atrophy
    assert MEASURE.run(case, Explainer("sensitivity"), signed).values["auc_field"] == 1  # absolute
    assert MEASURE.run(case, Explainer("occlusion"), signed).values["auc_field"] == 0.5  # positive part: nothing


def test_without_a_field_there_is_no_measure(rng):
    case = dataclasses.replace(diseased_case(rng), atrophy=None)
    assert "the change of every voxel by the disease is known" in MEASURE.missing(case)
    with pytest.raises(ValueError, match="expected a case with the field of the disease"):
        MEASURE.function(case, Explainer("occlusion"), np.ones(case.mask.shape))
