"""Two groups compared: effect size, test and intervals, for many areas or voxels at once.

A comparison "cannot be made" where a group has too few members or where
no two values differ: the spread, and with it the yardstick, is then
unknown. Effect and t are 0 there, p is 1 and `defined` is False, so that no
such place looks like a finding and no NaN spreads into a picture.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import scipy

__all__ = [
    "Welch",
    "benjamini_hochberg",
    "hedges_correction",
    "hedges_g",
    "hedges_g_from_moments",
    "hedges_g_interval",
    "mean_interval",
    "welch_t",
]

FLAT = 1e-12  # a standard deviation below this share of the largest value is rounding, not spread


@dataclass(frozen=True, eq=False)
class Welch:
    """Welch's t test: `t`, degrees of freedom `df`, two-sided `p`, and where it is `defined`."""

    t: np.ndarray
    df: np.ndarray
    p: np.ndarray
    defined: np.ndarray


def _finite(values, name: str) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise ValueError(f"expected finite values in the {name}, got {bad} of NaN or infinity")
    return array


def _moments(values, axis: int, name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Return mean, unbiased variance (0 for fewer than two, or mere rounding) and count along an axis."""
    array = _finite(values, name)
    if array.ndim == 0:
        raise ValueError(f"expected an array with one entry a subject in the {name}, got a single number")
    n = array.shape[axis]
    if n == 0:
        shape = np.delete(array.shape, axis)
        return np.zeros(shape), np.zeros(shape), 0
    mean = array.mean(axis)
    variance = array.var(axis, ddof=1) if n > 1 else np.zeros_like(mean)
    largest = np.abs(array).max(axis)
    return mean, np.where(variance > (FLAT * largest) ** 2, variance, 0.0), n


def hedges_correction(df: float) -> float:
    """Return Hedges' exact factor against the small-sample bias of Cohen's d (Hedges 1981)."""
    return float(np.exp(scipy.special.gammaln(df / 2) - scipy.special.gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def hedges_g_from_moments(mean_a, variance_a, n_a: int, mean_b, variance_b, n_b: int) -> np.ndarray:
    """Return Hedges' g from means, unbiased variances and counts; see `hedges_g`."""
    difference = np.asarray(mean_a, np.float64) - np.asarray(mean_b, np.float64)
    df = n_a + n_b - 2
    if min(n_a, n_b) < 1 or df < 2:
        return np.zeros_like(difference)
    # a group of one has no variance: the other one's is used
    pooled = (max(n_a - 1, 0) * np.asarray(variance_a) + max(n_b - 1, 0) * np.asarray(variance_b)) / df
    with np.errstate(divide="ignore", invalid="ignore"):
        g = difference / np.sqrt(pooled) * hedges_correction(df)
    return np.where(pooled > 0, g, 0.0)


def hedges_g(a, b, axis: int = 0) -> np.ndarray:
    """Return the standardised difference of means, mean(a) − mean(b), in pooled standard deviations.

    Parameters
    ----------
    a, b : array, shape (n_a, ...) and (n_b, ...)
        Values of the members of each group along `axis`.

    Returns
    -------
    array, shape (...)
        With Hedges' exact small-sample correction (Hedges 1981). 0 where the
        comparison cannot be made: an empty group, fewer than four values in
        both together, or no spread. Beside a group of one the spread is the
        other group's.
    """
    return hedges_g_from_moments(*_moments(a, axis, "first group"), *_moments(b, axis, "second group"))


def hedges_g_interval(
    g, n_a: int, n_b: int, level: float = 0.95, leverage: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the normal-approximation confidence interval of Hedges' g (Hedges & Olkin 1985).

    Parameters
    ----------
    g : array
    n_a, n_b : int
    level : float
    leverage : float, optional
        Variance of the difference of means in units of the variance, where
        covariates are held fixed; None: 1/n_a + 1/n_b.

    Returns
    -------
    low, high : array
        NaN where a group has fewer than two members: there is no interval.
    """
    g = np.asarray(g, np.float64)
    if min(n_a, n_b) < 2:
        return np.full_like(g, np.nan), np.full_like(g, np.nan)
    error = np.sqrt((1 / n_a + 1 / n_b if leverage is None else leverage) + g**2 / (2 * (n_a + n_b)))
    reach = _z(level) * error
    return g - reach, g + reach


def _z(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"expected a confidence level between 0 and 1, got {level}")
    return float(scipy.special.ndtri(0.5 + level / 2))


def welch_t(a, b, axis: int = 0) -> Welch:
    """Test mean(a) − mean(b) by Welch's unequal-variances t, two-sided (`scipy.stats.ttest_ind`).

    Parameters
    ----------
    a, b : array, shape (n_a, ...) and (n_b, ...)
        Values of the members of each group along `axis`, independent of each
        other: one a patient (`patient_means`), not one a scan.

    Returns
    -------
    Welch
        Arrays of shape (...). Where the test cannot be made (a group of 0 or
        1, or no spread in either group) t = 0, df = 1, p = 1, defined = False.
    """
    (_, variance_a, n_a), (_, variance_b, n_b) = _moments(a, axis, "first group"), _moments(b, axis, "second group")
    shape = np.shape(variance_a)
    if min(n_a, n_b) < 2:
        return Welch(np.zeros(shape), np.ones(shape), np.ones(shape), np.zeros(shape, bool))
    scale = np.maximum(np.abs(a).max(axis), np.abs(b).max(axis))
    scale = np.expand_dims(np.where(scale > 0, scale, 1.0), axis)  # squares of tiny values would underflow
    defined = (variance_a > 0) | (variance_b > 0)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of flat places, which are undefined here
        found = scipy.stats.ttest_ind(np.asarray(a) / scale, np.asarray(b) / scale, axis=axis, equal_var=False)
    t, df, p = (
        np.where(defined, np.asarray(values, np.float64), usual)
        for values, usual in ((found.statistic, 0.0), (found.df, 1.0), (found.pvalue, 1.0))
    )
    return Welch(t, df, p, defined)


def benjamini_hochberg(p) -> np.ndarray:
    """Return p values adjusted for the false discovery rate (Benjamini & Hochberg 1995, as SciPy has it).

    Parameters
    ----------
    p : array of any shape
        One family of tests. NaN marks a test that was not made: it stays NaN
        and does not count.

    Returns
    -------
    array
        Same shape; significant at rate q where ≤ q.
    """
    p = np.asarray(p, np.float64)
    made = ~np.isnan(p)
    values = p[made]
    if values.size and (values.min() < 0 or values.max() > 1):
        raise ValueError(f"expected p values from 0 to 1, got {values.min():g} to {values.max():g}")
    adjusted = np.full(p.shape, np.nan)
    adjusted[made] = scipy.stats.false_discovery_control(values) if values.size else values
    return adjusted


def mean_interval(values, axis: int = 0, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean and its t-based confidence interval.

    Returns
    -------
    mean, low, high : array
        low and high are NaN for fewer than two values (there is no interval);
        the mean is NaN for none.
    """
    _z(level)
    mean, variance, n = _moments(values, axis, "values")
    if n < 2:
        gap = np.full_like(mean, np.nan)
        return (mean if n else gap), gap, gap
    reach = scipy.special.stdtrit(n - 1, 0.5 + level / 2) * np.sqrt(variance / n)
    return mean, mean - reach, mean + reach
