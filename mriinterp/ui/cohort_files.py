"""A cohort's results as files: averages, tables, the paper's figure and tables, a report."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from mriinterp.base.tables import csv_text
from mriinterp.cohort import CohortResult
from mriinterp.cohort.layout import group_labels, method_label
from mriinterp.cohort.statistics import compare_areas, describe_shares
from mriinterp.export.cohort_report import cohort_report
from mriinterp.export.latex import latex_table
from mriinterp.export.npz import original_names, write_original_npz
from mriinterp.export.papertables import CAPTION_2, caption_1, table_1, table_1_print, table_2, table_2_print
from mriinterp.figures.paper import figure_1, figure_rows, save_figure
from mriinterp.image.nifti import write_volume
from mriinterp.ui.cohort import background_of
from mriinterp.ui.cohort_areas import area_values
from mriinterp.ui.cohort_data import StudyView, View, averages_ready
from mriinterp.ui.resources import atlas_of

__all__ = ["show_files"]


def _counts(view: View) -> dict[str, int]:
    known = {group: max(view.n(m, group) or 0 for m in view.methods) for group in view.groups}
    return {group: n for group, n in known.items() if n}


def _paper_means(view: View) -> dict:
    """Return the averages of all methods that the page shows, those of the paper's figure first."""
    wanted = list(dict.fromkeys([*figure_rows(view.methods), *view.methods]))
    means = {g: {m: maps[m] for m in wanted if m in maps} for g, maps in view.all_means().items()}
    return {group: maps for group, maps in means.items() if maps}


def _zip(view: View) -> bytes:
    """All averages, and deviations where they are known, as NIfTI in a zip."""
    stream, labels = io.BytesIO(), group_labels(view.groups)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for group in view.groups:
            for method in view.methods:
                if not view.has(method, group):
                    continue
                part = "signed" if view.kind == "signed" else view.reading(method)
                for what, volume in (("mean", view.mean(method, group)), ("std", view.std(method, group))):
                    if volume is not None:
                        file = f"group-{labels[group]}_desc-{method_label(method)}_part-{part}_{what}.nii.gz"
                        archive.write(write_volume(volume, Path(folder) / file, space="mni"), file)
    return stream.getvalue()


def _figure(name: str, view: View, kind: str) -> bytes:
    units = {m: view.unit(m) for m in view.methods}
    background, note = background_of(name, view), " ".join(_remarks(view))
    figure = figure_1(_paper_means(view), background, counts=_counts(view), units=units, note=note)
    with tempfile.TemporaryDirectory() as folder:
        return save_figure(figure, Path(folder) / f"figure1.{kind}").read_bytes()


def _remarks(view: View) -> tuple[str, ...]:
    """Return what goes into every caption."""
    return (*(("Simulated data.",) if view.simulated else ()), *view.caveats())


def _table(name: str, view: View, which: int, latex: bool) -> str:
    means, atlas = _paper_means(view), atlas_of(name)
    if which == 1:
        group = view.positive if view.positive in means else next(iter(means))
        table = table_1(means[group], atlas)
        printed, caption = table_1_print(table), caption_1(group, atlas.name)
        table = table.assign(of=f"mean map of {group}")
    else:
        table = table_2(means)
        printed, caption = table_2_print(table), CAPTION_2
    if not latex:
        return csv_text(table)
    return latex_table(printed, " ".join([caption, *_remarks(view)]), f"tab:table{which}")


def _npz(view: View) -> bytes:
    means = {
        group: {m: volume.data for m, volume in maps.items() if m in original_names()}
        for group, maps in view.all_means().items()
    }
    methods = [m for m in view.methods if any(m in maps for maps in means.values())]
    about = {
        "simulated": view.simulated,
        "explains": "; ".join(dict.fromkeys(map(view.explained_words, methods))),
        "one_target": not any(map(view.why_no_test, methods)),
    }
    with tempfile.TemporaryDirectory() as folder:
        return write_original_npz(Path(folder) / "averages.npz", means, about=about).read_bytes()


def _report(name: str, view: View, notes: tuple[str, ...]) -> str:
    more: dict = {}
    if isinstance(view, StudyView):
        result, run = view.result, view.result.run
        more["provenance"] = {k: run[k] for k in ("study", "target", "split", "n", "seed", "methods", "model")}
        if view.chosen is None:
            more["summary"] = _summary(result)
        if view.pair:
            more |= {"comparisons": {}, "shares": {}}
            for method in view.methods:
                try:
                    more["comparisons"][method] = compare_areas(result, method, ids=view.chosen, kind=view.kind)
                    more["shares"][method] = describe_shares(result, method, ids=view.chosen)
                except ValueError as error:  # several targets, or a group without scans
                    more["comparisons"][method] = str(error)
    means = view.all_means()
    return cohort_report(
        view.title, means, background_of(name, view), atlas_of(name), counts=_counts(view),
        units={m: view.unit(m) for m in view.methods}, notes=notes, simulated=view.simulated, **more,
    ).html()  # fmt: skip


def _summary(result: CohortResult) -> pd.DataFrame:
    """Return the table of groups, without predictions where they are withheld."""
    table = result.group_table
    return table.drop(columns=["judged", "correct", "share_correct", "low", "high"]) if result.withheld else table


def show_files(name: str, view: View, method: str) -> None:
    """Buttons of all files; each is made when it is asked for."""
    if not averages_ready(view, view.methods, below=True):
        return
    if not view.all_means():
        st.info("No average remains to be saved.", icon=":material/group_off:")
        return
    stem = "".join(c if c.isalnum() else "_" for c in Path(view.title).stem).strip("_").lower()
    notes = view.caveats()
    if isinstance(view, StudyView) and view.chosen is not None:
        notes += (f"Only {len(view.chosen)} of {len(view.result.subjects)} scans, chosen by filters.",)

    def offer(label: str, make: Callable[[], bytes | str], ending: str, help: str) -> None:
        st.download_button(
            label, make, f"{stem}_{ending}", key=f"get_{ending}", help=help, on_click="ignore", width="stretch"
        )

    data, paper, pages = st.columns(3, gap="large")
    with data:
        st.markdown("**Data**")
        offer("Averages (NIfTI, zip)", lambda: _zip(view), "averages.zip", "Mean and deviation of groups and methods")
        if isinstance(view, StudyView):
            offer(
                "Areas (CSV)",
                lambda: csv_text(area_values(view, method), index=True),
                f"areas_{method}.csv",
                f"Share of the relevance of each scan’s map of {view.label(method)}: scans × areas",
            )
            offer("Scans (CSV)", lambda: _subjects(view), "scans.csv", "Group, prediction, probability of each scan")
        if set(view.methods) & set(original_names()) and view.kind == "reading":
            offer("Averages (npz)", lambda: _npz(view), "averages.npz", "In the format of Rieke et al. 2018")
    with paper:
        st.markdown("**As in Rieke et al. 2018**")
        for kind in ("png", "pdf"):
            offer(f"Figure 1 ({kind.upper()})", lambda kind=kind: _figure(name, view, kind), f"figure1.{kind}",
                  "Coronal slices of averages, a row a method")  # fmt: skip
        for which, help in ((1, "The four most relevant areas by method"), (2, "Distances of methods and groups")):
            left, right = st.columns(2)
            for place, latex in ((left, True), (right, False)):
                kind, ending = ("LaTeX", "tex") if latex else ("CSV", "csv")
                with place:
                    offer(
                        f"Table {which} ({kind})",
                        lambda which=which, latex=latex: _table(name, view, which, latex),
                        f"table{which}.{ending}",
                        help,
                    )
    with pages:
        st.markdown("**To send round**")
        offer(
            "One page (HTML)",
            lambda: _report(name, view, notes),
            "report.html",
            "Averages, areas, distances, statistics and provenance; opens without a network connection",
        )
        st.caption("Files hold what is shown: with the filters and the kind of average chosen in the sidebar.")


def _subjects(view: StudyView) -> str:
    table = view.result.subjects
    chosen = table.index if view.chosen is None else list(view.chosen)
    return csv_text(table.loc[chosen])
