"""The compare page's views: linked columns, a pair with its difference, areas of all maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from mriinterp.areas.part_table import part_table
from mriinterp.figures.areagroups import method_bars
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import (
    SHARE_UNIT,
    Meaning,
    caption_words,
    colour_words,
    difference_words,
    file_stem,
    hidden_list,
    shared_name,
    size_words,
)
from mriinterp.relevance_map import RelevanceMap
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.clicks import jump_to_peak, show_chart
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.viewlink import linked_viewer
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.compare.entries import Entry, raw_difference, share_difference, share_map
from mriinterp.ui.maps.place import Place, choose_place
from mriinterp.ui.maps.signs import choose_part, part_layer, part_volume
from mriinterp.ui.maps.truth import scan_truth
from mriinterp.ui.session.keys import SHOW, A, B
from mriinterp.ui.session.life import forgotten_with_uploads
from mriinterp.ui.sources.resources import atlas_of, on_grid_of
from mriinterp.ui.viewer import Contour, Layer, ViewerState

__all__ = [
    "area_tables",
    "choose_pair",
    "choose_scale",
    "choose_shown_place",
    "choose_signs",
    "columns_of",
    "show_area_chart",
    "show_columns",
    "truth_of_columns",
]

VIEWER = "compare_planes"
MOST_NAMED = 3  # maps that a file's name can name
SCALES = {"own": "Own scales", "common": "One scale", "share": "Shares"}
MOST_AREAS = 8
PAIR_PX, SCALES_PX, SIGNS_PX = 165, 125, 190  # of the lists above a pair: one row of 916 pixels holds them


def choose_pair(entries: Sequence[Entry]) -> tuple[int, int] | None:
    """Return all maps, or two of them with their difference: places of A and B, or None."""
    show = segments("Show", SHOW, {"all": "All maps", "pair": "A, B, A − B"})
    places = list(range(1, len(entries) + 1))
    pair = None
    if show == "pair":
        for key, default in ((A, 1), (B, 2)):
            st.selectbox(
                key.upper(),
                places,
                format_func=lambda place: entries[place - 1].label,
                key=linked(key, default, options=places, cast=int),
                persist_state="session",
                label_visibility="collapsed",
                help=f"Map {key.upper()}",
                width=PAIR_PX,
            )
        pair = A.value - 1, B.value - 1
    return pair


def choose_scale(*, narrow: bool = False) -> str:
    """Choose the colour scales: "own", "common" or "share"; `narrow`: from a list."""
    return segments(
        "Colours",
        "scale",
        SCALES,
        help="Own: every map fills its own colours. One scale: the same colour is the same number. "
        "Shares: every map is read without sign and scaled to the same sum first.",
        list_px=SCALES_PX if narrow else None,
    )


def comparable(entries: Sequence[Entry]) -> bool:
    """Return whether values of all maps mean the same: one unit, and one explained output."""
    return len({(entry.relevance.unit, entry.relevance.target) for entry in entries}) == 1


def _target_words(entries: Sequence[Entry]) -> str:
    """Return the explained outputs; where no prediction may be shown, a fixed one (`blind_target`)."""
    targets = list(dict.fromkeys(entry.relevance.target for entry in entries))
    if len(targets) == 1:
        return f"All explain **{escape_markdown(targets[0])}**."
    words = escape_markdown(", ".join(targets))
    return f"They explain **different outputs** ({words}): each what the network predicts for its scan."


def _layer(entry: Entry, volume: Volume, scan: Volume, scale: str, part: str) -> Layer:
    if scale == "share":
        return Layer(entry.label, share_map(volume, part), SHARE_UNIT, signed=False, scan=scan)
    return part_layer(entry.label, entry.relevance, part, volume, scan=scan)


def _difference(unit: str, one: Volume, two: Volume, scan: Volume, part: str) -> Layer:
    if unit:
        return Layer(
            "A − B",
            raw_difference(part_volume(one, part), part_volume(two, part)),
            f"difference of: {unit}",
            scan=scan,
        )
    return Layer("A − B", share_difference(one, two, part), f"difference in {SHARE_UNIT}", scan=scan)


def choose_signs(entries: Sequence[Entry], *, narrow: bool = False) -> str:
    """Choose which sign of all maps is shown; `narrow`: from a list."""
    return choose_part([Meaning.of(entry.relevance) for entry in entries], list_px=SIGNS_PX if narrow else None)


def _hidden_words(entries: Sequence[Entry], part: str) -> str:
    """Return how much of each map the chosen sign hides."""
    hidden = {e.label: Meaning.of(e.relevance).hidden_share(part, e.relevance.volume.data) for e in entries}
    return escape_markdown(hidden_list(hidden))


def _caption(entries: Sequence[Entry], part: str) -> str:
    """Return what a saved picture is of."""
    meanings = [Meaning.of(entry.relevance) for entry in entries]
    subjects, methods, targets = (
        ", ".join(dict.fromkeys(values))
        for values in (
            [entry.subject.name for entry in entries],
            [meaning.method.label for meaning in meanings],
            [entry.relevance.target for entry in entries],
        )
    )
    shown = shared_name(meanings, part) if part != "both" else ""
    simulated = any(entry.subject.simulated for entry in entries)
    return caption_words(subjects, methods, targets, part=shown, simulated=simulated)


def choose_shown_place(entries: Sequence[Entry]) -> Place:
    """Choose where the maps are shown: on the scan as it came, where all are of one that was prepared here, or in MNI space."""
    subjects = {entry.column.subject: entry.subject for entry in entries}
    return choose_place(next(iter(subjects.values())).prepared if len(subjects) == 1 else None, VIEWER)


def show_columns(
    study_name: str,
    entries: Sequence[Entry],
    pair: tuple[int, int] | None,
    scale: str,
    part: str,
    place: Place,
    *,
    columns: int = 0,
    stale: bool = False,
) -> ViewerState | None:
    """Show the linked columns, and below them what their colours mean.

    `columns`: how many there will be once all maps are made, for which room is kept.
    `stale`: other maps are asked for, which are not there yet; these are drawn faintly.
    """
    shown = list(entries) if pair is None else [entries[place] for place in pair]
    if pair is not None and pair[0] == pair[1]:
        st.info("Choose two different maps for A and B.", icon=":material/difference:")
        return None
    maps = [entry.relevance for entry in shown]
    like = maps[0].volume
    scan, layers = columns_of(shown, scale, part)
    atlas, contours = atlas_of(study_name).on(like.grid), truth_of_columns(entries, like)
    alike = comparable(shown)
    difference = ""
    if pair is not None:
        raw = alike and scale != "share"
        layers.append(_difference(maps[0].unit if raw else "", like, on_grid_of(maps[1].volume, like), scan, part))
        difference = difference_words(raw)
    if place.prepared is not None:  # shares and differences are those of the template's grid
        scan, atlas, contours = place.prepared.scan, place.atlas(study_name, scan), []
        layers = [replace(layer, volume=place.bring(layer.volume), scan=None) for layer in layers]
    names = [layer.name for layer in layers]
    with st.container(key=f"view_maps_{len(layers) if pair else max(columns, len(layers))}"):  # see app.css
        state = linked_viewer(
            scan,
            layers,
            atlas=atlas,
            contours=contours,
            key=place.viewer,
            prefix=place.prefix,
            space=place.space,
            share_range=scale != "own",
            caption=_caption(shown, part),
            stem=file_stem("compare", *names[:MOST_NAMED]) + place.suffix,
            dimmed="The maps asked for are not there yet; faint: those before." if stale else "",
        )
    # A reader who sets the end of the scales has made them one.
    used = "common" if scale == "own" and state.settings.get("top") is not None else scale
    sentences = [
        colour_words(used, [one.unit for one in maps]),
        _target_words(shown),
        difference,
        _hidden_words(shown, part),
    ]
    st.caption(" ".join(filter(None, sentences)))
    return state


def columns_of(entries: Sequence[Entry], scale: str, part: str) -> tuple[Volume, list[Layer]]:
    """Return the first scan, and the maps as layers, each over its own scan; all on the grid of the first map."""
    like = entries[0].relevance.volume
    scans = [on_grid_of(entry.scan, like) for entry in entries]
    layers = [
        _layer(entry, on_grid_of(entry.relevance.volume, like), scan, scale, part)
        for entry, scan in zip(entries, scans, strict=True)
    ]
    return scans[0], layers


def truth_of_columns(entries: Sequence[Entry], like: Volume) -> list[Contour]:
    """Return the outline of the known place of the disease, where all maps are of one scan."""
    subjects = {entry.column.subject: entry.subject for entry in entries}
    return scan_truth(next(iter(subjects.values())).truth, like) if len(subjects) == 1 else []


@forgotten_with_uploads
@st.cache_data(max_entries=64, show_spinner=False)
def _areas(key: str, atlas: str, part: str, study: str, _relevance: RelevanceMap) -> pd.DataFrame:
    return part_table(_relevance, atlas_of(study), part)


def area_tables(study_name: str, entries: Sequence[Entry], part: str) -> dict[str, pd.DataFrame]:
    """Return the areas of each map, by the label of its column."""
    atlas = atlas_of(study_name).digest
    return {entry.label: _areas(entry.key, atlas, part, study_name, entry.relevance) for entry in entries}


def show_area_chart(study_name: str, entries: Sequence[Entry], part: str, place: Place) -> None:
    """Show the most relevant areas of all maps in one chart; a click moves the crosshair."""
    tables = area_tables(study_name, entries, part)
    if all(table["share"].isna().all() for table in tables.values()):
        st.info("No map has relevance in any area.", icon=":material/bar_chart_off:")
        return
    figure = method_bars(tables, MOST_AREAS)
    show_chart(figure, "compare_areas", lambda: jump_to_peak("compare_areas", place.viewer, place.to_shown))
    st.caption(
        f"Both hemispheres together. {size_words(part)}. **Click a bar** to move the crosshair to the peak of that area in that map."
    )
