"""Relevance per brain area: a map and an atlas become a table.

Definition of Rieke et al. 2018: the relevance of an area is the sum of the
map inside it, divided by the sum over all areas; the areas of both
hemispheres are merged.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.areas.atlas import Atlas, split_hemisphere
from mriinterp.areas.index import AreaIndex, area_index
from mriinterp.base.reading import READINGS, apply_reading
from mriinterp.image.volume import Volume, resample

__all__ = ["PARTS", "AreaIndex", "area_index", "area_table", "merge_table", "outside_shares", "read_part", "top_areas"]

PARTS = READINGS

logger = logging.getLogger(__name__)


def read_part(relevance: Any, part: str | None = None) -> tuple[np.ndarray, str]:
    """Return a map as it is meant to be read.

    Parameters
    ----------
    relevance : RelevanceMap or Volume
    part : {"positive", "negative", "absolute", "signed"}, optional
        None: the reading of the map's own method (its attribute `reading`);
        for a plain Volume, which has no method, "signed".

    Returns
    -------
    array, shape of the map, float64
        NaN voxels (a map that is blank there) count as 0.
    str
        The part that was taken.
    """
    data, part = _checked(relevance, part)
    return apply_reading(data.astype(np.float64), part), part


def _checked(relevance: Any, part: str | None) -> tuple[np.ndarray, str]:
    """Return the values of a map, and which part of them is read; ValueError as of `read_part`."""
    part = part or getattr(relevance, "reading", None) or "signed"
    if part not in PARTS:
        raise ValueError(f"expected a part of the map, got {part!r}; available: {', '.join(PARTS)}")
    data = _volume_of(relevance).data
    if np.isinf(data).any():
        raise ValueError("expected finite relevance, got infinite values")
    return data, part


def merge_table(atlas: Atlas | pd.DataFrame) -> pd.DataFrame:
    """Return areas with both hemispheres in one, in the order of the atlas: 54 pairs and 8 vermis areas for AAL.

    Parameters
    ----------
    atlas : Atlas or DataFrame
        A table needs the columns ``label``, ``name`` and ``hemisphere``.

    Returns
    -------
    DataFrame
        ``area`` (name without its side), ``labels`` (tuple of int), ``left``
        and ``right`` (row of `Atlas.areas`, -1 where there is none), ``rows``. Names
        that share base and side are kept apart.
    """
    rows: dict[tuple, dict] = {}
    areas = atlas.areas if isinstance(atlas, Atlas) else atlas
    for row, (label, name, side) in enumerate(areas[["label", "name", "hemisphere"]].itertuples(index=False)):
        base = split_hemisphere(name)[0] if side else name
        column = {"L": "left", "R": "right"}.get(side)
        key: tuple = (base, bool(column))
        if column is None or rows.get(key, {column: -1})[column] != -1:
            key = (name, row)
        found = rows.setdefault(key, {"area": base, "labels": (), "left": -1, "right": -1, "rows": ()})
        found["labels"] += (int(label),)
        found["rows"] += (row,)
        if column:
            found[column] = row
    return pd.DataFrame(list(rows.values()), columns=["area", "labels", "left", "right", "rows"])


def area_table(
    relevance: Any,
    atlas: Atlas,
    *,
    merge_hemispheres: bool = True,
    normalise: bool = True,
    part: str | None = None,
) -> pd.DataFrame:
    """Return the relevance of each area of an atlas.

    Parameters
    ----------
    relevance : RelevanceMap or Volume
        On any grid; the atlas is brought there by affine.
    atlas : Atlas
    merge_hemispheres : bool
        One row for the left and right part of an area, as published.
    normalise : bool
        Scale the reading so that it sums to 1 over all areas, as published;
        otherwise sums, means and peaks are in the map's own unit.
    part : {"positive", "negative", "absolute", "signed"}, optional
        What of the map is read ("negative": the size of what is below 0), before anything is summed; None: see
        `read_part`.

    Returns
    -------
    DataFrame
        In the order of the atlas (see `top_areas`), with the columns

        - ``area``; ``labels``, a tuple of the atlas's numbers, when merged,
          else ``label`` and ``hemisphere``
        - ``sum`` and ``mean`` of the reading over the area's voxels
        - ``share`` of the sum over all areas; NaN when that sum is not
          positive (the reason is logged), and so then is everything that
          `normalise` would scale
        - ``size_mm3``, ``voxels``
        - ``asymmetry``, (L − R) / (|L| + |R|) of the two sides' means, so that
          the larger side gains nothing by its size; −1 to 1, NaN without a
          pair or without relevance
        - ``peak``, the largest reading, and ``peak_x``, ``peak_y``,
          ``peak_z``, its place in RAS+ mm (NaN where it is 0: nothing to point at)

        An area without voxels on the map's grid has sum 0 and NaN elsewhere.
        `attrs["part"]` is the part that was read.
    """
    data, part = _checked(relevance, part)
    index = area_index(atlas, _volume_of(relevance).grid)
    values = apply_reading(index.inside(data), part)
    sums = index.sums(values)
    total = float(sums.sum())
    scale = 1.0
    if not total > 0:
        logger.warning("no shares: the %s relevance of all areas of %s sums to %g", part, atlas.name, total)
        total = np.nan
    if normalise:
        scale = 1 / total
    merged = merge_table(atlas)
    asymmetry = _asymmetry(_divide(sums, index.voxels), merged)
    if merge_hemispheres:
        groups = merged["rows"].tolist()
        columns = {"area": merged["area"], "labels": merged["labels"]}
    else:
        groups = [(row,) for row in range(len(sums))]
        columns = {"area": index.areas["name"], "label": index.areas["label"], "hemisphere": index.areas["hemisphere"]}
        owner = {row: pair for pair, rows in enumerate(merged["rows"]) for row in rows}
        asymmetry = asymmetry[[owner[row] for row in range(len(sums))]]
    voxels = np.array([index.voxels[list(rows)].sum() for rows in groups], dtype=np.int64)
    group_sums = np.array([sums[list(rows)].sum() for rows in groups])
    peak, mm = _highest(index, values, groups)
    table = pd.DataFrame(
        {
            **{name: list(column) for name, column in columns.items()},
            "sum": group_sums * scale,
            "mean": _divide(group_sums, voxels) * scale,
            "share": group_sums / total,
            "size_mm3": voxels * index.grid.voxel_volume,
            "voxels": voxels,
            "asymmetry": asymmetry,
            "peak": peak * scale,
            "peak_x": mm[:, 0],
            "peak_y": mm[:, 1],
            "peak_z": mm[:, 2],
        }
    )
    table.attrs["part"] = part
    return table


def top_areas(table: pd.DataFrame, n: int = 10, by: str = "share") -> pd.DataFrame:
    """Return the `n` rows with the largest value of a column; ties in the atlas's order, NaN left out."""
    if by not in table:
        raise KeyError(f"expected a column of the table, got {by!r}; available: {', '.join(table.columns)}")
    return table.dropna(subset=[by]).sort_values(by, ascending=False, kind="stable").head(n)


def outside_shares(relevance: Any, atlas: Atlas, brain_mask: Volume) -> dict[str, float]:
    """Return how much of the absolute relevance lies where no brain area is.

    Parameters
    ----------
    relevance : RelevanceMap or Volume
    atlas : Atlas
    brain_mask : Volume
        Not zero inside the brain; brought to the map's grid by affine.

    Returns
    -------
    dict
        ``outside_brain`` and ``outside_areas``, shares of the sum of |map|
        over all voxels; NaN for a map without relevance (logged).
    """
    grid = _volume_of(relevance).grid
    values = read_part(relevance, "absolute")[0]
    total = float(values.sum())
    if not total > 0:
        logger.warning("no shares outside the brain: the map is zero everywhere")
        return {"outside_brain": np.nan, "outside_areas": np.nan}
    inside = resample(brain_mask.with_data(brain_mask.data != 0), grid, order=0).data
    in_areas = area_index(atlas, grid).sums(values).sum()
    return {
        "outside_brain": float(values[~inside].sum()) / total,
        "outside_areas": float(max(0.0, 1 - in_areas / total)),
    }


def _volume_of(relevance: Any) -> Volume:
    volume = relevance if isinstance(relevance, Volume) else getattr(relevance, "volume", None)
    if not isinstance(volume, Volume):
        raise ValueError(f"expected a relevance map or a volume, got {type(relevance).__name__}")
    return volume


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return a quotient, NaN where the denominator is 0 or NaN."""
    usable = np.nan_to_num(denominator) != 0
    return np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=usable)


def _asymmetry(means: np.ndarray, merged: pd.DataFrame) -> np.ndarray:
    """Return (L − R) / (|L| + |R|) of each row of `merge_table`."""
    left, right = (_take(means, merged[side].to_numpy()) for side in ("left", "right"))
    return _divide(left - right, np.abs(left) + np.abs(right))


def _highest(index: AreaIndex, values: np.ndarray, groups: list[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the peak of each group of areas, and its place in mm; NaN where the peak is 0."""
    peaks, places = index.peaks(values)
    ranks = np.nan_to_num(peaks, nan=-np.inf)
    best = np.array([max(rows, key=lambda row: ranks[row]) for rows in groups], dtype=int)
    peak = peaks[best]
    return peak, np.where((np.nan_to_num(peak) != 0)[:, None], index.grid.to_mm(places[best]), np.nan)


def _take(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the values of rows, NaN for row -1."""
    return np.where(rows >= 0, values[rows], np.nan)
