"""Areas of the brain in two groups: total, bars, dots, statistics."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeGuard

import pandas as pd
import streamlit as st

from mriinterp.areas.table import area_table, top_areas
from mriinterp.base.numerals import percent, scientific
from mriinterp.base.tables import csv_text
from mriinterp.cohort.sample import covariates_of
from mriinterp.cohort.statistics import GroupComparison, compare_areas, describe_shares
from mriinterp.export.comparison import SHARES, area_words, sample_words, total_words, value_words
from mriinterp.figures.areagroups import group_bars, method_bars
from mriinterp.figures.cohort import effect_bars
from mriinterp.figures.theme import area_label
from mriinterp.methods.meaning import file_stem, size_words
from mriinterp.ui.base.address import renamed
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.clicks import clicked, jump_to_peak, show_chart
from mriinterp.ui.base.linked import flag, linked, linked_list
from mriinterp.ui.base.tables import SCIENTIFIC, fixed, written
from mriinterp.ui.cohort.averages import StudyView
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.planes import VIEWER
from mriinterp.ui.session.keys import COHORT_OPEN
from mriinterp.ui.shell.page import escape_markdown
from mriinterp.ui.sources.resources import atlas_of

__all__ = [
    "MOST_AREAS",
    "area_values",
    "ask_for_subject",
    "chart_clicked",
    "choose_covariates",
    "comparable",
    "compared",
    "peaks_of_view",
    "show_areas",
]

VALUES = {"mean": "Mean of a voxel", "share": "Relative to the other areas"}
MOST_AREAS = 12
COLUMNS = {
    "area": st.column_config.TextColumn("Area", help="First the total of all areas, then the mean of a voxel"),
    "mean_a": None,  # with the group's name, see _table
    "mean_b": None,
    "g": st.column_config.NumberColumn("Hedges’ g", help="In standard deviations"),
    "g_low": st.column_config.NumberColumn("95% from"),
    "g_high": st.column_config.NumberColumn("To"),
    "t": st.column_config.NumberColumn("t"),
    "p": st.column_config.NumberColumn("p"),
    "p_fdr": st.column_config.NumberColumn("p (FDR)", help="Benjamini–Hochberg over the areas"),
}
NUMBERS: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(("g", "g_low", "g_high", "t"), fixed(2)),
    **dict.fromkeys(("mean_a", "mean_b"), partial(scientific, digits=2)),
    **dict.fromkeys(("p", "p_fdr"), SCIENTIFIC),
}


def ask_for_subject(subject: str, method: str) -> None:
    """Open a subject's own map when it runs next."""
    COHORT_OPEN.put((subject, method))


@st.cache_data(max_entries=32, show_spinner=False)
def _values(key: str, method: str, _view: StudyView) -> pd.DataFrame:
    table = _view.result.areas(method, kind=_view.size_kind)
    return table.loc[[i for i in _view.ids(method) if i in table.index]]


def area_values(view: StudyView, method: str) -> pd.DataFrame:
    """Return the share of each area in the shown relevance, hemispheres merged, in the scans of a view: scans × areas."""
    return _values(view.key, method, view)


@st.cache_data(max_entries=32, show_spinner=False)
def _peaks(key: str, method: str, merge: bool, atlas: str, _view: View, _name: str) -> pd.DataFrame:
    """Return where the areas of the average peak: of the positive group, or of one that has an average."""
    group = next(g for g in (_view.positive, *_view.groups) if g and _view.has(method, g))
    return area_table(_view.size(method, group), atlas_of(_name), merge_hemispheres=merge)


def peaks_of_view(name: str, view: View, method: str, merge: bool) -> pd.DataFrame:
    """Return where the areas of the average peak: a row an area."""
    return _peaks(view.key, method, merge, atlas_of(name).digest, view, name)


def chart_clicked(method: str, key: str) -> None:
    """Move the crosshair for a bar; open the subject of a dot."""
    data = clicked(key)
    if len(data) == 2:
        ask_for_subject(str(data[1]), method)
    else:
        jump_to_peak(key, VIEWER)


def _chart(figure, key: str, method: str) -> None:
    show_chart(figure, key, lambda: chart_clicked(method, key))


def comparable(view: View, method: str) -> TypeGuard[StudyView]:
    """Return whether the maps of two groups are tested against each other."""
    if not isinstance(view, StudyView) or view.pair is None or view.why_no_test(method):
        return False
    return all(view.ids(method, group) for group in view.pair)


def choose_covariates(view: View, method: str) -> tuple[str, ...] | None:
    """Choose which covariates are held fixed, for all tests of the page; None: those that are known of every scan."""
    if not comparable(view, method):
        return None
    known, usual = covariates_of(view.result), list(view.usual_covariates(method))
    chosen = st.pills(
        "Hold fixed",
        known,
        selection_mode="multi",
        format_func=str.capitalize,
        key=linked_list("fixed", usual, list(known)),
        persist_state="session",
        help="Covariates of the tests. Scans of which a chosen one is unknown are left out.",
    )
    return None if set(chosen) == set(usual) else tuple(chosen)


def show_areas(name: str, view: View, method: str, covariates: tuple[str, ...] | None = None) -> None:
    """Show total and areas of both groups, tested; shares as a picture; or areas of the averages alone."""
    with st.container(horizontal=True, gap="large", vertical_alignment="center"):
        renamed("merged", "merge")
        key = linked("merge", True, options=(False, True), cast=flag)
        merge = st.toggle("Left and right together", key=key, persist_state="session")
        value = "mean"
        if isinstance(view, StudyView) and view.pair and not view.why_no_test(method):
            value = segments(
                "Value",
                "value",
                VALUES,
                help="Tests are made on relevance in its own unit. Shares of a map sum to 1: more in one area is less in "
                "others by arithmetic, so they are shown and not tested.",
            )
    if not any(view.has(method, group) for group in view.groups):
        st.info("No map of this method remains.", icon=":material/group_off:")
        return
    if not isinstance(view, StudyView) or view.pair is None or view.why_no_test(method):
        _averages_only(name, view, method, merge)
        return
    if not all(view.ids(method, group) for group in view.pair):
        empty = ", ".join(escape_markdown(group) for group in view.pair if not view.ids(method, group))
        st.info(f"No scan of {empty} remains: there is nothing to compare.", icon=":material/group_off:")
        _averages_only(name, view, method, merge)
        return
    peaks = peaks_of_view(name, view, method, merge)
    if value == "share":
        _shares(view, method, merge, peaks)
    else:
        _tested(view, method, merge, peaks, covariates)


def _averages_only(name: str, view: View, method: str, merge: bool) -> None:
    """Show areas of the averages, where single scans are not known or there is one group."""
    atlas = atlas_of(name)
    tables = {
        group: area_table(view.size(method, group), atlas, merge_hemispheres=merge)
        for group in view.groups
        if view.has(method, group)
    }
    _chart(method_bars(tables, MOST_AREAS, what="the mean map’s relevance"), "cohort_bars", method)
    st.caption(escape_markdown(_read_words(view, method)))
    if isinstance(view, StudyView):
        why = (
            escape_markdown(view.why_no_test(method))
            if view.pair
            else "There is one group: nothing to compare it with."
        )
        st.caption(f"Areas of the average. {why} Click a bar to move the crosshair.")
    else:
        st.caption("Of the averages; a file of averages holds no single scans, so there are no intervals or tests.")
    for group, table in tables.items():
        best = ", ".join(
            f"{area_label(a)} {percent(s, 1)}" for a, s in top_areas(table, 4)[["area", "share"]].to_numpy()
        )
        st.markdown(f"**{escape_markdown(group)}**: {best}")


@st.cache_data(max_entries=32, show_spinner=False)
def _compared(key: str, method: str, merge: bool, covariates: tuple[str, ...] | None, _view: StudyView):
    view = _view
    return compare_areas(
        view.result, method, ids=view.chosen, kind=view.kind, merge_hemispheres=merge, covariates=covariates
    )


def compared(
    view: StudyView, method: str, covariates: tuple[str, ...] | None = None, *, merge: bool = True
) -> GroupComparison:
    """Return total and areas of both groups, compared once."""
    return _compared(view.key, method, merge, covariates, view)


def _tested(view: StudyView, method: str, merge: bool, peaks: pd.DataFrame, covariates: tuple[str, ...] | None) -> None:
    """Show the total first, then each area, with tests."""
    comparison = compared(view, method, covariates, merge=merge)
    words = st.container(key="compact_words")
    words.markdown(escape_markdown(total_words(comparison)))
    counts = {group: comparison.sample.people_of(group) for group in view.compared}
    if min(counts.values()) < 2:
        one = ", ".join(escape_markdown(g) for g, n in counts.items() if n < 2)
        st.info(f"{one} has a single scan: there is no interval and no test.", icon=":material/person:")
    else:
        words.markdown(escape_markdown(area_words(comparison)))
    values = value_words(view.result, method, view.kind, view.chosen)
    st.caption(escape_markdown(" ".join([*values, *sample_words(comparison.sample)])))
    left, right = st.columns([3, 2], gap="large")
    with left:
        bars = group_bars(
            comparison.areas,
            view.compared,
            MOST_AREAS,
            values=comparison.values,
            groups=comparison.sample.groups,
            peaks=peaks,
            quantity="mean",
            unit=view.unit_compared(method),
        )
        _chart(bars, "cohort_bars", method)
    with right:
        effects = effect_bars(comparison.areas, view.compared, MOST_AREAS, peaks=peaks)
        _chart(effects.update_layout(height=bars.layout.height), "cohort_effects", method)
    st.caption("Click a bar or an effect to move the crosshair to that area’s peak, a dot to open that scan.")
    _table(view, comparison)


def _shares(view: StudyView, method: str, merge: bool, peaks: pd.DataFrame) -> None:
    """Show where relevance lies relative to the other areas; nothing is tested."""
    shares = describe_shares(view.result, method, ids=view.chosen, kind=view.kind, merge_hemispheres=merge)
    bars = group_bars(
        shares.means, view.compared, MOST_AREAS, values=shares.values, groups=shares.sample.groups, peaks=peaks
    )
    _chart(bars, "cohort_bars", method)
    read = escape_markdown(_read_words(view, method))
    st.caption(f"{SHARES} {read} Click a bar to move the crosshair to that area’s peak, a dot to open that scan.")


def _read_words(view: View, method: str) -> str:
    """Return how maps are read where their size counts, and what that hides."""
    return " ".join(filter(None, [f"{size_words(view.part)}.", view.hidden_words(method)]))


def _table(view: StudyView, comparison: GroupComparison) -> None:
    table = comparison.table
    rows = table.assign(area=table["area"].map(area_label))
    rows = pd.concat([rows[:1], rows[1:].sort_values("p", kind="stable")])
    means = {
        f"mean_{side}": st.column_config.NumberColumn(group)
        for side, group in zip("ab", comparison.sample.pair, strict=True)
    }
    st.dataframe(
        written(rows, NUMBERS),
        column_config={**COLUMNS, **means},
        column_order=list(COLUMNS),
        hide_index=True,
        height=330,
    )
    st.download_button(
        "Statistics (CSV)",
        lambda: csv_text(
            table.assign(meaning=" ".join(value_words(view.result, comparison.method, view.kind, view.chosen)))
        ),
        file_stem("cohort_areas_statistics", view.part_stem) + ".csv",
        key="get_statistics",
        on_click="ignore",
        icon=":material/download:",
    )
