"""Tables of numbers: written as everywhere else, sorted as numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from mriinterp.base.numerals import NONE, decimals, scientific
from mriinterp.ui.base.words import capital

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

__all__ = ["SCIENTIFIC", "fixed", "headed", "written"]

SCIENTIFIC = partial(scientific, digits=1)


def fixed(digits: int) -> Callable[[float], str]:
    """Return a function that writes a number with so many decimals."""
    return partial(decimals, digits=digits)


def written(frame: pd.DataFrame, numbers: Mapping[str, Callable[[float], str]]) -> Styler:
    """Return a table for `st.dataframe` whose numbers have a true minus sign.

    The formats of Streamlit's columns know a hyphen alone, and win where a column has one: those columns get none. Cells
    stay numbers, by which a click on a column's head sorts.

    The same table is the same message: pandas marks each Styler with a random text, by which Streamlit would send and draw
    it again whenever the page is made.

    Parameters
    ----------
    frame : DataFrame
        Shown without its index.
    numbers : mapping
        How the numbers of a column are written; columns that are not there do not count.
    """
    shown = {column: write for column, write in numbers.items() if column in frame}
    return frame.reset_index(drop=True).style.set_uuid("written").format(shown, na_rep=NONE)


def headed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose heads begin with a capital letter."""
    return frame.rename(columns=capital)
