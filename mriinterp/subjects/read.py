"""From a table and a folder of images to one frame of subjects."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mriinterp.base.names import plain_integer
from mriinterp.base.progress import Cancel
from mriinterp.base.tables import show_names
from mriinterp.subjects.bids import bids_images, bids_rows, bids_table
from mriinterp.subjects.fields import parse_age, parse_dates, parse_month, parse_sexes
from mriinterp.subjects.filters import (
    drop_corrupt,
    drop_duplicates,
    drop_empty,
    drop_missing,
    keep_groups,
    keep_mri,
)
from mriinterp.subjects.identify import fill_names
from mriinterp.subjects.layouts import LAYOUTS, Layout, detect_layout
from mriinterp.subjects.locate import Search, find_paths
from mriinterp.subjects.oasis import pair_visits
from mriinterp.subjects.split import check_split
from mriinterp.subjects.table_file import FIELDS, match_columns, plain_name, read_table
from mriinterp.subjects.table_report import Report

__all__ = ["COLUMNS", "read_subjects"]

COLUMNS = (
    "id", "subject", "group", "sex", "age", "visit", "month", "date", "date_text", "date_ambiguous", "path", "split",
    "site",
)  # fmt: skip

LEAST_NAMES = 3  # rows, all different: a column called label holds names
ADNI_PERSON = re.compile(r"^(\d{3})_S_\d{4,5}$")
NO_GROUP = ("n/a", "nan", "-4")  # ADNI and AIBL write -4 for what is missing

logger = logging.getLogger(__name__)


def _dates(frame: pd.DataFrame, layout: Layout, report: Report) -> None:
    dates = parse_dates(frame["date_text"], layout.day_first)
    frame["date"], frame["date_ambiguous"] = dates.date, dates.ambiguous
    total = len(frame)
    if dates.ambiguous.any():
        report.add(
            "warning",
            f"Ambiguous dates: {dates.ambiguous.sum()} of {total} (day and month may have been exchanged by a "
            "spreadsheet); scans are never ordered by them",
            frame.loc[dates.ambiguous, "id"],
        )
    if dates.unreadable.any():
        unread = frame[dates.unreadable]
        report.add("warning", f"Unreadable dates: {len(unread)} of {total}", unread["id"] + " " + unread["date_text"])


def _people(frame: pd.DataFrame, text: pd.DataFrame, layout: Layout, report: Report) -> None:
    """Read sex, and age on the day of the visit, from text; what cannot be read is reported."""
    frame["sex"], frame["age"] = parse_sexes(text["sex"]), text["age"].map(parse_age).astype(float)
    if layout.age_at_baseline and frame["age"].notna().any():
        frame["age"] = (frame["age"] + frame["month"] / 12).round(2)
        report.add("info", "Ages are those of the table, at the first visit, and the months of the visit since then")
    unread = {"sex": frame["sex"] == "", "age": frame["age"].isna()}
    for name, bad in unread.items():
        bad = bad & ~text[name].str.lower().isin(("", "n/a", "na", "nan", "none", "unknown", "x", "u"))
        if bad.any():
            cells = frame.loc[bad, "id"] + " (" + text.loc[bad, name] + ")"
            report.add("warning", f"Unreadable cells of {name}: {bad.sum()} of {len(frame)}", cells)


def _sites(text: pd.DataFrame, report: Report) -> pd.Series:
    """Return the site of each scan: of the table, else of ADNI's ids of people (``011_S_0005`` is of site 011)."""
    if (text["site"] != "").any():
        sites = text["site"].map(plain_integer)
        return sites.mask(sites.str.lower().isin(NO_GROUP), "")
    sites = text["subject"].str.extract(ADNI_PERSON, expand=False)
    if sites.empty or sites.isna().any():
        return text["site"]
    report.add("info", f"Sites are the first number of ADNI's ids of people: {sites.nunique()} sites")
    return sites


def _frame(text: pd.DataFrame, layout: Layout, report: Report) -> pd.DataFrame:
    """Return all columns but the path, from the text of the fields."""
    frame = text[["id", "subject", "group", "visit"]].copy()
    frame["group"] = frame["group"].map(plain_integer).mask(frame["group"].str.lower().isin(NO_GROUP), "")
    frame["month"] = frame["visit"].map(parse_month).astype(float)
    frame["date_text"], frame["split"] = text["date"], text["split"].str.lower()
    frame["site"] = _sites(text, report)
    _people(frame, text, layout, report)
    _dates(frame, layout, report)
    return frame


def read_subjects(
    table: str | Path,
    images: str | Path | None = None,
    *,
    kind: str = "auto",
    columns: Mapping[str, str] | None = None,
    groups: Iterable[str] | Mapping[str, Iterable[str]] | None = None,
    corrupt: Iterable[str] | Mapping[str, str] = (),
    prefixes: Mapping[str, str | Path] | None = None,
    pattern: str | None = None,
    keep_missing: bool = False,
    raw: bool = False,
    cancel: Cancel | None = None,
) -> tuple[pd.DataFrame, Report]:
    """Read a table of subjects and find their scans.

    Parameters
    ----------
    table : path
        CSV or TSV; for BIDS also the folder that holds participants.tsv.
    images : path, optional
        Folder below which scans lie; BIDS: the folder of the table if not given.
    kind : str
        A key of `mriinterp.subjects.LAYOUTS` ("loni", "adnimerge", "oasis2", "bids", "plain" …); "auto" knows
        tables by their columns.
    columns : mapping of field to column, optional
        Where the fields id, subject, group, sex, age, visit, date, path, split, site stand, if
        not under a usual name; "" says that the table does not have it.
    groups : list of str, or mapping of group to labels, optional
        Groups kept, in this order; ``{"AD": ["AD", "Dementia"], "CN": ["CN"]}``
        also renames. None keeps all.
    corrupt : iterable of str, or mapping of str to str
        Scans to leave out: id, subject, ``subject/visit`` or file name. A
        mapping gives what each entry is called in the report.
    prefixes : mapping, optional
        What the beginning of paths in the table becomes on this machine.
    pattern : str, optional
        Wildcards the image's file name must fit (``mwp1*.nii``).
    keep_missing : bool
        Keep scans without a file (path "") instead of leaving them out.
    raw : bool
        Scans may be as they came: folders of DICOM files and .zip archives, too.
    cancel : callable, optional
        Asked while folders are read.

    Returns
    -------
    frame : DataFrame
        `COLUMNS`, one row a scan: id (the row key), subject, group, sex
        ("M", "F", ""), age (years), visit, month (since the start), date (NaT
        if ambiguous), date_text, date_ambiguous, path, split and site (""
        if the table has none). Other columns of the table follow under their own names.
    report : Report
        All that was left out or is doubtful, by name.

    Raises
    ------
    FileNotFoundError, ValueError, KeyError
        If the table cannot be read at all: absent, no table, without the
        columns it needs (which are named, with those found), unknown kind.
    """
    report, images = Report(), None if images is None else Path(images)
    opened, root = _open(Path(table), kind, columns, report)
    search = Search(images or root, opened.path.parent, prefixes, pattern, cancel, raw)
    read = _bids_scans if opened.layout.name == "bids" else _clinical_scans if opened.layout.clinical else _table_scans
    frame, own = read(opened, search, report)
    known = {column for field, column in opened.columns.items() if field != "site"}  # a network may read its numbers
    extra = own[[c for c in own.columns if c not in known and c not in COLUMNS]]
    frame = pd.concat([frame[list(COLUMNS)], extra], axis=1)
    if "group" not in opened.columns:
        report.add("warning", f"The table names no group; its columns are {show_names(own.columns)}")
        groups = {"": [""]} if groups is None else groups
    frame = _filtered(frame, groups, corrupt, keep_missing, report)
    _conclude(frame, opened.what, report)
    return frame.reset_index(drop=True), report


@dataclass(frozen=True, eq=False)
class _Opened:
    """A table as it stands in its file, and which column is which field."""

    path: Path
    raw: pd.DataFrame
    layout: Layout
    columns: dict[str, str]

    @property
    def what(self) -> str:
        return f"{self.layout.label} {self.path.name}"

    def text(self) -> pd.DataFrame:
        """Return the text of every field, "" where the table has none; index kept."""
        columns = {f: self.raw[self.columns[f]] if f in self.columns else "" for f in FIELDS}
        return pd.DataFrame(columns, index=self.raw.index, dtype=str)


def _open(path: Path, kind: str, columns: Mapping[str, str] | None, report: Report) -> tuple[_Opened, Path | None]:
    """Return the table, and the folder of a BIDS data set; errors as of `read_subjects`."""
    if kind != "auto" and kind not in LAYOUTS:
        raise KeyError(f"expected a kind of table, got {kind!r}; available: auto, {', '.join(LAYOUTS)}")
    root = None
    if kind == "bids" or path.is_dir():
        path, root = bids_table(path)
    raw = read_table(path)
    layout = detect_layout(raw.columns) if kind == "auto" else LAYOUTS[kind]
    what = f"{layout.label} {path.name}"
    logger.info("reading %s", what)
    found = match_columns(raw.columns, layout.choose(raw.columns, columns), layout.required, what)
    if "group" not in (columns or {}):
        _refuse_names_as_groups(raw, found, report)
    if not {"id", "subject", "path"} & set(found):
        match_columns(raw.columns, columns, ["id"], what)  # raises, naming what there is
    report.add("info", f"Columns of the {what}", [f"{field}: {column}" for field, column in found.items()])
    for column in found.values():
        others = [c for c in raw.columns if re.fullmatch(re.escape(column) + r"\.\d+", c)]
        if any((raw[c] != raw[column]).any() for c in others):
            report.add("warning", f"The {what} has several columns {column}; the first is taken")
    if layout.name == "loni":
        raw = keep_mri(raw, found, report)
    return _Opened(path, raw, layout, found), root


def _refuse_names_as_groups(raw: pd.DataFrame, found: dict[str, str], report: Report) -> None:
    """Take back a column called label that holds a name for every row; it is the id where the table has no other."""
    column = found.get("group", "")
    if plain_name(column) != "label" or len(raw) < LEAST_NAMES or not raw[column].is_unique:
        return
    del found["group"]
    if "id" not in found:
        found["id"] = column
    report.add("warning", f"The column {column} has another value in each row: names of scans, not groups")


def _bids_scans(opened: _Opened, search: Search, report: Report) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row a scan of a BIDS data set, and the table's row for each."""
    images = bids_images(search.images or opened.path.parent, report, search.pattern, search.cancel)
    text, paths = bids_rows(opened.text(), images, report)
    frame = _frame(text, opened.layout, report)
    frame["path"] = paths
    return frame, opened.raw.loc[text["row"]].set_axis(text.index)


def _clinical_scans(opened: _Opened, search: Search, report: Report) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row a scan of people who were seen on other days, and the table's row for each."""
    text = opened.text()
    fill_names(text, opened.columns, opened.layout, report)
    if search.images is None:
        raise ValueError(
            f"expected a folder of images beside the {opened.what}, got none: scans are paired with clinical visits by "
            "the days in their names"
        )
    entry = next((c for c in opened.raw.columns if plain_name(c) == "ageatentry"), None)
    age_at_entry = opened.raw[entry] if entry else pd.Series("", index=text.index)
    text, paths = pair_visits(text, age_at_entry, search.images, search.pattern, report, search.cancel)
    frame = _frame(text, opened.layout, report)
    frame["path"] = paths
    return frame, opened.raw.loc[text["row"]].set_axis(text.index)


def _table_scans(opened: _Opened, search: Search, report: Report) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row a scan, as the table has them, with their files; and the table."""
    text = opened.text()
    fill_names(text, opened.columns, opened.layout, report)
    frame = _frame(text, opened.layout, report)
    find_paths(frame, text, opened.layout, search, report)
    return frame, opened.raw


def _filtered(
    frame: pd.DataFrame, groups, corrupt: Iterable[str] | Mapping[str, str], keep_missing: bool, report: Report
) -> pd.DataFrame:
    """Return every filter, in the order of the original study: repeated, corrupt, missing, of another group."""
    frame = drop_duplicates(drop_empty(frame, report), report)
    frame = drop_corrupt(frame, corrupt, report)
    frame = frame if keep_missing else drop_missing(frame, report)
    return keep_groups(frame, groups, report)


def _conclude(frame: pd.DataFrame, what: str, report: Report) -> None:
    """Report how much is left, and whether the table's own split keeps patients apart."""
    try:
        check_split(frame)
    except ValueError as error:
        report.add("error", str(error))
    if frame.empty:
        report.add("error", f"No scan is left of the {what}")
    n = frame["subject"].nunique()
    report.add("info", f"Scans: {len(frame)}, people: {n}, in the {what}")
