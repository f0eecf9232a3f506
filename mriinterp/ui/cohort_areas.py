"""Areas of the brain in two groups: bars, dots, statistics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from mriinterp.areas.table import area_table, top_areas
from mriinterp.figures.areagroups import group_bars, method_bars
from mriinterp.figures.cohort import effect_bars
from mriinterp.figures.theme import area_label
from mriinterp.stats import compare_groups
from mriinterp.ui.address import linked, write_address
from mriinterp.ui.cohort import jump_to
from mriinterp.ui.cohort_data import StudyView, View
from mriinterp.ui.resources import atlas_of
from mriinterp.ui.shell import escape_markdown

__all__ = ["area_values", "ask_for_subject", "chosen_points", "people_of", "show_areas"]

VALUES = {"share": "Share of relevance", "mean": "Mean of a voxel"}
MOST_AREAS = 12
COLUMNS = {
    "area": st.column_config.TextColumn("Area"),
    "mean_a": None,  # with the group's name, see _table
    "mean_b": None,
    "g": st.column_config.NumberColumn("Hedges’ g", format="%.2f", help="In standard deviations"),
    "g_low": st.column_config.NumberColumn("95 % from", format="%.2f"),
    "g_high": st.column_config.NumberColumn("to", format="%.2f"),
    "t": st.column_config.NumberColumn("Welch t", format="%.2f"),
    "p": st.column_config.NumberColumn("p", format="%.1e"),
    "p_fdr": st.column_config.NumberColumn("p (FDR)", format="%.1e", help="Benjamini–Hochberg over all areas"),
}


def chosen_points(key: str) -> list[dict]:
    """Points selected in a chart."""
    event = st.session_state.get(key)
    return list(event["selection"]["points"]) if event else []


def ask_for_subject(subject: str, method: str) -> None:
    """Have the page open a subject's own map when it runs next."""
    st.session_state["cohort_open"] = (subject, method)


@st.cache_data(max_entries=32, show_spinner=False)
def _values(key: str, method: str, merge: bool, value: str, _view: StudyView) -> pd.DataFrame:
    table = _view.result.areas(method, merge_hemispheres=merge, value=value)
    return table.loc[[i for i in _view.ids(method) if i in table.index]]


def area_values(view: StudyView, method: str, *, merge: bool = True, value: str = "share") -> pd.DataFrame:
    """Relevance per area of the scans of a view: scans × areas."""
    return _values(view.key, method, merge, value, view)


def people_of(view: StudyView, ids) -> np.ndarray:
    """Who was scanned."""
    table = view.result.subjects
    return (table["subject"] if "subject" in table else table["id"]).loc[list(ids)].astype(str).to_numpy()


@st.cache_data(max_entries=32, show_spinner=False)
def _peaks(key: str, method: str, merge: bool, atlas: str, _view: View, _name: str) -> pd.DataFrame:
    """Where the areas of the average peak: of the positive group, or of one that has an average."""
    group = next(g for g in (_view.positive, *_view.groups) if g and _view.has(method, g))
    return area_table(_view.mean(method, group), atlas_of(_name), merge_hemispheres=merge, part=_part(_view, method))


def _part(view: View, method: str) -> str:
    return view.reading(method) if view.reading(method) != "signed" else "absolute"


def _clicked(method: str, key: str) -> None:
    """A bar moves the crosshair; a dot opens the subject."""
    for point in chosen_points(key)[:1]:
        data = point.get("customdata") or []
        if len(data) == 2:
            ask_for_subject(str(data[1]), method)
        elif len(data) >= 4 and data[1] is not None:
            jump_to(data[1:4])


def _chart(figure, key: str, method: str) -> None:
    figure.update_layout(dragmode=False)
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: _clicked(method, key),
        selection_mode="points",
        config={"displayModeBar": False},
    )


def show_areas(name: str, view: View, method: str) -> None:
    """Bars of both groups with intervals and dots, effect sizes, and the table behind them."""
    with st.container(horizontal=True, gap="large", vertical_alignment="center"):
        merge = st.toggle("Left and right together", key=linked("merged", True, cast=_truth), persist_state="session")
        value = "share"
        if isinstance(view, StudyView):
            value = st.segmented_control(
                "Value",
                VALUES,
                format_func=VALUES.get,
                key=linked("value", "share", options=list(VALUES)),
                required=True,
                persist_state="session",
                label_visibility="collapsed",
                help="Shares do not depend on how large a map's numbers are, but on how large an area is.",
            )
    write_address("merged", "value")
    if not any(view.has(method, group) for group in view.groups):
        st.info("No map of this method remains.", icon=":material/group_off:")
        return
    peaks = _peaks(view.key, method, merge, atlas_of(name).digest, view, name)
    if not isinstance(view, StudyView) or view.pair is None or view.why_no_test(method):
        _averages_only(name, view, method, merge)
        return
    if not all(view.ids(method, group) for group in view.pair):
        empty = ", ".join(escape_markdown(group) for group in view.pair if not view.ids(method, group))
        st.info(f"No scan of {empty} remains: there is nothing to compare.", icon=":material/group_off:")
        _averages_only(name, view, method, merge)
        return
    _both_groups(view, method, merge, value, peaks)


def _truth(text: str) -> bool:
    if text not in ("True", "False"):
        raise ValueError(f"expected True or False, got {text!r}")
    return text == "True"


def _averages_only(name: str, view: View, method: str, merge: bool) -> None:
    """Areas of the averages, where single scans are not known or there is one group."""
    atlas = atlas_of(name)
    tables = {
        group: area_table(view.mean(method, group), atlas, merge_hemispheres=merge, part=_part(view, method))
        for group in view.groups
        if view.has(method, group)
    }
    _chart(method_bars(tables, MOST_AREAS), "cohort_bars", method)
    if isinstance(view, StudyView):
        why = (
            escape_markdown(view.why_no_test(method))
            if view.pair
            else "There is one group: nothing to compare it with."
        )
        st.caption(f"Areas of the average. {why} Click a bar to move the crosshair.")
    else:
        st.caption("Of the averages; a file of averages knows no single scans, so there are no intervals or tests.")
    for group, table in tables.items():
        best = ", ".join(f"{area_label(a)} {s:.1%}" for a, s in top_areas(table, 4)[["area", "share"]].to_numpy())
        st.markdown(f"**{escape_markdown(group)}**: {best}")


def _both_groups(view: StudyView, method: str, merge: bool, value: str, peaks: pd.DataFrame) -> None:
    values = area_values(view, method, merge=merge, value=value)
    groups = view.result.subjects.loc[values.index, "group"].to_numpy()
    counts = {group: int((groups == group).sum()) for group in view.pair}
    people = people_of(view, values.index)
    mixed = pd.Series(groups).groupby(people).nunique()
    both = set(mixed.index[mixed > 1])
    alone = np.array([person not in both for person in people])
    comparison = compare_groups(values[alone].fillna(0.0), groups[alone], *view.pair, patients=people[alone])
    left, right = st.columns([3, 2], gap="large")
    with left:
        bars = group_bars(
            comparison,
            view.pair,
            MOST_AREAS,
            values=values,
            groups=groups,
            peaks=peaks,
            quantity=value,
            unit=view.unit(method) if value == "mean" else "",
        )
        _chart(bars, "cohort_bars", method)
    with right:
        effects = effect_bars(comparison, view.pair, MOST_AREAS, peaks=peaks)
        _chart(effects.update_layout(height=bars.layout.height), "cohort_effects", method)
    st.caption("Click a bar or an effect to move the crosshair to that area’s peak, a dot to open that scan.")
    _words(view, comparison, counts, both)
    _table(view, comparison, value)


def _words(view: StudyView, comparison: pd.DataFrame, counts: dict[str, int], both: set) -> None:
    a, b = (escape_markdown(group) for group in view.pair)
    if min(counts.values()) < 2:
        one = ", ".join(escape_markdown(g) for g, n in counts.items() if n < 2)
        st.info(f"{one} has a single scan: there is no interval and no test.", icon=":material/person:")
    else:
        found = comparison[comparison["p_fdr"] < 0.05].sort_values("p")
        names = ", ".join(area_label(area) for area in found["area"][:12])
        names += f" and {len(found) - 12} more" if len(found) > 12 else ""
        st.markdown(
            f"**{len(found)} of {len(comparison)} areas** differ between {a} and {b} at a false discovery rate of 5 % "
            f"(Welch t, Benjamini–Hochberg){': ' + names if len(found) else ''}."
        )
    if both:
        st.caption(f"{len(both)} people with scans in both groups are left out of the tests.")


def _table(view: StudyView, comparison: pd.DataFrame, value: str) -> None:
    shown = comparison.assign(area=comparison["area"].map(area_label)).sort_values("p", kind="stable")
    percent = value == "share"
    if percent:
        shown = shown.assign(mean_a=100 * shown["mean_a"], mean_b=100 * shown["mean_b"])
    means = {
        f"mean_{side}": st.column_config.NumberColumn(
            f"{group} / %" if percent else group, format="%.2f" if percent else "scientific"
        )
        for side, group in zip("ab", view.pair, strict=True)
    }
    config = {**COLUMNS, **means}
    st.dataframe(shown, column_config=config, column_order=list(COLUMNS), hide_index=True, height=330)
    st.download_button(
        "Statistics (CSV)",
        lambda: comparison.to_csv(index=False),
        "cohort_areas_statistics.csv",
        key="get_statistics",
        on_click="ignore",
        icon=":material/download:",
    )
