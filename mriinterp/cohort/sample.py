"""Draw the sample of a comparison: scans of two groups, and covariates that are held fixed.

Scans that were explained out of fold have the fold as a covariate: maps of two networks differ in size and place for
reasons that have nothing to do with the groups, and folds hold the groups in different shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mriinterp.cohort.result import PART, CohortResult
from mriinterp.stats import design_basis

__all__ = ["COVARIATES", "FOLD", "Sample", "covariates_of", "draw_sample"]

FOLD = PART  # the covariate of scans that were explained by different networks
COVARIATES = (FOLD, "age", "sex")
LEAST_DF = 10  # residual degrees of freedom that covariates must leave to be used unasked


@dataclass(frozen=True, eq=False)
class Sample:
    """Scans of two groups that are compared.

    Attributes
    ----------
    pair : (str, str)
        Positive group, with which the reference group is compared.
    ids : list of str
    groups, people : array of str
        Group and person of every scan; no person is in both groups.
    covariates : DataFrame, shape (scans, k)
        Numbers that are held fixed: age in years, a column for each sex and fold but the first.
    used : tuple of str
        Covariates that are held fixed.
    unused : dict of str to str
        Covariates that are not, and why.
    left_out : dict of str to int
        Scans that are left out, by reason.
    training : int
        Scans that trained the network.
    networks : int
        That made the maps: one, or one a fold.
    """

    pair: tuple[str, str]
    ids: list[str]
    groups: np.ndarray
    people: np.ndarray
    covariates: pd.DataFrame
    used: tuple[str, ...] = ()
    unused: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    training: int = 0
    networks: int = 1

    @property
    def in_positive(self) -> np.ndarray:
        """Whether each scan belongs to the positive group."""
        return self.groups == self.pair[0]

    def people_of(self, group: str) -> int:
        """Return the number of people of a group."""
        return len(set(self.people[self.groups == group]))


def covariates_of(result: CohortResult) -> tuple[str, ...]:
    """Return the covariates that a cohort may have: the fold only where networks of several folds made its maps."""
    return tuple(name for name in COVARIATES if name != FOLD or FOLD in result.subjects)


def draw_sample(
    result: CohortResult, method: str, *, ids: Sequence[str] | None = None, covariates: Sequence[str] | None = None
) -> Sample:
    """Take the scans whose maps of a method may be compared between positive and reference group.

    Parameters
    ----------
    result : CohortResult
    method : str
    ids : sequence of str, optional
        Only these scans; default: all that have a map.
    covariates : sequence of {"fold", "age", "sex"}, optional
        Held fixed; scans of which one is unknown are left out. None: those
        that are known of every scan, vary, and leave enough people. The fold
        is one where maps of several networks were pooled.

    Raises
    ------
    ValueError
        Where groups must not be compared (`CohortResult.why_no_test`), for an
        unknown covariate, one that follows from the group, and for a group
        without scans.
    """
    result.check_testable(method)
    pair = (result.positive, result.reference_group)
    available = covariates_of(result)
    if unknown := [name for name in covariates or () if name not in available]:
        raise ValueError(f"expected a covariate, got {unknown[0]!r}; available: {', '.join(available)}")
    known = result.ids(method)
    wanted = set(known if ids is None else ids)
    table = result.subjects.loc[[i for i in known if i in wanted]]
    table = table[table["group"].isin(pair)]
    table = table.assign(person=(table["subject"] if "subject" in table else table["id"]).astype(str))
    left_out = {}
    both = table.groupby("person")["group"].nunique()
    mixed = table["person"].isin(both.index[both > 1])
    if mixed.any():
        left_out["of people with scans in both groups"] = int(mixed.sum())
        table = table[~mixed]
    if covariates is None:
        numbers, used, unused = _usual_covariates(table, pair, available)
    else:
        table, numbers, lacking = _chosen_covariates(table, covariates)
        used, unused = tuple(covariates), {}
        left_out |= lacking
    for group in pair:
        if not (table["group"] == group).any():
            reasons = "".join(f"; {n} scans {why} are left out" for why, n in left_out.items())
            raise ValueError(f"expected scans of {group} to compare, got none{reasons}")
    if covariates:
        people = numbers.groupby(table["person"]).mean()
        design_basis(people, table.groupby("person")["group"].first().loc[people.index] == pair[0])
    return Sample(
        pair, table.index.tolist(), table["group"].to_numpy(str), table["person"].to_numpy(str), numbers, used, unused,
        left_out, int(table["training"].sum()), table[FOLD].nunique() if FOLD in table else 1,
    )  # fmt: skip


def _numbers(table: pd.DataFrame, covariate: str) -> pd.DataFrame:
    """Return a covariate as numbers: age as it is, sex and fold as a column for each but the first; NaN where unknown."""
    if covariate not in table:
        return pd.DataFrame({covariate: np.full(len(table), np.nan)}, index=table.index)
    if covariate == "age":
        return table[["age"]].astype(float)
    kind = table[covariate].fillna("").astype(str)
    columns = {
        f"{covariate} {one}": (kind == one).astype(float).where(kind != "") for one in sorted(set(kind) - {""})[1:]
    }
    return pd.DataFrame(columns or {covariate: np.where(kind == "", np.nan, 0.0)}, index=table.index)


def _usual_covariates(
    table: pd.DataFrame, pair, available: Sequence[str]
) -> tuple[pd.DataFrame, tuple[str, ...], dict[str, str]]:
    """Return the covariates that can be held fixed without leaving out a scan, and why the others are not."""
    people = table.groupby("person")
    in_a = (people["group"].first() == pair[0]).to_numpy()
    numbers, unused = pd.DataFrame(index=table.index), {}
    used: list[str] = []
    for covariate in available:
        more = _numbers(table, covariate)
        both = pd.concat([numbers, more], axis=1)
        unknown = int(more.isna().any(axis=1).sum())
        if unknown:
            few = f" of {unknown} scan{'s' if unknown > 1 else ''}"
            unused[covariate] = "it is not known" + (few if unknown < len(table) else "")
        elif (more.nunique() < 2).all():
            unused[covariate] = "it is the same in all scans"
        elif min(in_a.sum(), (~in_a).sum()) < 2 or len(in_a) - 2 - both.shape[1] < LEAST_DF:
            unused[covariate] = f"there are only {len(in_a)} people"
        else:
            try:
                design_basis(both.groupby(table["person"]).mean(), in_a)
            except ValueError:
                unused[covariate] = "it follows from the group"
                continue
            numbers, used = both, [*used, covariate]
    return numbers, tuple(used), unused


def _chosen_covariates(
    table: pd.DataFrame, covariates: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """Return the scans of which the chosen covariates are known, these as numbers, and how many scans lack which."""
    left_out = {}
    for covariate in covariates:
        unknown = _numbers(table, covariate).isna().any(axis=1)
        if unknown.any():
            left_out[f"of unknown {covariate}"] = int(unknown.sum())
            table = table[~unknown]
    columns = [_numbers(table, covariate) for covariate in covariates]
    return table, pd.concat(columns, axis=1) if columns else pd.DataFrame(index=table.index), left_out
