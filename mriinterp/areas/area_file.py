"""Files of numbers and names of areas: tables, label files of viewers and toolboxes, XML."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mriinterp.areas.area_columns import from_columns, from_words_under_headings, plain_heading, split_cells
from mriinterp.areas.atlas_xml import read_atlas_xml
from mriinterp.areas.label_files import LAYOUTS, AmbiguousTable, is_whole, read_coloured, read_marked, read_plain
from mriinterp.areas.names import areas_frame
from mriinterp.base.files import read_text
from mriinterp.base.names import composed

__all__ = ["read_area_table"]

SEPARATORS = "\t;,|"
_DECLARED = re.compile(r'\s*"?sep=(.)"?[;,\s]*', re.IGNORECASE)  # a first line that spreadsheets write
LARGEST = 2**31 - 1
BACKGROUND = re.compile(r"back|unknown|clear|unclass|unlabel|non|null|outside|exterior|empty|void|air|bg|[?*]|^\W*0?$")

Line = tuple[int, str]  # number in the file, text
Pairs = list[tuple[str, str]]  # number, as written, and name


def read_area_table(path: str | os.PathLike) -> pd.DataFrame:
    """Read numbers and names of areas from a text file.

    Tables have columns separated by tab, semicolon, comma, bar or blanks,
    found by their headings (``index``, ``label``, ``id`` …; ``name``,
    ``area``, ``region`` …; ``hemisphere``) or, without headings, number and
    name first. Label files of ITK-SNAP, FreeSurfer, MRtrix and MRIcron are
    known (also those of FSLeyes, Connectome Workbench and AFNI), and the XML files of FSL's and SPM's atlases. Text is UTF-8, UTF-16
    with a mark, or Windows-1252. Lines that begin with # are comments; number
    0 is background and left out.

    Returns
    -------
    DataFrame
        Columns label, name, hemisphere, in the order of the file. A side that
        a column of its own gives is put behind the name: ``Hippocampus_L``. Names
        that come more than once are followed by their number.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it can be read in more than one way, or in none; a number comes
        twice; or areas are counted from 0. Messages give lines by number and
        not what stands there.
    """
    path = Path(path)
    try:
        text = read_text(path, "a table of areas", fallback="cp1252")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such table of areas; check the spelling and the folder") from None
    try:
        return _checked(read_atlas_xml(text.strip()) if text.lstrip().startswith("<") else _read_lines(text))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _read_lines(text: str) -> Pairs:
    """Read numbers and names from lines of text, separated by whatever they agree on."""
    numbered = list(enumerate(composed(text).splitlines(), 1))
    lines = [(n, line) for n, line in numbered if line.strip() and not line.lstrip().startswith("#")]
    declared = _DECLARED.fullmatch(lines[0][1]) if lines else None
    lines = lines[1:] if declared else lines
    if not lines:
        raise ValueError("expected a table of areas, got an empty file")
    first = lines[0][1]
    separators = declared[1] if declared else [s for s in SEPARATORS if s in first]
    marked = None if declared else read_marked([line for _, line in lines])
    if marked is not None:
        return marked
    problem = None
    for separator in separators:
        try:
            return from_columns(split_cells(lines, separator))
        except ValueError as error:
            problem = problem or error
    if problem is not None and (declared or not is_whole(first.split()[0])):
        raise problem
    return _from_blanks(lines, problem)


def _from_blanks(lines: Sequence[Line], problem: ValueError | None) -> Pairs:
    """Read numbers and names from lines with columns separated by blanks; `problem` is that of another separator."""
    texts = [line for _, line in lines]
    try:
        coloured = read_coloured(texts)
        if coloured is not None:
            return coloured
        if problem is not None and "\t" in texts[0]:
            raise problem
        wide = [(n, re.split(r"\s{2,}", line.strip())) for n, line in lines]
        if len(wide[0][1]) > 2 and len({len(cells) for _, cells in wide}) == 1:
            return from_columns(wide)
        if not any(is_whole(word) for word in texts[0].split()):
            headings = [plain_heading(word) for word in texts[0].split()]
            return from_words_under_headings(headings, [(n, line.split()) for n, line in lines[1:]])
        return read_plain(texts)
    except AmbiguousTable as error:
        raise ValueError(
            f"expected a table of areas, got one separated by blanks that cannot be read for certain ({error}); write "
            f"headings such as index and name, and separate columns by tab or comma. Known without: {LAYOUTS}"
        ) from error


def _checked(pairs: Pairs) -> pd.DataFrame:
    """Return the areas without the background; ValueError if a number comes twice or they cannot be those of voxels."""
    numbers = [int(number.partition(".")[0]) for number, _ in pairs]
    if max(numbers, default=0) > LARGEST:
        raise ValueError(f"expected labels of at most {LARGEST}, got a larger one")
    names = [area for _, area in pairs]
    if numbers == list(range(len(numbers))) and numbers and not BACKGROUND.search(names[0].lower()):
        raise ValueError(
            "expected numbers of voxels, of which 0 is the background, got areas counted from 0; add 1 to every number "
            "if that is what the image holds, or call number 0 background"
        )
    times = Counter(names)
    areas = [
        (number, f"{area} ({number})" if area and times[area] > 1 else area or f"label {number}")
        for number, area in zip(numbers, names, strict=True)
        if number
    ]
    if not areas:
        raise ValueError("expected a table of areas, got none but the background")
    commonest, rows = Counter(number for number, _ in areas).most_common(1)[0]
    if rows != 1:
        raise ValueError(f"expected one row a label, got {rows} for label {commonest}")
    return areas_frame([number for number, _ in areas], [area for _, area in areas])
