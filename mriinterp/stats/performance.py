"""How well a classifier does, with intervals: accuracy, area under the curve, anything by bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell

__all__ = ["Estimate", "auc_interval", "bootstrap_interval", "roc_auc", "roc_curve", "wilson_interval"]


@dataclass(frozen=True)
class Estimate:
    """A number and its confidence interval.

    Examples
    --------
    >>> str(Estimate(0.9, 0.85, 0.935))
    '0.900 (95 % CI 0.850–0.935)'
    """

    value: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.level * 100:g} % CI {self.low:.3f}–{self.high:.3f})"


def _z(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"expected a confidence level between 0 and 1, got {level}")
    return float(norm.ppf(0.5 + level / 2))


def wilson_interval(successes: int, n: int, level: float = 0.95) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927); ValueError unless 0 ≤ successes ≤ n, n > 0."""
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"expected 0 to n successes of n > 0 trials, got {successes} of {n}")
    z2 = _z(level) ** 2
    share = successes / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = 0.0 if successes == 0 else float(centre - reach)
    high = 1.0 if successes == n else float(centre + reach)
    return Estimate(share, low, high, level)


def _two_classes(labels, scores) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = np.asarray(labels), np.asarray(scores, np.float64)
    if labels.shape != scores.shape or labels.ndim != 1:
        raise ValueError(f"expected one score a label, got {labels.shape} labels and {scores.shape} scores")
    if not np.isfinite(scores).all():
        raise ValueError("expected finite scores, got NaN or infinity")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"expected labels 0 or 1 (or truth values), got {np.unique(labels).tolist()[:10]}")
    positive = labels.astype(bool)
    if positive.all() or not positive.any():
        raise ValueError(f"expected both classes, got {int(positive.sum())} positive of {len(positive)}")
    return scores[positive], scores[~positive]


def roc_auc(labels, scores) -> float:
    """Area under the ROC curve from scores, ties counted half (Mann–Whitney).

    Parameters
    ----------
    labels : sequence of 0/1 or bool
    scores : sequence of float
        Larger means more likely positive: probabilities or logits, not labels.
    """
    positive, negative = _two_classes(labels, scores)
    ranks = rankdata(np.concatenate([positive, negative]))[: len(positive)]
    m, n = len(positive), len(negative)
    return float((ranks.sum() - m * (m + 1) / 2) / (m * n))


def roc_curve(labels, scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False positive rate, true positive rate and threshold, from (0, 0) to (1, 1).

    A score at or above the threshold counts as positive; the first threshold
    is infinite.
    """
    positive, negative = _two_classes(labels, scores)
    thresholds = np.unique(np.concatenate([positive, negative]))[::-1]
    tpr = 1 - np.searchsorted(np.sort(positive), thresholds, side="left") / len(positive)
    fpr = 1 - np.searchsorted(np.sort(negative), thresholds, side="left") / len(negative)
    return np.r_[0.0, fpr], np.r_[0.0, tpr], np.r_[np.inf, thresholds]


def auc_interval(labels, scores, level: float = 0.95) -> Estimate:
    """Area under the ROC curve with its confidence interval (DeLong 1988).

    The interval is taken on the logit scale, so it stays within 0 to 1. At
    perfect separation DeLong's variance is 0 and would claim certainty: there
    Wilson's interval of the smaller class is given instead.
    """
    positive, negative = _two_classes(labels, scores)
    m, n = len(positive), len(negative)
    pooled = rankdata(np.concatenate([positive, negative]))
    above = (pooled[:m] - rankdata(positive)) / n  # share of negatives below each positive
    below = 1 - (pooled[m:] - rankdata(negative)) / m  # share of positives above each negative
    auc = float(above.mean())
    z = _z(level)
    variance = (above.var(ddof=1) / m if m > 1 else 0.0) + (below.var(ddof=1) / n if n > 1 else 0.0)
    if variance <= 1e-15 or min(m, n) < 2 or not 0 < auc < 1:
        edge = wilson_interval(round(auc * min(m, n)), min(m, n), level)
        return Estimate(auc, min(edge.low, auc), max(edge.high, auc), level)
    logit = np.log(auc / (1 - auc))
    reach = z * np.sqrt(variance) / (auc * (1 - auc))
    low, high = 1 / (1 + np.exp(-(logit - reach))), 1 / (1 + np.exp(-(logit + reach)))
    return Estimate(auc, float(low), float(high), level)


def bootstrap_interval(
    values,
    statistic: Callable[[np.ndarray], float] = np.mean,
    *,
    patients=None,
    n: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Estimate:
    """Percentile bootstrap of any statistic of rows, drawing patients with replacement.

    Parameters
    ----------
    values : array, shape (n_rows, ...)
    statistic : callable
        From rows to a number. Draws for which it is NaN are left out.
    patients : sequence of n_rows, optional
        Rows of one patient are drawn together.
    n : int
        Draws.

    Raises
    ------
    ValueError
        For no rows, or if fewer than half of the draws give a number.
    """
    values = np.asarray(values)
    if len(values) == 0:
        raise ValueError("expected at least one row, got none")
    tail = norm.sf(_z(level))
    owner = np.arange(len(values)) if patients is None else np.unique(np.asarray(patients), return_inverse=True)[1]
    if len(owner) != len(values):
        raise ValueError(f"expected one patient a row, got {len(owner)} patients for {len(values)} rows")
    rows = [np.flatnonzero(owner == k) for k in range(owner.max() + 1)]
    rng = np.random.default_rng(seed)
    draws = np.empty(n)
    for i in range(n):
        if i % 64 == 0:
            check_cancel(cancel)
            tell(progress, i, n)
        chosen = rng.integers(0, len(rows), len(rows))
        draws[i] = statistic(values[chosen] if patients is None else values[np.concatenate([rows[k] for k in chosen])])
    tell(progress, n, n)
    draws = draws[np.isfinite(draws)]
    if len(draws) < n / 2:
        raise ValueError(f"expected a number from most draws, got one from {len(draws)} of {n}")
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Estimate(float(statistic(values)), float(low), float(high), level)
