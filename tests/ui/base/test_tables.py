"""Tables of numbers for the pages: a true minus sign in every cell, and cells that stay numbers."""

import re
from pathlib import Path

import pandas as pd
from streamlit.elements.lib.pandas_styler_utils import marshall_styler
from streamlit.proto.ArrowData_pb2 import ArrowData

import mriinterp.ui
from mriinterp.ui.base.tables import SCIENTIFIC, fixed, headed, written


def test_cells_are_written_with_a_true_minus_sign_and_stay_numbers():
    table = pd.DataFrame({"g": [-1.5, 0.25, float("nan")], "p": [1.5e-7, 1.0, 0.5]}, index=[7, 7, 7])
    styler = written(table, {"g": fixed(2), "p": SCIENTIFIC, "not there": fixed(1)})
    html = styler.to_html()
    assert [text in html for text in (">−1.50<", ">0.25<", ">–<", ">1.5×10⁻⁷<", ">-1.50<")] == [True] * 4 + [False]
    assert styler.data["g"].dtype == float


def test_heads_begin_with_a_capital_letter():
    assert list(headed(pd.DataFrame(columns=["scans of", "AUC", "fold 1"]))) == ["Scans of", "AUC", "Fold 1"]


def test_no_column_has_a_format_of_its_own_which_would_win_and_draw_a_hyphen():
    scripts = Path(mriinterp.ui.__file__).parent.rglob("*.py")
    formats = [re.findall(r'NumberColumn\([^)]*format="([^"]*)"', path.read_text(encoding="utf-8")) for path in scripts]
    assert {one for found in formats for one in found} <= {"percent"}  # shares, which are never below 0


def test_an_equal_table_is_an_equal_message():
    frame = pd.DataFrame({"area": ["a", "b"], "share": [1.5, -0.25]})

    def message() -> bytes:
        sent = ArrowData()
        marshall_styler(sent, written(frame, {"share": fixed(2)}), "default")
        return sent.SerializeToString(deterministic=True)

    assert message() == message()
