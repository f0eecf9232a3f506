"""Tables 1 and 2 of Rieke et al. 2018: the most relevant areas, and how far methods and groups are apart."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.table import area_table, top_areas
from mriinterp.base.atomic import write_text
from mriinterp.base.numerals import percent
from mriinterp.base.tables import csv_text
from mriinterp.compare import distance_matrix, get_metric, paired_values
from mriinterp.export.latex import latex_table
from mriinterp.figures.colours import shown
from mriinterp.figures.paper_figure import label_of, reading_of
from mriinterp.figures.theme import area_label

__all__ = ["CAPTION_2", "caption_1", "table_1", "table_1_print", "table_2", "table_2_print", "write_table"]

CAPTION_2 = "Euclidean distances between mean relevance maps scaled to sum 1, in 1e−4."


def caption_1(group: str, atlas: str) -> str:
    """Return the caption of table 1."""
    return f"The four most relevant areas by method: share of the relevance of the mean map of {group} in all areas of {atlas}."


def table_1(maps: Mapping[str, Any], atlas: Atlas, n: int = 4) -> pd.DataFrame:
    """Return the most relevant areas of each method's mean map.

    Parameters
    ----------
    maps : mapping of method to RelevanceMap or Volume
        Mean maps of one group (the paper: AD).
    atlas : Atlas
    n : int

    Returns
    -------
    DataFrame
        method, rank (from 1), area (hemispheres merged), share of the mean
        map's relevance in all areas, 0 to 1. It is not the mean of the
        scans' shares: scans with more relevance weigh more in the mean map.
    """
    rows = []
    for method, relevance in maps.items():
        table = area_table(relevance, atlas, part=reading_of(method, relevance))
        for rank, (area, share) in enumerate(top_areas(table, n)[["area", "share"]].itertuples(index=False), 1):
            rows.append({"method": method, "rank": rank, "area": area, "share": share})
    return pd.DataFrame(rows, columns=["method", "rank", "area", "share"])


def table_1_print(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table_1` as printed: a column a method, "area (share %)" in the cells."""
    words = [f"{area_label(a)} ({percent(s, 1)})" for a, s in table[["area", "share"]].itertuples(index=False)]
    wide = table.assign(words=words).pivot(index="rank", columns="method", values="words")
    wide = wide[list(dict.fromkeys(table["method"]))]
    return wide.rename(columns=label_of).rename_axis(index="Rank", columns=None)


def table_2(means: Mapping[str, Mapping[str, Any]], metric: str = "euclidean") -> pd.DataFrame:
    """Return distances between methods within each group, and between groups for each method.

    Parameters
    ----------
    means : mapping of group to mapping of method to RelevanceMap or Volume
        Signed maps are read as their method reads them.
    metric : str
        A key of `mriinterp.compare.METRICS` that compares maps.

    Returns
    -------
    DataFrame
        group_a, method_a, group_b, method_b, distance (not scaled: the paper
        prints Euclidean distances in 1e-4). NaN for a map without relevance.
    """
    read = {g: {m: shown(r, reading_of(m, r))[0] for m, r in maps.items()} for g, maps in means.items()}
    rows = []
    for group, maps in read.items():
        matrix = distance_matrix(maps, metric, errors="nan")
        names = list(matrix.index)
        rows += [(group, a, group, b, float(matrix.loc[a, b])) for n, a in enumerate(names) for b in names[n + 1 :]]
    groups = list(read)
    for n, first in enumerate(groups):
        for second in groups[n + 1 :]:
            if set(read[first]) & set(read[second]):
                values = paired_values(read[first], read[second], metric, errors="nan")
                rows += [(first, method, second, method, float(value)) for method, value in values.items()]
    return pd.DataFrame(rows, columns=["group_a", "method_a", "group_b", "method_b", "distance"])


def table_2_print(table: pd.DataFrame, metric: str = "euclidean", digits: int = 2) -> pd.DataFrame:
    """Return `table_2` as printed: cells "first / second group", a column a pair of groups, in the metric's unit."""
    scale = get_metric(metric).scale
    within = table[table["group_a"] == table["group_b"]]
    across = table[table["group_a"] != table["group_b"]]
    groups = list(dict.fromkeys([*table["group_a"], *table["group_b"]]))
    methods = list(dict.fromkeys([*table["method_a"], *table["method_b"]]))
    known = {}
    for group, a, _, b, value in within.itertuples(index=False):
        known[group, a, b] = known[group, b, a] = value

    def number(value: float) -> str:
        return "–" if np.isnan(value) else f"{value * scale:.{digits}f}"

    heads = [label_of(m) for m in methods]
    cells = [
        ["" if a == b else " / ".join(number(known.get((g, a, b), np.nan)) for g in groups) for b in methods]
        for a in methods
    ]
    printed = pd.DataFrame(cells, index=pd.Index(heads, name=" / ".join(map(str, groups))), columns=heads)
    for (first, second), rows in across.groupby(["group_a", "group_b"], sort=False):
        values = rows.set_index("method_a")["distance"]
        printed[f"{first} vs {second}"] = [number(values.get(m, np.nan)) for m in methods]
    return printed


def write_table(
    folder: str | os.PathLike, name: str, values: pd.DataFrame, printed: pd.DataFrame, caption: str
) -> list[Path]:
    """Write ``name.csv`` (the numbers) and ``name.tex`` (as printed); each whole or not at all."""
    folder = Path(folder)
    csv, tex = folder / f"{name}.csv", folder / f"{name}.tex"
    write_text(csv, csv_text(values))
    write_text(tex, latex_table(printed, caption, f"tab:{name}"))
    return [csv, tex]
