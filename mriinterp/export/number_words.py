"""A number against relevance per area, in words and as files."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from mriinterp.base.atomic import write_text
from mriinterp.base.labels import plain_label
from mriinterp.base.notices import RESEARCH_USE
from mriinterp.base.numerals import decimals
from mriinterp.base.tables import csv_text
from mriinterp.cohort.number_comparison import NumberComparison
from mriinterp.cohort.result import CohortResult
from mriinterp.cohort.voxels import LEVEL
from mriinterp.export.comparison import value_words
from mriinterp.figures.theme import area_label
from mriinterp.results.sidecar import versions

__all__ = ["area_number_words", "number_words", "people_words", "write_number"]

NAMED = 6  # areas in a sentence
TEST = (
    "Spearman's rank correlation, two-sided p from Student's t; interval: Fisher's z, variance of Bonett & Wright 2000; "
    "p_fdr: Benjamini-Hochberg over areas"
)


def number_words(comparison: NumberComparison) -> str:
    """Return in how many areas relevance goes with the number, and the closest area, in a sentence."""
    areas = comparison.areas
    found = areas[areas["p_fdr"] < LEVEL]
    names = ", ".join(area_label(area) for area in found["area"][:NAMED])
    names += f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    sentence = (
        f"In {len(found)} of {len(areas)} areas relevance goes with {comparison.number} at a false discovery rate of 5%"
        f"{': ' + names if len(found) else ''}."
    )
    tested = areas[areas["rho"].notna()]
    return f"{sentence} Closest: {area_number_words(tested.iloc[0])}." if len(tested) else sentence


def area_number_words(row: pd.Series) -> str:
    """Return an area's correlation with its interval; `row`: of the areas of `mriinterp.cohort.numbers.compare_number`."""
    interval = f"95% interval {decimals(row['low'], 2)} to {decimals(row['high'], 2)}"
    return f"{area_label(row['area'])}, ρ = {decimals(row['rho'], 2)} ({interval})"


def people_words(comparison: NumberComparison) -> str:
    """Return who is compared and how, and which scans were left out, in a sentence or two."""
    counts = ", ".join(f"{n} {group}" for group, n in comparison.groups.value_counts(sort=False).items())
    groups = "groups, so that a difference of the groups alone correlates with nothing" if comparison.within else ""
    strata = " and within ".join(filter(None, ["folds" if comparison.by_fold else "", groups]))
    how = f"ranks compared within {strata}" if strata else "all together"
    lacking = "".join(f" {n} scan{'s' if n > 1 else ''} {why} left out." for why, n in comparison.left_out.items())
    return f"{len(comparison.numbers)} people ({counts}), {how}.{lacking}"


def write_number(
    folder: Path, result: CohortResult, comparison: NumberComparison, stem: str | None = None
) -> list[Path]:
    """Write ``STEM_NUMBER.csv``, a row an area, ``STEM_NUMBER_people.csv``, what was compared, and a JSON that says what both are."""
    name = f"{stem or comparison.method}_{plain_label(comparison.number) or 'number'}"
    areas, people, description = (folder / f"{name}{end}" for end in (".csv", "_people.csv", ".json"))
    write_text(areas, csv_text(comparison.areas))
    table = comparison.values.copy()
    table.insert(0, "group", comparison.groups)
    table.insert(1, comparison.number, comparison.numbers)
    write_text(people, csv_text(table, index=True))
    entries = {
        "study": result.run["study"],
        "simulated": result.simulated,
        "method": comparison.method,
        "parameters": result.params(comparison.method),
        "target": result.target,
        "number": comparison.number,
        "people": {str(g): int(n) for g, n in comparison.groups.value_counts(sort=False).items()},
        "within_groups": comparison.within,
        "within_folds": comparison.by_fold,
        "left_out": comparison.left_out,
        "kind": comparison.kind,
        "values": " ".join(value_words(result, comparison.method, comparison.kind)),
        "test": TEST,
        "model": result.run["model"],
        "versions": versions(),
        "note": RESEARCH_USE,
    }
    write_text(description, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    return [areas, people, description]
