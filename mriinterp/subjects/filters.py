"""Exclude scans and report which and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath

import numpy as np
import pandas as pd

from mriinterp.base.names import composed, plain_integer, propose
from mriinterp.subjects.table_report import Report

__all__ = ["drop_corrupt", "drop_duplicates", "drop_empty", "drop_missing", "keep_groups", "keep_mri"]


def _drop(frame: pd.DataFrame, bad, report: Report, reason: str, level: str = "warning") -> pd.DataFrame:
    bad = np.asarray(bad, bool)
    report.filtered(frame["id"][bad], len(frame), reason, level)
    return frame[~bad]


def keep_mri(raw: pd.DataFrame, columns: Mapping[str, str], report: Report) -> pd.DataFrame:
    """Leave out what another scanner made (PET, fMRI …), by the column Modality of a LONI table."""
    if "Modality" not in raw.columns:
        return raw
    other = ~raw["Modality"].str.upper().isin(("", "MRI", "MR"))
    kinds = ", ".join(sorted(set(raw["Modality"][other])))
    report.filtered(raw[columns["id"]][other], len(raw), f"their modality is not MRI but {kinds}")
    return raw[~other].reset_index(drop=True)


def drop_empty(frame: pd.DataFrame, report: Report) -> pd.DataFrame:
    """Leave out rows without an id or a subject."""
    bad = (frame["id"] == "") | (frame["subject"] == "")
    names = [row["id"] or row["subject"] or f"row {i + 1}" for i, row in frame[bad].iterrows()]
    report.filtered(names, len(frame), "they have no id or no subject")
    return frame[~bad]


def drop_duplicates(frame: pd.DataFrame, report: Report) -> pd.DataFrame:
    """Leave out repeated rows; of rows that share an id or a file but contradict each other, all."""
    frame = _drop(frame, frame.astype(str).duplicated(), report, "the row is there twice")
    same_id = frame["id"].duplicated(keep=False)
    key = frame[["id", "subject", "group", "path"]].duplicated(keep=False)
    repeated = (same_id & key & frame["id"].duplicated()).to_numpy()
    frame = _drop(frame, repeated, report, "the id is there twice, for the same subject and group")
    frame = _drop(frame, frame["id"].duplicated(keep=False), report, "one id stands for different scans", "error")
    shared = (frame["path"] != "") & frame["path"].duplicated(keep=False)
    return _drop(frame, shared, report, "several ids lead to the same file", "error")


def drop_corrupt(frame: pd.DataFrame, corrupt: Iterable[str] | Mapping[str, str], report: Report) -> pd.DataFrame:
    """Leave out scans the user knows to be bad, by id, subject, ``subject/visit`` or file name.

    A mapping gives what each entry is called in the report.
    """
    called = corrupt if isinstance(corrupt, Mapping) else {str(c): str(c) for c in corrupt}
    called = {composed(entry).strip(): name for entry, name in called.items()}
    listed = set(called) - {""}
    if not listed:
        return frame
    visit = frame["visit"].astype(str)
    keys = pd.DataFrame(
        {
            "id": frame["id"],
            "subject": frame["subject"],
            "visit": frame["subject"] + "/" + visit,
            "bare visit": frame["subject"] + "/" + visit.str.replace(" ", ""),
            "file": [composed(PurePath(p).name) for p in frame["path"]],
        }
    )
    known = dict.fromkeys(keys.to_numpy().ravel())
    names = [key for key in known if not key.endswith("/")]
    absent = [entry for entry in called if entry and entry not in known]
    unused = [f"{called[entry]}{propose(entry, names)}" for entry in absent]
    if unused:
        report.add(
            "warning",
            f"Entries of the list of corrupt scans that fit no scan ({len(unused)} of {len(listed)})",
            unused,
        )
    return _drop(frame, keys.isin(listed).any(axis=1), report, "they are listed as corrupt")


def drop_missing(frame: pd.DataFrame, report: Report) -> pd.DataFrame:
    """Leave out scans whose file was not found."""
    level = "error" if len(frame) and (frame["path"] == "").all() else "warning"
    return _drop(frame, frame["path"] == "", report, "their files are missing", level)


def _counts(groups: pd.Series) -> str:
    return ", ".join(f"{name or '(empty)'} ({n})" for name, n in groups.value_counts().sort_index().items())


def keep_groups(
    frame: pd.DataFrame, groups: Iterable[str] | Mapping[str, Iterable[str]] | None, report: Report
) -> pd.DataFrame:
    """Keep the groups asked for, under the names asked for; without `groups`, all that are named.

    An asked-for group without any scan is an error; people with scans in
    several groups are named.
    """
    if isinstance(groups, Mapping):
        names = {plain_integer(composed(str(label))): name for name, labels in groups.items() for label in labels}
        wanted = list(groups)
    elif groups is not None:
        wanted = [groups] if isinstance(groups, str) else list(groups)
        names = {plain_integer(composed(str(name))): name for name in wanted}
    else:
        names = {name: name for name in frame["group"].unique() if name}
        wanted = []
    known = frame["group"].isin(names)
    nameless = frame["group"] == ""
    for label in sorted(set(frame["group"][~known & ~nameless])):
        bad = frame["group"] == label
        reason = f"their group is {label}, not one of {', '.join(map(str, wanted))}"
        report.filtered(frame["id"][bad], len(frame), reason)
    report.filtered(frame["id"][nameless & ~known], len(frame), "they name no group")
    all_groups = frame["group"]
    frame = frame[known].assign(group=frame["group"][known].map(names))
    for name in wanted:
        if name not in set(frame["group"]):
            hint = propose(str(name), dict.fromkeys(all_groups))
            if len(all_groups) and (all_groups == "").all():
                hint = '; no row names a group: name the column that does in [subjects.columns], as group = "COLUMN"'
            report.add("error", f"No scan is left of group {name}; the table has {_counts(all_groups) or 'none'}{hint}")
    several = frame.groupby("subject")["group"].nunique()
    several = several[several > 1].index
    if len(several):
        report.add("info", f"People with scans in more than one group ({len(several)})", several)
    return frame
