"""Positive and reference group compared: their total relevance first, then each area.

Shares of a map sum to 1: more in one area is less in others by arithmetic
alone. Tests are therefore made on relevance in its own unit; shares are
described, not tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mriinterp.cohort.result import CohortResult
from mriinterp.cohort.sample import Sample, draw_sample
from mriinterp.stats import compare_groups, group_means

__all__ = ["TOTAL", "GroupComparison", "GroupShares", "compare_areas", "describe_shares"]

TOTAL = "Total of all areas"


@dataclass(frozen=True, eq=False)
class GroupComparison:
    """Positive against reference group, by one method.

    Attributes
    ----------
    method, target : str
    sample : Sample
        Scans, covariates, what was left out.
    total : Series
        The relevance of a scan summed over all areas, as a row of `mriinterp.stats.compare_groups`.
    areas : DataFrame
        The relevance of a voxel, as `mriinterp.stats.compare_groups` has it.
    values : DataFrame, shape (scans, areas)
        What was compared.
    kind : str
        What of the maps was compared: a key of `mriinterp.cohort.kinds.KINDS`.
    """

    method: str
    target: str
    sample: Sample
    total: pd.Series
    areas: pd.DataFrame
    values: pd.DataFrame
    kind: str = "signed"

    @property
    def table(self) -> pd.DataFrame:
        """The total in the first row, then the areas; ``quantity`` says what a mean is of."""
        both = pd.concat([self.total.to_frame().T.astype(self.areas.dtypes), self.areas], ignore_index=True)
        return both.assign(quantity=["sum over all areas", *["mean of a voxel"] * len(self.areas)])


def compare_areas(
    result: CohortResult,
    method: str,
    *,
    ids: Sequence[str] | None = None,
    kind: str = "signed",
    merge_hemispheres: bool = True,
    covariates: Sequence[str] | None = None,
) -> GroupComparison:
    """Compare total and mean relevance of every area between positive and reference group.

    Parameters
    ----------
    result : CohortResult
    method : str
    ids : sequence of str, optional
        Only these scans.
    kind : str
        What of each map is compared, as of `CohortResult.mean`; by default both signs, as the command and the page
        have it. "reading" is the method's own.
    merge_hemispheres : bool
    covariates : sequence of {"age", "sex"}, optional
        Held fixed; None: those that are known of every scan, () for none.
        See `mriinterp.cohort.sample.draw_sample`.

    Raises
    ------
    ValueError
        Where maps explain different outputs, and as of `draw_sample`.
    """
    sample = draw_sample(result, method, ids=ids, covariates=covariates)
    values, sums = (
        result.areas(method, merge_hemispheres=merge_hemispheres, value=value, kind=kind) for value in ("mean", "sum")
    )
    values = values.loc[sample.ids].dropna(axis=1, how="all")  # an area without voxels is no test
    total = sums.loc[sample.ids].sum(axis=1).to_frame(TOTAL)
    given = {"patients": sample.people, "covariates": sample.covariates}
    return GroupComparison(
        method,
        result.target,
        sample,
        compare_groups(total, sample.groups, *sample.pair, **given).iloc[0],
        compare_groups(values, sample.groups, *sample.pair, **given),
        values,
        kind,
    )


@dataclass(frozen=True, eq=False)
class GroupShares:
    """Where the relevance of two groups lies, relative to the other areas; not tested.

    Attributes
    ----------
    sample : Sample
    means : DataFrame
        Mean of the scans' shares and its interval, of `mriinterp.stats.group_means`.
    values : DataFrame, shape (scans, areas)
        The share of each area in each scan, 0 to 1; 0 in maps without relevance.
    """

    sample: Sample
    means: pd.DataFrame
    values: pd.DataFrame


def describe_shares(
    result: CohortResult,
    method: str,
    *,
    ids: Sequence[str] | None = None,
    kind: str = "signed",
    merge_hemispheres: bool = True,
) -> GroupShares:
    """Return how relevance lies relative to the other areas in positive and reference group, without a test.

    Of signed maps (`kind`) the shares are those of their size. ValueError where maps explain different outputs, and for a group without scans.
    """
    sample = draw_sample(result, method, ids=ids, covariates=())
    size = "absolute" if kind == "signed" else kind
    values = result.areas(method, merge_hemispheres=merge_hemispheres, kind=size).loc[sample.ids].fillna(0.0)
    return GroupShares(sample, group_means(values, sample.groups, *sample.pair, patients=sample.people), values)
