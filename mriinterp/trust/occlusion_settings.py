"""Measure how far box occlusion depends on its settings: fill, size and stride."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import scipy

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.methods import get_method
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome

__all__ = ["FILLS", "QUICK_WINDOWS", "WINDOWS", "has_settings", "occlusion_settings"]

FILLS = ("zero", "mean", "blur", "reference")
WINDOWS = ((40, 25), (40, 40), (20, 20), (20, 12), (12, 12))  # size, stride in voxels; the first is the default
QUICK_WINDOWS = ((40, 25), (24, 24))


def _tau(a: np.ndarray, b: np.ndarray) -> float:
    return float(scipy.stats.kendalltau(a, b).statistic)


def has_settings(explainer: Explainer) -> bool:
    """Return whether an explainer hides boxes behind a fill, and can draw the mean of all boxes."""
    if explainer.is_null_map or get_method(explainer.method).kind != "boxes":
        return False
    parameters = get_method(explainer.method).parameters
    return {"size", "stride", "fill", "placement"} <= parameters.keys() and "mean" in parameters["placement"].choices


def occlusion_settings(
    case: Case,
    *,
    method: str,
    windows: Sequence[tuple[int, int]] = WINDOWS,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Return Kendall's τ of the ranks of areas, between fills and between windows.

    Parameters
    ----------
    method : str
        One that `has_settings`.

    Returns
    -------
    Outcome
        ``fill_<a>_<b>``: exact occlusion of every area, one fill against
        another. ``window_<size>_<stride>``: mean of the box map in each area,
        against that of the first window; ``exact_<size>_<stride>``: against
        the exact drops, both with the reference as fill.
    """
    from mriinterp.methods.fills import fill_values

    total, drops = len(FILLS) + len(windows), {}
    for done, fill in enumerate(FILLS, 1):
        check_cancel(cancel)
        drops[fill] = case.area_drops(fill_values(fill, case.x, case.reference), cancel)
        tell(progress, done, total)
    values = {f"fill_{a}_{b}": _tau(drops[a], drops[b]) for a, b in combinations(FILLS, 2)}
    first = None
    for done, (size, stride) in enumerate(windows, len(FILLS) + 1):
        check_cancel(cancel)
        params = {"size": size, "stride": stride, "fill": "reference", "placement": "mean"}
        means = case.area_sums(Explainer(method, params)(case, cancel=cancel)) / case.area_sizes
        first = means if first is None else first
        values[f"window_{size}_{stride}"] = _tau(means, first)
        values[f"exact_{size}_{stride}"] = _tau(means, drops["reference"])
        tell(progress, done, total)
    return Outcome(values, {"drops": {fill: found.tolist() for fill, found in drops.items()}})
