"""A relevance map on the page: what the network says, the map in planes and in space."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import streamlit as st

from mriinterp.explain import RelevanceMap
from mriinterp.figures.patch import patch_words
from mriinterp.figures.slices3d import peak_mm, slices_figure
from mriinterp.image.volume import Grid, Volume
from mriinterp.methods import get_method
from mriinterp.models import Model, Prediction
from mriinterp.results.sidecar import SIMULATED_ONLY
from mriinterp.study import Study
from mriinterp.ui.address import flag, linked, read_view, write_address, write_view
from mriinterp.ui.resources import atlas_of, model_of, on_grid_of
from mriinterp.ui.subject import Subject
from mriinterp.ui.viewer import Layer, Patch, ViewerState, viewer
from mriinterp.ui.words import as_sentence, escape_markdown

__all__ = ["show_planes", "show_prediction", "show_scan", "show_space", "show_warnings", "shown_radiological"]


def show_prediction(model: Model, prediction: Prediction, subject: Subject) -> None:
    """What the network says, against the true group; a banner instead for a real scan on a simulated network.

    Before it what is unusual about scan and network.
    """
    show_warnings(prediction.warnings)
    for note in model.notes:
        st.caption(escape_markdown(as_sentence(f"network {model.card.name}: {note}")))
    if not subject.diagnosed_by(model):
        st.warning(SIMULATED_ONLY, icon=":material/block:")
        return
    head = model.heads[0]
    if head.kind == "scale":
        note = f" ({escape_markdown(head.note)})" if head.note else ""
        said = f"**{escape_markdown(head.name)} {prediction.outputs[head.classes[0]]:.2f}**{note}"
    else:
        said = f"**{escape_markdown(prediction.predicted)}**, probability {prediction.probabilities[prediction.predicted]:.1%}"
    parts = [f"{escape_markdown(subject.name)}", f"network says {said}"]
    if subject.group is not None:
        parts.append(f"true group **{escape_markdown(subject.group)}**")
    verdict = ""
    if subject.group is not None and head.kind == "classes" and subject.group in head.classes:
        right = prediction.predicted == subject.group
        verdict = "  :blue-badge[:material/check: right]" if right else "  :orange-badge[:material/close: wrong]"
    st.markdown(" · ".join(parts) + verdict)


def show_warnings(texts: Iterable[str]) -> None:
    """Why the numbers may be wrong, a box each."""
    for text in texts:
        st.warning(escape_markdown(as_sentence(text)), icon=":material/warning:")


def _layer(relevance: RelevanceMap) -> Layer:
    method = get_method(relevance.method)
    return Layer(method.label, relevance.volume, relevance.unit, signed=bool((relevance.volume.data < 0).any()))


def _patch(grid: Grid, method: str, params: dict[str, Any]) -> Patch | None:
    """The boxes that a method hides on the network's grid; None for methods without boxes."""
    boxes = get_method(method).boxes_on(grid.shape, params)
    return None if boxes is None else Patch(boxes, grid)


def _warn(model: Model, method: str, params: dict[str, Any]) -> None:
    if warning := get_method(method).warning(model.grid.shape, params):
        show_warnings([warning])


def _planes(study_name: str, scan: Volume, layers: list[Layer], start=None, cursor_mm=None, **options) -> ViewerState:
    """The page's one viewer, with a map or before there is one: the crosshair stays where the reader put it."""
    first = st.session_state.setdefault("planes_first", read_view())
    state = viewer(
        scan,
        layers,
        atlas=atlas_of(study_name).on(scan.grid),
        key="planes",
        cursor_mm=cursor_mm or first.pop("cursor_mm", None) or st.session_state.get("planes_cursor") or start,
        **options,
        **first.get("settings", {}),
    )
    if state.cursor_mm is not None:
        st.session_state["planes_cursor"] = state.cursor_mm
    st.session_state.setdefault("planes_convention", first.get("settings", {}).get("convention", "radiological"))
    if "convention" in state.settings:
        st.session_state["planes_convention"] = state.settings["convention"]
    if state.clicked or state.cursor_mm != start or "mm" in st.query_params:  # the start needs no address
        write_view(state)
    return state


def shown_radiological() -> bool:
    """Whether the page's viewer has the patient's left on the screen's right, as it last reported."""
    return st.session_state.get("planes_convention", "radiological") == "radiological"


def show_scan(study_name: str, model: Model, subject: Subject, method: str, params: dict[str, Any]) -> None:
    """The scan while its map is not known; for occlusion with the boxes that will be hidden, at their real size."""
    grid = model.grid
    like = Volume(np.broadcast_to(np.float32(0), grid.shape), grid.affine)
    patch = _patch(grid, method, params)
    if patch is not None:
        words = patch_words(grid, patch.boxes)
        st.caption(f"{words}. **Yellow**: the box nearest to the crosshair; dashed: its neighbours; blue: all centres.")
    _warn(model, method, params)
    _planes(study_name, on_grid_of(subject.scan, like), [], patch=patch)


def _shows_truth() -> bool:
    key = linked("truth", False, options=(False, True), cast=flag)
    shown = st.toggle("Show where the disease is", key=key, persist_state="session")
    write_address("truth")
    return shown


def show_planes(study_name: str, subject: Subject, relevance: RelevanceMap, cursor_mm=None, jump=None) -> ViewerState:
    """Linked planes of the scan with the map (and the ground truth, where known)."""
    scan, model = on_grid_of(subject.scan, relevance.volume), model_of(study_name)
    _warn(model, relevance.method, relevance.params)
    if relevance.chosen:
        st.caption(
            " · ".join(f"{name.capitalize()}: {escape_markdown(text)}" for name, text in relevance.chosen.items())
        )
    layers = [_layer(relevance)]
    if subject.truth is not None and subject.truth.data.any() and _shows_truth():
        truth = on_grid_of(subject.truth, relevance.volume, order=0)
        shown = Volume(truth.data.astype("f4"), truth.affine)
        layers.append(
            Layer("Ground truth", shown, "1 where the simulated disease changed tissue", signed=False, range=(0, 1))
        )
    return _planes(
        study_name,
        scan,
        layers,
        start=peak_mm(relevance, relevance.reading),
        cursor_mm=cursor_mm,
        jump=None if cursor_mm is None else jump,
        patch=_patch(model.grid, relevance.method, relevance.params),
    )


def show_space(study: Study, subject: Subject, relevance: RelevanceMap, mm=None) -> None:
    """The three planes standing in space, brain surface and relevance surfaces."""
    figure = slices_figure(
        on_grid_of(subject.scan, relevance.volume),
        relevance,
        mm=mm,
        atlas=study.atlas(),
        brain=study.brain_mask(),
    )
    st.plotly_chart(figure, key="space", config={"displaylogo": False})
