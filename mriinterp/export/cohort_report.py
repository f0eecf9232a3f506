"""The HTML report on a cohort: mean maps, areas, distances, statistics."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from itertools import combinations
from typing import Any

import pandas as pd

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.table import area_table
from mriinterp.cohort.statistics import GroupComparison, GroupShares
from mriinterp.compare import distance_matrix, paired_values
from mriinterp.export.comparison import SHARES, area_words, sample_words, total_words
from mriinterp.export.html_report import Report
from mriinterp.export.papertables import table_1, table_1_print
from mriinterp.figures.areagroups import group_bars
from mriinterp.figures.cohort import effect_bars, outliers, subjects_heatmap
from mriinterp.figures.colours import shown
from mriinterp.figures.distances import group_distances
from mriinterp.figures.paper_figure import figure_1, label_of, reading_of
from mriinterp.image.volume import Volume
from mriinterp.results.sidecar import versions

__all__ = ["cohort_report"]


def cohort_report(
    title: str,
    means: Mapping[str, Mapping[str, Any]],
    background: Volume,
    atlas: Atlas,
    *,
    counts: Mapping[str, int] | None = None,
    summary: pd.DataFrame | None = None,
    comparisons: Mapping[str, GroupComparison | str] | None = None,
    shares: Mapping[str, GroupShares] | None = None,
    units: Mapping[str, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
    simulated: bool = False,
    sizes: Mapping[str, Mapping[str, Any]] | None = None,
    part: str = "both",
) -> Report:
    """Return mean maps of groups and what they show, in one page to send round.

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
        Scans, people, share of correct predictions a group.
    comparisons : mapping of method to GroupComparison or str, optional
        The groups compared, or why they are not.
    shares : mapping of method to GroupShares, optional
        Relevance relative to the other areas; shown, not tested.
    units : mapping of method to str, optional
        What a value of its maps means; None: the method's own words.
    provenance : mapping, optional
    notes : tuple of str
        Cautions, shown near the top.
    simulated : bool
    sizes : mapping of group to mapping of method to RelevanceMap or Volume, optional
        Means of the maps' sizes, of which areas and distances are; default: `means`.
    part : {"both", "supports", "against"}
        The sign of the maps that `means` hold.
    """
    page = Report(title, f"{atlas.name} atlas; groups {', '.join(map(str, means))}", simulated=simulated)
    for note in notes:
        page.text("", note, warning=True)
    if summary is not None:
        page.table("Subjects", summary)
    stream = BytesIO()
    sizes = means if sizes is None else sizes
    figure_1(means, background, counts=counts, units=units, part=part).savefig(stream, format="png", dpi=110)
    page.picture(
        "Mean maps", stream.getvalue(), alt="coronal slices of mean relevance, a row a method, columns by group"
    )
    page.new_page()
    for group, maps in sizes.items():
        table = table_1(maps, atlas)
        if len(table):
            page.table(
                f"Most relevant areas, {group}",
                table_1_print(table),
                "Share of the mean map's relevance in all areas.",
                index=True,
            )
    _distances(page, sizes)
    if comparisons:
        page.text("Groups compared")
    for method, comparison in (comparisons or {}).items():
        reference = next((maps[method] for maps in sizes.values() if method in maps), None)
        peaks = None if reference is None else area_table(reference, atlas, part=reading_of(method, reference))
        _areas(page, method, comparison, (shares or {}).get(method), peaks, (units or {}).get(method, "relevance"))
    return page.facts("Provenance", {**(provenance or {}), "versions": versions()})


def _distances(page: Report, means: Mapping[str, Mapping[str, Any]]) -> None:
    read = {
        group: {label_of(method): shown(r, reading_of(method, r))[0] for method, r in maps.items()}
        for group, maps in means.items()
    }
    matrices = {group: distance_matrix(maps, errors="nan") for group, maps in read.items() if maps}
    between = None
    if len(read) == 2 and set.intersection(*(set(maps) for maps in read.values())):
        first, second = read.values()
        between = paired_values(first, second, errors="nan")
    figure = group_distances(matrices, between)
    heading, words = "How far methods and groups are apart", "Euclidean distance of mean maps scaled to sum 1, in 10⁻⁴."
    with page.only("screen"):
        page.figure(heading, figure, words)
    if matrices:
        with page.only("print"):
            page.table(heading, _pairs(matrices), words)
            if between is not None:
                names = " and ".join(map(str, matrices))
                rows = {
                    "method": list(between.index),
                    f"{names}, mean maps of one method": (between * 1e4).round(1).tolist(),
                }
                page.table("", pd.DataFrame(rows))


def _pairs(matrices: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the distances of methods as a narrow table: a row a pair, a column a group, in 1e-4."""
    names = list(dict.fromkeys(name for table in matrices.values() for name in table.columns))
    rows = [
        {"methods": f"{a}, {b}"}
        | {
            str(g): round(float(table.loc[a, b]) * 1e4, 1)
            for g, table in matrices.items()
            if {a, b} <= set(table.columns)
        }
        for a, b in combinations(names, 2)
    ]
    return pd.DataFrame(rows)


def _areas(
    page: Report, method: str, comparison: GroupComparison | str, shares: GroupShares | None, peaks, unit: str
) -> None:
    """Add the areas of a method: the total and each area tested, shares as a picture."""
    label = label_of(method)
    if isinstance(comparison, str):
        page.text("", f"{label}. {comparison}")
        return
    words = [total_words(comparison), area_words(comparison), *sample_words(comparison.sample)]
    page.text("", f"{label}. {' '.join(words)}")
    with page.folded(f"{label}: areas and scans in figures"):
        _area_figures(page, comparison, shares, peaks, unit)


def _area_figures(page: Report, comparison: GroupComparison, shares: GroupShares | None, peaks, unit: str) -> None:
    pair, groups = comparison.sample.pair, comparison.sample.groups
    bars = group_bars(
        comparison.areas, pair, values=comparison.values, groups=groups, peaks=peaks, quantity="mean", unit=unit
    )
    page.figure("", bars, "Each dot is a scan.")
    page.figure("", effect_bars(comparison.areas, pair), "How much the groups differ, in standard deviations.")
    if shares is None:
        return
    groups = shares.sample.groups
    page.figure("", group_bars(shares.means, pair, values=shares.values, groups=groups, peaks=peaks), SHARES)
    odd = outliers(shares.values, groups)
    far = ", ".join(map(str, odd.index[odd["outlier"]])) or "none"
    page.figure("", subjects_heatmap(shares.values, groups, names=pair), f"Scans far from their group: {far}.")
