"""Tables that spreadsheets open without running anything, and that the program reads back as they were."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mriinterp.base.atomic import write_text
from mriinterp.base.tables import csv_text, parse_table, read_csv, read_tsv, write_tsv

DANGEROUS = ["=1+1", "+cmd|'/c calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=", "-", "＝1+1", "'=1", "''=1"]
HARMLESS = ["a", "-1.5", "+3", "-1e-05", ".5", "-.5", "'quoted'", "don't", "5-6", "a=b", "", "Ärzte", '"x', 'a"b']
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def cells(text: str, sep: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=sep))


@pytest.mark.parametrize("cell", DANGEROUS)
def test_a_spreadsheet_takes_no_cell_for_a_formula(cell):
    frame = pd.DataFrame({"id": [cell], "p": [-0.5], cell: ["x"]}, index=pd.Index([cell], name=cell))
    header, row = cells(csv_text(frame, index=True))
    assert header == [f"'{cell}", "id", "p", f"'{cell}"]
    assert row == [f"'{cell}", f"'{cell}", "-0.5", "x"]


@pytest.mark.parametrize("cell", HARMLESS)
def test_other_cells_and_numbers_stay_as_they_are(cell):
    frame = pd.DataFrame({"id": [cell], "n": [-3], "p": [-0.5], "ok": [True]})
    assert cells(csv_text(frame))[1] == [cell, "-3", "-0.5", "True"]


def test_digits_and_dates():
    frame = pd.DataFrame({"p": [-1 / 3], "day": pd.to_datetime(["2006-02-05"]), "g": pd.Categorical(["=x"])})
    assert csv_text(frame, digits=3) == "p,day,g\n-0.333,2006-02-05,'=x\n"


@pytest.mark.parametrize("way", ["csv", "tsv"])
@settings(deadline=None)  # the machine may be busy
@given(words=st.lists(WORDS, min_size=1, max_size=6), heading=WORDS.filter(bool))
def test_what_is_written_is_read(tmp_path_factory, way, words, heading):
    """Any text in cells; headings too, as groups and classes give them their names."""
    path = tmp_path_factory.getbasetemp() / f"words.{way}"
    heading = f"p_{heading}" if heading in ("id", "x") else heading
    frame = pd.DataFrame({"id": [f"i{w}" if w in ("", "n/a") else w for w in words], "x": 0.1, heading: -1.5})
    if way == "tsv":
        write_tsv(frame, path)
        back = read_tsv(path, ["id"])
    else:
        write_text(path, csv_text(frame))
        back = read_csv(path, ["id"])
    assert back.columns.tolist() == frame.columns.tolist()
    assert back["id"].tolist() == frame["id"].tolist()
    assert back[heading].tolist() == frame[heading].tolist()


@pytest.mark.parametrize(
    "cell", [*DANGEROUS, *filter(None, HARMLESS), "1e400", "007", "nan", "NA", "true", "2006-02-05"]
)
def test_text_columns_stay_text(tmp_path, cell):
    write_tsv(pd.DataFrame({"id": [cell], "other": [1]}), tmp_path / "t.tsv")
    assert read_tsv(tmp_path / "t.tsv", ["id"])["id"].tolist() == [cell]


def test_missing_values_and_truth_values(tmp_path):
    frame = pd.DataFrame({"id": ["a", "", None], "p": [0.1 + 0.2, np.nan, 1e-300], "ok": [True, None, False]})
    write_tsv(frame, tmp_path / "t.tsv")
    text = (tmp_path / "t.tsv").read_text(encoding="utf-8")
    assert text == "id\tp\tok\na\t0.30000000000000004\ttrue\nn/a\tn/a\tn/a\nn/a\t1e-300\tfalse\n"
    back = read_tsv(tmp_path / "t.tsv", ["id"])
    assert back["id"].isna().tolist() == [False, True, True]
    assert back["p"].tolist()[::2] == frame["p"].tolist()[::2]


def test_a_table_in_other_line_ends_and_with_text_behind_quotation_marks():
    for end in ("\n", "\r\n", "\r"):
        table = parse_table(end.join(["", "id;note", '"a";"x"" y"', 'b;"l1', 'l2"', ";", ""]), "t.csv")
        assert table.to_numpy().tolist() == [["a", 'x" y'], ["b", "l1\nl2"]]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "sep=;;;"])
def test_the_first_line_may_name_the_delimiter(first):
    assert parse_table(f"{first}\nid;a,b,c,d\n1;2\n", "t.csv").columns.tolist() == ["id", "a,b,c,d"]


def test_columns_of_one_name_and_of_none():
    table = parse_table("id,g,g,,\na,1,2,x,\n", "t.csv")
    assert table.columns.tolist() == ["id", "g", "g.1", "Unnamed: 3"]
    with pytest.raises(ValueError, match="first row of empty cells"):
        parse_table(",,\n,,\n", "t.csv")
