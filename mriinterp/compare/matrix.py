"""The registry of measures, and tables of every map against every other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.base.reading import apply_reading
from mriinterp.compare.map_distances import (
    check_grids,
    dice_top,
    heatmap_distance,
    map_values,
    spearman,
    ssim,
    standard_ranks,
    unit_sum,
    values_inside,
)
from mriinterp.compare.top_areas import top_area_overlap

__all__ = ["METRICS", "Metric", "distance_matrix", "get_metric", "paired_values"]


@dataclass(frozen=True)
class Metric:
    """One way of comparing two maps.

    Attributes
    ----------
    name, label : str
    function : callable
        ``function(a, b)`` on two maps (or two area tables).
    kind : {"distance", "similarity"}
        Distance: smaller is more alike. Similarity: larger is.
    unit : str
        What the printed number is in.
    scale : float
        Printed number = value × scale.
    reading : {"nonnegative", "any"}
        "nonnegative": signed maps must be read as absolute or positive first.
    input : {"map", "areas"}
    identity : float
        The value for a map and itself.
    prepare, pair : callable
        The same measure in two steps for matrices: ``prepare(data, mask)``
        once a map, ``pair(one, two, mask)`` once a pair.
    """

    name: str
    label: str
    function: Callable[..., float]
    kind: str
    unit: str
    prepare: Callable[[Any, Any], Any]
    pair: Callable[[Any, Any, Any], float]
    scale: float = 1.0
    reading: str = "any"
    input: str = "map"
    identity: float = 1.0


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "euclidean",
            "Euclidean distance, maps scaled to sum 1",
            heatmap_distance,
            kind="distance",
            unit="10⁻⁴",
            scale=1e4,
            reading="nonnegative",
            identity=0.0,
            prepare=lambda data, mask: unit_sum(values_inside(data, mask)),
            pair=lambda one, two, mask: float(np.linalg.norm(one - two)),
        ),
        Metric(
            "spearman",
            "Spearman's rank correlation",
            spearman,
            kind="similarity",
            unit="ρ",
            prepare=lambda data, mask: standard_ranks(values_inside(data, mask)),
            pair=lambda one, two, mask: float(np.clip(one @ two, -1, 1)),
        ),
        Metric(
            "ssim",
            "Structural similarity (SSIM)",
            ssim,
            kind="similarity",
            unit="1 = equal",
            prepare=lambda data, mask: data,
            pair=ssim,
        ),
        Metric(
            "dice",
            "Dice overlap of the 5% most relevant voxels",
            dice_top,
            kind="similarity",
            unit="share of voxels",
            prepare=lambda data, mask: data,
            pair=dice_top,
        ),
        Metric(
            "top10",
            "Overlap of the ten most relevant areas",
            top_area_overlap,
            kind="similarity",
            unit="share of areas",
            input="areas",
            prepare=lambda table, mask: table,
            pair=lambda one, two, mask: top_area_overlap(one, two),
        ),
    )
}


def get_metric(name: str) -> Metric:
    """Return a measure by its name; KeyError with the names there are."""
    if name not in METRICS:
        raise KeyError(f"expected the name of a metric, got {name!r}; available: {', '.join(METRICS)}")
    return METRICS[name]


def _prepared(metric: Metric, item: Any, mask: Any, reading: str | None) -> Any:
    data = item if metric.input == "areas" else apply_reading(map_values(item), reading)
    return metric.prepare(data, mask)


def _attempt(function: Callable[[], Any], errors: str) -> Any:
    """Return the result, or None where a comparison has no meaning and the caller asked for a gap."""
    try:
        return function()
    except ValueError:
        if errors == "raise":
            raise
        return None


def distance_matrix(
    maps: Mapping[Any, Any],
    metric: str = "euclidean",
    *,
    mask: Any = None,
    reading: str | None = None,
    errors: str = "raise",
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> pd.DataFrame:
    """Compare every map with every other.

    Parameters
    ----------
    maps : mapping of name to RelevanceMap, Volume, array, or area table
        All on one grid.
    metric : str
        A key of `METRICS`.
    mask : Volume or array, optional
        Voxels compared.
    reading : {"signed", "absolute", "positive"}, optional
        Applied to every map first; None takes the values as they are.
    errors : {"raise", "nan"}
        What to do when a comparison has no meaning (a map of zeros, say).
        Different grids always raise.

    Returns
    -------
    DataFrame
        Symmetric, rows and columns named by the keys, in their order; values
        not scaled by `Metric.scale`.
    """
    if errors not in ("raise", "nan"):
        raise ValueError(f'expected errors="raise" or "nan", got {errors!r}')
    chosen = get_metric(metric)
    names = list(maps)
    if chosen.input == "map":
        for name in names[1:]:
            check_grids(maps[names[0]], maps[name], str(names[0]), str(name))
    pairs = list(combinations(range(len(names)), 2))
    total = len(names) + len(pairs)
    prepared = []
    for done, name in enumerate(names, 1):
        check_cancel(cancel)
        prepared.append(_attempt(partial(_prepared, chosen, maps[name], mask, reading), errors))
        tell(progress, done, total)
    table = np.full((len(names), len(names)), np.nan)
    for i, item in enumerate(prepared):
        if item is not None:
            table[i, i] = chosen.identity
    for done, (i, j) in enumerate(pairs, len(names) + 1):
        check_cancel(cancel)
        one, two = prepared[i], prepared[j]
        if one is not None and two is not None:
            value = _attempt(partial(chosen.pair, one, two, mask), errors)
            table[i, j] = table[j, i] = np.nan if value is None else value
        tell(progress, done, total)
    return pd.DataFrame(table, index=pd.Index(names), columns=pd.Index(names))


def paired_values(
    maps_a: Mapping[Any, Any],
    maps_b: Mapping[Any, Any],
    metric: str = "euclidean",
    *,
    mask: Any = None,
    reading: str | None = None,
    errors: str = "raise",
) -> pd.Series:
    """Compare each map of one set with the map of the same name in another (AD with NC, per method).

    Returns
    -------
    Series
        One value a name that both sets have, in the order of the first; not
        scaled by `Metric.scale`. KeyError if they share no name.
    """
    chosen = get_metric(metric)
    names = [name for name in maps_a if name in maps_b]
    if not names:
        raise KeyError(f"expected maps of the same names, got {list(maps_a)} and {list(maps_b)}")
    values = {}
    for name in names:
        pair: dict[Hashable, Any] = {"first": maps_a[name], "second": maps_b[name]}
        matrix = distance_matrix(pair, metric, mask=mask, reading=reading, errors=errors)
        values[name] = matrix.iloc[0, 1]
    return pd.Series(values, name=chosen.name, dtype=float)
