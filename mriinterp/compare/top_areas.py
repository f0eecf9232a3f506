"""Overlap of the most relevant areas of two maps."""

from __future__ import annotations

import pandas as pd

__all__ = ["top_area_overlap"]


def _top_names(table: pd.DataFrame, n: int, column: str) -> list[str]:
    """Return the names of the `n` areas with the most relevance, largest first, ties by name."""
    name = "area" if "area" in table.columns else "name"
    missing = [c for c in (name, column) if c not in table.columns]
    if missing:
        raise KeyError(f"expected columns area and {column} in the area table; available: {list(table.columns)}")
    if n < 1:
        raise ValueError(f"expected at least 1 area, got {n}")
    names = table[name].astype(str)
    if "hemisphere" in table.columns:
        names = names + " " + table["hemisphere"].fillna("").astype(str)
    values = pd.DataFrame({"name": names, "value": table[column]}).dropna()
    return values.sort_values(["value", "name"], ascending=[False, True])["name"].head(n).tolist()


def top_area_overlap(table_a: pd.DataFrame, table_b: pd.DataFrame, n: int = 10, column: str = "share") -> float:
    """Return the share of the `n` most relevant areas that two area tables have in common.

    Parameters
    ----------
    table_a, table_b : DataFrame
        As `area_table` returns them: column `area` and the column compared;
        both merged over hemispheres, or neither.
    n : int
        Number of areas; at most as many as the smaller table has.
    column : str
        The amount by which areas are ordered.

    Returns
    -------
    float
        0 (none shared) to 1. By chance alone about n / number of areas.

    Raises
    ------
    KeyError
        If a column is missing.
    ValueError
        If a table has no areas with a value.
    """
    one, two = _top_names(table_a, n, column), _top_names(table_b, n, column)
    size = min(len(one), len(two))
    if size == 0:
        raise ValueError(f"expected area tables with values of {column}, got none")
    return len(set(one[:size]) & set(two[:size])) / size
