"""Relevance per area on the page: chart, table, and this subject against the groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from mriinterp.areas.part_table import part_table
from mriinterp.areas.table import outside_shares, top_areas
from mriinterp.base.map_parts import SIZES
from mriinterp.base.numerals import decimals
from mriinterp.cohort import CohortResult
from mriinterp.cohort.packed import shipped_folder, stale_words
from mriinterp.figures.against import against_groups
from mriinterp.figures.area_bars import area_bars
from mriinterp.figures.theme import area_label
from mriinterp.methods.meaning import Meaning, score_words, size_words
from mriinterp.relevance_map import RelevanceMap
from mriinterp.stats import single_case
from mriinterp.study import Study
from mriinterp.ui.base.clicks import jump_to_peak, show_chart
from mriinterp.ui.base.linked import flag, linked
from mriinterp.ui.base.tables import fixed, written
from mriinterp.ui.base.words import as_sentence, capital
from mriinterp.ui.cohort.averages import folder_of, open_result
from mriinterp.ui.maps.place import IN_TEMPLATE, Place
from mriinterp.ui.scan.subject import Subject
from mriinterp.ui.session.life import forgotten_with_uploads
from mriinterp.ui.shell.page import escape_markdown
from mriinterp.ui.sources.resources import atlas_of, model_of, study_of

__all__ = ["show_areas", "table_of", "unusual_words"]

AREA_COLUMNS = {
    "area": st.column_config.TextColumn("Area"),
    "share": st.column_config.NumberColumn("Share / %", help="Of the relevance in all areas"),
    "density": st.column_config.NumberColumn("Density / % per cm³", help="Share by size: where relevance is dense"),
    "asymmetry": st.column_config.NumberColumn(
        "Asymmetry", help="(L − R) / (|L| + |R|) of the sides' means: 1 all left, −1 all right"
    ),
    "size_mm3": st.column_config.NumberColumn("Size / cm³"),
    "peak": st.column_config.TextColumn("Peak / mm", help="MNI x, y, z of the area's voxel with the most relevance"),
}
NUMBERS: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(("share", "supports", "against", "density", "asymmetry"), fixed(2)),
    "size_mm3": fixed(1),
}
UNUSUAL = 0.05  # false discovery rate
MOST_NAMED = 5  # areas that a sentence names
SHOWN_UNITS = {"share": 100, "supports": 100, "against": 100, "size_mm3": 1e-3}


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
        side: st.column_config.NumberColumn(f"{capital(words)} / %", help="Part of the share")
        for side, words in zip(("supports", "against"), reversed(meaning.ends), strict=True)
    }
    first = {name: AREA_COLUMNS[name] for name in ("area", "share")}
    return first | sides | AREA_COLUMNS


def _place(mm: np.ndarray) -> str:
    return "" if np.isnan(mm).any() else ", ".join(map(decimals, mm))


def show_areas(
    study_name: str, subject: Subject, relevance: RelevanceMap, part: str, place: Place = IN_TEMPLATE
) -> None:
    """Show bars and a table of the areas; a click on a bar moves the crosshair."""
    meaning = Meaning.of(relevance)
    ends = meaning.ends if meaning.signed else None
    atlas = atlas_of(study_name)
    shares = outside_shares(relevance, atlas, study_of(study_name).brain_mask())
    key = linked("merge", True, options=(False, True), cast=flag)
    with st.container(horizontal=True, vertical_alignment="center"):
        merge = st.toggle("Left and right together", key=key, persist_state="session")
        st.caption(
            f"Outside the brain **{shares['outside_brain']:.1%}** · in the brain, outside all areas "
            f"**{shares['outside_areas'] - shares['outside_brain']:.1%}** of the absolute relevance",
            width="content",
        )
    table = table_of(study_name, relevance, part, merge)
    with st.container(key="areas_pair"):
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
            density=100 * shown["share"] / (shown["size_mm3"] / 1000),
            peak=[_place(row) for row in shown[["peak_x", "peak_y", "peak_z"]].to_numpy(float)],
            **{name: shown[name] * unit for name, unit in SHOWN_UNITS.items() if name in shown},
        )
        columns = _columns(meaning, part)
        shown = shown[[name for name in columns if name in shown]]
        st.dataframe(written(shown, NUMBERS), column_config=columns, hide_index=True, height=480)
        st.caption(escape_markdown(f"{as_sentence(meaning.words(part))} {meaning.hidden(part, relevance.volume.data)}"))
    if subject.diagnosed_by(model_of(study_name)):  # beside groups of patients, bars would reveal a diagnosis
        _show_against_groups(study_name, subject, relevance, part)


def unusual_words(found: Mapping[str, pd.DataFrame], name: str, own: str | None) -> str:
    """Return which areas of a subject are unusual for its group; for all groups where its own is not known.

    Parameters
    ----------
    found : mapping of group to DataFrame
        From `single_case`, a row an area.
    name : str
        The subject's.
    own : str or None
        Its group.
    """
    sentences = []
    for group in found if own is None or own not in found else [own]:
        table = found[group]
        if table["z"].isna().all():
            sentences.append(f"Too few {group} scans to say what is unusual.")
            continue
        unusual = table[table["q"] < UNUSUAL].sort_values("q")
        listed = ", ".join(
            f"{area_label(area)} (z {decimals(row['z'], 1, plus=True)})"
            for area, row in unusual.head(MOST_NAMED).iterrows()
        )
        more = f" and {len(unusual) - MOST_NAMED} more" if len(unusual) > MOST_NAMED else ""
        sentences.append(
            f"Unusual for {group}: {listed}{more}." if listed else f"No area of {name} is unusual for {group}."
        )
    return f"{' '.join(sentences)} (Test of a single case, false discovery rate 5% over areas.)"


def _averages(study_name: str, study: Study) -> CohortResult | None:
    """Return the averages computed here, else those shipped, if they are of the study as it is now."""
    own, shipped = open_result(folder_of(study)), shipped_folder(study)
    if own is not None or shipped is None:
        return own
    found = open_result(shipped)
    stale = found is None or stale_words(found, study, model_of(study_name).digest, atlas_of(study_name).digest)
    return None if stale else found


def _show_against_groups(study_name: str, subject: Subject, relevance: RelevanceMap, part: str) -> None:
    """Show this subject's areas beside the averages of the groups, where a cohort run has maps of the method."""
    study = study_of(study_name)
    cohort = _averages(study_name, study)
    if cohort is None:
        st.caption("Compute averages (page **Cohort**) to see this subject against the groups.")
        return
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
    st.markdown(f"**{escape_markdown(subject.name)} against the groups**")
    table, others = table_of(study_name, relevance, part), values.drop(index=subject.name, errors="ignore")
    st.plotly_chart(against_groups(table, others, groups, subject.name), key="against_groups")
    other = {n: params[n] for n in params if n != "score" and params[n] != relevance.params.get(n, params[n])}
    st.caption(
        "Bars: this map. Dots: a group's scans, and their mean with its 95% interval, this subject left out. All "
        f"{escape_markdown(cohort.explained_words(relevance.method))}. {size_words(part)}."
    )
    if other:
        made = ", ".join(f"{n} {value}" for n, value in other.items())
        st.caption(
            f"The cohort’s maps were made with {escape_markdown(made)}: only maps of equal settings get z-scores."
        )
        return
    _show_scores(table, others, groups, subject)


def _show_scores(table: pd.DataFrame, others: pd.DataFrame, groups: pd.Series, subject: Subject) -> None:
    """Show how far each area of this subject lies from either group, in words and as a table."""
    shares = table.set_index("area")["share"].reindex(others.columns).fillna(0.0)
    names = list(dict.fromkeys(groups.loc[others.index]))
    found = {name: single_case(shares, others[groups.loc[others.index] == name]) for name in names}
    st.markdown(escape_markdown(unusual_words(found, subject.name, subject.group)))
    scores = pd.DataFrame({"area": [area_label(area) for area in shares.index], "share": 100 * shares.to_numpy()})
    for name, one in found.items():
        scores[f"z {name}"] = one["z"].to_numpy()
    order = scores["share"].sort_values(ascending=False).index
    columns = {
        "area": st.column_config.TextColumn("Area"),
        "share": st.column_config.NumberColumn("Share / %"),
        **{
            f"z {name}": st.column_config.NumberColumn(
                f"z against {name}", help=f"Standard deviations of the {name} scans from their mean"
            )
            for name in found
        },
    }
    numbers = {"share": fixed(2), **{f"z {name}": fixed(1) for name in found}}
    st.dataframe(written(scores.loc[order], numbers), column_config=columns, hide_index=True, height=250)
