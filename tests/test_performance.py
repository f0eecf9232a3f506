"""Accuracy and AUC against scikit-learn, and intervals against simulation."""

import numpy as np
import pytest
from scipy import stats

from mriinterp.performance import auc_with_interval, measure, wilson_interval


def test_auc_equals_the_rank_statistic_with_ties(rng):
    scores = rng.integers(0, 10, 60)
    positive = rng.random(60) < 0.4
    u = stats.mannwhitneyu(scores[positive], scores[~positive]).statistic
    auc, low, high = auc_with_interval(scores, positive)
    assert auc == pytest.approx(u / (positive.sum() * (~positive).sum()))
    assert low < auc < high


def test_delong_interval_covers_the_truth(rng):
    """Two normals one standard deviation apart: AUC = Φ(1/√2)."""
    truth = stats.norm.cdf(1 / np.sqrt(2))
    positive = np.arange(120) < 60
    hits = 0
    for _ in range(400):
        _, low, high = auc_with_interval(rng.normal(size=120) + positive, positive)
        hits += low <= truth <= high
    assert 0.92 <= hits / 400 <= 0.975


def test_wilson_against_scipy():
    for successes, n in ((0, 10), (9, 10), (180, 200)):
        expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
        assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_measure_counts_margins_above_zero():
    result = measure([2.0, -1.0, 0.5, -3.0], [True, True, False, False])
    assert result.accuracy == 0.5
    assert result.auc == 0.75
    assert result.as_dict()["n_test"] == 4


@pytest.mark.parametrize(("successes", "n"), [(3, 0), (5, 4), (-1, 4)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(ValueError, match="expected 0 ≤ successes"):
        wilson_interval(successes, n)


def test_one_group_is_refused():
    with pytest.raises(ValueError, match="at least two subjects of each group"):
        auc_with_interval([1, 2, 3], [True, True, True])
