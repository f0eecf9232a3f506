"""A relevance map on the page: what the network says, the map in planes and in space."""

from __future__ import annotations

import streamlit as st

from mriinterp.explain import RelevanceMap
from mriinterp.figures.slices3d import peak_mm, slices_figure
from mriinterp.methods import get_method
from mriinterp.models import Model, Prediction
from mriinterp.sidecar import SIMULATED_ONLY
from mriinterp.study import Study
from mriinterp.ui.address import read_view, write_view
from mriinterp.ui.resources import atlas_of, on_grid_of
from mriinterp.ui.subject import Subject
from mriinterp.ui.viewer import Layer, Patch, viewer
from mriinterp.ui.words import escape_markdown
from mriinterp.volume import Volume

__all__ = ["show_planes", "show_prediction", "show_space"]


def show_prediction(model: Model, prediction: Prediction, subject: Subject) -> None:
    """What the network says, against the true group; a banner instead for a real scan on a simulated network."""
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


def _layer(relevance: RelevanceMap) -> Layer:
    method = get_method(relevance.method)
    return Layer(method.label, relevance.volume, relevance.unit, signed=bool((relevance.volume.data < 0).any()))


def show_planes(study_name: str, subject: Subject, relevance: RelevanceMap, cursor_mm=None, jump=None):
    """Linked planes of the scan with the map (and the ground truth, where known)."""
    scan = on_grid_of(subject.scan, relevance.volume)
    layers = [_layer(relevance)]
    if subject.truth is not None and subject.truth.data.any() and st.toggle("Show where the disease is", key="truth"):
        truth = on_grid_of(subject.truth, relevance.volume, order=0)
        shown = Volume(truth.data.astype("f4"), truth.affine)
        layers.append(
            Layer("Ground truth", shown, "1 where the simulated disease changed tissue", signed=False, range=(0, 1))
        )
    patch = None
    if relevance.method == "occlusion":
        size, stride = relevance.params["size"], relevance.params["stride"]
        patch = Patch((size,) * 3, (stride,) * 3)
    first = st.session_state.setdefault("planes_first", read_view())
    state = viewer(
        scan,
        layers,
        atlas=atlas_of(study_name).on(relevance.volume.grid),
        key="planes",
        cursor_mm=cursor_mm
        or first.pop("cursor_mm", None)
        or st.session_state.get("planes_cursor")
        or peak_mm(relevance, relevance.reading),
        jump=jump,
        patch=patch,
        **first.get("settings", {}),
    )
    st.session_state["planes_cursor"] = state.cursor_mm
    if state.clicked:
        write_view(state)
    return state


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
