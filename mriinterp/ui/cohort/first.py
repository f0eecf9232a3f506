"""The cohort page's first screen: where averages come from, the answer in a sentence, bars and distances."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mriinterp.cohort.packed import packed_of
from mriinterp.cohort.statistics import GroupComparison
from mriinterp.export.reconcile import answer_words, reconcile_words, voxel_answer
from mriinterp.figures.areagroups import group_bars
from mriinterp.figures.distances import group_distances
from mriinterp.figures.theme import plain
from mriinterp.methods.meaning import size_words
from mriinterp.trust.badge import measured_as
from mriinterp.trust.measures.group_effect import beside_difference
from mriinterp.ui.base.clicks import show_chart
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.cohort.areas import chart_clicked, comparable, compared, peaks_of_view
from mriinterp.ui.cohort.averages import StudyView
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.distances import distances_of, make_clickable, open_clicked
from mriinterp.ui.cohort.voxels import known_voxels
from mriinterp.ui.shell.page import Header
from mriinterp.ui.sources.measured import BROKEN, may_be_measured, measure_table, measured, of_network, plan_of
from mriinterp.ui.sources.resources import model_of

__all__ = ["origin_words", "place_of_worth", "show_answer", "show_summary", "show_worth", "trust_of_groups"]

FIRST_AREAS = 6
CHART_PX = 190
MOST_NUMBERED = 8  # methods whose distances have room for a number


def origin_words(view: View) -> str:
    """Return where averages come from, as a badge; "" of a file, which the header names."""
    if not isinstance(view, StudyView):
        return ""
    about = packed_of(view.result)
    if about is None:
        when = str(view.result.run.get("started", "")).partition("T")[0]
        return f":green-badge[:material/computer: Computed here{', ' + when if when else ''}]"
    return f":violet-badge[:material/inventory_2: Shipped with version {about.version}]"


def trust_of_groups(name: str, view: StudyView, method: str) -> str:
    """Return what a difference between groups of this method's maps is worth, in a sentence; "" where it was not measured."""
    try:
        folder = measured(name, model_of(name).digest)
        if folder is None or not of_network(plan_of(folder), view.result.run["model"]["sha256"]):
            return ""
        table = measure_table(folder, "group_effect")
        found, same = measured_as(table["method"].tolist(), method, view.result.params(method))
        words = "" if found is None else beside_difference(table, found)
        return words if same or not words else f"{words} That was at other settings of the method."
    except BROKEN:
        return ""


def show_answer(header: Header, view: View, method: str, covariates: tuple[str, ...] | None) -> None:
    """Show what the page found in its first line."""
    comparison = _comparison(view, method, covariates)
    if comparison is None:
        groups = " and ".join(escape_markdown(group) for group in view.groups)
        header.answer(f"**Averages of {groups}** by {escape_markdown(view.label(method).partition(' (')[0])}.")
        return
    count, _, rest = answer_words(comparison).partition("differ")
    header.answer(f"**{escape_markdown(count)}differ**{escape_markdown(rest)}")


def _comparison(view: View, method: str, covariates: tuple[str, ...] | None) -> GroupComparison | None:
    """Return the test of every area; None of averages of a file, of one group, and of single maps."""
    found = compared(view, method, covariates) if comparable(view, method) else None
    return None if found is None or min(map(found.sample.people_of, found.sample.pair)) < 2 else found


def place_of_worth(name: str, view: View) -> DeltaGenerator:
    """Return the place for `show_worth` above the pictures, of the height that it will have."""
    expected = isinstance(view, StudyView) and may_be_measured(name)
    place = st.container(key="compact_worth" if expected else "compact_found")
    if expected:
        place.empty()  # a container without any element has no height
    return place


def show_worth(name: str, view: View, method: str, covariates: tuple[str, ...] | None) -> None:
    """Show what else was found, and what that is worth; after the pictures, as reading it takes longer than they do."""
    comparison = _comparison(view, method, covariates)
    if comparison is None:
        return
    voxels = known_voxels(view, method, covariates)
    words = [] if voxels is None else [escape_markdown(voxel_answer(voxels))]
    if isinstance(view, StudyView) and (trust := trust_of_groups(name, view, method)):
        words.append(f":orange[:material/balance:] {escape_markdown(trust)}")
    if words:
        st.markdown(" ".join(words), help=None if voxels is None else reconcile_words(comparison, voxels))


def show_summary(name: str, view: View, method: str, covariates: tuple[str, ...] | None) -> None:
    """Show the areas that differ most, and how far methods and groups are apart, beside each other."""
    several = len(view.methods) > 1
    left, right = st.columns([5, 6], gap="medium") if several else (st.container(), st.container())
    with left:
        if comparable(view, method):
            comparison = compared(view, method, covariates)
            areas = comparison.areas.sort_values("p", kind="stable")["area"].astype(str).head(FIRST_AREAS).tolist()
            figure = group_bars(
                comparison.areas,
                view.compared,
                quantity="mean",
                unit=view.unit_compared(method),
                peaks=peaks_of_view(name, view, method, True),
                areas=areas,
            )
            figure.update_layout(
                height=CHART_PX, margin={"t": 18, "b": 20}, xaxis_title=None, xaxis_nticks=4, legend_font_size=11,
                xaxis_exponentformat="power", xaxis_showexponent="last",
            )  # fmt: skip
            show_chart(figure, "first_bars", lambda: chart_clicked(method, "first_bars"))
            st.caption(
                "Areas with the smallest p; bars: mean of a voxel and 95% interval; * FDR < 0.05. Click: crosshair."
            )
    with right:
        if isinstance(view, StudyView) and view.missing(view.methods):  # the tab Distances makes them
            st.caption("Distances are shown here once the averages of all methods are made, in the tab Distances.")
        elif several and any(view.has(m, g) for m in view.methods for g in view.groups):
            matrices, between = distances_of(name, view, "euclidean")
            figure = group_distances(matrices, between, "euclidean", digits=0)  # cells are as narrow as two digits
            make_clickable(figure, view, matrices, between)
            names = [plain(view.label(method).partition(" (")[0]) for method in view.methods]
            figure.update_layout(height=CHART_PX, margin={"t": 18, "b": 5}, coloraxis_showscale=False)
            figure.update_traces(textfont_size=11, texttemplate="%{text}" if len(view.methods) <= MOST_NUMBERED else "")
            figure.update_annotations(font_size=12, yshift=-4)
            figure.update_xaxes(showticklabels=False, ticks="")
            figure.update_yaxes(ticks="")
            figure.update_yaxes(tickvals=list(view.methods), ticktext=names, tickfont_size=11, col=1)
            show_chart(figure, "first_distances", lambda: open_clicked("first_distances"))
            st.caption(
                "Euclidean distance of averages scaled to sum 1, in 10⁻⁴; columns in the order of rows. Click: that pair.",
                help=f"{size_words(view.part)}, each map before it is averaged. 0 is equal; darker: more alike.",
            )
