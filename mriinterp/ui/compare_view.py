"""The compare page's views: linked columns, a pair with its difference, the matrix, areas of all maps."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from mriinterp.areas.table import area_table
from mriinterp.compare import METRICS, distance_matrix, get_metric
from mriinterp.explain import RelevanceMap
from mriinterp.figures.areagroups import method_bars
from mriinterp.figures.distances import CELL_PX, distance_heatmap
from mriinterp.figures.theme import plain, wrap
from mriinterp.image.volume import Volume
from mriinterp.ui.address import linked, read_view, write_address, write_view
from mriinterp.ui.badge import trust_badges
from mriinterp.ui.compare import Entry, raw_difference, readable_map, share_difference, share_map
from mriinterp.ui.resources import atlas_of, on_grid_of, study_of
from mriinterp.ui.result import show_warnings
from mriinterp.ui.session import forgotten_with_uploads
from mriinterp.ui.viewer import Layer, ViewerState, viewer
from mriinterp.ui.words import escape_markdown

__all__ = ["choose_pair", "choose_scale", "show_area_chart", "show_columns", "show_matrix", "show_predictions"]

SCALES = {"own": "Own scales", "common": "One scale", "share": "Shares"}
SHARE_UNIT = "millionths of the map’s relevance"
IN_BRAIN = ("spearman", "ssim", "dice")  # measures that ties in the empty background would flatter
MOST_AREAS = 8
LABEL_LETTERS = 14  # of a line beside or above the matrix
MOST_UPRIGHT = 4  # columns whose names fit above the matrix without turning


def show_predictions(entries: Sequence[Entry]) -> None:
    """What the networks say of each scan, once a scan and network; and what the maps explain."""
    rows, warnings, seen = [], [], set()
    for entry in entries:
        place = (entry.column.subject, entry.column.model)
        if entry.relevance is None or place in seen:
            continue
        seen.add(place)
        prediction, head = entry.relevance.prediction, entry.model.heads[0]
        if not entry.subject.diagnosed_by(entry.model):
            said = "nothing that may be told: it knows simulated brains only"
        elif head.kind == "scale":
            said = f"{head.name} {prediction.outputs[head.classes[0]]:.2f}"
        else:
            said = f"{prediction.predicted} {prediction.probabilities[prediction.predicted]:.0%}"
        group = f", true group {entry.subject.group}" if entry.subject.group is not None else ""
        name = " · ".join(filter(None, [entry.subject.name, entry.column.model]))
        rows.append(f"**{escape_markdown(name)}**: {escape_markdown(f'network says {said}{group}')}")
        warnings += [f"scan {entry.subject.name}: {text}" for text in prediction.warnings]
    show_warnings(dict.fromkeys(warnings))
    if rows:
        st.markdown("  &nbsp;·&nbsp;  ".join(rows))


def choose_pair(entries: Sequence[Entry]) -> tuple[int, int] | None:
    """All maps, or two of them with their difference: places of A and B, or None."""
    show = st.segmented_control(
        "Show",
        ["all", "pair"],
        format_func={"all": "All maps", "pair": "A, B, A − B"}.get,
        key=linked("show", "all", options=["all", "pair"]),
        required=True,
        persist_state="session",
    )
    places = list(range(1, len(entries) + 1))
    pair = None
    if show == "pair":
        for key, default in (("a", 1), ("b", 2)):
            st.selectbox(
                key.upper(),
                places,
                format_func=lambda place: entries[place - 1].label,
                key=linked(key, default, options=places, cast=int),
                persist_state="session",
                width=185,
            )
        pair = st.session_state["a"] - 1, st.session_state["b"] - 1
    write_address("show", "a", "b")
    return pair


def choose_scale() -> str:
    """Colour scales: "own", "common" or "share"."""
    scale = st.segmented_control(
        "Colours",
        SCALES,
        format_func=SCALES.get,
        key=linked("scale", "own", options=list(SCALES)),
        required=True,
        persist_state="session",
        help="Own: every map fills its own colours. One scale: the same colour is the same number. "
        "Shares: every map is read without sign and scaled to the same sum first.",
    )
    write_address("scale")
    return scale


def comparable(entries: Sequence[Entry]) -> bool:
    """Whether values of all maps mean the same: one unit, and one explained output."""
    return len({(entry.relevance.unit, entry.relevance.target) for entry in entries}) == 1


def scale_words(scale: str, maps: Sequence[RelevanceMap], alike: bool) -> str:
    """What the colours of several maps can tell; `alike`: whether they are `comparable`."""
    units = list(dict.fromkeys(one.unit for one in maps))
    if scale == "own":
        return "Each map has its own scale: **colours cannot be compared between maps.**"
    if scale == "share":
        return f"One scale for all, in {SHARE_UNIT}: each map read without sign and scaled to the same sum."
    if len(units) > 1:
        return f"One scale for {len(units)} different units: **equal colours are equal numbers, not equal relevance.**"
    if not alike:
        return "One scale for maps of different outputs: **equal colours are equal numbers, not the same change.**"
    return f"One scale for all maps: the same colour is the same {units[0]}."


def _target_words(entries: Sequence[Entry]) -> str:
    """Which outputs are explained; of a scan whose prediction may not be told it is a fixed one (`blind_target`)."""
    targets = list(dict.fromkeys(escape_markdown(entry.relevance.target) for entry in entries))
    if len(targets) == 1:
        return f"All explain **{targets[0]}**."
    return f"They explain **different outputs** ({', '.join(targets)}): each what the network predicts for its scan."


def _layer(entry: Entry, volume: Volume, scan: Volume, scale: str) -> Layer:
    if scale == "share":
        return Layer(entry.label, share_map(entry.relevance, volume), SHARE_UNIT, signed=False, scan=scan)
    signed = bool((volume.data < 0).any())
    return Layer(entry.label, volume, entry.relevance.unit, signed=signed, scan=scan)


def _difference(a: Entry, b: Entry, volumes: Sequence[Volume], scan: Volume, raw: bool) -> Layer:
    if raw:
        return Layer("A − B", raw_difference(*volumes), f"difference of: {a.relevance.unit}", scan=scan)
    difference = share_difference(a.relevance, b.relevance, *volumes)
    return Layer("A − B", difference, f"difference in {SHARE_UNIT}", scan=scan)


def show_columns(
    study_name: str, entries: Sequence[Entry], pair: tuple[int, int] | None, scale: str
) -> ViewerState | None:
    """The linked columns, and what their colours mean."""
    shown = list(entries) if pair is None else [entries[place] for place in pair]
    if pair is not None and pair[0] == pair[1]:
        st.info("Choose two different maps for A and B.", icon=":material/difference:")
        return None
    maps = [entry.relevance for entry in shown]
    volumes = [on_grid_of(one.volume, maps[0].volume) for one in maps]
    scans = [on_grid_of(entry.scan, maps[0].volume) for entry in shown]
    layers = [_layer(*one, scale) for one in zip(shown, volumes, scans, strict=True)]
    alike = comparable(shown)
    words = [scale_words(scale, maps, alike), _target_words(shown)]
    if pair is not None:
        raw = alike and scale != "share"
        layers.append(_difference(*shown, volumes, scans[0], raw))
        words.append(
            "A − B of the raw, signed values."
            if raw
            else f"A − B in {SHARE_UNIT}, each read without sign and scaled to the same sum."
        )
    st.caption(" ".join(words))
    trust_badges(study_name, shown, len(layers))
    first = st.session_state.setdefault("compare_first", read_view())
    jump, count = st.session_state.get("compare_jump", (None, 0))
    state = viewer(
        scans[0],
        layers,
        atlas=atlas_of(study_name).on(maps[0].volume.grid),
        key="compare_planes",
        cursor_mm=jump or first.get("cursor_mm"),
        jump=count or None,
        share_range=scale != "own",
        **first["settings"],
    )
    if state.cursor_mm is not None:
        write_view(state)
    return state


@forgotten_with_uploads
@st.cache_data(max_entries=64, show_spinner="Comparing the maps …")
def _matrix(keys: tuple[str, ...], metric: str, study: str, opened: str, _entries: Sequence[Entry]) -> pd.DataFrame:
    if get_metric(metric).input == "areas":
        maps = {entry.label: area_table(entry.relevance, atlas_of(study)) for entry in _entries}
        return distance_matrix(maps, metric, errors="nan")
    like = _entries[0].relevance.volume
    maps = {entry.label: readable_map(entry.relevance, on_grid_of(entry.relevance.volume, like)) for entry in _entries}
    mask = on_grid_of(study_of(study).brain_mask(), like, order=0) if metric in IN_BRAIN else None
    return distance_matrix(maps, metric, mask=mask, errors="nan")


def _clickable(figure: go.Figure, matrix: pd.DataFrame) -> go.Figure:
    """Unseen markers over the cells: Plotly selects points, never cells of a heat map."""
    names = [plain(name) for name in matrix.index]
    cells = [(row, column) for row in range(len(names)) for column in range(len(names))]
    unseen = {"marker": {"opacity": 0}}
    figure.data[0].update(hoverinfo="skip", hovertemplate=None)
    figure.add_scatter(
        x=[names[column] for _, column in cells], y=[names[row] for row, _ in cells], mode="markers", showlegend=False,
        marker={"symbol": "square", "size": CELL_PX - 6, "opacity": 0}, selected=unseen, unselected=unseen,
        customdata=cells, text=[f"{names[r]} – {names[c]}" for r, c in cells],
        hovertemplate="%{text}<br>click to see both<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        height=90 + (CELL_PX - 6) * max(len(names), 3),
        coloraxis={"showscale": False},  # every cell has its number, and the caption its unit
        clickmode="event+select",
        dragmode=False,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
    )
    wrapped = {"tickvals": names, "ticktext": [wrap(name, LABEL_LETTERS) for name in names]}
    figure.update_yaxes(range=[len(names) - 0.5, -0.5], **wrapped)
    figure.update_xaxes(
        range=[-0.5, len(names) - 0.5], side="top", tickangle=0 if len(names) <= MOST_UPRIGHT else -35, **wrapped
    )
    return figure


def show_matrix(study_name: str, entries: Sequence[Entry]) -> None:
    """Every map against every other; a click on a cell opens that pair."""
    metric = st.selectbox(
        "Distance or similarity",
        list(METRICS),
        format_func=lambda name: METRICS[name].label,
        key=linked("metric", "euclidean", options=list(METRICS)),
        persist_state="session",
    )
    write_address("metric")
    keys = tuple(f"{entry.key}{entry.label}" for entry in entries)
    matrix = _matrix(keys, metric, study_name, study_of(study_name).opened, entries)
    st.plotly_chart(
        _clickable(distance_heatmap(matrix, metric), matrix),
        key="compare_matrix",
        on_select=_open_pair,
        selection_mode="points",
        config={"displayModeBar": False},
    )
    chosen = METRICS[metric]
    alike = "smaller is more alike" if chosen.kind == "distance" else "larger is more alike"
    inside = ", inside the brain" if metric in IN_BRAIN else ""
    st.caption(
        f"Unit: {chosen.unit}; {alike}. Maps are read without sign{inside}. "
        "**Click a cell** to see both maps and their difference."
    )


def _points(key: str) -> list[dict]:
    event = st.session_state.get(key)
    return list(event["selection"]["points"]) if event else []


def _open_pair() -> None:
    points = _points("compare_matrix")
    if points and points[0].get("customdata") is not None:
        row, column = points[0]["customdata"][:2]
        if row != column:
            st.session_state.update(show="pair", a=int(row) + 1, b=int(column) + 1)


@forgotten_with_uploads
@st.cache_data(max_entries=64, show_spinner=False)
def _areas(key: str, atlas: str, study: str, _relevance: RelevanceMap) -> pd.DataFrame:
    return area_table(_relevance, atlas_of(study))


def show_area_chart(study_name: str, entries: Sequence[Entry]) -> None:
    """The most relevant areas of all maps in one chart; a click moves the crosshair."""
    atlas = atlas_of(study_name)
    tables = {entry.label: _areas(entry.key, atlas.digest, study_name, entry.relevance) for entry in entries}
    if all(table["share"].isna().all() for table in tables.values()):
        st.info("No map has relevance in any area.", icon=":material/bar_chart_off:")
        return
    figure = method_bars(tables, MOST_AREAS)
    st.plotly_chart(
        figure, key="compare_areas", on_select=_jump, selection_mode="points", config={"displayModeBar": False}
    )
    st.caption("Both hemispheres together. **Click a bar** to move the crosshair to the peak of that area in that map.")


def _jump() -> None:
    points = _points("compare_areas")
    place = points[0].get("customdata", [None] * 4)[1:4] if points else [None]
    if place[0] is not None:
        count = st.session_state.get("compare_jump", (None, 0))[1]
        st.session_state["compare_jump"] = (tuple(float(v) for v in place), count + 1)
