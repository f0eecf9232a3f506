"""Tables as text: read in whatever form they come, written so that spreadsheets run nothing and the program reads the same."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.base.atomic import write_text
from mriinterp.base.names import composed

__all__ = ["csv_text", "none_for_missing", "parse_table", "read_csv", "read_tsv", "show_names", "write_tsv"]

MISSING = "n/a"
"""What BIDS writes for a missing value."""

_DELIMITERS = ("\t", ",", ";")
_START = re.compile(r'\A(?:[ \t]*\n)*(?:"?sep=(?P<delimiter>.)"?[;,\t]*\n)?(?:[ \t]*\n)*', re.IGNORECASE)
_NAME = re.compile(r"[\w .,/()\[\]%#&+°²^'-]{1,60}")
_LONG_ROWS_SHOWN = 3

# Reading ------------------------------------------------------------------------------------------


def parse_table(text: str, name: str) -> pd.DataFrame:
    """Return a table with a header from text; every cell as text without surrounding space, "" where empty.

    The delimiter is comma, semicolon or tab, whichever the header has most
    of, or what a first line ``sep=;`` says. Text is brought into Unicode's
    composed form. Empty rows, and columns without a name and content, are
    left out.

    Parameters
    ----------
    text : str
    name : str
        Of the file, for messages.

    Raises
    ------
    ValueError
        For an empty text, a row with more cells than the header (which names
        row and cells), or a quotation mark that is not closed.
    """
    whole = composed(text).replace("\r\n", "\n").replace("\r", "\n")
    start = _START.match(whole)
    assert start is not None  # it matches nothing, too
    text = whole[start.end() :]
    if not text.strip():
        raise ValueError(f"expected a table with a header, got an empty file: {name}")
    delimiter = start["delimiter"] or _delimiter(text.split("\n", 1)[0])
    skipped = whole.count("\n", 0, start.end())
    (_, header), *rows = [(line + skipped, row) for line, row in _rows(text, delimiter, name)]
    while header and not header[-1] and all(not any(row[len(header) - 1 :]) for _, row in rows):
        header.pop()
    if not header:
        raise ValueError(f"expected a table with a header, got a first row of empty cells: {name}")
    _check_lengths(header, rows, delimiter, name)
    width = len(header)
    cells = [row[:width] + [""] * (width - len(row)) for _, row in rows if any(row)]
    table = pd.DataFrame(cells, columns=_unique(header), dtype=str)
    return table.loc[:, [bool(title) or (table.iloc[:, at] != "").any() for at, title in enumerate(header)]]


def _delimiter(header: str) -> str:
    bare = re.sub(r'"[^"]*"', "", header)
    best = max(_DELIMITERS, key=bare.count)
    return best if bare.count(best) else ","


def _rows(text: str, delimiter: str, name: str) -> list[tuple[int, list[str]]]:
    """Return all rows with the number of the line each ends at; cells stripped."""

    def read(strict: bool) -> list[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=strict)
        return [(reader.line_num, [cell.strip() for cell in row]) for row in reader]

    try:
        return read(strict=True)
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise ValueError(
                f'expected a table in which every quotation mark (") is closed, got one that is not in {name}'
            ) from error
    try:
        return read(strict=False)  # text behind a closed quotation mark, as some programs write it
    except csv.Error as error:
        raise ValueError(f"expected a table, got text that cannot be read as one: {name} ({error})") from error


def _check_lengths(header: list[str], rows: list[tuple[int, list[str]]], delimiter: str, name: str) -> None:
    """Raise ValueError for rows that go on behind the last column; empty cells there are fine."""
    width = len(header)
    long = [(number, line, row) for number, (line, row) in enumerate(rows, start=1) if any(row[width:])]
    if not long:
        return
    readable = width > 1 and all(map(_is_name, header))  # else this may be any file: say nothing of its content
    shown = [
        f"{len(row)} cells in row {number} (line {line})" + (f": {' | '.join(row)}" if readable else "")
        for number, line, row in long[:_LONG_ROWS_SHOWN]
    ]
    more = f" and {len(long) - len(shown)} more rows" if len(long) > len(shown) else ""
    kind = {"\t": "a tab", ",": "a comma", ";": "a semicolon"}.get(delimiter, repr(delimiter))
    raise ValueError(
        f"expected rows as long as the header in {name} ({width} cells), got {'; '.join(shown)}{more}. "
        f"A cell that holds {kind} has to stand in quotation marks"
    )


def _unique(header: Sequence[str]) -> list[str]:
    """Return the names of columns: ``group`` and ``group.1`` for two of one name, ``Unnamed: 0`` for none."""
    seen: Counter[str] = Counter()
    names = []
    for at, title in enumerate(header):
        name = title or f"Unnamed: {at}"
        while name in names:
            seen[title] += 1
            name = f"{title}.{seen[title]}"
        names.append(name)
    return names


def _is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text))


def show_names(columns: Iterable[str]) -> str:
    """Return names of columns for a message; only their number if they do not look like names.

    A message must not carry the content of a file that is no table.
    """
    columns = list(columns)
    if all(_is_name(c) for c in columns) and len(columns) < 200:
        alone = " alone (tab, comma or semicolon separates columns)" if len(columns) == 1 else ""
        return ", ".join(columns) + alone
    return f"{len(columns)} column{'s' if len(columns) > 1 else ''} whose headings are no names"


# Writing ------------------------------------------------------------------------------------------

# A spreadsheet takes cells that begin so for formulas (OWASP, "CSV injection").
_FORMULA = re.compile(r"^'*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")
_GUARDED = re.compile(r"^'+[=+\-@\t\r\n＝＋－＠]")


def _guard(cell: object) -> object:
    """Put a text that a spreadsheet would run as a formula behind an apostrophe; return all else as it is."""
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.match(cell):
        return f"'{cell}"
    return cell


def _unguard(cell: object) -> object:
    """Return the text that `_guard` was given."""
    return str(cell)[1:] if _is_guarded(cell) else cell


def _is_guarded(cell: object) -> bool:
    return isinstance(cell, str) and _GUARDED.match(cell) is not None


def _guarded(frame: pd.DataFrame) -> pd.DataFrame:
    columns = [frame.iloc[:, at] for at in range(frame.shape[1])]
    columns = [column.astype(object).map(_guard) if _holds_text(column) else column for column in columns]
    made = pd.concat(columns, axis=1) if columns else frame.copy()
    made.columns = pd.Index([_guard(name) for name in frame.columns], name=_guard(frame.columns.name))
    index = frame.index.map(_guard) if _holds_text(frame.index) else frame.index
    made.index = index.rename(_guard(index.name))
    return made


def _holds_text(values: pd.Series | pd.Index) -> bool:
    kind = values.dtype
    return pd.api.types.is_object_dtype(kind) or isinstance(kind, (pd.StringDtype, pd.CategoricalDtype))


def _text(frame: pd.DataFrame, digits: int | None, **form: Any) -> str:
    """Return the guarded table as text, lines ending with a line feed."""
    made = _guarded(frame)
    kind = None if digits is None else f"%.{digits}g"
    text = made.to_csv(lineterminator="\n", float_format=kind, **form)
    if "\r" in text:  # it would end the line, and csv quotes only cells that hold the other line end
        text = made.to_csv(lineterminator="\n", float_format=kind, quoting=csv.QUOTE_NONNUMERIC, **form)
    return text


def csv_text(frame: pd.DataFrame, *, index: bool = False, digits: int | None = None) -> str:
    """Return a table as CSV for people: what a spreadsheet would run as a formula stands behind an apostrophe.

    That is cells, and names of rows and columns, that begin with ``= + - @``,
    tab or line break; numbers stay as they are.

    Parameters
    ----------
    frame : DataFrame
    index : bool
        Write the row names.
    digits : int, optional
        Significant digits of numbers; all by default.

    Examples
    --------
    >>> csv_text(pd.DataFrame({"id": ["=1+1", "-1.5"], "p": [-0.5, 1]}))
    "id,p\\n'=1+1,-0.5\\n-1.5,1.0\\n"
    """
    return _text(frame, digits, sep=",", index=index)


def none_for_missing(numbers: Any) -> Any:
    """Return a DataFrame or Series of numbers with None for NaN, for JSON, which has no word for it."""
    return numbers.astype(object).where(numbers.notna(), None)


def write_tsv(table: pd.DataFrame, path: Path, *, digits: int | None = None) -> None:
    """Write a table as BIDS has it: tabs, ``n/a`` for what is missing or empty; `read_tsv` returns the same.

    Cells are guarded as in `csv_text`; truth values are ``true`` and ``false``.
    """

    def cell(value: object) -> object:
        return str(bool(value)).lower() if isinstance(value, (bool, np.bool_)) else MISSING if value == "" else value

    plain = table.copy()
    for column in table.columns:
        if _holds_text(table[column]) or pd.api.types.is_bool_dtype(table[column]):
            plain[column] = table[column].astype(object).map(cell, na_action="ignore")
    write_text(path, _text(plain, digits, sep="\t", index=False, na_rep=MISSING))


def read_tsv(path: Path, text: Iterable[str] = ()) -> pd.DataFrame:
    """Return a table that `write_tsv` wrote.

    Parameters
    ----------
    path : Path
    text : iterable of str
        Columns that stay text whatever stands in them, NaN where nothing does.

    Raises
    ------
    OSError, ValueError
        If there is no such file, or it is no table.
    """
    return _read(path, text, sep="\t", na_values=[MISSING])


def read_csv(path: Path, text: Iterable[str] = ()) -> pd.DataFrame:
    """Return a table that was written as `csv_text`; empty cells are NaN. Parameters and errors as of `read_tsv`."""
    return _read(path, text, sep=",", na_values=[""])


def _read(path: Path, text: Iterable[str], **form: Any) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, encoding="utf-8", **form)
    table.columns = [_unguard(name) for name in table.columns]
    for column in table.columns:
        if _holds_text(table[column]) and any(map(_is_guarded, table[column].unique())):
            table[column] = table[column].map(_unguard, na_action="ignore").astype(table[column].dtype)
    return table
