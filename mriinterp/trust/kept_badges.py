"""What badges are made of, kept beside the results it was computed of: that takes half a second of every start.

Only folders that ship have it. It is used as long as the results are those
it was made of, and the measures ask for the same numbers.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.tables import none_for_missing
from mriinterp.trust.badge import badge_quantities
from mriinterp.trust.measure_registry import measure_names
from mriinterp.trust.results import load_results
from mriinterp.trust.summary import summary, summary_table
from mriinterp.trust.units import COHORT

__all__ = [
    "SOURCES",
    "BadgeFigures",
    "badge_figures",
    "badge_table_of",
    "read_badge_figures",
    "size_of_results",
    "write_badge_figures",
]

NAME = "badges.json"
SOURCES = ("plan.json", "trust_results.csv", "agreement.json", "details.json")
"""Files of a folder of results that its figures are made of."""
NUMBERS = ("mean", "low", "high", "p_holm", "p_max_t")  # may be NaN, which JSON has no word for


@dataclass(frozen=True, eq=False)
class BadgeFigures:
    """How much a benchmark measured, and what badges say of it.

    Parameters
    ----------
    people, methods : int
        Subjects and methods with numbers; null maps do not count.
    table : DataFrame
        Rows of `badge_quantities` in `mriinterp.trust.summary`.
    """

    people: int
    methods: int
    table: pd.DataFrame


def size_of_results(results: pd.DataFrame) -> tuple[int, int]:
    """Return the subjects and methods, null maps apart, that results (from `load_results`) have numbers of."""
    about = results["measure"].isin(measure_names()) & results["value"].notna() & results["subject"].ne(COHORT)
    rows = results.loc[about & ~results["method"].astype(str).str.startswith("null_")]
    return rows["subject"].nunique(), rows["method"].nunique()


def badge_table_of(folder: Path, results: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the summary that badges are made of: much less work than all."""
    return summary(folder, badge_quantities(), read=results)


def badge_figures(folder: Path) -> BadgeFigures:
    """Compute the figures of a folder of results; errors as of `load_results` and `summary`."""
    results = load_results(folder)
    return BadgeFigures(*size_of_results(results), badge_table_of(folder, results))


def _origin(folder: Path) -> dict[str, Any]:
    """Return what the figures depend on, beside this program."""
    digests = {name: file_digest(folder / name) for name in SOURCES if (folder / name).is_file()}
    return {"sources": digests, "quantities": sorted(map(list, badge_quantities())), "measures": measure_names()}


def write_badge_figures(folder: Path) -> None:
    """Compute the figures of a folder of results and keep them there."""
    found = badge_figures(folder)
    rows = none_for_missing(found.table).to_dict("records")
    entries = {"people": found.people, "methods": found.methods, "origin": _origin(folder), "rows": rows}
    write_text(folder / NAME, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")


def read_badge_figures(folder: Path) -> BadgeFigures | None:
    """Return the figures that were kept in a folder; None where there are none of its present results."""
    try:
        entries = read_json(folder / NAME)
        if entries["origin"] != _origin(folder):
            return None
        rows = [
            {name: math.nan if name in NUMBERS and value is None else value for name, value in row.items()}
            for row in entries["rows"]
        ]
        return BadgeFigures(entries["people"], entries["methods"], summary_table(rows))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
