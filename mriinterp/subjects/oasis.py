"""OASIS: sessions named as the archive names them, and clinical visits on other days than scans."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mriinterp.base.progress import Cancel
from mriinterp.subjects.bids import bids_images
from mriinterp.subjects.fields import parse_age
from mriinterp.subjects.images import choose_image, find_images
from mriinterp.subjects.table_report import Report

__all__ = ["MOST_DAYS", "OASIS_SESSION", "oasis_words", "pair_visits"]

MOST_DAYS = 180
"""Days that may lie between a scan and the clinical visit it is paired with."""

OASIS_SESSION = re.compile(
    r"^(?P<subject>OAS[12]_\d{4}|OAS[34]\d{4})_(?:[A-Za-z0-9]+_)?(?P<visit>MR\d+|d\d+)$", re.IGNORECASE
)
_DAY = re.compile(r"(?:^|[^A-Za-z0-9])d(\d{3,5})(?![A-Za-z0-9])")
_YEAR = 365.25  # days


def oasis_words(name: str) -> list[str]:
    """Return what to look for in paths: ``OAS30001_MR_d0129``, and its name in the BIDS form of the archive.

    Examples
    --------
    >>> oasis_words("OAS30001_MR_d0129")
    ['OAS30001_MR_d0129', 'sub-OAS30001_ses-d0129']
    """
    match = OASIS_SESSION.match(name)
    if not match or not match["visit"].startswith("d"):
        return [name]
    return [name, f"sub-{match['subject']}_ses-{match['visit']}"]


def _day(text: str) -> int | None:
    """Return days since entry that a path or a session's label holds: its last ``d0129``."""
    found = _DAY.findall(text)
    return int(found[-1]) if found else None


def _sessions(
    folder: Path, subjects: Iterable[str], pattern: str | None, report: Report, cancel: Cancel | None
) -> dict[str, dict[int, Path]]:
    """Return the T1-weighted image of every MR session: person, then days since entry."""
    subjects = set(subjects)
    sessions: dict[str, dict[int, Path]] = defaultdict(dict)
    for name, images in bids_images(folder, report, pattern, cancel).items():
        subject = name.removeprefix("sub-")
        for image in images if subject in subjects else ():
            day = _day(f"_{image.session}")
            if day is not None:
                sessions[subject][day] = image.path
    others = find_images(folder, sorted(subjects - set(sessions)), pattern, cancel)
    unclear: list[str] = []
    for subject, paths in others.items():
        by_day: dict[int, list[Path]] = defaultdict(list)
        for path in paths:
            day = _day(path.relative_to(folder).as_posix())
            if day is not None:
                by_day[day].append(path)
        for day, several in by_day.items():
            chosen = choose_image(several)
            if chosen is None:
                unclear.append(f"{subject} d{day:04}")
            else:
                sessions[subject][day] = chosen
    if unclear:
        report.add(
            "warning",
            f"MR sessions with several images each ({len(unclear)}); choose one kind with a pattern for file names",
            unclear,
        )
    return sessions


def pair_visits(
    text: pd.DataFrame,
    age_at_entry: pd.Series,
    folder: Path,
    pattern: str | None,
    report: Report,
    cancel: Cancel | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Return one row for every MR session found, with the clinical visit nearest in time.

    Parameters
    ----------
    text : DataFrame
        Fields of the clinical visits; ids hold the days since entry.
    age_at_entry : Series
        Age of the person in years, as text, used where the visit has no age.
    folder : Path
        Where the scans lie.

    Returns
    -------
    rows : DataFrame
        Fields of every session, and ``row``, the index of its visit in `text`.
    paths : list of str
    """
    days = text["id"].map(_day)
    report.filtered(text["id"][days.isna()], len(text), "their id does not say how many days after entry they were")
    text = text[days.notna()].assign(day=days.dropna().astype(int))
    by_person = dict(list(text.groupby("subject")))
    rows, paths, lonely = [], [], []
    for subject, sessions in sorted(_sessions(folder, by_person, pattern, report, cancel).items()):
        for day, path in sorted(sessions.items()):
            apart = (by_person[subject]["day"] - day).abs()
            row = apart.idxmin()
            name = f"{subject}_MR_d{day:04}"
            if apart[row] > MOST_DAYS:
                lonely.append(name)
                continue
            age = _age_on(day, text.loc[row], age_at_entry[row])
            rows.append({**text.loc[row], "id": name, "visit": f"d{day:04}", "age": age, "row": row})
            paths.append(str(path))
    if lonely:
        report.add("warning", f"MR sessions without a clinical visit within {MOST_DAYS} days ({len(lonely)})", lonely)
    report.add(
        "info",
        f"Scans paired with the clinical visit nearest in time, at most {MOST_DAYS} days away: {len(rows)} scans, "
        f"{len(text)} visits",
    )
    return pd.DataFrame(rows, columns=[*text.columns.drop("day"), "row"]), paths


def _age_on(day: int, visit: pd.Series, at_entry: str) -> str:
    """Return the age on the day of a scan, from that at the visit or at entry; the visit's own text if that is no age."""
    age, since = parse_age(visit["age"]), day - visit["day"]
    if pd.isna(age):
        age, since = parse_age(at_entry), day
    return visit["age"] if pd.isna(age) else f"{age + since / _YEAR:.2f}"
