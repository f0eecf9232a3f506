"""Spearman's rank correlation of one number with many columns, with intervals, and groups held fixed if wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

__all__ = ["Correlations", "rank_correlations"]

LEAST = 4  # people, besides the groups that are held fixed: with fewer there is no interval


@dataclass(frozen=True, eq=False)
class Correlations:
    """Result of `rank_correlations`: arrays of shape (m,).

    Attributes
    ----------
    rho : array
        Spearman's ρ; partial where groups are held fixed. NaN where it is not defined.
    low, high : array
        95% interval: Fisher's z with the variance of Bonett & Wright 2000.
    p : array
        Two-sided, from Student's t with n − 2 − k degrees of freedom, k groups but one held fixed; NaN where ρ is.
    n : int
        People.
    df : int
    """

    rho: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    n: int
    df: int


def _residual_ranks(values: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Return average ranks of every column, less the mean rank of each group."""
    ranks = scipy.stats.rankdata(values, axis=0)
    for group in [None] if groups is None else np.unique(groups):
        rows = slice(None) if group is None else groups == group
        ranks[rows] -= ranks[rows].mean(axis=0)
    return ranks


def rank_correlations(values, number, groups=None, *, level: float = 0.95) -> Correlations:
    """Correlate a number with every column by ranks.

    Parameters
    ----------
    values : array, shape (n, m)
        One row a person, independent of each other.
    number : array, shape (n,)
    groups : array, shape (n,), optional
        Held fixed: ranks are compared within groups (partial correlation of the ranks).
    level : float
        Of the intervals.

    Returns
    -------
    Correlations
        Without groups ρ and p are those of `scipy.stats.spearmanr`.

    Raises
    ------
    ValueError
        For another number of rows, values that are not finite, a number that
        does not vary, and too few people for an interval.
    """
    values, number = np.asarray(values, np.float64), np.asarray(number, np.float64)
    if values.ndim != 2 or number.shape != values.shape[:1]:
        raise ValueError(f"expected one number a row, got {number.shape} numbers for values of shape {values.shape}")
    if not np.isfinite(values).all() or not np.isfinite(number).all():
        raise ValueError(
            "expected finite values and numbers, got NaN or infinity; leave out scans of which one is unknown"
        )
    groups = None if groups is None else np.asarray(groups)
    fixed = 0 if groups is None else len(np.unique(groups)) - 1
    n = len(number)
    if n - fixed < LEAST:
        more = f" with {fixed + 1} groups held fixed" if groups is not None else ""
        raise ValueError(f"expected {LEAST + fixed} or more people for a correlation{more}, got {n}")
    x, y = _residual_ranks(number[:, None], groups)[:, 0], _residual_ranks(values, groups)
    if not (x**2).sum() > 0:
        raise ValueError(
            "expected a number that varies, got the same one for all people" + (" of a group" if fixed else "")
        )
    squares = (y**2).sum(axis=0)
    scale = np.sqrt((x**2).sum() * squares)
    rho = np.divide(x @ y, scale, out=np.full(values.shape[1], np.nan), where=scale > 0).clip(-1, 1)
    df = n - 2 - fixed
    with np.errstate(divide="ignore", invalid="ignore"):
        t = rho * np.sqrt(df / (1 - rho**2))
        p = 2 * scipy.stats.t.sf(np.abs(t), df)
        reach = scipy.stats.norm.ppf(0.5 + level / 2) * np.sqrt((1 + rho**2 / 2) / (n - 3 - fixed))
        z = np.arctanh(rho)
        low, high = np.tanh(z - reach), np.tanh(z + reach)
    return Correlations(rho, low, high, p, n, df)
