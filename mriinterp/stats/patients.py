"""How well a classifier does where patients have several scans: intervals by a bootstrap over patients.

Scans of a patient resemble each other, so an interval that takes scans for independent is too narrow. Here whole
patients are drawn with all their scans (Field & Welsh 2007). Of a fold, a measure is a ratio of sums over patients
or over pairs of patients; they are computed once, and each draw only weights them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from mriinterp.stats.performance import Estimate, wilson_interval

__all__ = ["MEASURES", "PatientBootstrap"]

MEASURES = ("auc", "balanced_accuracy", "sensitivity", "specificity", "accuracy")
DRAWS = 2000
BLOCK = 256  # draws at once: memory


@dataclass(frozen=True, eq=False)
class _Sums:
    """Numerator and denominator of the measures, a patient (n,) or a pair of patients (n, n)."""

    above: np.ndarray  # pairs of an ill scan of p and a healthy scan of q in the right order, ties half
    pairs: np.ndarray
    hits: np.ndarray
    ill: np.ndarray
    rejections: np.ndarray
    healthy: np.ndarray


class PatientBootstrap:
    """Draws of patients, the same for every classifier that is measured on their scans.

    Parameters
    ----------
    patients : sequence, one entry a scan
    labels : sequence of 0/1 or bool, one entry a scan
    draws : int
    seed : int
    level : float
        Of the intervals.

    Raises
    ------
    ValueError
        Unless there are scans of both classes and two patients or more.

    Notes
    -----
    Patients with an ill scan and those with none are drawn apart, as the study sampled them. The interval is
    estimate ± t · standard error of the draws on the logit scale, so it stays within 0 to 1; t has as many degrees
    of freedom as the smaller group of patients has members less one. Where no draw differs (nothing is wrong, or
    everything) Wilson's interval of as many patients as bear on the measure is given.
    """

    def __init__(self, patients: Sequence, labels: Sequence[int], *, draws: int = DRAWS, seed: int = 0, level=0.95):
        names, self._of = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
        self.labels = np.asarray(labels).astype(bool)
        if self.labels.shape != self._of.shape or self.labels.all() or not self.labels.any() or len(names) < 2:
            raise ValueError(
                f"expected scans of both classes of two patients or more, got {len(names)} patients and "
                f"{int(self.labels.sum())} positive of {len(self.labels)} scans"
            )
        self.n, self.level = len(names), level
        self._ill = np.bincount(self._of, self.labels, self.n) > 0
        rng = np.random.default_rng(seed)
        self._weights = np.zeros((draws, self.n), np.float32)
        for group in (np.flatnonzero(self._ill), np.flatnonzero(~self._ill)):
            if len(group):
                self._weights[:, group] = rng.multinomial(len(group), np.full(len(group), 1 / len(group)), draws)
        smaller = min(self._ill.sum(), self.n - self._ill.sum()) or self.n
        self._reach = float(scipy.stats.t.ppf(0.5 + level / 2, max(1, smaller - 1)))

    def _sums(self, scores: np.ndarray) -> _Sums:
        if not np.isfinite(scores).all() or scores.shape != self.labels.shape:
            raise ValueError(f"expected a finite score a scan, {self.labels.shape}, got {scores.shape}")
        ill, healthy = np.flatnonzero(self.labels), np.flatnonzero(~self.labels)
        order = np.sign(scores[ill][:, None] - scores[healthy][None]) / 2 + 0.5
        rows = np.zeros((self.n, len(healthy)))
        np.add.at(rows, self._of[ill], order)
        above = np.zeros((self.n, self.n))
        np.add.at(above.T, self._of[healthy], rows.T)

        def count(what: np.ndarray) -> np.ndarray:
            return np.bincount(self._of, what, self.n)

        scans = count(self.labels), count(~self.labels)
        hits, rejections = count(self.labels & (scores > 0)), count(~self.labels & (scores <= 0))
        return _Sums(above, np.outer(*scans), hits, scans[0], rejections, scans[1])

    @staticmethod
    def _values(sums: _Sums, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return every measure of draws, weights of shape (draws, patients)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            sensitivity = weights @ sums.hits / (weights @ sums.ill)
            specificity = weights @ sums.rejections / (weights @ sums.healthy)
            right = weights @ (sums.hits + sums.rejections) / (weights @ (sums.ill + sums.healthy))
            auc = ((weights @ sums.above) * weights).sum(1) / ((weights @ sums.pairs) * weights).sum(1)
        return {
            "auc": auc,
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "accuracy": right,
        }

    def _drawn(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        sums = self._sums(scores)
        blocks = [self._values(sums, self._weights[at : at + BLOCK]) for at in range(0, len(self._weights), BLOCK)]
        return {name: np.concatenate([block[name] for block in blocks]) for name in MEASURES}

    def _point(self, scores: np.ndarray) -> dict[str, float]:
        return {k: float(v[0]) for k, v in self._values(self._sums(scores), np.ones((1, self.n))).items()}

    def measure(self, scores: Sequence[float]) -> dict[str, Estimate]:
        """Return every measure of `MEASURES` with its interval; a score above 0 is a decision for the positive class."""
        given = np.asarray(scores, float)
        point, drawn = self._point(given), self._drawn(given)
        return {name: self._interval(name, point[name], drawn[name]) for name in MEASURES}

    def _interval(self, name: str, value: float, drawn: np.ndarray) -> Estimate:
        drawn = drawn[np.isfinite(drawn)]
        spread = float(drawn.std(ddof=1)) if len(drawn) > 1 else 0.0
        if spread < 1e-9 or not 0 < value < 1:
            ill, healthy = int(self._ill.sum()), int(self.n - self._ill.sum())
            n = {"sensitivity": ill, "specificity": healthy, "accuracy": self.n}.get(name, min(ill, healthy)) or self.n
            edge = wilson_interval(round(value * n), n, self.level)
            return Estimate(value, min(edge.low, value), max(edge.high, value), self.level)
        logit = np.log(value / (1 - value))
        reach = self._reach * spread / (value * (1 - value))
        low, high = 1 / (1 + np.exp(-(logit - reach))), 1 / (1 + np.exp(-(logit + reach)))
        return Estimate(value, float(low), float(high), self.level)

    def difference(self, scores: Sequence[float], others: Sequence[float], measure: str = "auc") -> Estimate:
        """Return how much more the first classifier reaches than the second, both measured on the same draws."""
        one, two = np.asarray(scores, float), np.asarray(others, float)
        value = self._point(one)[measure] - self._point(two)[measure]
        drawn = self._drawn(one)[measure] - self._drawn(two)[measure]
        reach = self._reach * float(np.nanstd(drawn, ddof=1))
        return Estimate(value, value - reach, value + reach, self.level)
