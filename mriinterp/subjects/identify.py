"""Identify rows: ids, people and visits, completed from each other."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from mriinterp.base.names import plain_integer
from mriinterp.subjects.layouts import Layout
from mriinterp.subjects.table_report import Report

__all__ = ["fill_names"]

MISSING = ("n/a", "nan")  # as BIDS and spreadsheets write it; compared in lower case
_FILE_ENDING = r"\.(nii|nii\.gz|mgz)$"


def fill_names(text: pd.DataFrame, columns: Mapping[str, str], layout: Layout, report: Report) -> None:
    """Complete id, subject and visit of every row from each other, from the layout's rule and from file names, in place.

    Rows of one person that differ in visit, date, age or file are several
    scans: their ids get the visit, or a number.

    Parameters
    ----------
    text : DataFrame
        Text of every field.
    columns : mapping of field to column
        Fields that the table has.
    """
    for field in ("id", "subject"):
        text[field] = text[field].map(plain_integer).mask(text[field].str.lower().isin(MISSING), "")
    named = {*columns}
    if layout.person is not None:
        named |= _people_from_ids(text, named, layout.person)
    if "id" in named:
        repeated = _repeated(text, layout)
        if "subject" not in named:
            text["subject"] = text["id"]
        if repeated.any():
            named.add("subject")  # an id that comes back with another visit names a person
            text.loc[repeated, "id"] = _with_visits(text[repeated], "id", report)
    else:
        text["id"] = _ids_from_rest(text, report)
        if "subject" not in named:
            text["subject"] = text["id"]
    if "subject" not in named:
        report.add(
            "warning",
            "The table names no subject: every scan counts as a person of its own, "
            "so a split cannot keep the scans of one person together",
        )


def _people_from_ids(text: pd.DataFrame, named: set[str], pattern: re.Pattern) -> set[str]:
    """Fill subject and visit where the table has none, from ids that hold them; the fields that were filled."""
    filled = set()
    parts = text["id"].str.extract(pattern)
    for field in ("subject", "visit"):
        if field not in named and field in parts and parts[field].notna().any():
            text[field] = parts[field].fillna(text["id"] if field == "subject" else "")
            filled.add(field)
    return filled


def _repeated(text: pd.DataFrame, layout: Layout) -> pd.Series:
    """Return rows whose id is there several times for one person, with other visits, dates, ages or files."""
    none = pd.Series(False, index=text.index)
    if layout.ids_name_images:
        return none
    again = text["id"].duplicated(keep=False) & (text["id"] != "")
    if not again.any():
        return none
    rows = text[again]
    by_id = rows.groupby("id")
    one_person = by_id["subject"].transform("nunique") == 1
    differ = pd.concat([by_id[f].transform("nunique") > 1 for f in ("visit", "date", "age", "path")], axis=1).any(
        axis=1
    )
    return none.mask(none.index.isin(rows.index[one_person & differ]), True)


def _ids_from_rest(text: pd.DataFrame, report: Report) -> pd.Series:
    """Return ids for a table without any: the person, with visit, date or file name, whichever is one a row."""
    stems = text["path"].str.replace("\\", "/").str.split("/").str[-1].str.replace(_FILE_ENDING, "", regex=True)
    visits = _joined(text["subject"], text["visit"])
    options = [text["subject"], visits, stems]
    found = next((names for names in options if (names != "").all() and names.is_unique), None)
    return _with_visits(text, "subject", report) if found is None else found


def _joined(names: pd.Series, more: pd.Series) -> pd.Series:
    return (names + "_" + more.str.replace(r"\W+", "", regex=True)).str.rstrip("_")


def _with_visits(text: pd.DataFrame, field: str, report: Report) -> pd.Series:
    """Return the names of a field with visit, date or a number to make rows distinct; equal rows keep equal names."""
    for more in ("visit", "date"):
        names = _joined(text[field], text[more])
        if names.is_unique:
            return names
    names = _joined(text[field], text["visit"])
    first_of_kind = ~text.duplicated()
    number = first_of_kind.astype(int).groupby(names).cumsum()  # equal rows count once
    several = number.groupby(names).transform("max") > 1
    several &= names != ""
    if several.any():
        report.add(
            "warning",
            f"Rows of one person that no visit and no date distinguishes ({int(several.sum())}); they are numbered",
            dict.fromkeys(names[several]),
        )
    return names.mask(several & (number > 1), names + "_" + number.astype(str))
