"""The page about a cohort: mean maps, areas, distances, statistics."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.table import area_table
from mriinterp.compare import distance_matrix, paired_values
from mriinterp.export.papertables import table_1, table_1_print
from mriinterp.export.report import Report
from mriinterp.figures.areagroups import group_bars
from mriinterp.figures.cohort import effect_bars, outliers, subjects_heatmap
from mriinterp.figures.colours import shown
from mriinterp.figures.distances import group_distances
from mriinterp.figures.paper import figure_1, label_of, reading_of
from mriinterp.figures.theme import area_label
from mriinterp.image.volume import Volume
from mriinterp.results.sidecar import versions
from mriinterp.stats import compare_groups

__all__ = ["cohort_report"]


def cohort_report(
    title: str,
    means: Mapping[str, Mapping[str, Any]],
    background: Volume,
    atlas: Atlas,
    *,
    counts: Mapping[str, int] | None = None,
    summary: pd.DataFrame | None = None,
    areas: Mapping[str, pd.DataFrame] | None = None,
    groups=None,
    patients=None,
    names: tuple[str, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    simulated: bool = False,
) -> Report:
    """Mean maps of groups and what they say, in one page to send round.

    Parameters
    ----------
    title : str
    means : mapping of group to mapping of method to RelevanceMap or Volume
        Mean maps, on one grid.
    background : Volume
        Mean training scan, or the template.
    atlas : Atlas
    counts : mapping of group to int, optional
        Subjects behind each mean.
    summary : DataFrame, optional
        Images, patients, share of correct predictions a group.
    areas : mapping of method to DataFrame, shape (scans, areas), optional
        Share of relevance, 0 to 1; index: scans, columns: areas.
    groups, patients : sequence of scans, optional
        Group and patient of every row of `areas`.
    names : tuple of 2 str, optional
        Positive and reference group; None: the first two of `means`.
    provenance : mapping, optional
    notes : tuple of str
        Cautions, shown near the top.
    simulated : bool
    """
    page = Report(title, f"{atlas.name} atlas; groups {', '.join(map(str, means))}", simulated=simulated)
    for note in notes:
        page.text("", note, warning=True)
    if summary is not None:
        page.table("Subjects", summary)
    stream = BytesIO()
    figure_1(means, background, counts=counts).savefig(stream, format="png", dpi=110)
    page.picture(
        "Mean maps", stream.getvalue(), alt="coronal slices of mean relevance, a row a method, columns by group"
    )
    for group, maps in means.items():
        table = table_1(maps, atlas)
        if len(table):
            page.table(
                f"Most relevant areas, {group}",
                table_1_print(table),
                "Share of the relevance in all areas.",
                index=True,
            )
    _distances(page, means)
    names = names or tuple(list(means)[:2])
    for method, values in (areas or {}).items():
        reference = next((maps[method] for maps in means.values() if method in maps), None)
        _areas(page, method, values, np.asarray(groups), patients, names, atlas, reference)
    return page.facts("Provenance", {**(provenance or {}), "versions": versions()})


def _distances(page: Report, means: Mapping[str, Mapping[str, Any]]) -> None:
    read = {
        group: {label_of(method): shown(r, reading_of(method, r))[0] for method, r in maps.items()}
        for group, maps in means.items()
    }
    matrices = {group: distance_matrix(maps, errors="nan") for group, maps in read.items() if maps}
    between = None
    if len(read) == 2 and set.intersection(*(set(maps) for maps in read.values())):
        between = paired_values(*read.values(), errors="nan")
    figure = group_distances(matrices, between)
    page.figure(
        "How far methods and groups are apart", figure, "Euclidean distance of mean maps scaled to sum 1, in 1e-4."
    )


def _areas(page: Report, method, values: pd.DataFrame, groups, patients, names, atlas: Atlas, reference) -> None:
    label = label_of(method)
    if len(groups) != len(values):
        raise ValueError(f"expected one group a scan, got {len(groups)} groups for {len(values)} scans of {method}")
    kept = np.isin(groups, names)
    values, groups = values[kept], groups[kept]
    patients = None if patients is None else np.asarray(patients)[kept]
    if set(groups.tolist()) != set(names):
        page.text(f"{label}: areas", f"There are no scans of both {names[0]} and {names[1]} to compare.")
        return
    comparison = compare_groups(values.fillna(0.0), groups, *names, patients=patients)
    peaks = None if reference is None else area_table(reference, atlas, part=reading_of(method, reference))
    bars = group_bars(comparison, names, values=values, groups=groups, peaks=peaks)
    page.figure(f"{label}: areas", bars, "Each dot is a scan.")
    page.figure("", effect_bars(comparison, names), "How much the groups differ, in standard deviations.")
    found = comparison[comparison["p_fdr"] < 0.05]
    words = ", ".join(area_label(a) for a in found.sort_values("p")["area"]) or "none"
    page.text("", f"Areas that differ at a false discovery rate of 5 % (Welch t): {words}.")
    odd = outliers(values, groups)
    far = ", ".join(map(str, odd.index[odd["outlier"]])) or "none"
    page.figure("", subjects_heatmap(values, groups, names=names), f"Scans far from their group: {far}.")
