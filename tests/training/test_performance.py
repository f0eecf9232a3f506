"""What a model card says of a classifier."""

import pytest

from mriinterp.stats import auc_interval, wilson_interval
from mriinterp.training.metrics import measure


def test_measure_counts_margins_above_zero():
    result = measure([2.0, -1.0, 0.5, -3.0], [True, True, False, False])
    assert result.accuracy.value == 0.5
    assert result.auc.value == 0.75
    assert result.as_dict()["n_test"] == 4


def test_intervals_are_those_of_stats(rng):
    positive = rng.random(80) < 0.5
    margins = rng.normal(size=80) + positive
    card = measure(margins, positive).as_dict()
    accuracy = wilson_interval(int(((margins > 0) == positive).sum()), 80)
    auc = auc_interval(positive, margins)
    assert card["accuracy"] == {
        "value": round(accuracy.value, 4),
        "ci95": [round(accuracy.low, 4), round(accuracy.high, 4)],
    }
    assert card["auc"] == {"value": round(auc.value, 4), "ci95": [round(auc.low, 4), round(auc.high, 4)]}


def test_one_group_is_refused():
    with pytest.raises(ValueError, match="at least two subjects of each group"):
        measure([1, 2, 3], [True, True, True])
