"""Ranks of voxels beside a truth that has a strength: weighted AUC and average precision, within strata or not."""

from __future__ import annotations

import numpy as np

__all__ = ["STRATA", "strata_of", "stratified_auc", "weighted_auc", "weighted_average_precision"]

STRATA = 20  # of equal size, by the strength of the scan's edges


def weighted_auc(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the chance that diseased tissue ranks above healthy tissue, tissue drawn by its weight; ties count half.

    Parameters
    ----------
    values : array, shape (n,)
        Relevance of each voxel.
    weights : array, shape (n,)
        How much the disease changed it; 0 is healthy.

    Returns
    -------
    float
        0.5 for no relation. NaN without diseased or without healthy voxels.
    """
    ill = weights > 0
    healthy = np.sort(values[~ill])
    if not healthy.size or not ill.any():
        return float("nan")
    below = np.searchsorted(healthy, values[ill], "left") + np.searchsorted(healthy, values[ill], "right")
    return float(np.average(below / (2 * healthy.size), weights=weights[ill]))


def weighted_average_precision(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the average precision for diseased voxels that count by their weight, its mean scaled to 1.

    Chance is the share of voxels that are diseased, as for the plain one.
    """
    from sklearn.metrics import average_precision_score  # seconds to load

    ill = weights > 0
    if not ill.any():
        return float("nan")
    counted = np.where(ill, weights / weights[ill].mean(), 1.0)
    return float(average_precision_score(ill, values, sample_weight=counted))


def strata_of(values: np.ndarray, count: int = STRATA) -> np.ndarray:
    """Return the number of the stratum of each value: `count` groups of equal size, by rank."""
    order = np.argsort(values, kind="stable")
    found = np.empty(values.size, np.int64)
    found[order] = np.arange(values.size) * count // max(values.size, 1)
    return found


def stratified_auc(values: np.ndarray, weights: np.ndarray, strata: np.ndarray) -> float:
    """Return the mean of `weighted_auc` within strata, each by the weight of the disease in it.

    What a map gains from whatever the strata were made of is taken out: only
    voxels that are alike in it are compared.
    """
    total, sums = 0.0, 0.0
    for number in np.unique(strata):
        chosen = strata == number
        found = weighted_auc(values[chosen], weights[chosen])
        if np.isfinite(found):
            weight = float(weights[chosen].sum())
            total += weight
            sums += weight * found
    return sums / total if total > 0 else float("nan")
