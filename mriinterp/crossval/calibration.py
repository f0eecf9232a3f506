"""Whether probabilities mean what they say: temperature, Brier score, calibration slope."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy
from scipy.special import expit

__all__ = ["brier", "calibration_bins", "calibration_slope", "fit_temperature"]

COLDEST, HOTTEST = 0.05, 50.0


def _loss(margins: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy of logit margins."""
    return float(np.logaddexp(0, -margins * (2 * labels - 1)).mean())


def fit_temperature(margins, labels) -> float:
    """Return the number that margins are divided by so that their cross-entropy is smallest (Guo et al. 2017).

    It lies between 0.05 and 50, whatever a small validation set would have.
    """
    margins, labels = np.asarray(margins, float), np.asarray(labels, int)
    found = scipy.optimize.minimize_scalar(
        lambda log: _loss(margins / np.exp(log), labels), bounds=np.log([COLDEST, HOTTEST]), method="bounded"
    )
    return float(np.exp(found.x))


def brier(margins, labels) -> float:
    """Return the mean squared difference of probability and outcome: 0 is perfect, 0.25 a coin."""
    return float(np.mean((expit(np.asarray(margins, float)) - np.asarray(labels, int)) ** 2))


def calibration_slope(margins, labels) -> float:
    """Return the slope of a logistic regression of the label on the margin (Cox 1958).

    1: probabilities mean what they say; below 1: too sure. NaN where the margins separate the classes, which has
    no finite slope.
    """
    margins, labels = np.asarray(margins, float), np.asarray(labels, int)
    ill, healthy = margins[labels == 1], margins[labels == 0]
    if not len(ill) or not len(healthy) or ill.min() >= healthy.max() or ill.max() <= healthy.min():
        return float("nan")
    spread = margins.std() or 1.0
    scaled = margins / spread
    found = scipy.optimize.minimize(lambda p: _loss(p[0] + p[1] * scaled, labels), np.array([0.0, 1.0]), method="BFGS")
    return float(found.x[1] / spread)


def calibration_bins(probabilities, labels, bins: int = 5) -> pd.DataFrame:
    """Return mean probability, share of ill and number of scans of bins of about equal size."""
    table = pd.DataFrame({"probability": np.asarray(probabilities, float), "ill": np.asarray(labels, int)})
    part = pd.qcut(table["probability"].rank(method="first"), min(bins, len(table)), labels=False)
    found = table.groupby(part).agg(probability=("probability", "mean"), ill=("ill", "mean"), scans=("ill", "size"))
    return found.reset_index(drop=True)
