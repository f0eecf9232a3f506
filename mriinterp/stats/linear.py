"""Two groups compared with covariates held fixed: analysis of covariance, for many areas at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

__all__ = ["Adjusted", "adjusted_difference", "design_basis"]

FLAT = 1e-12  # a residual deviation below this share of the largest value is rounding, not spread


@dataclass(frozen=True, eq=False)
class Adjusted:
    """Result of `adjusted_difference`: arrays of shape (m,), and numbers that hold for all of them.

    Attributes
    ----------
    difference : array
        Adjusted mean of the first group minus that of the second.
    deviation : array
        Residual standard deviation.
    t, p : array
        Student's t of the difference and its two-sided p.
    df : int
        Residual degrees of freedom: n − 2 − covariates.
    leverage : float
        Variance of the difference in units of the residual variance; 1/n_a + 1/n_b without covariates.
    defined : array of bool
        Whether there is a test: t is 0 and p is 1 elsewhere.
    """

    difference: np.ndarray
    deviation: np.ndarray
    t: np.ndarray
    p: np.ndarray
    df: int
    leverage: float
    defined: np.ndarray


def design_basis(covariates, in_a) -> np.ndarray:
    """Return an orthonormal basis of intercept and covariates.

    Parameters
    ----------
    covariates : array, shape (n, k)
        Numbers; k may be 0.
    in_a : array of n bool
        Who belongs to the first group.

    Returns
    -------
    array, shape (n, 1 + k)
        The first column is constant.

    Raises
    ------
    ValueError
        If covariates are not finite, determine each other or the group, or
        leave no degree of freedom.
    """
    in_a = np.asarray(in_a, bool)
    covariates = np.asarray(covariates, np.float64).reshape(len(in_a), -1)
    if not np.isfinite(covariates).all():
        raise ValueError("expected finite covariates, got NaN or infinity; leave out scans of which one is unknown")
    centred = covariates - covariates.mean(0)
    scale = np.abs(centred).max(0, initial=0)
    design = np.column_stack([np.ones(len(in_a)), centred / np.where(scale > 0, scale, 1.0)])
    if np.linalg.matrix_rank(np.column_stack([design, in_a])) < design.shape[1] + 1:
        raise ValueError(
            "expected covariates that vary and do not follow from each other or from the group, got some that do: "
            "nothing can be adjusted for them"
        )
    if len(in_a) <= design.shape[1] + 1:
        raise ValueError(
            f"expected more than {design.shape[1] + 1} people for {covariates.shape[1]} covariates, got {len(in_a)}"
        )
    return np.linalg.qr(design)[0]


def adjusted_difference(values, in_a, covariates) -> Adjusted:
    """Compare two groups with covariates held fixed (analysis of covariance, ordinary least squares).

    Parameters
    ----------
    values : array, shape (n, m)
        One row a person, independent of each other.
    in_a : array of n bool
        Who belongs to the first group.
    covariates : array, shape (n, k)

    Returns
    -------
    Adjusted

    Raises
    ------
    ValueError
        As of `design_basis`.
    """
    values, in_a = np.asarray(values, np.float64), np.asarray(in_a, bool)
    basis = design_basis(covariates, in_a)
    group = in_a - basis @ (basis.T @ in_a)  # what of the group the covariates do not explain
    rest = values - basis @ (basis.T @ values)
    leverage = 1 / float(group @ group)
    difference = leverage * (group @ rest)
    squares = np.maximum((rest**2).sum(0) - difference**2 / leverage, 0)
    df = len(in_a) - basis.shape[1] - 1
    deviation = np.sqrt(squares / df)
    defined = deviation > FLAT * np.abs(values).max(0, initial=0)
    t = np.divide(difference, deviation * np.sqrt(leverage), out=np.zeros_like(difference), where=defined)
    p = np.where(defined, 2 * scipy.special.stdtr(df, -np.abs(t)), 1.0)
    return Adjusted(difference, deviation, t, p, df, leverage, defined)
