"""Overlap of the most relevant areas of two maps."""

from __future__ import annotations

import pandas as pd

__all__ = ["top_area_overlap", "top_areas"]


def top_areas(table: pd.DataFrame, n: int = 10, column: str = "share") -> list[str]:
    """Names of the `n` areas with the most relevance, largest first, ties by name."""
    missing = [c for c in ("name", column) if c not in table.columns]
    if missing:
        raise KeyError(f"expected columns {missing} in the area table; available: {list(table.columns)}")
    if n < 1:
        raise ValueError(f"expected at least 1 area, got {n}")
    names = table["name"].astype(str)
    if "hemisphere" in table.columns:
        sides = table["hemisphere"].fillna("").astype(str)
        names = names.where((sides == "") | ~names.duplicated(keep=False), names + " " + sides)
    order = pd.DataFrame({"name": names, "value": table[column]}).sort_values(
        ["value", "name"], ascending=[False, True]
    )
    return order["name"].head(n).tolist()


def top_area_overlap(table_a: pd.DataFrame, table_b: pd.DataFrame, n: int = 10, column: str = "share") -> float:
    """Share of the `n` most relevant areas that two area tables have in common.

    Parameters
    ----------
    table_a, table_b : DataFrame
        As `area_table` returns them: column `name` and the column compared.
    n : int
        Number of areas; at most as many as the smaller table has.
    column : str
        The amount by which areas are ordered.

    Returns
    -------
    float
        0 (none shared) to 1. By chance alone about n / number of areas.
    """
    one, two = top_areas(table_a, n, column), top_areas(table_b, n, column)
    size = min(len(one), len(two))
    if size == 0:
        raise ValueError("expected area tables with at least one area, got an empty one")
    return len(set(one[:size]) & set(two[:size])) / size
