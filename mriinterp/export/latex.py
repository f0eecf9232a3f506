"""Data frames to LaTeX that compiles whatever the names are."""

from __future__ import annotations

import math

import pandas as pd

__all__ = ["escape_latex", "latex_table"]

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "−": r"$-$", "×": r"$\times$", "·": r"$\cdot$", "±": r"$\pm$", "ρ": r"$\rho$", "–": "--",
    "≥": r"$\ge$", "≤": r"$\le$", "\u00a0": "~", "\n": " ", "\r": " ",
}  # fmt: skip


def escape_latex(text: object) -> str:
    r"""Text as LaTeX prints it.

    Examples
    --------
    >>> escape_latex("50 % of A_1 & B")
    '50 \\% of A\\_1 \\& B'
    """
    return "".join(SPECIAL.get(letter, letter) for letter in str(text))


def latex_table(table: pd.DataFrame, caption: str = "", label: str = "", *, digits: int = 2, index: bool = True) -> str:
    """A ``table`` environment with booktabs rules.

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
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    columns = "".join("r" if number else "l" for number in numeric)
    lines = [r"\begin{table}", r"\centering"]
    if caption:
        lines.append(rf"\caption{{{escape_latex(caption)}}}")
    if label:
        lines.append(rf"\label{{{''.join(c for c in label if c.isascii() and (c.isalnum() or c in ':-'))}}}")
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    lines.append(" & ".join(escape_latex(name) for name in frame.columns) + r" \\")
    lines.append(r"\midrule")
    for row in frame.itertuples(index=False):
        lines.append(" & ".join(_cell(value, digits) for value in row) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _cell(value: object, digits: int) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "--"
    if isinstance(value, float):
        return escape_latex(f"{value:.{digits}f}".replace("-", "−"))
    return escape_latex(value)
