"""Cells: ages, sexes, visits and the dates that spreadsheets exchange."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriinterp.subjects import Report, parse_age, parse_dates, parse_month, parse_sexes


@pytest.mark.parametrize(
    ("text", "years"),
    [("74", 74), ("074Y", 74), ("74,5", 74.5), (" 74.5 ", 74.5), ("018M", 1.5), ("89+", 89), (">89", 89),
     ("74 years", 74), ("67.4 yrs.", 67.4), (74.25, 74.25), ("0", 0)],
)  # fmt: skip
def test_ages(text, years):
    assert parse_age(text) == pytest.approx(years)


@pytest.mark.parametrize("text", ["", "n/a", "old", "-3", "1500", "7 4", "nan", None, "74-75"])
def test_what_is_no_age(text):
    assert math.isnan(parse_age(text))


def test_sexes():
    assert parse_sexes(["M", "f", " Male", "FEMALE", "1", "2", "2.0", "w", "", "X", "n/a"]) == [
        "M", "F", "M", "F", "M", "F", "F", "F", "", "", "",
    ]  # fmt: skip
    assert parse_sexes(["0", "1", "F"]) == ["", "", "F"]  # which is which is not known


@pytest.mark.parametrize(
    ("text", "month"),
    [("bl", 0), ("Screening", 0), ("Baseline", 0), ("m06", 6), ("m12", 12), ("Month 24", 24), ("M120", 120),
     ("ADNI1/GO Month 12", 12), ("ADNI2 Year 2 Visit", 24), ("ADNI Screening", 0), ("m00", 0)],
)  # fmt: skip
def test_months_of_visits(text, month):
    assert parse_month(text) == month


@pytest.mark.parametrize("text", ["", "1", "7", "unscheduled", "Unscheduled 3", "exam 2"])
def test_visits_without_a_month(text):
    assert math.isnan(parse_month(text))


def _iso(dates):
    return [str(d)[:10] for d in dates.date]


def test_one_format_is_not_ambiguous():
    iso = parse_dates(["2006-02-05", "2006-11-29", ""])
    assert _iso(iso) == ["2006-02-05", "2006-11-29", "NaT"]
    assert not iso.ambiguous.any()
    american = parse_dates(["2/5/2006", "11/29/2006"])
    assert _iso(american) == ["2006-02-05", "2006-11-29"]
    european = parse_dates(["5/2/2006", "29/11/06"])
    assert _iso(european) == ["2006-02-05", "2006-11-29"]
    assert not (american.ambiguous | european.ambiguous).any()


def test_other_formats_say_what_they_mean():
    dates = parse_dates(["05.02.2006", "20060205", "2006/02/05", "5 Feb 2006", "Feb 5, 2006", "2006-02-05T10:11:12.0"])
    assert _iso(dates) == ["2006-02-05"] * 6
    assert not dates.ambiguous.any()
    assert not dates.unreadable.any()


def test_a_column_of_two_formats_is_a_spreadsheets_work():
    dates = parse_dates(["2006-02-05 00:00:00", "11/29/2006", "2006-02-15 00:00:00", "2006-05-05", "3/30/2007", "x"])
    assert dates.ambiguous.tolist() == [True, False, False, False, False, False]
    assert _iso(dates) == ["NaT", "2006-11-29", "2006-02-15", "2006-05-05", "2007-03-30", "NaT"]
    assert dates.unreadable.tolist() == [False] * 5 + [True]


def test_slashes_without_proof_follow_the_readers_knowledge_or_stay_open():
    open_ = parse_dates(["2/5/2006", "3/3/2006"])
    assert open_.ambiguous.tolist() == [True, False]
    assert _iso(parse_dates(["2/5/2006"], day_first=False)) == ["2006-02-05"]
    assert _iso(parse_dates(["2/5/2006"], day_first=True)) == ["2006-05-02"]
    both = parse_dates(["13/2/2006", "2/13/2006", "2/5/2006"], day_first=False)
    assert both.ambiguous.tolist() == [False, False, True]
    assert _iso(both)[:2] == ["2006-02-13", "2006-02-13"]


def test_midnights_that_never_pass_the_twelfth():
    swapped = [f"2006-{m:02d}-{d:02d} 00:00:00" for m, d in [(1, 2), (2, 3), (3, 4), (11, 12), (7, 8), (9, 1), (5, 5)]]
    assert parse_dates(swapped).ambiguous.tolist() == [True] * 6 + [False]
    assert not parse_dates([*swapped, "2006-01-31 00:00:00"]).ambiguous.any()
    assert not parse_dates([s[:10] for s in swapped]).ambiguous.any()


@pytest.mark.parametrize("text", ["2006-13-40", "31/31/2006", "2006-02-30", "yesterday", "45000", "12/2006"])
def test_what_is_no_date(text):
    assert parse_dates([text]).unreadable.all()


@given(st.lists(st.dates(date(1990, 1, 1), date(2030, 1, 1)), min_size=1, max_size=30))
def test_no_exchanged_date_is_ever_trusted(dates):
    """What a spreadsheet set to day/month makes of month/day: wrong dates must never come out."""
    cells = []
    for d in dates:
        if d.day <= 12:  # taken for day/month
            cells.append(f"{d.year}-{d.day:02d}-{d.month:02d} 00:00:00")
        else:
            cells.append(f"{d.month}/{d.day}/{d.year}")
    parsed = parse_dates([*cells, "11/29/2006"], day_first=False)
    for d, got, ambiguous in zip(dates, parsed.date[:-1], parsed.ambiguous[:-1], strict=True):
        assert np.isnat(got) == bool(ambiguous)
        assert ambiguous or pd.Timestamp(got).date() == d
        assert ambiguous == (d.day <= 12 and d.day != d.month)


def test_reports_name_what_they_count():
    report, other = Report(), Report()
    report.filtered([], 10, "nothing")
    assert len(report) == 0
    report.filtered([f"I{i}" for i in range(12)], 224, "their files are missing")
    assert str(report) == (
        "warning: Filtered out 12 of 224 scans because their files are missing: "
        "I0, I1, I2, I3, I4, I5, I6, I7, I8, I9 and 2 more"
    )
    other.add("error", "bad")
    report.extend(other)
    assert report.text().splitlines()[0] == "error: bad"
    assert [f.level for f in report] == ["warning", "error"]
    assert report.frame()["count"].tolist() == [12, 0]
    assert not report.ok
    with pytest.raises(ValueError, match="error, warning, info"):
        report.add("fatal", "x")
