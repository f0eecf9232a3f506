"""Read tables of any encoding and delimiter, every cell as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from mriinterp.base.files import read_text
from mriinterp.base.names import composed, propose
from mriinterp.base.tables import parse_table, show_names

__all__ = ["ALIASES", "FIELDS", "match_columns", "read_table"]

FIELDS = ("id", "subject", "group", "sex", "age", "visit", "date", "path", "split", "site")

# what a field may be called, most telling name first; compared without case, spaces, dots, underscores, hyphens
ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("Image Data ID", "Image.ID", "IMAGEUID", "MRI ID", "MR ID", "MR Session", "scan_id", "scan", "id"),
    "subject": (
        "Subject",
        "Subject ID",
        "PTID",
        "participant_id",
        "participant",
        "patient",
        "patient_id",
        "OASISID",
        "SUB_ID",
        "PATNO",
        "NACCID",
        "CCID",
        "IXI_ID",
        "RID",
        "eid",
    ),
    "group": ("Group", "Research Group", "DX", "DX Group", "diagnosis", "class", "label", "cohort", "DXCURREN"),
    "sex": ("Sex", "gender", "PTGENDER", "M/F", "Subject Sex", "PatientSex", "SEX_ID (1=m, 2=f)"),
    "age": ("Age", "age_at_scan", "age_at_visit", "age_years", "Subject Age", "PatientAge", "NACCAGE"),
    "visit": ("Visit", "VISCODE", "session", "session_id", "timepoint", "EVENT_ID", "NACCVNUM"),
    "date": ("Acq Date", "Scan.Date", "Study Date", "Image Date", "EXAMDATE", "acquisition_date", "date"),
    "path": ("filepath", "path", "image_path", "scan_path", "filename", "file"),
    "split": ("split", "partition"),
    "site": ("Site", "SITE_ID", "site_name", "scan_site", "center", "centre", "study_site", "SITEID", "NACCADC"),
}


def read_table(path: str | Path) -> pd.DataFrame:
    """Return a CSV or TSV table, every cell as text without surrounding space, "" where empty.

    UTF-8 with or without mark, UTF-16 and Windows-1252; comma, semicolon or
    tab, whichever the header has most of.

    Raises
    ------
    FileNotFoundError
    ValueError
        For a spreadsheet, a binary or empty file, or rows longer than the
        header; see `mriinterp.base.tables.parse_table`.
    """
    return parse_table(read_text(path, "a CSV or TSV table", fallback="cp1252"), Path(path).name)


def plain_name(name: str) -> str:
    """Return a column name without case, spaces, dots, underscores and hyphens."""
    return re.sub(r"[\s._-]+", "", name).lower()


def match_columns(
    found: Iterable[str], chosen: Mapping[str, str] | None = None, required: Iterable[str] = (), what: str = "table"
) -> dict[str, str]:
    """Return which column holds which field.

    Parameters
    ----------
    found : iterable of str
        Columns of the table.
    chosen : mapping of field to column, optional
        What the user says; beats the usual names (`ALIASES`). An empty
        string says that the table does not have the field.
    required : iterable of str
        Fields that must be there.

    Returns
    -------
    dict of field to column

    Raises
    ------
    ValueError
        If a chosen column is not there, a field is unknown, or a required one
        has no column; the message names what was expected and what was found.
    """
    found, chosen = list(found), {f: composed(c) for f, c in (chosen or {}).items()}
    unknown = [f for f in chosen if f not in FIELDS]
    if unknown:
        raise ValueError(f"expected fields of a subject, got {unknown}; available: {', '.join(FIELDS)}")
    absent = {f: c for f, c in chosen.items() if c and c not in found}
    if absent:
        named = ", ".join(f"{column!r} for {field}{propose(column, found)}" for field, column in absent.items())
        raise ValueError(f"expected column {named} in the {what}; found: {show_names(found)}")
    by_name = {plain_name(c): c for c in reversed(found)}
    columns = {f: c for f, c in chosen.items() if c}
    for field, names in ALIASES.items():
        if field not in chosen:
            used = {*columns.values(), None}
            column = next((by_name[n] for n in map(plain_name, names) if by_name.get(n) not in used), None)
            if column is not None:
                columns[field] = column
    missing = [f for f in required if f not in columns]
    if missing:
        wanted = "; ".join(f"{f} (such as {', '.join(ALIASES[f][:3])})" for f in missing)
        raise ValueError(f"expected a column for {wanted} in the {what}; found: {show_names(found)}")
    return columns
