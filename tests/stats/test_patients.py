"""Measures against scikit-learn; intervals by patients cover what they should, with four visits each."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score, roc_auc_score

from mriinterp.stats import auc_interval
from mriinterp.stats.patients import MEASURES, PatientBootstrap


def scans(rng, patients=40, visits=4, gap=1.0):
    """Scores of correlated visits; half of the patients are ill."""
    of, ill = np.repeat(np.arange(patients), visits), np.repeat(np.arange(patients) % 2, visits)
    own = np.repeat(rng.normal(size=patients), visits)
    return of, ill, own + 0.5 * rng.normal(size=len(of)) + gap * (ill - 0.5)


def test_values_are_those_of_scikit_learn(rng):
    of, ill, scores = scans(rng)
    scores = scores.round(1)  # with ties
    found = PatientBootstrap(of, ill, draws=50).measure(scores)
    called = scores > 0
    assert tuple(found) == MEASURES
    assert found["auc"].value == pytest.approx(roc_auc_score(ill, scores))
    assert found["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(ill, called))
    assert found["sensitivity"].value == pytest.approx(recall_score(ill, called))
    assert found["specificity"].value == pytest.approx(recall_score(ill, called, pos_label=0))
    assert found["accuracy"].value == pytest.approx(accuracy_score(ill, called))


def test_intervals_cover_the_truth_with_four_visits_a_patient():
    rng = np.random.default_rng(2)
    spread = np.sqrt(1.25)
    truth = {"auc": norm.cdf(1 / spread / np.sqrt(2)), "sensitivity": norm.cdf(0.5 / spread)}
    truth |= dict.fromkeys(("specificity", "balanced_accuracy", "accuracy"), truth["sensitivity"])
    covered, by_scans, runs = dict.fromkeys(truth, 0), 0, 300
    for _ in range(runs):
        of, ill, scores = scans(rng)
        found = PatientBootstrap(of, ill, draws=300).measure(scores)
        for name, value in truth.items():
            covered[name] += found[name].low <= value <= found[name].high
        naive = auc_interval(ill, scores)
        by_scans += naive.low <= truth["auc"] <= naive.high
    assert all(count / runs >= 0.93 for count in covered.values()), covered
    assert by_scans / runs < 0.85  # what takes scans for independent does not


def test_differences_cover_the_truth():
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        of, ill, scores = scans(rng)
        other = scans(rng)[2]
        found = PatientBootstrap(of, ill, draws=200).difference(scores, other)
        covered += found.low <= 0 <= found.high
    assert covered / 200 >= 0.93


def test_nothing_wrong_is_not_certainty():
    labels = [0, 0, 0, 1, 1, 1]
    found = PatientBootstrap(range(6), labels).measure([-1.0, -2, -3, 1, 2, 3])
    for name in MEASURES:
        assert found[name].value == found[name].high == 1
        assert found[name].low < 0.75
    assert found["accuracy"].low > found["sensitivity"].low  # of six patients, not of three


def test_the_order_of_scans_does_not_matter(rng):
    of, ill, scores = scans(rng)
    order = rng.permutation(len(of))
    one = PatientBootstrap(of, ill, draws=100).measure(scores)
    two = PatientBootstrap(of[order], ill[order], draws=100).measure(scores[order])
    assert one["auc"].low == pytest.approx(two["auc"].low)


def test_one_class_and_nan_are_refused():
    with pytest.raises(ValueError, match="both classes of two patients or more, got 2 patients and 2 positive of 2"):
        PatientBootstrap(["a", "b"], [1, 1])
    with pytest.raises(ValueError, match="a finite score a scan"):
        PatientBootstrap(["a", "b"], [1, 0]).measure([np.nan, 1])
