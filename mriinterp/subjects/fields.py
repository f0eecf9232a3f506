"""Parse cells of tables: ages, sexes, months of a visit, dates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

__all__ = ["Dates", "parse_age", "parse_dates", "parse_month", "parse_sexes"]

OLDEST = 125.0  # years
_AGE_UNITS = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
_AGE = re.compile(r"^[<>~]?\s*(\d+(?:[.,]\d+)?)\s*\+?\s*([ymwd]?)[a-z. ]*$", re.IGNORECASE)


def parse_age(text: object) -> float:
    """Return age in years; NaN for what is empty, no number, or not a human age.

    Examples
    --------
    >>> [parse_age(t) for t in ("74", "074Y", "74,5", "018M", "89+", "74 years", "-4")]
    [74.0, 74.0, 74.5, 1.5, 89.0, 74.0, nan]
    """
    match = _AGE.match(str(text).strip())
    if not match:
        return float("nan")
    years = float(match[1].replace(",", ".")) * _AGE_UNITS[(match[2] or "y").lower()]
    return years if years <= OLDEST else float("nan")


_SEXES = {
    **dict.fromkeys(("m", "male", "man", "boy", "männlich", "maennlich"), "M"),
    **dict.fromkeys(("f", "female", "woman", "girl", "w", "weiblich"), "F"),
}


def parse_sexes(texts: Iterable[object]) -> list[str]:
    """Return ``"M"``, ``"F"`` or ``""`` for each cell of a column.

    1 and 2 are male and female, as ADNI has it; in a column that also has a
    0 it is not known what 1 means, and numbers stay unread.
    """
    cells = [re.sub(r"\.0+$", "", str(t).strip().lower()) for t in texts]
    codes = {} if "0" in cells else {"1": "M", "2": "F"}
    return [_SEXES.get(cell, codes.get(cell, "")) for cell in cells]


_MONTH = re.compile(r"(?:^|[^a-z])(?:m|mo|month|months)[ _-]?0*(\d{1,3})(?!\d)", re.IGNORECASE)
_YEAR = re.compile(r"(?:^|[^a-z])(?:y|year)[ _-]?0*(\d{1,2})(?!\d)", re.IGNORECASE)
_DAY = re.compile(r"^(?:d|day ?)0*(\d{1,5})$", re.IGNORECASE)
_FIRST = re.compile(r"screening|baseline|^(?:bl|sc|scmri)$", re.IGNORECASE)


def parse_month(text: object) -> float:
    """Return months since the start of the study, from the name of a visit; NaN if it does not say.

    Examples
    --------
    >>> [parse_month(t) for t in ("bl", "Screening", "m12", "ADNI1/GO Month 24", "ADNI2 Year 2 Visit", "d0000", "7")]
    [0.0, 0.0, 12.0, 24.0, 24.0, 0.0, nan]
    """
    text = str(text).strip()
    if match := _MONTH.search(text):
        return float(match[1])
    if match := _YEAR.search(text):
        return 12 * float(match[1])
    if match := _DAY.match(text):
        return float(match[1]) * 12 / 365.25
    return 0.0 if _FIRST.search(text) else float("nan")


@dataclass(frozen=True, eq=False)
class Dates:
    """Dates of a column: `date` (NaT unless certain), `ambiguous`, `unreadable`; arrays of its length."""

    date: np.ndarray
    ambiguous: np.ndarray
    unreadable: np.ndarray


_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\S+))?$")
_SLASH = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?:\s+\S.*)?$")
_UNMISTAKABLE = (
    (re.compile(r"^(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})$"), (3, 2, 1)),  # dots: day first, everywhere
    (re.compile(r"^(\d{4})/(\d{1,2})/(\d{1,2})$"), (1, 2, 3)),
    (re.compile(r"^((?:19|20)\d{2})(\d{2})(\d{2})$"), (1, 2, 3)),  # DICOM
)


def _date(year: str, month: str, day: str) -> datetime | None:
    number = int(year)
    if number < 100:
        number += 2000 if number < 69 else 1900
    try:
        return datetime(number, int(month), int(day))
    except ValueError:
        return None


def _day_first(slashes: list[re.Match], day_first: bool | None) -> bool | None:
    """Return whether a column of a/b/year has the day first; None if that cannot be known."""
    proofs = {True for m in slashes if int(m[1]) > 12} | {False for m in slashes if int(m[2]) > 12}
    if len(proofs) == 1:
        return proofs.pop()
    return day_first if not proofs else None


def _spreadsheet_swapped(isos: list[re.Match], n_slashes: int) -> bool:
    """Return whether dates year-month-day may come from a spreadsheet that took 3/11/2006 for the 3rd of November.

    It converts what can be read as day/month and leaves the rest as text, so
    its mark is a column of both kinds; or, when the rest was thrown away, a
    column of midnights whose days never go beyond 12 (chance 0.4 to the n).
    """
    if n_slashes:
        return True
    days = [int(m[3]) for m in isos]
    midnights = bool(isos) and all((m[4] or "").startswith("00:00") for m in isos)
    return midnights and len(days) >= 6 and max(days) <= 12


def _other(text: str) -> datetime | None:
    for pattern, (year, month, day) in _UNMISTAKABLE:
        if match := pattern.match(text):
            return _date(match[year], match[month], match[day])
    if re.search(r"[A-Za-z]{3}", text) and re.search(r"\d{4}|\d{1,2}\D+\d{2}$", text):
        parsed = pd.to_datetime(text, errors="coerce", format="mixed")
        return None if pd.isna(parsed) else parsed.to_pydatetime().replace(tzinfo=None)
    return None


def parse_dates(texts: Iterable[object], day_first: bool | None = None) -> Dates:
    """Return the dates of one column, which may be of several formats.

    Parameters
    ----------
    texts : iterable
        The cells of ONE column: what one cell means depends on the others.
    day_first : bool, optional
        How to read 3/11/2006 when no other cell of the column decides.

    Returns
    -------
    Dates
        A date is ambiguous, and NaT, if day and month may be exchanged and
        that would make another date: year-month-day with a day up to 12 in a
        column that also has a/b/year (a spreadsheet's work), or a/b/year in a
        column that does not say which is which. Never order by those.
    """
    cells = [str(t).strip() for t in texts]
    iso, slash = [_ISO.match(c) for c in cells], [_SLASH.match(c) for c in cells]
    slashes = [m for m in slash if m]
    swapped = _spreadsheet_swapped([m for m in iso if m], len(slashes))
    order = _day_first(slashes, day_first)
    dates = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[s]")
    ambiguous, unreadable = np.zeros(len(cells), bool), np.zeros(len(cells), bool)
    for i, cell in enumerate(cells):
        if cell.lower() in ("", "nan", "nat", "none", "n/a", "na"):
            continue
        if day := iso[i]:
            found = _date(day[1], day[2], day[3])
            doubtful = swapped
        elif day := slash[i]:
            first, second, year = day.groups()
            by_day = order if order is not None else int(first) > 12
            found = _date(year, second, first) if by_day else _date(year, first, second)
            doubtful = order is None
        else:
            found, doubtful = _other(cell), False
        if found is None:
            unreadable[i] = True
        elif doubtful and found.day <= 12 and found.day != found.month:
            ambiguous[i] = True
        else:
            dates[i] = np.datetime64(found, "s")
    return Dates(dates, ambiguous, unreadable)
