"""What a control on a known area found, in words, tables and a page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mriinterp.base.atomic import made_folder
from mriinterp.base.tables import write_tsv
from mriinterp.crossval.known_area import KnownArea, KnownAreaOptions
from mriinterp.export.html_report import Report
from mriinterp.figures.theme import apply_theme
from mriinterp.study import Study
from mriinterp.trust.beside_nulls import beside_null_maps, dots, shown_table
from mriinterp.trust.explainers import parse_explainer
from mriinterp.trust.words import label_of

__all__ = ["QUANTITIES", "known_area_findings", "write_known_area"]

QUANTITIES = {
    "mass": "relevance in the area, share",
    "auprc": "AUPRC of the area's voxels",
    "place": "place of the area among areas (1: first, 0.5: chance)",
}
SIEGEL = "Siegel et al. 2025 (arXiv 2508.02560)"
BEST, POOR = "smoothgrad", ("grad_cam", "lrp_epsilon", "lrp_alphabeta", "lrp_composite")


def known_area_findings(found: KnownArea, area: str) -> list[str]:
    """Return sentences: what the networks learnt, which methods find the area, how that compares with Siegel et al."""
    summary = beside_null_maps(found.table)
    auc = found.auc
    said = [
        f"Networks separate scans with more in {area} from scans with less with an AUC of {auc.value:.2f} (95% CI {auc.low:.2f}–"
        f"{auc.high:.2f}) out of fold; ridge regression on the same voxels by {found.linear.value:.2f}."
    ]
    if auc.low <= 0.5:
        said.append(
            "That is NOT above chance: maps of networks that have not learnt the label say nothing about methods."
        )
    for quantity, words in QUANTITIES.items():
        rows = summary[(summary["quantity"] == quantity) & ~summary["null_map"]]
        beat = [label_of(name) for name in rows["method"][rows["beats"]]]
        chance = f" (chance {found.chance:.3f})" if quantity != "place" else ""
        said.append(f"{words}{chance}: better than every null map: {'; '.join(beat) or 'no method'}.")
    return [*said, *_compared(summary)]


def _compared(summary: pd.DataFrame) -> list[str]:
    rows = summary[(summary["quantity"] == "auprc") & ~summary["null_map"] & summary["mean"].notna()]
    order = list(rows["method"])
    of = {name: parse_explainer(name).method for name in order}
    said = []
    smooth = next((at for at, name in enumerate(order, 1) if of[name] == BEST), None)
    if smooth is not None and len(order) > 1:
        agrees = "as they find" if smooth == 1 else f"they find it best, here {label_of(order[0])} is"
        said.append(f"SmoothGrad is number {smooth} of {len(order)} by AUPRC: {agrees} ({SIEGEL}).")
    for name in order:
        if of[name] in POOR:
            place, beats = order.index(name) + 1, bool(rows.set_index("method").loc[name, "beats"])
            as_there = "poor, as they find" if not beats else "it beats every null map, unlike there"
            said.append(f"{label_of(name)} is number {place} of {len(order)} by AUPRC: {as_there}.")
    return said


def write_known_area(found: KnownArea, options: KnownAreaOptions, study: Study, out: str | Path) -> list[str]:
    """Write ``known_area.tsv``, ``known_area_summary.tsv`` and ``known_area.html``; return the findings."""
    folder = made_folder(out)
    summary = beside_null_maps(found.table)
    write_tsv(found.table, folder / "known_area.tsv", digits=5)
    write_tsv(summary, folder / "known_area_summary.tsv", digits=5)
    said = known_area_findings(found, options.area)
    page = Report(f"Known area: {options.area}", study.title, simulated=study.simulated)
    page.text("What was found", *said, warning=found.auc.low <= 0.5)
    caption = (
        f"Mean over {found.table['subject'].nunique()} test scans of the upper half [95% interval], each explained by the "
        "network that never saw its patient. * beats every null map."
    )
    page.table("All methods", shown_table(summary, QUANTITIES), caption)
    for quantity, words in QUANTITIES.items():
        chance = 0.5 if quantity == "place" else found.chance
        page.figure(words, apply_theme(dots(summary, quantity, words, chance), "light"))
    facts = {
        "label": f"mean of {options.area} in each scan divided by its mean, less what {found.label.components} principal "
        f"components of the other areas explain ({found.label.explained:.0%} of its variance); above the median or not",
        "scans": found.scans,
        "folds": options.folds,
        "voxels": f"{found.edge_mm:g} mm; {found.voxels} in the area",
        "network": "one convolution of 4 channels, pooling, one dense layer; voxel-wise normalisation within folds",
        "cannot explain these networks": found.failed or "no method",
    }
    page.facts("What was done", facts)
    page.write(folder / "known_area.html")
    return said
