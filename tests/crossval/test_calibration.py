"""Probabilities against what is known of them."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from mriinterp.crossval.calibration import brier, calibration_bins, calibration_slope, fit_temperature


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    margins = 2 * rng.normal(size=4000)
    return margins, (rng.random(4000) < expit(margins)).astype(int)


def test_temperature_undoes_what_was_multiplied(drawn):
    margins, labels = drawn
    assert fit_temperature(3 * margins, labels) == pytest.approx(3, rel=0.08)
    assert fit_temperature([9.0, -9.0], [1, 0]) == pytest.approx(0.05, rel=0.01)  # bounded where it would be 0


def test_brier_and_slope_are_those_of_scikit_learn(drawn):
    margins, labels = drawn
    assert brier(margins, labels) == pytest.approx(brier_score_loss(labels, expit(margins)))
    line = LogisticRegression(C=1e9).fit(2 * margins[:, None], labels)
    assert calibration_slope(2 * margins, labels) == pytest.approx(line.coef_[0, 0], rel=1e-3)
    assert calibration_slope(margins, labels) == pytest.approx(1, abs=0.1)


def test_separated_classes_have_no_slope():
    assert np.isnan(calibration_slope([-1.0, -2, 3, 4], [0, 0, 1, 1]))


def test_bins_hold_all_scans(drawn):
    margins, labels = drawn
    bins = calibration_bins(expit(margins), labels)
    assert bins["scans"].tolist() == [800] * 5
    np.testing.assert_allclose(bins["ill"], bins["probability"], atol=0.06)
