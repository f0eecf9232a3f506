"""Tables of areas compared between groups, with scans of one patient taken together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.stats.groups import (
    Welch,
    benjamini_hochberg,
    hedges_correction,
    hedges_g,
    hedges_g_interval,
    mean_interval,
    welch_t,
)
from mriinterp.stats.linear import Adjusted, adjusted_difference

__all__ = ["compare_groups", "group_means", "patient_means"]


def patient_means(values, patients, groups=None) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Average the scans of each patient, so that rows are independent.

    Parameters
    ----------
    values : array, shape (n_scans, ...)
    patients, groups : sequence of n_scans
        Patient and, if given, group of every scan.

    Returns
    -------
    means : array, shape (n_patients, ...)
    patients : array of n_patients, sorted
    groups : array of n_patients, or None

    Raises
    ------
    ValueError
        If lengths differ, or a patient has scans in two groups: such patients
        belong to neither side of a comparison and must be left out or assigned first.
    """
    values, patients = np.asarray(values, np.float64), np.asarray(patients)
    if len(values) != len(patients) or (groups is not None and len(groups) != len(patients)):
        raise ValueError(
            f"expected one patient and group a scan, got {len(values)} scans, {len(patients)} patients"
            + ("" if groups is None else f", {len(groups)} groups")
        )
    names, first, member = np.unique(patients, return_index=True, return_inverse=True)
    sums = np.zeros((len(names), *values.shape[1:]))
    np.add.at(sums, member, values)
    counts = np.bincount(member, minlength=len(names)).reshape(-1, *[1] * (values.ndim - 1))
    if groups is None:
        return sums / counts, names, None
    groups = np.asarray(groups)
    of_patient = groups[first]
    mixed = sorted({str(p) for p in patients[groups != of_patient[member]]})
    if mixed:
        raise ValueError(
            f"expected one group a patient, got scans in several groups for {len(mixed)}: {', '.join(mixed[:10])}"
        )
    return sums / counts, names, of_patient


def group_means(
    values: pd.DataFrame, groups, positive: str, reference: str, *, patients=None, level: float = 0.95
) -> pd.DataFrame:
    """Return mean and interval of every area in two groups, without a test.

    Parameters
    ----------
    values : DataFrame, shape (n_scans, n_areas)
        Relevance of each scan, columns named by area.
    groups : sequence of n_scans
        Group of every scan; scans of other groups are not used.
    positive, reference : str
    patients : sequence of n_scans, optional
        Patient of every scan; scans of one patient are averaged first.
    level : float
        Of the confidence intervals.

    Returns
    -------
    DataFrame
        One row an area, in the order of the columns: area, n_a, mean_a,
        low_a, high_a (positive group), n_b, mean_b, low_b, high_b (reference).
    """
    people = _people(values, groups, positive, reference, patients)
    return pd.DataFrame(_mean_columns(people, level))


def compare_groups(
    values: pd.DataFrame,
    groups,
    positive: str,
    reference: str,
    *,
    patients=None,
    covariates: pd.DataFrame | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare every area between two groups.

    Parameters
    ----------
    values, groups, positive, reference, patients, level
        As in `group_means`. Differences are positive − reference.
    covariates : DataFrame, shape (n_scans, k), optional
        Numbers that are held fixed, such as age: the test is then an analysis
        of covariance (ordinary least squares), else Welch's.

    Returns
    -------
    DataFrame
        The columns of `group_means`, which are not adjusted, then
        difference, g, g_low, g_high, t, df, p, p_fdr, defined, which are.
        p_fdr is Benjamini–Hochberg over the areas where a test could be
        made, 1 elsewhere.

    Raises
    ------
    ValueError
        For groups without scans, patients in both groups, and covariates
        that are not finite or determine the group.
    """
    people = _people(values, groups, positive, reference, patients, covariates)
    columns = _mean_columns(people, level)
    a, b = people.values[people.in_a], people.values[~people.in_a]
    if people.covariates is None or not people.covariates.shape[1]:
        test: Welch | Adjusted = welch_t(a, b)
        g, df, leverage = hedges_g(a, b), test.df, None
        difference = columns["mean_a"] - columns["mean_b"]
    else:
        test = held = adjusted_difference(people.values, people.in_a, people.covariates)
        safe = np.where(held.defined, held.deviation, 1.0)
        g = np.where(held.defined, held.difference / safe * hedges_correction(held.df), 0.0)
        difference, df, leverage = held.difference, np.full(len(g), float(held.df)), held.leverage
    low, high = hedges_g_interval(g, len(a), len(b), level, leverage)
    adjusted = benjamini_hochberg(np.where(test.defined, test.p, np.nan))
    columns |= {"difference": difference, "g": g, "g_low": low, "g_high": high}
    columns |= {"t": test.t, "df": df, "p": test.p}
    columns |= {"p_fdr": np.where(test.defined, adjusted, 1.0), "defined": test.defined}
    return pd.DataFrame(columns)


@dataclass(frozen=True, eq=False)
class _People:
    """One row a person: `values` (n, areas), whether of the first group, covariates (n, k)."""

    areas: list[str]
    values: np.ndarray
    in_a: np.ndarray
    covariates: np.ndarray | None


def _people(values: pd.DataFrame, groups, positive, reference, patients, covariates=None) -> _People:
    """Take the people of two groups, scans of one patient averaged."""
    groups, data = np.asarray(groups), values.to_numpy(np.float64)
    if len(groups) != len(data):
        raise ValueError(f"expected one group a scan, got {len(groups)} groups for {len(data)} scans")
    if covariates is not None and len(covariates) != len(data):
        raise ValueError(f"expected covariates of every scan, got {len(covariates)} for {len(data)} scans")
    missing = [g for g in (positive, reference) if g not in set(groups.tolist())]
    if missing:
        raise ValueError(f"expected scans of groups {missing}; available: {sorted(set(map(str, groups)))}")
    kept = np.isin(groups, [positive, reference])
    more = np.empty((len(data), 0)) if covariates is None else covariates.to_numpy(np.float64)
    both, groups = np.column_stack([data, more])[kept], groups[kept]
    if patients is not None:
        both, _, groups = patient_means(both, np.asarray(patients)[kept], groups)
    m = data.shape[1]
    return _People(
        list(values.columns.astype(str)), both[:, :m], groups == positive, None if covariates is None else both[:, m:]
    )


def _mean_columns(people: _People, level: float) -> dict[str, Any]:
    columns: dict[str, Any] = {"area": people.areas}
    for side, group in (("a", people.values[people.in_a]), ("b", people.values[~people.in_a])):
        mean, low, high = mean_interval(group, level=level)
        columns |= {f"n_{side}": len(group), f"mean_{side}": mean, f"low_{side}": low, f"high_{side}": high}
    return columns
