"""Tables of areas whose columns are recognised by headings, or by what is in them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from mriinterp.areas.label_files import are_short_and_long, is_number, is_whole
from mriinterp.areas.names import side_of, split_hemisphere

__all__ = ["Row", "from_columns", "from_words_under_headings", "plain_heading", "split_cells"]

NUMBER_COLUMNS = (
    "index", "label", "id", "value", "number", "no", "roi", "key", "code", "labelid", "labelindex", "labelvalue",
    "labelnumber", "regionid", "areaid", "roiid", "roilabel", "roiindex", "roinumber", "structureid",
)  # fmt: skip
NAME_COLUMNS = (
    "name", "labelname", "area", "areaname", "region", "regionname", "roiname", "structure", "structurename",
    "fullname", "label", "roi",
)  # fmt: skip
SIDE_COLUMNS = ("hemisphere", "hemi", "side")
WITH_HEADINGS = "write headings such as index and name"
IN_QUOTES = "put names that contain the separator in quotes"

Row = tuple[int, list[str]]  # number of the line, cells
Pairs = list[tuple[str, str]]


def split_cells(lines: Sequence[tuple[int, str]], separator: str) -> list[Row]:
    """Return the cells of numbered lines, without the empty ones that end all of them; ValueError for open quotes."""
    rows = []
    for n, line in lines:
        try:
            rows.append((n, [cell.strip() for cell in next(csv.reader([line], delimiter=separator, strict=True))]))
        except csv.Error:
            raise ValueError(f"expected cells in quotes to end on their line, got line {n}") from None
    filled = [max((i + 1 for i, cell in enumerate(cells) if cell), default=0) for _, cells in rows]
    if len({len(cells) for _, cells in rows}) == 1:
        filled = [max(filled)] * len(rows)
    return [(n, cells[:width]) for (n, cells), width in zip(rows, filled, strict=True)]


def from_columns(rows: list[Row]) -> Pairs:
    """Return numbers and names from cells; ValueError, with the line numbers, where that is not certain."""
    if any(is_whole(cell) for cell in rows[0][1]):
        return _without_headings(rows)
    return _with_headings([plain_heading(cell) for cell in rows[0][1]], rows[1:])


def from_words_under_headings(headings: list[str], rows: list[Row]) -> Pairs:
    """Return numbers and names from words under headings, where a name may be of several words."""
    name_at = _first_of(NAME_COLUMNS, headings, _others(headings, rows))
    if name_at is not None and any(len(words) > len(headings) for _, words in rows):
        behind = len(headings) - name_at - 1
        rows = [(n, _joined(words, name_at, behind)) for n, words in rows]
        for n, cells in rows:
            if any(c != name_at and not (is_number(cell) or side_of(cell)) for c, cell in enumerate(cells)):
                raise ValueError(f"expected words in the column of names alone, got more in line {n}")
    for n, cells in rows:
        if len(cells) < len(headings):
            raise ValueError(f"expected {len(headings)} words as in the header, got {len(cells)} in line {n}")
    return _with_headings(headings, rows)


def plain_heading(cell: str) -> str:
    """Return a heading in small letters and nothing else."""
    return re.sub(r"[^a-z]", "", cell.lower())


def _joined(words: list[str], name_at: int, behind: int) -> list[str]:
    """Return words in cells: the name takes all but those before it and the last `behind`."""
    end = len(words) - behind
    return [*words[:name_at], " ".join(words[name_at:end]), *words[end:]] if end > name_at else words


def _first_of(names: Sequence[str], headings: list[str], among: Sequence[int]) -> int | None:
    """Return the first column, in the order of `names`, that is called so."""
    return next((c for known in names for c in among if headings[c] == known), None)


def _number_column(headings: list[str], rows: list[Row]) -> int | None:
    """Return the column of numbers: whole in all rows or, if there is none, in some."""
    for enough in (all, any):
        columns = [c for c in range(len(headings)) if enough(len(cs) > c and is_whole(cs[c]) for _, cs in rows)]
        found = _first_of(NUMBER_COLUMNS, headings, columns)
        if found is not None or not rows:
            return found
    return None


def _others(headings: list[str], rows: list[Row]) -> list[int]:
    number_at = _number_column(headings, rows)
    return [c for c in range(len(headings)) if c != number_at]


def _with_headings(headings: list[str], rows: list[Row]) -> Pairs:
    for n, cells in rows:
        if len(cells) > len(headings):
            raise ValueError(
                f"expected rows as long as the header ({len(headings)} cells), got {len(cells)} in line {n}; {IN_QUOTES}"
            )
    number_at, others = _number_column(headings, rows), _others(headings, rows)
    if number_at is None:
        raise ValueError(
            f"expected a column of whole numbers called index or label, got {len(headings)} columns without one; "
            f"available: {', '.join(NUMBER_COLUMNS)}"
        )
    _refuse_row_counter(headings, rows, number_at)
    name_at, side_at = _first_of(NAME_COLUMNS, headings, others), _first_of(SIDE_COLUMNS, headings, others)
    if name_at is None and others:
        raise ValueError(
            f"expected a column of names, got {len(others)} beside the numbers that are not called so; "
            f"available: {', '.join(NAME_COLUMNS)}"
        )
    if name_at is not None and all(is_number(cells[name_at]) for _, cells in rows if len(cells) > name_at):
        words = [c for c in others for _, cells in rows if c < len(cells) and not is_number(cells[c]) and cells[c]]
        if set(words) - {side_at}:
            raise ValueError(
                f"expected names in column {name_at + 1}, got numbers, and words in column {min(words) + 1}; "
                "correct the header"
            )
    pairs = []
    for n, cells in rows:
        if len(cells) <= max(number_at, name_at or 0) or not is_whole(cells[number_at]):
            raise ValueError(f"expected a number and a name in each line, got less in line {n}")
        area = cells[number_at if name_at is None else name_at]
        side = cells[side_at] if side_at is not None and side_at < len(cells) else ""
        pairs.append((cells[number_at], _sided(area, side)))
    return pairs


def _sided(area: str, side: str) -> str:
    """Return a name with the side that another column gives, unless the name has one itself."""
    letter = side_of(side)
    return f"{area}_{letter}" if letter and area and not split_hemisphere(area)[1] else area


def _refuse_row_counter(headings: list[str], rows: list[Row], number_at: int) -> None:
    """Raise ValueError if the column of numbers counts rows from 0 while another column holds numbers, too."""
    counts = [cells[number_at] for _, cells in rows if len(cells) > number_at] == [str(n) for n in range(len(rows))]
    rivals = [
        c
        for c in _others(headings, rows)
        if headings[c] in NUMBER_COLUMNS and all(len(cells) > c and is_whole(cells[c]) for _, cells in rows)
    ]
    if counts and rivals and len(rows) > 1:
        raise ValueError(
            f"expected one column of numbers, got column {number_at + 1}, which counts the rows from 0, and column "
            f"{rivals[0] + 1}; remove the one that the image does not hold"
        )


def _without_headings(rows: list[Row]) -> Pairs:
    """Take the first two columns, or the only ones of their kind, as number and name."""
    first, width = rows[0][0], len(rows[0][1])
    for n, cells in rows:
        if len(cells) != width:
            raise ValueError(
                f"expected a number and a name in each line, got {width} cells in line {first} and {len(cells)} in line "
                f"{n}; {IN_QUOTES}"
            )
    columns = [[cells[c] for _, cells in rows] for c in range(width)]
    whole = [c for c, column in enumerate(columns) if all(map(is_whole, column))]
    texts = [c for c, column in enumerate(columns) if not all(is_number(cell) or not cell for cell in column)]
    if not whole or (whole[0] > 0 and len(whole) > 1) or (not texts and width > 1):
        raise ValueError(
            f"expected a number and a name in each line, got {width} columns in another order; {WITH_HEADINGS}"
        )
    if len(texts) > 1 and are_short_and_long(list(zip(*(columns[c] for c in texts[:2]), strict=True))):
        texts = texts[1:]
    if len(texts) > 1 and whole[0] > texts[0]:
        raise ValueError(f"expected a number and a name in each line, got several columns of words; {WITH_HEADINGS}")
    if width > 2 and texts and len(set(columns[texts[0]])) < len(rows):
        raise ValueError(
            f"expected a number and a name in each line, got {width} columns, of which that of the names repeats; "
            f"{WITH_HEADINGS}"
        )
    return [(cells[whole[0]], cells[texts[0] if texts else whole[0]]) for _, cells in rows]
