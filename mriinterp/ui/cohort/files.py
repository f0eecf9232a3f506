"""A cohort's results as files: averages, tables, the paper's figure and tables, a report."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from mriinterp.base.tables import csv_text
from mriinterp.cohort import CohortResult
from mriinterp.cohort.kinds import PART_KINDS, ReadMean
from mriinterp.cohort.layout import group_labels, method_label
from mriinterp.cohort.statistics import compare_areas, describe_shares
from mriinterp.export.cohort_report import cohort_report
from mriinterp.export.latex import latex_table
from mriinterp.export.npz import original_names, write_original_npz
from mriinterp.export.papertables import CAPTION_2, caption_1, table_1, table_1_print, table_2, table_2_print
from mriinterp.figures.paper_figure import figure_1, figure_rows, save_figure
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.methods.meaning import hidden_list, size_words
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.cohort.areas import area_values
from mriinterp.ui.cohort.averages import StudyView, averages_ready
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.planes import background_of
from mriinterp.ui.sources.resources import atlas_of

__all__ = ["show_files"]


def _counts(view: View) -> dict[str, int]:
    known = {group: max(view.n(m, group) or 0 for m in view.methods) for group in view.groups}
    return {group: n for group, n in known.items() if n}


def _read_means(view: View, what: Callable[[str, str], Volume | None], reading: str) -> dict[str, dict[str, ReadMean]]:
    """Return averages of all methods that the page shows, those of the paper's figure first, and how they are read."""
    wanted = list(dict.fromkeys([*figure_rows(view.methods), *view.methods]))
    means = view.all_means(what)
    return {g: {m: ReadMean(maps[m], reading) for m in wanted if m in maps} for g, maps in means.items()}


def _shown_means(view: View) -> dict[str, dict[str, ReadMean]]:
    return _read_means(view, view.mean, "signed")


def _sizes(view: View) -> dict[str, dict[str, ReadMean]]:
    return _read_means(view, view.size, "positive")


def _zip(view: View) -> bytes:
    """Return all averages, and deviations where they are known, as NIfTI in a zip; of the shown part, with its sign."""
    stream, labels = io.BytesIO(), group_labels(view.groups)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for group in view.groups:
            for method in view.methods:
                if not view.has(method, group):
                    continue
                for what, volume in (("mean", view.mean(method, group)), ("std", view.std(method, group))):
                    if volume is not None:
                        kind = PART_KINDS[view.part]
                        file = f"group-{labels[group]}_desc-{method_label(method)}_part-{kind}_{what}.nii.gz"
                        archive.write(write_volume(volume, Path(folder) / file, space="mni"), file)
        archive.writestr("README.txt", "\n".join([view.title, *_remarks(view)]) + "\n")
    return stream.getvalue()


def _figure(name: str, view: View, kind: str) -> bytes:
    units = {m: view.part_words(m) for m in view.methods}
    background, note = background_of(name, view), " ".join(_remarks(view))
    figure = figure_1(_shown_means(view), background, counts=_counts(view), units=units, note=note, part=view.part)
    with tempfile.TemporaryDirectory() as folder:
        return save_figure(figure, Path(folder) / f"figure1.{kind}").read_bytes()


def _remarks(view: View) -> tuple[str, ...]:
    """Return what goes into every caption: simulated or not, what maps explain, what is shown and what is hidden."""
    simulated = ("Simulated data.",) if view.simulated else ()
    return (*simulated, *view.caveats(), *_shown_words(view))


def _shown_words(view: View) -> tuple[str, ...]:
    """Return which sign of each method's maps is shown, and what that hides."""
    words = [f"{view.label(m)}: {view.part_words(m)}. {view.hidden_words(m)}".strip() for m in view.methods]
    return tuple(words)


def _table(name: str, view: View, which: int, latex: bool) -> str:
    means, atlas = _sizes(view), atlas_of(name)
    read = f"{size_words(view.part)}, each map before it is averaged."
    if which == 1:
        group = view.positive if view.positive in means else next(iter(means))
        table = table_1(means[group], atlas)
        printed, caption = table_1_print(table), caption_1(group, atlas.name)
        table = table.assign(of=f"mean map of {group}")
    else:
        table = table_2(means)
        printed, caption = table_2_print(table), CAPTION_2
    if not latex:
        return csv_text(table.assign(read=" ".join([read, *_hidden(view)])))
    return latex_table(printed, " ".join([caption, read, *_remarks(view)]), f"tab:table{which}")


def _hidden(view: View) -> list[str]:
    """Return what is hidden of each method's maps, in a sentence; nothing where nothing is."""
    words = hidden_list({view.label(method): view.hidden_share(method) for method in view.methods})
    return [words] if words else []


def _npz(view: View) -> bytes:
    means = {
        group: {m: volume.data for m, volume in maps.items() if m in original_names()}
        for group, maps in view.all_means(view.published).items()
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
                    more["shares"][method] = describe_shares(result, method, ids=view.chosen, kind=view.kind)
                except ValueError as error:  # several targets, or a group without scans
                    more["comparisons"][method] = str(error)
    return cohort_report(
        view.title, _shown_means(view), background_of(name, view), atlas_of(name), counts=_counts(view),
        units={m: view.part_words(m) for m in view.methods}, notes=(*notes, *_shown_words(view)),
        simulated=view.simulated, sizes=_sizes(view), part=view.part, **more,
    ).html()  # fmt: skip


def _summary(result: CohortResult) -> pd.DataFrame:
    """Return the table of groups, without predictions where they are withheld."""
    table = result.group_table
    return table.drop(columns=["judged", "correct", "share_correct", "low", "high"]) if result.withheld else table


def show_files(name: str, view: View, method: str) -> None:
    """Show buttons of all files; each is made when it is asked for."""
    if not averages_ready(view, view.methods, below=True):
        return
    if not any(view.has(m, group) for m in view.methods for group in view.groups):
        st.info("No average remains to be saved.", icon=":material/group_off:")
        return
    stem = "".join(c if c.isalnum() else "_" for c in Path(view.title).stem).strip("_").lower()
    stem += f"_{view.part_stem}" if view.part_stem else ""
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
                f"Share of the shown relevance of each scan’s map of {view.label(method)}: scans × areas",
            )
            offer("Scans (CSV)", lambda: _subjects(view), "scans.csv", "Group, prediction, probability of each scan")
        if set(view.methods) & set(original_names()) and not (isinstance(view, StudyView) and view.chosen):
            offer(
                "Averages (npz)",
                lambda: _npz(view),
                "averages.npz",
                "In the format of Rieke et al. 2018, read as published whatever sign the page shows: gradients by size, "
                "the others above 0",
            )
    with paper:
        st.markdown(
            "**Figure and tables**", help="In the layout of Rieke et al. 2018; read as they did by `mriinterp paper`"
        )
        for kind in ("png", "pdf"):
            offer(f"Figure 1 ({kind.upper()})", partial(_figure, name, view, kind), f"figure1.{kind}",
                  "Coronal slices of averages, a row a method")  # fmt: skip
        for which, help in ((1, "The four most relevant areas by method"), (2, "Distances of methods and groups")):
            left, right = st.columns(2)
            for place, latex in ((left, True), (right, False)):
                kind, ending = ("LaTeX", "tex") if latex else ("CSV", "csv")
                with place:
                    offer(
                        f"Table {which} ({kind})",
                        partial(_table, name, view, which, latex),
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
        words = ["Files hold what is shown: with the filters and the sign chosen above.", *_hidden(view)]
        st.caption(escape_markdown(" ".join(words)))


def _subjects(view: StudyView) -> str:
    table = view.result.subjects
    chosen = table.index if view.chosen is None else list(view.chosen)
    return csv_text(table.loc[chosen])
