"""Names of brain areas: tables as people write them, and the side a name tells."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["areas_frame", "read_area_table", "split_hemisphere"]

NUMBER_COLUMNS = ("index", "label", "id", "value", "number", "no", "roi", "key", "code", "labelid", "labelindex")
NAME_COLUMNS = ("name", "labelname", "area", "areaname", "region", "regionname", "roiname", "structure", "label", "roi")

_SIDE = r"(?P<side>L|R|LH|RH|left|right)"
_HEMISPHERE_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"^(?P<base>.+?)[\s_.,\-]+\(?{_SIDE}\)?$",  # Hippocampus_L, hippocampus-lh, Hippocampus (left)
        rf"^{_SIDE}[\s_.\-]+(?P<base>.+)$",  # Left-Hippocampus, lh.hippocampus, L_V1
        r"^(?P<before>.+?[\s_.\-])(?P<side>LH|RH)[\s_.\-](?P<base>.+)$",  # ctx-lh-fusiform
    )
)


def split_hemisphere(name: str) -> tuple[str, str]:
    """Name without its side, and the side: "L", "R" or "".

    Examples
    --------
    >>> split_hemisphere("Hippocampus_L")
    ('Hippocampus', 'L')
    >>> split_hemisphere("ctx-rh-fusiform")
    ('ctx-fusiform', 'R')
    >>> split_hemisphere("Vermis_3")
    ('Vermis_3', '')
    """
    for form in _HEMISPHERE_FORMS:
        found = form.match(name.strip())
        if found:
            parts = found.groupdict()
            return (parts.get("before") or "") + parts["base"], parts["side"][0].upper()
    return name, ""


def read_area_table(path: str | os.PathLike) -> pd.DataFrame:
    """Numbers and names of areas from a text table.

    Columns are separated by tab, semicolon, comma or blanks, and found by
    their headings (``index``, ``label``, ``id`` …; ``name``, ``area``,
    ``region`` …) or, without headings, are the first two. Lines that begin
    with # are comments; number 0 is background and left out.

    Returns
    -------
    DataFrame
        Columns label, name, hemisphere, in the order of the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If no column of whole numbers is found, or a number comes twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such table of areas; check the spelling and the folder") from None
    except UnicodeDecodeError:
        text = path.read_text(encoding="latin-1")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise ValueError(f"{path.name}: expected a table of areas, got an empty file")
    rows = _cells(lines)
    headings = None if _is_whole(rows[0][0]) else [re.sub(r"[^a-z]", "", cell.lower()) for cell in rows.pop(0)]
    number_at, name_at = _columns(headings, rows, path.name)
    numbers, names = [], []
    for row in rows:
        if len(row) <= max(number_at, name_at) or not _is_whole(row[number_at]):
            raise ValueError(f"{path.name}: expected a number and a name in each line, got {row}")
        if float(row[number_at]) != 0:
            numbers.append(int(float(row[number_at])))
            names.append(row[name_at] or f"label {numbers[-1]}")
    commonest, times = Counter(numbers).most_common(1)[0] if numbers else (0, 0)
    if times != 1:
        raise ValueError(f"{path.name}: expected one row a label, got {times} for label {commonest}")
    return areas_frame(numbers, names)


def _cells(lines: list[str]) -> list[list[str]]:
    separator = next((s for s in "\t;," if s in lines[0]), None)
    if separator is None:
        return [line.split() for line in lines]
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]


def _is_whole(cell: str) -> bool:
    return re.fullmatch(r"\d+(\.0*)?", cell.strip()) is not None


def _columns(headings: list[str] | None, rows: list[list[str]], name: str) -> tuple[int, int]:
    """Where number and name stand in a row."""
    if headings is None:
        return 0, 1 if len(rows[0]) > 1 else 0
    whole = [c for c in range(len(headings)) if rows and all(len(r) > c and _is_whole(r[c]) for r in rows)]
    number_at = next((headings.index(h) for h in NUMBER_COLUMNS if h in headings and headings.index(h) in whole), None)
    if number_at is None:
        raise ValueError(
            f"{name}: expected a column of whole numbers called index or label, got {', '.join(headings)}; "
            f"available: {', '.join(NUMBER_COLUMNS)}"
        )
    name_at = next((headings.index(h) for h in NAME_COLUMNS if h in headings and headings.index(h) != number_at), None)
    return number_at, number_at if name_at is None else name_at


def areas_frame(numbers, names) -> pd.DataFrame:
    """The table of an atlas: label, name, and the hemisphere its name tells."""
    return pd.DataFrame(
        {
            "label": np.asarray(list(numbers), dtype=np.int64),
            "name": pd.array([str(n) for n in names], dtype=object),
            "hemisphere": pd.array([split_hemisphere(str(n))[1] for n in names], dtype=object),
        }
    )
