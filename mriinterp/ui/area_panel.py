"""Relevance per area on the page: chart, table, and this subject against the groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from mriinterp.areas.parts import part_table
from mriinterp.areas.table import outside_shares, top_areas
from mriinterp.base.parts import SIZES
from mriinterp.cohort import open_cohort
from mriinterp.explain import RelevanceMap
from mriinterp.figures.against import against_groups
from mriinterp.figures.area_bars import area_bars
from mriinterp.figures.theme import area_label
from mriinterp.methods.meaning import Meaning, score_words, size_words
from mriinterp.ui.address import flag, linked
from mriinterp.ui.clicks import jump_to_peak, show_chart
from mriinterp.ui.cohort_run import folder_of
from mriinterp.ui.home import IN_TEMPLATE, Place
from mriinterp.ui.resources import atlas_of, model_of, study_of
from mriinterp.ui.session import forgotten_with_uploads
from mriinterp.ui.shell import escape_markdown
from mriinterp.ui.subject import Subject
from mriinterp.ui.words import as_sentence

__all__ = ["show_areas", "table_of"]

AREA_COLUMNS = {
    "area": st.column_config.TextColumn("Area"),
    "share": st.column_config.NumberColumn("Share / %", format="%.2f", help="Of the relevance in all areas"),
    "mean": st.column_config.NumberColumn("A voxel / 10⁻⁶", format="%.1f", help="Mean of a voxel, in millionths"),
    "asymmetry": st.column_config.NumberColumn(
        "Asymmetry", format="%.2f", help="(L − R) / (|L| + |R|) of the sides' means: 1 all left, −1 all right"
    ),
    "size_mm3": st.column_config.NumberColumn("Size / cm³", format="%.1f"),
    "peak": st.column_config.TextColumn("Peak / mm", help="MNI x, y, z of the area's voxel with the most relevance"),
}
SHOWN_UNITS = {"share": 100, "supports": 100, "against": 100, "mean": 1e6, "size_mm3": 1e-3}


@forgotten_with_uploads
@st.cache_data(max_entries=64, show_spinner=False)
def _table(digest: str, atlas: str, part: str, merge: bool, _relevance: RelevanceMap, _study_name: str) -> pd.DataFrame:
    return part_table(_relevance, atlas_of(_study_name), part, merge_hemispheres=merge)


def table_of(study_name: str, relevance: RelevanceMap, part: str, merge: bool = True) -> pd.DataFrame:
    """Return the relevance of each area, computed once a map.

    Parameters
    ----------
    part : {"both", "supports", "against"}
        As of `part_table`.
    """
    return _table(relevance.volume.digest, atlas_of(study_name).digest, part, merge, relevance, study_name)


def _columns(meaning: Meaning, part: str) -> dict[str, Any]:
    """Return the columns of the table; of a map of both signs with the two sides of each share."""
    if part != "both" or not meaning.signed:
        return AREA_COLUMNS
    sides = {
        side: st.column_config.NumberColumn(
            f"{words[:1].upper()}{words[1:]} / %", format="%.2f", help="Part of the share"
        )
        for side, words in zip(("supports", "against"), reversed(meaning.ends), strict=True)
    }
    first = {name: AREA_COLUMNS[name] for name in ("area", "share")}
    return first | sides | AREA_COLUMNS


def _place(mm: np.ndarray) -> str:
    return "" if np.isnan(mm).any() else ", ".join(f"{v:.0f}".replace("-", "−") for v in mm)


def show_areas(
    study_name: str, subject: Subject, relevance: RelevanceMap, part: str, place: Place = IN_TEMPLATE
) -> None:
    """Show bars and a table of the areas; a click on a bar moves the crosshair."""
    meaning = Meaning.of(relevance)
    ends = meaning.ends if meaning.signed else None
    atlas = atlas_of(study_name)
    shares = outside_shares(relevance, atlas, study_of(study_name).brain_mask())
    switch, words = st.columns([1, 3], vertical_alignment="center")
    key = linked("merge", True, options=(False, True), cast=flag)
    merge = switch.toggle("Left and right together", key=key, persist_state="session")
    with words:
        st.markdown(
            f"Relevance outside the brain **{shares['outside_brain']:.1%}** · in the brain, outside all areas "
            f"**{shares['outside_areas'] - shares['outside_brain']:.1%}** (shares of the absolute relevance)"
        )
    table = table_of(study_name, relevance, part, merge)
    left, right = st.columns([5, 6])
    with left:
        show_chart(
            area_bars(table, 15, ends=ends),
            "area_bars",
            lambda: jump_to_peak("area_bars", place.viewer, place.to_shown),
        )
        st.caption("Click a bar to move the crosshair to the peak of that area.")
    with right:
        shown = top_areas(table, len(table))
        shown = shown.assign(
            area=shown["area"].map(area_label),
            peak=[_place(row) for row in shown[["peak_x", "peak_y", "peak_z"]].to_numpy(float)],
            **{name: shown[name] * unit for name, unit in SHOWN_UNITS.items() if name in shown},
        )
        columns = _columns(meaning, part)
        st.dataframe(shown, column_config=columns, column_order=list(columns), hide_index=True, height=480)
        st.caption(escape_markdown(f"{as_sentence(meaning.words(part))} {meaning.hidden(part, relevance.volume.data)}"))
    if subject.diagnosed_by(model_of(study_name)):  # beside groups of patients, bars would tell a diagnosis
        _show_against_groups(study_name, subject, relevance, part)


def _show_against_groups(study_name: str, subject: Subject, relevance: RelevanceMap, part: str) -> None:
    """Show this subject's areas beside the averages of the groups, where a cohort run has maps of the method."""
    folder = folder_of(study_of(study_name))
    if not (folder / "run.json").is_file():
        st.caption("Run the cohort (page **Cohort**) to see this subject against the averages of the groups.")
        return
    cohort = open_cohort(folder)
    if relevance.method not in cohort.methods:
        return
    values = cohort.areas(relevance.method, kind=SIZES[part]).fillna(0.0)  # of a map without such relevance
    groups = cohort.subjects.loc[values.index, "group"]
    params = cohort.params(relevance.method)
    score = params.get("score", relevance.score)
    if (cohort.target, score) != (relevance.target, relevance.score):
        st.caption(
            f"The averages of the cohort explain {escape_markdown(score_words(score, cohort.target))}, this map "
            f"{escape_markdown(score_words(relevance.score, relevance.target))}: they are not compared."
        )
        return
    st.markdown(f"**{escape_markdown(subject.name)} against the groups** of the cohort run")
    figure = against_groups(
        table_of(study_name, relevance, part),
        values.drop(index=subject.name, errors="ignore"),
        groups,
        subject.name,
    )
    st.plotly_chart(figure, key="against_groups")
    st.caption(
        "Bars: this map. Dots: mean of the shares of a group's scans with its 95 % interval, this subject left out. All "
        f"{escape_markdown(cohort.explained_words(relevance.method))}. {size_words(part)}."
    )
