"""How well a classifier separates two groups, for a model card."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mriinterp.stats import Estimate, auc_interval, wilson_interval

__all__ = ["Performance", "measure"]


@dataclass(frozen=True)
class Performance:
    """Accuracy and AUC on `n` subjects, each with its 95% confidence interval."""

    n: int
    accuracy: Estimate
    auc: Estimate

    def as_dict(self) -> dict:
        """Return entries for a model card."""
        found = {
            name: {"value": round(value.value, 4), "ci95": [round(value.low, 4), round(value.high, 4)]}
            for name, value in (("accuracy", self.accuracy), ("auc", self.auc))
        }
        return {"n_test": self.n, **found, "intervals": "accuracy: Wilson; AUC: DeLong on the logit scale"}


def measure(margins, positive) -> Performance:
    """Return the performance of logit margins (positive class minus the other; above 0 means positive)."""
    margins, positive = np.asarray(margins, float), np.asarray(positive, bool)
    if min(positive.sum(), (~positive).sum()) < 2:
        raise ValueError(f"expected at least two subjects of each group, got {positive.sum()} and {(~positive).sum()}")
    right = int(((margins > 0) == positive).sum())
    return Performance(len(margins), wilson_interval(right, len(margins)), auc_interval(positive, margins))
