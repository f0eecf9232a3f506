"""Long tables of numbers made wide, all at once: a pivot of each part of a benchmark's results takes a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["wide_tables"]


def wide_tables(rows: pd.DataFrame, by: Sequence[str], columns: str) -> dict[Any, pd.DataFrame]:
    """Return the table subjects × `columns` of each group of rows.

    Parameters
    ----------
    rows : DataFrame
        With the columns `by`, `columns`, subject and value.
    by : sequence of str
        The columns that a group has in common.
    columns : str
        The column whose values become columns.

    Returns
    -------
    mapping of tuple to DataFrame
        The values of `by` and the group's table, sorted by subject and
        column, with what the group has rows of and no more; the mean of
        several numbers in one place, NaN where there is none.
    """
    keys = [*by, columns, "subject"]
    means = rows.groupby(keys, observed=True)["value"].mean().reset_index().astype(dict.fromkeys(keys, object))
    found = {}
    for key, part in means.groupby(list(by), sort=False):
        across, column = np.unique(part[columns].to_numpy(), return_inverse=True)
        down, row = np.unique(part["subject"].to_numpy(), return_inverse=True)
        values = np.full((len(down), len(across)), np.nan)
        values[row, column] = part["value"].to_numpy(float)
        found[key] = pd.DataFrame(values, pd.Index(down, name="subject"), pd.Index(across, name=columns))
    return found
