"""A number known of each scan (age, a score, a volume) against the relevance of every area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mriinterp.cohort.result import PART, CohortResult
from mriinterp.cohort.sample import LEAST_DF
from mriinterp.stats import benjamini_hochberg, patient_means, rank_correlations

__all__ = ["NumberComparison", "compare_number", "number_columns", "numbers_of"]

NOT_MEASURED = ("label", "correct", "training", "maps", "target", "failure", "warnings")
LEAST_VALUES = 3  # different ones, for a column to count as a number


@dataclass(frozen=True, eq=False)
class NumberComparison:
    """A number against the relevance of areas, by one method.

    Attributes
    ----------
    method, number : str
        `number`: name of the column.
    areas : DataFrame
        One row an area: area, n (people), rho, low, high (95% interval), p, p_fdr (Benjamini–Hochberg over areas);
        smallest p first.
    values : DataFrame, shape (people, areas)
        Mean relevance of a voxel, averaged over the scans of a person.
    numbers, groups : Series
        Of every person.
    within : bool
        Whether ranks are compared within groups.
    by_fold : bool
        Whether ranks are compared within folds, whose networks differ.
    left_out : dict of str to int
        Scans that are left out, by reason.
    kind : str
        What of the maps is compared: a key of `mriinterp.cohort.kinds.KINDS`.
    """

    method: str
    number: str
    areas: pd.DataFrame
    values: pd.DataFrame
    numbers: pd.Series
    groups: pd.Series
    within: bool
    by_fold: bool = False
    left_out: dict[str, int] = field(default_factory=dict)
    kind: str = "reading"


def number_columns(*tables: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns of tables that hold numbers, by name: those of the first table that has them.

    Text that reads as numbers counts; empty cells are unknown. Columns with
    fewer than three different values are no numbers, nor is what the run
    counts itself.
    """
    found: dict[str, pd.Series] = {}
    for table in tables:
        for name in table.columns:
            if str(name) in found or str(name) in NOT_MEASURED or table[name].dtype == bool:
                continue
            numbers = pd.to_numeric(table[name], errors="coerce").astype(float)
            known = table[name].notna() & table[name].astype(str).str.strip().ne("")
            if numbers[known].notna().all() and numbers.nunique() >= LEAST_VALUES:
                found[str(name)] = numbers
    return found


def numbers_of(result: CohortResult, table: pd.DataFrame, number: str) -> pd.Series:
    """Return a column of a table for every scan of a cohort, NaN where it is unknown.

    Parameters
    ----------
    result : CohortResult
    table : DataFrame
        With a column of the ids of scans, or of people, whatever its name:
        the first that holds one.
    number : str
        The column wanted.

    Raises
    ------
    KeyError
        Without that column of numbers.
    ValueError
        Where no column names scans or people, or one of them has several numbers.
    """
    columns = number_columns(table)
    if number not in columns:
        raise KeyError(f"expected a column of numbers, got {number!r}; available: {', '.join(columns) or 'none'}")
    scans = result.subjects["id"].astype(str)
    people = result.subjects["subject"].astype(str) if "subject" in result.subjects else scans
    for name in table.columns:
        keys = table[name].astype(str).str.strip()
        for wanted in (scans, people):
            if name == number or not set(keys) & set(wanted):
                continue
            known = pd.Series(columns[number].to_numpy(float), keys)
            known = known[known.index.isin(set(wanted)) & known.notna().to_numpy()]
            twice = known.groupby(level=0).nunique()
            if (twice > 1).any():
                raise ValueError(
                    f"expected one {number} for each of column {name!r}, got several for "
                    f"{', '.join(twice.index[twice > 1][:10])}"
                )
            first = known.groupby(level=0).first()
            return pd.Series(first.reindex(wanted).to_numpy(float), result.subjects.index, name=number)
    raise ValueError(
        f"expected a column with ids of scans or people of this cohort ({', '.join(scans[:3])} …), got columns "
        f"{', '.join(map(str, table.columns))}"
    )


def compare_number(
    result: CohortResult,
    method: str,
    number: str,
    values: Mapping[str, float] | pd.Series | None = None,
    *,
    ids: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    within: bool | None = None,
    kind: str = "reading",
    merge_hemispheres: bool = True,
) -> NumberComparison:
    """Correlate a number with the mean relevance of every area, by Spearman's ranks over people.

    Parameters
    ----------
    result : CohortResult
    method, number : str
        `number`: a column of the cohort's table of scans, or the name of `values`.
    values : mapping of scan to number, optional
        Where it is no such column.
    ids : sequence of str, optional
        Only these scans.
    groups : sequence of str, optional
        Only these groups.
    within : bool, optional
        Compare ranks within groups, so that a difference of the groups alone
        correlates with nothing; None: wherever there are several groups. Where
        maps of several networks were pooled, ranks are compared within folds
        in any case, as far as there are people enough.
    kind : str
        As of `CohortResult.mean`.
    merge_hemispheres : bool

    Raises
    ------
    KeyError
        For an unknown column or group.
    ValueError
        Where maps explain different outputs (`CohortResult.why_no_test`), a
        person has scans in several groups, and as of
        `mriinterp.stats.rank_correlations`.
    """
    if result.positive:
        result.check_testable(method)
    table, numbers, left_out = _scans_with_number(result, method, number, values, ids, groups)
    areas = result.areas(method, merge_hemispheres=merge_hemispheres, value="mean", kind=kind)
    areas = areas.loc[table.index].dropna(axis=1, how="all")
    person = (table["subject"] if "subject" in table else table["id"]).astype(str).to_numpy()
    both = np.column_stack([numbers.to_numpy(float), areas.to_numpy(float)])
    means, people, grouped = patient_means(both, person, table["group"].to_numpy(str))
    of = np.asarray(grouped)
    fixed = len(set(of)) > 1 if within is None else within and len(set(of)) > 1
    strata = of if fixed else np.full(len(of), "")
    folds = table.groupby(person)[PART].first().loc[people].astype(str).to_numpy() if PART in table else None
    strata, by_fold = _within_folds(strata, folds)
    found = rank_correlations(means[:, 1:], means[:, 0], strata if fixed or by_fold else None)
    rows = pd.DataFrame(
        {
            "area": areas.columns,
            "n": found.n,
            "rho": found.rho,
            "low": found.low,
            "high": found.high,
            "p": found.p,
            "p_fdr": benjamini_hochberg(found.p),
        }
    ).sort_values("p", kind="stable", ignore_index=True)
    index = pd.Index(people, name="person")
    return NumberComparison(
        method,
        number,
        rows,
        pd.DataFrame(means[:, 1:], index, areas.columns),
        pd.Series(means[:, 0], index, name=number),
        pd.Series(of, index, name="group"),
        fixed,
        by_fold,
        left_out,
        kind,
    )


def _scans_with_number(
    result: CohortResult,
    method: str,
    number: str,
    values: Mapping[str, float] | pd.Series | None,
    ids: Sequence[str] | None,
    groups: Sequence[str] | None,
) -> tuple[pd.DataFrame, pd.Series, dict[str, int]]:
    """Return the rows of the chosen scans whose number is known, these numbers, and how many scans are left out."""
    known = number_columns(result.subjects)
    if values is None:
        if number not in known:
            raise KeyError(f"expected a column of numbers, got {number!r}; available: {', '.join(known) or 'none'}")
        values = known[number]
    if unknown := [g for g in groups or () if g not in result.groups]:
        raise KeyError(
            f"expected groups of this cohort, got {', '.join(unknown)}; available: {', '.join(result.groups)}"
        )
    wanted, chosen = set(result.ids(method) if ids is None else ids), set(groups or result.groups)
    table = result.subjects.loc[[i for i in result.ids(method) if i in wanted]]
    table = table[table["group"].isin(chosen)]
    numbers = pd.Series(values, dtype=float).reindex(table.index)
    missing = int((~np.isfinite(numbers)).sum())
    table, numbers = table[np.isfinite(numbers)], numbers[np.isfinite(numbers)]
    left_out = {f"of unknown {number}": missing} if missing else {}
    if table.empty:
        raise ValueError(f"expected scans of known {number}, got none")
    return table, numbers, left_out


def _within_folds(strata: np.ndarray, folds: np.ndarray | None) -> tuple[np.ndarray, bool]:
    """Return strata divided by fold, and whether they are: only where enough people are left to compare."""
    if folds is None:
        return strata, False
    both = np.array([f"{one} {other}" for one, other in zip(strata, folds, strict=True)])
    by_fold = len(set(folds)) > 1 and len(folds) - 2 - len(set(both)) >= LEAST_DF
    return (both, True) if by_fold else (strata, False)
