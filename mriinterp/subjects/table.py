"""Tables as they come: any encoding, any delimiter, every cell as text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from mriinterp.base.files import check_file

__all__ = ["ALIASES", "FIELDS", "match_columns", "read_table"]

FIELDS = ("id", "subject", "group", "sex", "age", "visit", "date", "path", "split")

# what a field may be called, most telling name first; compared without case, spaces, dots, underscores, hyphens
ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("Image Data ID", "Image.ID", "IMAGEUID", "scan_id", "scan", "id"),
    "subject": ("Subject", "Subject ID", "PTID", "participant_id", "participant", "patient", "patient_id"),
    "group": ("Group", "Research Group", "DX", "DX Group", "diagnosis", "class", "label"),
    "sex": ("Sex", "gender", "PTGENDER"),
    "age": ("Age", "age_at_scan", "age_at_visit", "age_years"),
    "visit": ("Visit", "VISCODE", "session", "session_id", "timepoint"),
    "date": ("Acq Date", "Scan.Date", "Study Date", "EXAMDATE", "acquisition_date", "date"),
    "path": ("filepath", "path", "image_path", "scan_path", "filename", "file"),
    "split": ("split", "partition"),
}


def _decode(raw: bytes, name: str) -> str:
    if raw[:4] == b"PK\x03\x04" or raw[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise ValueError(f"expected a CSV or TSV table, got a spreadsheet: {name}; save it as CSV first")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    if b"\0" in raw[:4096]:
        raise ValueError(f"expected a CSV or TSV table, got a binary file: {name}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _delimiter(header: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    best = max(("\t", ",", ";"), key=bare.count)
    return best if bare.count(best) else ","


def read_table(path: str | Path) -> pd.DataFrame:
    """A CSV or TSV table, every cell as text without surrounding space, "" where empty.

    UTF-8 with or without mark, UTF-16 and Windows-1252; comma, semicolon or
    tab, whichever the header has most of.

    Raises
    ------
    FileNotFoundError
    ValueError
        For a spreadsheet, a binary or empty file, or rows longer than the header.
    """
    path = check_file(path, "a table")
    text = _decode(path.read_bytes(), path.name).lstrip("\r\n\t ")
    if match := re.match(r"sep=(.)\r?\n", text):
        text = text[match.end() :]
    if not text.strip():
        raise ValueError(f"expected a table with a header, got an empty file: {path.name}")
    delimiter = _delimiter(text.splitlines()[0])
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=delimiter, dtype=str, keep_default_na=False, skipinitialspace=True, index_col=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"expected rows as long as the header in {path.name}: {error}") from error
    table.columns = [str(c).strip() for c in table.columns]
    table = table.fillna("").apply(lambda column: column.str.strip())
    table = table.loc[:, [not (c.startswith("Unnamed:") and (table[c] == "").all()) for c in table.columns]]
    return table[(table != "").any(axis=1)].reset_index(drop=True)


def plain_name(name: str) -> str:
    """A column name without case, spaces, dots, underscores and hyphens."""
    return re.sub(r"[\s._-]+", "", name).lower()


def match_columns(
    found: Iterable[str], chosen: Mapping[str, str] | None = None, required: Iterable[str] = (), what: str = "table"
) -> dict[str, str]:
    """Which column holds which field.

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
    found, chosen = list(found), dict(chosen or {})
    unknown = [f for f in chosen if f not in FIELDS]
    if unknown:
        raise ValueError(f"expected fields of a subject, got {unknown}; available: {', '.join(FIELDS)}")
    absent = {f: c for f, c in chosen.items() if c and c not in found}
    if absent:
        named = ", ".join(f"{column!r} for {field}" for field, column in absent.items())
        raise ValueError(f"expected column {named} in the {what}; found: {_told(found)}")
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
        raise ValueError(f"expected a column for {wanted} in the {what}; found: {_told(found)}")
    return columns


def _told(found: list[str]) -> str:
    """Columns by name; a single one is no header, and what stands in some other file is not told."""
    return ", ".join(found) if len(found) > 1 else "one column, which is not called so"
