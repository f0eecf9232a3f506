"""How well a classifier does, with intervals: accuracy and area under the ROC curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

__all__ = ["Estimate", "auc_interval", "roc_auc", "wilson_interval"]


@dataclass(frozen=True)
class Estimate:
    """A number and its confidence interval.

    Examples
    --------
    >>> str(Estimate(0.9, 0.85, 0.935))
    '0.900 (95% CI 0.850–0.935)'
    """

    value: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.level * 100:g}% CI {self.low:.3f}–{self.high:.3f})"


def _z(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"expected a confidence level between 0 and 1, got {level}")
    return float(scipy.stats.norm.ppf(0.5 + level / 2))


def wilson_interval(successes: int, n: int, level: float = 0.95) -> Estimate:
    """Return a proportion with Wilson's score interval (Wilson 1927); ValueError unless 0 ≤ successes ≤ n, n > 0."""
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"expected 0 to n successes of n > 0 trials, got {successes} of {n}")
    _z(level)
    interval = scipy.stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    return Estimate(successes / n, float(interval.low), float(interval.high), level)


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
    """Return the area under the ROC curve from scores, ties counted half.

    Parameters
    ----------
    labels : sequence of 0/1 or bool
    scores : sequence of float
        Larger means more likely positive: probabilities or logits, not labels.
    """
    _two_classes(labels, scores)
    from sklearn.metrics import roc_auc_score  # seconds to load, and few callers need it

    return float(roc_auc_score(np.asarray(labels).astype(bool), np.asarray(scores, np.float64)))


def auc_interval(labels, scores, level: float = 0.95) -> Estimate:
    """Return the area under the ROC curve with its confidence interval (DeLong 1988).

    The interval is taken on the logit scale, so it stays within 0 to 1. At
    perfect separation DeLong's variance is 0 and would claim certainty: there
    Wilson's interval of the smaller class is given instead.
    """
    positive, negative = _two_classes(labels, scores)
    m, n = len(positive), len(negative)
    pooled = scipy.stats.rankdata(np.concatenate([positive, negative]))
    above = (pooled[:m] - scipy.stats.rankdata(positive)) / n  # share of negatives below each positive
    below = 1 - (pooled[m:] - scipy.stats.rankdata(negative)) / m  # share of positives above each negative
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
