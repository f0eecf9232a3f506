"""Data frames to LaTeX that compiles whatever the names are."""

from __future__ import annotations

import pandas as pd

from mriinterp.base.numerals import decimals

__all__ = ["escape_latex", "latex_table"]

NEEDS = "% In the preamble of the document: \\usepackage{booktabs}\n"

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "−": r"$-$", "×": r"$\times$", "·": r"$\cdot$", "±": r"$\pm$", "ρ": r"$\rho$", "–": "--",
    "≥": r"$\ge$", "≤": r"$\le$", "\u00a0": "~", "\n": " ", "\r": " ",
}  # fmt: skip


def escape_latex(text: object) -> str:
    r"""Escape text for LaTeX.

    Examples
    --------
    >>> escape_latex("50 % of A_1 & B")
    '50 \\% of A\\_1 \\& B'
    """
    return "".join(SPECIAL.get(letter, letter) for letter in str(text))


def latex_table(table: pd.DataFrame, caption: str = "", label: str = "", *, digits: int = 2, index: bool = True) -> str:
    """Return a ``table`` environment with booktabs rules, which says that it needs booktabs.

    Parameters
    ----------
    table : DataFrame
        Cells are escaped; numbers are printed with `digits` decimals, missing ones as a dash.
    caption, label : str
        The label takes letters, digits and ``:-`` only; others are dropped.
    index : bool
        Print the row names.
    """
    frame = table.reset_index(names=table.index.name or "") if index else table
    style = frame.style.hide(axis="index").format(lambda value: _cell(value, digits))
    return NEEDS + style.format_index(escape_latex, axis="columns").to_latex(
        caption=escape_latex(caption) or None,
        label="".join(c for c in label if c.isascii() and (c.isalnum() or c in ":-")) or None,
        column_format="".join("r" if pd.api.types.is_numeric_dtype(kind) else "l" for kind in frame.dtypes),
        position_float="centering",
        hrules=True,
    )


def _cell(value: object, digits: int) -> str:
    if pd.isna(value):
        return "--"
    if isinstance(value, float):
        return escape_latex(decimals(value, digits))
    return escape_latex(value)
