"""A comparison of two groups in words and as files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mriinterp.base.atomic import write_text
from mriinterp.base.errors import as_sentence
from mriinterp.base.notices import RESEARCH_USE
from mriinterp.base.numerals import decimals, format_value
from mriinterp.base.tables import csv_text
from mriinterp.cohort.kinds import part_of_kind
from mriinterp.cohort.result import CohortResult
from mriinterp.cohort.sample import FOLD, Sample
from mriinterp.cohort.statistics import GroupComparison
from mriinterp.cohort.voxels import LEVEL, VoxelComparison
from mriinterp.figures.colours import describe_unit
from mriinterp.figures.theme import area_label
from mriinterp.results.sidecar import versions

__all__ = [
    "SHARES",
    "area_words",
    "comparison_entries",
    "sample_words",
    "total_words",
    "value_words",
    "voxel_words",
    "write_comparison",
]

NAMED = 12  # areas in a sentence
SHARES = (
    "Relative to the other areas: mean of the scans' shares of relevance. Shares of a map sum to 1, so that more in one "
    "area is less in others by arithmetic; they are shown and not tested."
)


def value_words(
    result: CohortResult, method: str, kind: str = "reading", ids: Iterable[str] | None = None
) -> list[str]:
    """Return what of the maps is compared, and what is hidden with its share, in sentences.

    Parameters
    ----------
    kind : str
        As of `CohortResult.mean`.
    ids : iterable of str, optional
        Scans that are compared; default: all.
    """
    meaning, part = result.meaning(method), part_of_kind(kind, result.reading(method))
    words = describe_unit(meaning.unit, "absolute") if part is None else meaning.words(part)
    size = ", by size" if part == "against" and meaning.signed else ""
    return list(filter(None, [f"{as_sentence(words)[:-1]}{size}.", result.hidden_words(method, kind, ids)]))


def total_words(comparison: GroupComparison) -> str:
    """Return how the total relevance of the groups compares, in a sentence."""
    row, (a, b) = comparison.total, comparison.sample.pair
    means = f"{a} {format_value(row.mean_a)}, {b} {format_value(row.mean_b)}"
    if not row.defined or min(row.n_a, row.n_b) < 2:
        return f"Total relevance of a scan, all areas: {means}. It cannot be tested."
    more = "more" if row.difference > 0 else "less"
    verdict = f"{more} in {a}" if row.p < LEVEL else "no difference found"
    return (
        f"Total relevance of a scan, all areas: {means}; {verdict} (Hedges' g {decimals(row.g, 2)}, 95% interval {decimals(row.g_low, 2)} to "
        f"{decimals(row.g_high, 2)}; p = {format_value(row.p, 2)})."
    )


def area_words(comparison: GroupComparison) -> str:
    """Return how many areas differ, in which direction, and which, in a sentence."""
    areas, (a, b) = comparison.areas, comparison.sample.pair
    found = areas[(areas["p_fdr"] < LEVEL) & areas["defined"]].sort_values("p", kind="stable")
    names = ", ".join(area_label(area) for area in found["area"][:NAMED])
    names += f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    up = int((found["difference"] > 0).sum())
    return (
        f"{len(found)} of {len(areas)} areas differ in mean relevance between {a} and {b} at a false discovery rate of 5% "
        f"({up} more in {a}, {len(found) - up} less){': ' + names if len(found) else ''}."
    )


def sample_words(sample: Sample, *, permutation: bool = False) -> list[str]:
    """Return what was held fixed, what was not and why, and which scans were left out, in sentences."""
    if sample.used:
        how = "Freedman–Lane permutation" if permutation else "analysis of covariance"
        names = " and ".join(filter(None, [", ".join(sample.used[:-1]), sample.used[-1]]))
        words = [f"{names.capitalize()} held fixed ({how})."]
    else:
        words = ["No covariate held fixed" + ("." if permutation else " (Welch's t).")]
    words += [f"Not adjusted for {covariate}: {why}." for covariate, why in sample.unused.items()]
    words += [f"{n} scan{'s' if n > 1 else ''} {why} left out." for why, n in sample.left_out.items()]
    if sample.networks > 1 and FOLD not in sample.used:
        words.append(
            f"The maps are those of {sample.networks} networks, and the fold is not held fixed: a difference of the networks "
            "counts as spread, and as a difference of the groups where folds hold them in other shares."
        )
    if sample.training:
        words.append(f"{sample.training} of the {len(sample.ids)} scans trained the network.")
    return words


def voxel_words(comparison: VoxelComparison) -> str:
    """Return how many voxels differ, and at which threshold, in a sentence."""
    found, (a, b) = comparison.statistics, comparison.sample.pair
    limit = found.threshold(LEVEL)
    reach = f"|t| ≥ {limit:.2f}" if np.isfinite(limit) else "out of reach with so few permutations"
    kind = "all there are" if found.exhaustive else f"{found.n_permutations:,} of people"
    return (
        f"{int(np.count_nonzero(comparison.found.data)):,} of {len(found.t):,} voxels differ at a family-wise error of 5% "
        f"({reach}; {found.n_a} {a}, {found.n_b} {b}; permutations: {kind}; smallest p = {format_value(found.p.min())})."
    )


def comparison_entries(
    result: CohortResult, method: str, sample: Sample, kind: str = "reading", **more: Any
) -> dict[str, Any]:
    """Return what a comparison is of, ready for JSON."""
    return {
        "study": result.run["study"],
        "simulated": result.simulated,
        "method": method,
        "parameters": result.params(method),
        "target": result.target,
        "compared": list(sample.pair),
        "people": {group: sample.people_of(group) for group in sample.pair},
        "scans": {group: int((sample.groups == group).sum()) for group in sample.pair},
        "training_scans": sample.training,
        "covariates": list(sample.used),
        "covariates_not_used": sample.unused,
        "left_out": sample.left_out,
        "kind": kind,
        "values": " ".join(value_words(result, method, kind, sample.ids)),
        **more,
        "model": result.run["model"],
        "versions": versions(),
        "note": RESEARCH_USE,
    }


def write_comparison(
    folder: Path, result: CohortResult, comparison: GroupComparison, stem: str | None = None
) -> list[Path]:
    """Write ``STEM_areas.csv``, the total in its first row, and ``STEM_areas.json``, what it is; STEM: the method."""
    csv, description = (folder / f"{stem or comparison.method}_areas.{kind}" for kind in ("csv", "json"))
    write_text(csv, csv_text(comparison.table))
    test = "analysis of covariance" if comparison.sample.used else "Welch's t"
    entries = comparison_entries(
        result,
        comparison.method,
        comparison.sample,
        comparison.kind,
        test=f"{test}; p_fdr: Benjamini-Hochberg over areas; g: Hedges, 95% interval",
        columns={"a": comparison.sample.pair[0], "b": comparison.sample.pair[1], "difference": "a − b"},
    )
    write_text(description, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    return [csv, description]
