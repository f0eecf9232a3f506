"""Tables of areas compared between groups, with scans of one patient taken together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mriinterp.stats.groups import benjamini_hochberg, hedges_g, hedges_g_interval, mean_interval, welch_t

__all__ = ["compare_groups", "patient_means"]


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


def compare_groups(
    values: pd.DataFrame, groups, positive: str, reference: str, *, patients=None, level: float = 0.95
) -> pd.DataFrame:
    """Every area compared between two groups.

    Parameters
    ----------
    values : DataFrame, shape (n_scans, n_areas)
        Relevance of each scan, columns named by area.
    groups : sequence of n_scans
        Group of every scan; scans of other groups are not used.
    positive, reference : str
        Differences are positive − reference.
    patients : sequence of n_scans, optional
        Patient of every scan; scans of one patient are averaged first.
    level : float
        Of the confidence intervals of means and of g.

    Returns
    -------
    DataFrame
        One row an area, in the order of the columns: area, n_a, mean_a,
        low_a, high_a (positive group), n_b, mean_b, low_b, high_b (reference),
        difference, g, g_low, g_high, t, df, p, p_fdr, defined. p_fdr is
        Benjamini–Hochberg over the areas where a test could be made, 1 elsewhere.
    """
    groups = np.asarray(groups)
    data = values.to_numpy(np.float64)
    if len(groups) != len(data):
        raise ValueError(f"expected one group a scan, got {len(groups)} groups for {len(data)} scans")
    missing = [g for g in (positive, reference) if g not in set(groups.tolist())]
    if missing:
        raise ValueError(f"expected scans of groups {missing}; available: {sorted(set(map(str, groups)))}")
    kept = np.isin(groups, [positive, reference])
    data, groups = data[kept], groups[kept]
    if patients is not None:
        data, _, groups = patient_means(data, np.asarray(patients)[kept], groups)
    a, b = data[groups == positive], data[groups == reference]
    g, test = hedges_g(a, b), welch_t(a, b)
    columns: dict[str, object] = {"area": values.columns.astype(str)}
    for side, group in (("a", a), ("b", b)):
        mean, low, high = mean_interval(group, level=level)
        columns |= {f"n_{side}": len(group), f"mean_{side}": mean, f"low_{side}": low, f"high_{side}": high}
    g_low, g_high = hedges_g_interval(g, len(a), len(b), level)
    adjusted = benjamini_hochberg(np.where(test.defined, test.p, np.nan))
    columns |= {"difference": columns["mean_a"] - columns["mean_b"], "g": g, "g_low": g_low, "g_high": g_high}
    columns |= {"t": test.t, "df": test.df, "p": test.p}
    columns |= {"p_fdr": np.where(test.defined, adjusted, 1.0), "defined": test.defined}
    return pd.DataFrame(columns)
