"""The scan of every row: by the table's own path, by the layout's rule, or by its id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mriinterp.base.progress import Cancel
from mriinterp.subjects.bids import best_of_session
from mriinterp.subjects.images import choose_image, find_images, resolve_path
from mriinterp.subjects.layouts import Layout
from mriinterp.subjects.near import near_images, near_paths, report_near
from mriinterp.subjects.table_report import Report

__all__ = ["Search", "find_paths"]


@dataclass(frozen=True)
class Search:
    """Where and how images are looked for."""

    images: Path | None
    table_folder: Path
    prefixes: Mapping[str, str | Path] | None
    pattern: str | None
    cancel: Cancel | None
    raw: bool = False


def _find_by_id(frame: pd.DataFrame, layout: Layout, search: Search, images: Path, report: Report) -> None:
    """Fill empty paths by looking for ids below the image folder, in place."""
    rows = frame.index[frame["path"] == ""]
    words = {row: layout.words(frame.at[row, "id"]) for row in rows if frame.at[row, "id"]}
    every = [w for several in words.values() for w in several]
    found = find_images(images, every, search.pattern, search.cancel, raw=search.raw) if every else {}
    unclear, chosen = [], []
    for row, several in words.items():
        paths = next((found[w] for w in several if w in found), [])
        if layout.template is not None:  # bare numbers: the patient must be in the path too
            paths = [p for p in paths if frame.at[row, "subject"] in p.relative_to(images).as_posix()]
        image = choose_image(paths)
        if image is None and (best := best_of_session(paths)):
            image = best
            chosen.append(f"{frame.at[row, 'id']} ({best.relative_to(images).as_posix()})")
        if image is not None:
            frame.at[row, "path"] = str(image)
        elif paths:
            names = ", ".join(p.relative_to(images).as_posix() for p in paths[:3])
            unclear.append(f"{frame.at[row, 'id']} ({names}{', …' if len(paths) > 3 else ''})")
    if chosen:
        report.add("info", f"Several images ({len(chosen)}); the T1-weighted one is taken, MNI space first", chosen)
    if unclear:
        report.add(
            "warning",
            f"Scans with several images each ({len(unclear)}); choose one kind with a pattern for file names, "
            "such as 'mwp1*.nii'",
            unclear,
        )


def _propose(
    frame: pd.DataFrame, text: pd.DataFrame, layout: Layout, search: Search, folders: list[Path], report: Report
) -> None:
    """Report images that have nearly the name of a scan that was not found."""
    missing = frame.index[(frame["path"] == "") & (frame["id"] != "")]
    if not len(missing):
        return
    taken = set(frame["path"])
    words = {row: dict.fromkeys([frame.at[row, "id"], *layout.words(frame.at[row, "id"])]) for row in missing}
    by_word: dict[str, list[str]] = {}
    if search.images is not None and search.images.is_dir():
        every = [word for several in words.values() for word in several]
        by_word = near_images(search.images, every, search.pattern, search.cancel)
        by_word = {w: [p for p in paths if str(search.images / p) not in taken] for w, paths in by_word.items()}
    near = {}
    for row, several in words.items():
        found = [path for word in several for path in by_word.get(word, ())]
        found += near_paths(text.at[row, "path"], folders) if text.at[row, "path"] else []
        if found:
            near[frame.at[row, "id"]] = dict.fromkeys(found)
    report_near(near, report)


def _report_raw(frame: pd.DataFrame, text: pd.DataFrame, folders: list[Path], search: Search, report: Report) -> None:
    """Report scans whose path leads to what a scanner wrote."""
    rows = frame.index[(frame["path"] == "") & (text["path"] != "")]
    raw = [row for row in rows if resolve_path(text.at[row, "path"], folders, search.prefixes, raw=True) is not None]
    if raw:
        words = "add a section [prepare] to the study file: each is then prepared once, and kept"
        report.add("warning", f"Scans that are folders, as of DICOM files ({len(raw)}); {words}", frame.loc[raw, "id"])


def find_paths(frame: pd.DataFrame, text: pd.DataFrame, layout: Layout, search: Search, report: Report) -> None:
    """Fill the paths of all rows: from the table, the layout's template, or by id, in place."""
    folders = [f for f in (search.images, search.table_folder) if f is not None]
    frame["path"] = ""
    for row in frame.index:
        written = text.at[row, "path"]
        if not written and layout.template is not None:
            written = layout.template(text.loc[row])
        image = resolve_path(written, folders, search.prefixes, raw=search.raw)
        frame.at[row, "path"] = "" if image is None else str(image)
    if search.images is not None and not search.images.is_dir():
        report.add("error", f"expected a folder of images, found none: {search.images}")
    elif search.images is not None:
        _find_by_id(frame, layout, search, search.images, report)
    elif len(frame) and (frame["path"] == "").all():
        report.add("error", "No scan can be found: the table has no usable path and no folder of images is named")
    if not search.raw:
        _report_raw(frame, text, folders, search, report)
    _propose(frame, text, layout, search, folders, report)
    lost = frame.index[(frame["path"] == "") & text["path"].str.match(r"^[A-Za-z]:[\\/]|^\\\\")]
    if len(lost):
        start = re.match(r"^(.*[\\/])[^\\/]*$", text.at[lost[0], "path"])
        report.add(
            "warning",
            f"Paths of a Windows machine that are not found here ({len(lost)}); name what stands in place of "
            f"their beginning (a prefix such as {start[1] if start else 'D:/'})",
            frame.loc[lost, "id"],
        )
