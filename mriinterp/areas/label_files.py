"""Label files separated by blanks, as viewers and toolboxes write them.

A blank separates columns and words of a name alike, so a layout is taken only
where all lines agree on it and on no other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mriinterp.areas.names import side_of

__all__ = [
    "LAYOUTS",
    "AmbiguousTable",
    "are_short_and_long",
    "is_number",
    "is_whole",
    "read_coloured",
    "read_marked",
    "read_plain",
]

LAYOUTS = (
    'ITK-SNAP (number R G B A visible mesh "name"), FreeSurfer (number name R G B A), MRtrix (number short-name name '
    "R G B A), FSLeyes (number R G B name, colours from 0 to 1), Connectome Workbench (name, and in the next line number "
    "R G B A), MRIcron (number name code), number and name"
)
COLOURS = 4  # numbers behind a name: R, G, B, A
LEAST_CODE = 1000  # MRIcron's third column: 2001 and up for AAL

_ITK_SNAP = re.compile(r'\s*(\d+)(?:\s+\d+){3}\s+[\d.eE+-]+\s+[01]\s+[01]\s+"?(.*?)"?\s*')
_FSLEYES = re.compile(r"\s*(\d+)((?:\s+(?:0(?:\.\d*)?|1(?:\.0*)?|\.\d+)(?:e-\d+)?){3})\s+(\S.*?)\s*")
_MARKED = re.compile(r"\s*(\d+)(?:\s*[:=]|\.(?=\s)|\)|\s+[-–—](?=\s))\s*(\S.*?)\s*")  # 1: name, 1 - name
_TOKEN = re.compile(r'"[^"]*"|\S+')

Pairs = list[tuple[str, str]]  # number, as written, and name


class AmbiguousTable(ValueError):
    """Lines that can be read in more than one way, or in none."""


def is_whole(cell: str) -> bool:
    """Return whether a cell holds a whole number of 0 or more."""
    return re.fullmatch(r"\d+(\.0*)?", cell.strip()) is not None


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number."""
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", cell.strip()) is not None


def are_short_and_long(pairs: Sequence[Sequence[str]]) -> bool | None:
    """Return whether pairs of words are a short name and a name, not a name of two words; None if that is not clear.

    Short names are different in every area, and so are the names, which hold
    no blanks but "_", "-" or ".".
    """
    first, second = [p[0] for p in pairs], [p[1] for p in pairs]
    repeated = any(len(set(column)) < len(column) for column in (first, second))
    if repeated or any(side_of(word) for word in first + second):
        return False
    composite = [bool(re.search(r"[_.\-]", name)) for short, name in zip(first, second, strict=True) if short != "???"]
    return True if composite and all(composite) else None


def read_coloured(lines: Sequence[str]) -> Pairs | None:
    """Read numbers and names of a label file with colours (see `LAYOUTS`); None if it is none.

    Raises
    ------
    AmbiguousTable
        If the names cannot be distinguished from short names.
    """
    known = _fitting(_ITK_SNAP, lines) or _read_fsleyes(lines) or _read_workbench(lines)
    if known:
        return known
    rows = _tokens(lines)
    if not all(is_whole(row[0]) and len(row) >= 2 + COLOURS and _are_colours(row[-COLOURS:]) for row in rows):
        return None
    numbers, names = [row[0] for row in rows], [row[1:-COLOURS] for row in rows]
    if all(is_number(name[0]) for name in names) and any(len(name) > 1 for name in names):
        return None  # numbers in front of the names, or more of them behind
    joined = [(number, " ".join(name)) for number, name in zip(numbers, names, strict=True)]
    if any(len(name) != 2 for name in names):
        return joined
    areas: dict[tuple[str, str], str] = {}
    for number, (short, name) in zip(numbers, names, strict=True):
        areas.setdefault((number, short), name)  # MRtrix lists an area twice where its name has changed
    found = are_short_and_long([(short, name) for (_, short), name in areas.items()])
    if found is None:
        raise AmbiguousTable("two words before the colours may be a short name and a name, or one name")
    return [(number, name) for (number, _), name in areas.items()] if found else joined


def _fitting(layout: re.Pattern, lines: Sequence[str]) -> Pairs | None:
    """Return first and last group of a layout that fits every line; None if it does not."""
    found = [match for match in map(layout.fullmatch, lines) if match]
    return [(match[1], match.groups()[-1]) for match in found] if len(found) == len(lines) else None


def _read_fsleyes(lines: Sequence[str]) -> Pairs | None:
    """Read a look-up table of FSLeyes, whose colours are shares; None if all of them are 0 or 1, as counts may be."""
    pairs = _fitting(_FSLEYES, lines)
    return pairs if pairs and any("." in line.split()[at] for line in lines for at in (1, 2, 3)) else None


def _read_workbench(lines: Sequence[str]) -> Pairs | None:
    """Read pairs of lines as Connectome Workbench writes them: a name, then number and colour."""
    names, colours = list(lines[::2]), [line.split() for line in lines[1::2]]
    if len(lines) % 2 or not all(len(row) == 1 + COLOURS and is_whole(row[0]) for row in colours):
        return None
    if any(is_whole(name.split()[0]) or not _are_colours(row[1:]) for name, row in zip(names, colours, strict=True)):
        return None
    return [(row[0], name.strip()) for name, row in zip(names, colours, strict=True)]


def read_marked(lines: Sequence[str]) -> Pairs | None:
    """Read lines such as ``1: name``, ``1 = name``, ``1. name`` or ``1 - name``; None if not all are such."""
    return _fitting(_MARKED, lines)


def read_plain(lines: Sequence[str]) -> Pairs:
    """Read numbers and names of lines without colours: number and name, with MRIcron's code, or AAL as made for SPM.

    Raises
    ------
    AmbiguousTable
        If no layout fits all lines, or two do.
    """
    rows = _tokens(lines)
    if all(len(row) == 3 and is_whole(row[2]) and not is_number(row[0]) for row in rows):
        if not are_short_and_long(rows):
            raise AmbiguousTable("two words before the number may be a short name and a name, or one name")
        return [(row[2], row[1]) for row in rows]
    if not all(is_whole(row[0]) for row in rows):
        raise AmbiguousTable("not all lines begin with a number")
    numbers, words = [row[0] for row in rows], [row[1:] for row in rows]
    if not any(words):
        return list(zip(numbers, numbers, strict=True))
    if all(words) and all(is_number(name[0]) for name in words):
        raise AmbiguousTable("numbers stand where names should begin")
    behind = min(_numbers_behind(name) for name in words)
    if behind > 1:
        raise AmbiguousTable(f"{behind} numbers stand behind every name")
    names = _before_code(words) if behind else [" ".join(name) for name in words]
    return list(zip(numbers, names, strict=True))


def _tokens(lines: Sequence[str]) -> list[list[str]]:
    return [[token.strip('"') for token in _TOKEN.findall(line)] for line in lines]


def _are_colours(cells: Sequence[str]) -> bool:
    return all(is_number(cell) and 0 <= float(cell) <= 255 for cell in cells)


def _numbers_behind(words: list[str]) -> int:
    """Return how many numbers a line ends with."""
    count = 0
    while count < len(words) and is_number(words[-1 - count]):
        count += 1
    return count


def _before_code(words: list[list[str]]) -> list[str]:
    """Return names where every line ends with one number: MRIcron's code, or a part of the name."""
    names, last = [" ".join(name[:-1]) for name in words], [name[-1] for name in words]
    if len(set(names)) < len(names):
        return [" ".join(name) for name in words]  # Area 1, Area 2
    if len(set(last)) == len(last) and all(is_whole(code) and float(code) >= LEAST_CODE for code in last):
        return names
    raise AmbiguousTable("the number behind every name may be a part of it, or not")
