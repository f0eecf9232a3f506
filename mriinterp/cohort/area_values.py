"""Relevance per area of every scan, from the rows of a cohort's table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mriinterp.areas.table import merge_table
from mriinterp.cohort.kinds import derived_values, reading_of_kind

__all__ = ["VALUES", "areas_by_scan"]

VALUES = ("share", "sum", "mean")


def areas_by_scan(
    rows: pd.DataFrame,
    order: Sequence[str],
    reading: str,
    merge_hemispheres: bool = True,
    value: str = "share",
    kind: str = "reading",
) -> pd.DataFrame:
    """Return relevance per area: scans × areas.

    Parameters
    ----------
    rows : DataFrame
        One row a scan and area of one method, hemispheres apart: id, label,
        area, hemisphere, voxels, sum, signed_sum.
    order : sequence of str
        Ids, as the rows of the result are to be ordered; those without rows
        are left out.
    merge_hemispheres : bool
    reading : str
        The method's, of which `sum` is.
    value : {"share", "sum", "mean"}
        Share of the sum over all areas (NaN where that is not positive); sum;
        mean of a voxel.
    kind : str
        What of the maps is read: a key of `mriinterp.cohort.kinds.KINDS`.

    Returns
    -------
    DataFrame, index id, columns areas in the atlas's order

    Raises
    ------
    ValueError
        For another value or kind.
    """
    if value not in VALUES:
        raise ValueError(f"expected a value, got {value!r}; available: {', '.join(VALUES)}")
    wanted = reading_of_kind(kind, reading)
    values = derived_values(wanted, reading, rows["signed_sum"].to_numpy(float), rows["sum"].to_numpy(float))
    sums = rows.assign(wanted=values).pivot(index="id", columns="label", values="wanted")
    first = rows[rows["id"] == rows["id"].iloc[0]] if len(rows) else rows
    sums = sums.reindex(index=[i for i in order if i in sums.index], columns=first["label"])
    data, voxels, names = sums.to_numpy(np.float64), first["voxels"].to_numpy(float), first["area"].tolist()
    if merge_hemispheres:
        merged = merge_table(first[["label", "hemisphere"]].assign(name=first["area"]))
        groups = [list(r) for r in merged["rows"]]
        data = np.stack([data[:, r].sum(axis=1) for r in groups], axis=1)
        voxels = np.array([voxels[r].sum() for r in groups])
        names = merged["area"].tolist()
    with np.errstate(invalid="ignore", divide="ignore"):
        if value == "share":
            total = data.sum(axis=1, keepdims=True)
            data = np.where(total > 0, data / total, np.nan)
        elif value == "mean":
            data = np.where(voxels > 0, data / voxels, np.nan)
    return pd.DataFrame(data, index=pd.Index(sums.index.tolist(), name="id"), columns=names)
