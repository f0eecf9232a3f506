"""From a table and a folder of images to one frame of subjects."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from ..progress import Cancel
from .bids import bids_images, bids_label, bids_table
from .fields import parse_age, parse_dates, parse_month, parse_sexes
from .filters import (
    drop_corrupt,
    drop_duplicates,
    drop_empty,
    drop_missing,
    keep_groups,
    keep_mri,
)
from .images import choose_image, find_images, resolve_path
from .layouts import LAYOUTS, Layout, detect_layout
from .report import Report
from .table import FIELDS, match_columns, read_table

__all__ = ["COLUMNS", "read_subjects"]

COLUMNS = (
    "id", "subject", "group", "sex", "age", "visit", "month", "date", "date_text", "date_ambiguous", "path", "split",
)  # fmt: skip

logger = logging.getLogger(__name__)


def _integer_text(text: str) -> str:
    """``45117.0``, a spreadsheet's work, is 45117."""
    return re.sub(r"^(I?\d+)\.0+$", r"\1", text)


def _fields(raw: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Text of every field, "" where the table has none; index kept."""
    return pd.DataFrame({f: raw[columns[f]] if f in columns else "" for f in FIELDS}, index=raw.index, dtype=str)


def _fill_names(text: pd.DataFrame, columns: Mapping[str, str], report: Report) -> None:
    """Complete id and subject from each other, visit and file name, in place."""
    text["id"] = text["id"].map(_integer_text)
    if "subject" not in columns:
        text["subject"] = text["id"]
        report.add(
            "warning",
            "The table names no subject: every scan counts as a person of its own, "
            "so a split cannot keep the scans of one person together",
        )
    if "id" in columns:
        return
    stems = (
        text["path"].str.replace("\\", "/").str.split("/").str[-1].str.replace(r"\.(nii|nii\.gz|mgz)$", "", regex=True)
    )
    visits = (text["subject"] + "_" + text["visit"].str.replace(r"\W+", "", regex=True)).str.rstrip("_")
    options = [text["subject"], visits, stems]
    text["id"] = next((names for names in options if (names != "").all() and names.is_unique), visits)
    if "subject" not in columns:
        text["subject"] = text["id"]


def _dates(frame: pd.DataFrame, layout: Layout, report: Report) -> None:
    dates = parse_dates(frame["date_text"], layout.day_first)
    frame["date"], frame["date_ambiguous"] = dates.date, dates.ambiguous
    total = len(frame)
    if dates.ambiguous.any():
        report.add(
            "warning",
            f"{dates.ambiguous.sum()} of {total} dates are ambiguous (day and month may have been exchanged by a "
            "spreadsheet); scans are never ordered by them",
            frame.loc[dates.ambiguous, "id"],
        )
    if dates.unreadable.any():
        unread = frame[dates.unreadable]
        report.add(
            "warning", f"{len(unread)} of {total} dates cannot be read", unread["id"] + " " + unread["date_text"]
        )


def _people(frame: pd.DataFrame, text: pd.DataFrame, report: Report) -> None:
    """Sex and age from text; what cannot be read is reported."""
    frame["sex"], frame["age"] = parse_sexes(text["sex"]), text["age"].map(parse_age).astype(float)
    unread = {"sex": frame["sex"] == "", "age": frame["age"].isna()}
    for name, bad in unread.items():
        bad = bad & ~text[name].str.lower().isin(("", "n/a", "na", "nan", "none", "unknown", "x", "u"))
        if bad.any():
            cells = frame.loc[bad, "id"] + " (" + text.loc[bad, name] + ")"
            report.add("warning", f"{bad.sum()} of {len(frame)} cells of {name} cannot be read", cells)


def _find_by_id(frame: pd.DataFrame, layout: Layout, images: Path, options: dict, report: Report) -> None:
    """Fill empty paths by looking for ids below the image folder, in place."""
    rows = frame.index[frame["path"] == ""]
    words = {row: layout.words(frame.at[row, "id"]) for row in rows if frame.at[row, "id"]}
    found = find_images(images, [w for several in words.values() for w in several], **options)
    unclear = []
    for row, several in words.items():
        paths = next((found[w] for w in several if w in found), [])
        if layout.template is not None:  # bare numbers: the patient must be in the path too
            paths = [p for p in paths if frame.at[row, "subject"] in p.relative_to(images).as_posix()]
        image = choose_image(paths)
        if image is not None:
            frame.at[row, "path"] = str(image)
        elif paths:
            names = ", ".join(p.relative_to(images).as_posix() for p in paths[:3])
            unclear.append(f"{frame.at[row, 'id']} ({names}{', …' if len(paths) > 3 else ''})")
    if unclear:
        report.add(
            "warning",
            f"{len(unclear)} scans have several images each; choose one kind with a pattern for file names, "
            "such as 'mwp1*.nii'",
            unclear,
        )


def _find_paths(
    frame: pd.DataFrame,
    text: pd.DataFrame,
    layout: Layout,
    folders: list[Path],
    prefixes,
    options: dict,
    report: Report,
) -> None:
    """Fill the paths of all rows: from the table, the layout's template, or by id, in place."""
    images = folders[0] if folders else None
    frame["path"] = ""
    for row in frame.index:
        written = text.at[row, "path"]
        if not written and layout.template is not None:
            written = layout.template(text.loc[row])
        image = resolve_path(written, folders, prefixes)
        frame.at[row, "path"] = "" if image is None else str(image)
    lost = frame[(frame["path"] == "") & text["path"].str.match(r"^[A-Za-z]:[\\/]|^\\\\")]
    if len(lost):
        start = re.match(r"^(.*[\\/])[^\\/]*$", text.at[lost.index[0], "path"])
        report.add(
            "warning",
            f"{len(lost)} paths come from a Windows machine and are not found here; name what stands in place of "
            f"their beginning (a prefix such as {start[1] if start else 'D:/'})",
            lost["id"],
        )
    if images is not None and images.is_dir():
        _find_by_id(frame, layout, images, options, report)
    elif images is not None:
        report.add("error", f"expected a folder of images, found none: {images}")
    elif (frame["path"] == "").all():
        report.add("error", "No scan can be found: the table has no usable path and no folder of images is named")


def _bids_rows(text: pd.DataFrame, found: dict, report: Report) -> tuple[pd.DataFrame, list[str]]:
    """One row a scan, and the path of each, from one row a participant."""
    text = text.assign(subject=text["subject"].map(bids_label))
    extra = sorted(set(found) - set(text["subject"]))
    if extra:
        report.add("warning", f"{len(extra)} participants have images but no row in the table", extra)
    rows, paths = [], []
    for row, subject in text["subject"].items():
        images = found.get(subject, [])
        wanted = text.at[row, "visit"].removeprefix("ses-")
        images = [i for i in images if i.session == wanted] if wanted else images
        for image in images or [None]:
            session = image.session if image else wanted
            visit = session or text.at[row, "visit"]
            rows.append(
                {**text.loc[row], "id": f"{subject}_ses-{session}" if session else subject, "visit": visit, "row": row}
            )
            paths.append(str(image.path) if image else "")
    return pd.DataFrame(rows), paths


def _unknown_layout(kind: str) -> KeyError:
    return KeyError(f"expected a kind of table, got {kind!r}; available: auto, {', '.join(LAYOUTS)}")


def read_subjects(
    table: str | Path,
    images: str | Path | None = None,
    *,
    kind: str = "auto",
    columns: Mapping[str, str] | None = None,
    groups: Iterable[str] | Mapping[str, Iterable[str]] | None = None,
    corrupt: Iterable[str] = (),
    prefixes: Mapping[str, str | Path] | None = None,
    pattern: str | None = None,
    keep_missing: bool = False,
    cancel: Cancel | None = None,
) -> tuple[pd.DataFrame, Report]:
    """Read a table of subjects and find their scans.

    Parameters
    ----------
    table : path
        CSV or TSV; for BIDS also the folder that holds participants.tsv.
    images : path, optional
        Folder below which scans lie; BIDS: the folder of the table if not given.
    kind : {"auto", "loni", "original", "adnimerge", "bids", "plain"}
        Auto knows them by their columns.
    columns : mapping of field to column, optional
        Where the fields id, subject, group, sex, age, visit, date, path, split stand, if
        not under a usual name; "" says that the table does not have it.
    groups : list of str, or mapping of group to labels, optional
        Groups kept, in this order; ``{"AD": ["AD", "Dementia"], "CN": ["CN"]}``
        also renames. None keeps all.
    corrupt : iterable of str
        Scans to leave out: id, subject, ``subject/visit`` or file name.
    prefixes : mapping, optional
        What the beginning of paths in the table becomes on this machine.
    pattern : str, optional
        Wildcards the image's file name must fit (``mwp1*.nii``).
    keep_missing : bool
        Keep scans without a file (path "") instead of leaving them out.
    cancel : callable, optional
        Asked while folders are read.

    Returns
    -------
    frame : DataFrame
        `COLUMNS`, one row a scan: id (the row key), subject, group, sex
        ("M", "F", ""), age (years), visit, month (since the start), date (NaT
        if ambiguous), date_text, date_ambiguous, path, split ("" if the table
        has none). Other columns of the table follow under their own names.
    report : Report
        All that was left out or is doubtful, by name.

    Raises
    ------
    FileNotFoundError, ValueError, KeyError
        If the table cannot be read at all: absent, no table, without the
        columns it needs (which are named, with those found), unknown kind.
    """
    if kind != "auto" and kind not in LAYOUTS:
        raise _unknown_layout(kind)
    path, report = Path(table), Report()
    folders = [] if images is None else [Path(images)]
    if kind == "bids" or path.is_dir():
        path, root = bids_table(path)
        folders = folders or [root]
    raw = read_table(path)
    layout = detect_layout(raw.columns) if kind == "auto" else LAYOUTS[kind]
    logger.info("reading %s as %s", path.name, layout.label)
    required = layout.required or (() if columns else ("group",))
    found = match_columns(raw.columns, layout.choose(raw.columns, columns), required, f"{layout.label}, {path.name}")
    if not any(f in found for f in ("id", "subject", "path")):
        match_columns(raw.columns, columns, ("id",), f"{layout.label}, {path.name}")
    raw = keep_mri(raw, found, report) if layout.name == "loni" else raw
    text = _fields(raw, found)
    options = {"pattern": pattern, "cancel": cancel}
    if layout.name == "bids":
        folders = folders or [path.parent]
        text, paths = _bids_rows(text, bids_images(folders[0], report, **options), report)
        raw = raw.loc[text["row"]] if len(text) else raw
        raw.index = text.index
    else:
        _fill_names(text, found, report)
    frame = text[["id", "subject", "group", "visit"]].copy()
    frame["month"] = frame["visit"].map(parse_month).astype(float)
    frame["date_text"], frame["split"] = text["date"], text["split"].str.lower()
    _people(frame, text, report)
    _dates(frame, layout, report)
    if layout.name == "bids":
        frame["path"] = paths
    else:
        _find_paths(
            frame, text, layout, [*folders, path.parent] if folders else [path.parent], prefixes, options, report
        )
    extra = raw[[c for c in raw.columns if c not in found.values() and c not in COLUMNS]]
    frame = pd.concat([frame[list(COLUMNS)], extra], axis=1)
    for step in (drop_empty, drop_duplicates):
        frame = step(frame, report)
    frame = drop_corrupt(frame, corrupt, report)
    frame = frame if keep_missing else drop_missing(frame, report)
    frame = keep_groups(frame, groups, report)
    n = frame["subject"].nunique()
    report.add("info", f"{len(frame)} scans of {n} {'person' if n == 1 else 'people'} in {path.name} ({layout.label})")
    return frame.reset_index(drop=True), report
