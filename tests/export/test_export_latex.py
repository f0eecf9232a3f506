"""LaTeX: every special letter is tamed."""

import numpy as np
import pandas as pd
import pytest

from mriinterp.export.latex import escape_latex, latex_table


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("a_b", r"a\_b"),
        ("50 % & $5 #1", r"50 \% \& \$5 \#1"),
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("x^2 ~ y", r"x\textasciicircum{}2 \textasciitilde{} y"),
        ("line\nbreak", "line break"),
        ("−1", "$-$1"),
    ],
)
def test_escape(text, tex):
    assert escape_latex(text) == tex


def test_a_table():
    table = pd.DataFrame({"A_1": [1.234, np.nan], "text": ["x & y", None], "n": [3, 4]}, index=["r_1", "r%2"])
    tex = latex_table(table, "Shares in %", "tab:x}\\evil")
    lines = tex.splitlines()
    assert r"\begin{tabular}{lrlr}" in lines
    assert r" & A\_1 & text & n \\" in lines
    assert r"r\_1 & 1.23 & x \& y & 3 \\" in lines
    assert r"r\%2 & -- & -- & 4 \\" in lines
    assert r"\label{tab:xevil}" in lines
    assert r"\caption{Shares in \%}" in lines
    assert tex.count("{") == tex.count("}")


def test_negative_numbers_have_a_minus():
    assert "$-$0.50" in latex_table(pd.DataFrame({"x": [-0.5]}), index=False)
