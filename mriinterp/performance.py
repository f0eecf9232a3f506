"""How well a classifier separates two groups, with confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["Performance", "auc_with_interval", "measure", "wilson_interval"]


def wilson_interval(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a proportion (Wilson 1927).

    Examples
    --------
    >>> [round(v, 4) for v in wilson_interval(9, 10)]
    [0.5958, 0.9821]
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"expected 0 ≤ successes ≤ n and n > 0, got {successes} of {n}")
    z = stats.norm.ppf(0.5 + level / 2)
    p = successes / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def auc_with_interval(scores, positive, level: float = 0.95) -> tuple[float, float, float]:
    """Area under the ROC curve and its interval (DeLong et al. 1988).

    Parameters
    ----------
    scores : array, shape (n,)
        Higher means more like the positive group.
    positive : array of bool, shape (n,)

    Returns
    -------
    float, float, float
        AUC (ties count half), lower and upper limit, cut to 0–1.
    """
    scores, positive = np.asarray(scores, float), np.asarray(positive, bool)
    ill, well = scores[positive], scores[~positive]
    if len(ill) < 2 or len(well) < 2:
        raise ValueError(f"expected at least two subjects of each group, got {len(ill)} and {len(well)}")
    wins = (ill[:, None] > well).astype(float) + 0.5 * (ill[:, None] == well)
    auc = wins.mean()
    variance = wins.mean(axis=1).var(ddof=1) / len(ill) + wins.mean(axis=0).var(ddof=1) / len(well)
    half = stats.norm.ppf(0.5 + level / 2) * np.sqrt(variance)
    return float(auc), float(max(0, auc - half)), float(min(1, auc + half))


@dataclass(frozen=True)
class Performance:
    """Accuracy and AUC on `n` subjects, each with its 95 % confidence interval."""

    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    auc: float
    auc_interval: tuple[float, float]

    def as_dict(self) -> dict:
        """For a model card."""
        return {
            "n_test": self.n,
            "accuracy": {"value": round(self.accuracy, 4), "ci95": [round(v, 4) for v in self.accuracy_interval]},
            "auc": {"value": round(self.auc, 4), "ci95": [round(v, 4) for v in self.auc_interval]},
            "intervals": "accuracy: Wilson; AUC: DeLong",
        }


def measure(margins, positive) -> Performance:
    """Performance of logit margins (positive class minus the other; above 0 means positive)."""
    margins, positive = np.asarray(margins, float), np.asarray(positive, bool)
    right = int(((margins > 0) == positive).sum())
    auc, *limits = auc_with_interval(margins, positive)
    return Performance(len(margins), right / len(margins), wilson_interval(right, len(margins)), auc, tuple(limits))
