"""A relevance map on the page: what the network says, the map in planes and in space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.base.numerals import decimals, percent
from mriinterp.figures.patch import patch_words
from mriinterp.figures.shown_part import as_viewed
from mriinterp.figures.slices3d import SURFACES, peak_mm, slices_figure
from mriinterp.image.volume import Grid, Volume
from mriinterp.methods import get_method
from mriinterp.methods.meaning import Meaning, caption_words, file_stem
from mriinterp.models import Model, Prediction
from mriinterp.relevance_map import RelevanceMap
from mriinterp.study import Study
from mriinterp.ui.base.address import retired
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.viewlink import linked_viewer
from mriinterp.ui.base.words import as_sentence, escape_markdown
from mriinterp.ui.maps.place import IN_TEMPLATE, Place, choose_place
from mriinterp.ui.maps.signs import choose_part, part_layer, part_scale, part_volume, shares_of
from mriinterp.ui.maps.smoothing import choose_smoothing
from mriinterp.ui.maps.truth import scan_place, scan_truth
from mriinterp.ui.scan.subject import Subject
from mriinterp.ui.session.keys import SMOOTHING
from mriinterp.ui.shell.page import Header
from mriinterp.ui.sources.resources import model_of, on_grid_of
from mriinterp.ui.viewer import Layer, Patch, ViewerState

__all__ = [
    "caption_of",
    "choose_view",
    "show_planes",
    "show_prediction",
    "show_scan",
    "show_space",
    "show_warnings",
    "stem_of",
]


def show_prediction(
    model: Model, prediction: Prediction, subject: Subject, *, header: Header | None = None, explained: str = ""
) -> None:
    """Show the prediction against the true group; a banner instead for a real scan on a simulated network.

    Before it what is unusual about scan and network.

    Parameters
    ----------
    header : Header, optional
        Of the page, whose line then says it.
    explained : str
        What maps on the page explain, in words.
    """
    say = st.markdown if header is None else header.answer
    about = [f"explained: **{escape_markdown(explained)}**"] if explained else []
    show_warnings(prediction.warnings)
    for note in model.notes:
        st.caption(escape_markdown(as_sentence(f"network {model.card.name}: {note}")))
    if not subject.diagnosed_by(model):
        st.warning(SIMULATED_ONLY, icon=":material/block:")
        say(" · ".join([f"**{escape_markdown(subject.name)}**", "network’s answer not shown", *about]))
        return
    head = model.heads[0]
    if head.kind == "scale":
        note = f" ({escape_markdown(head.note)})" if head.note else ""
        outcome = f"**{escape_markdown(head.name)} {decimals(prediction.outputs[head.classes[0]], 2)}**{note}"
    else:
        probability = percent(prediction.probabilities[prediction.predicted], 1)
        outcome = f"**{escape_markdown(prediction.predicted)}** ({probability})"
    parts = [f"**{escape_markdown(subject.name)}**", f"network says {outcome}"]
    verdict = ""
    if subject.group is not None:
        parts.append(f"true group **{escape_markdown(subject.group)}**")
    if subject.group is not None and head.kind == "classes" and subject.group in head.classes:
        right = prediction.predicted == subject.group
        verdict = " :blue-badge[:material/check: right]" if right else " :orange-badge[:material/close: wrong]"
    parts[-1] += verdict
    say(" · ".join([*parts, *about]))


def show_warnings(texts: Iterable[str]) -> None:
    """Show why the numbers may be wrong, a box each."""
    for text in texts:
        st.warning(escape_markdown(as_sentence(text)), icon=":material/warning:")


def _patch(grid: Grid, method: str, params: dict[str, Any]) -> Patch | None:
    """Return the boxes that a method hides on the network's grid; None for methods without boxes."""
    boxes = get_method(method).boxes_on(grid.shape, params)
    return None if boxes is None else Patch(boxes, grid)


def _warn(model: Model, method: str, params: dict[str, Any]) -> None:
    if warning := get_method(method).warning(model.grid.shape, params):
        show_warnings([warning])


def _planes(
    study_name: str, scan: Volume, layers: list[Layer], place: Place = IN_TEMPLATE, **options: Any
) -> ViewerState:
    """Show the page's one viewer, with a map or before there is one: the crosshair stays where the reader put it."""
    atlas = place.atlas(study_name, scan)
    return linked_viewer(scan, layers, atlas=atlas, key=place.viewer, prefix=place.prefix, space=place.space, **options)


def show_scan(study_name: str, model: Model, subject: Subject, method: str, params: dict[str, Any]) -> None:
    """Show the scan while its map is not known; for occlusion with the boxes that will be hidden, to scale."""
    grid = model.grid
    like = Volume(np.broadcast_to(np.float32(0), grid.shape), grid.affine)
    patch = _patch(grid, method, params)
    _warn(model, method, params)
    contours = scan_truth(subject.truth, like)
    _planes(study_name, on_grid_of(subject.scan, like), [], patch=patch, contours=contours)
    if patch is not None:
        words = patch_words(grid, patch.boxes)
        st.caption(f"{words}. **Yellow**: the box nearest to the crosshair; dashed: its neighbours; blue: all centres.")


def choose_view(subject: Subject, relevance: RelevanceMap) -> tuple[RelevanceMap, str, Place]:
    """Choose which sign of the map is shown, in which space, and whether smoothed; say what is hidden."""
    retired("truth")  # the outline is on every map
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="view_choice"):
        meaning = Meaning.of(relevance)
        place = choose_place(subject.prepared)
        part = choose_part([meaning], shares_of(relevance))
        relevance = choose_smoothing(relevance)
        hidden = meaning.hidden(part, relevance.volume.data)
        st.caption(escape_markdown(hidden), width="stretch")
    return relevance, part, place


def show_planes(
    study_name: str,
    subject: Subject,
    relevance: RelevanceMap,
    part: str,
    place: Place = IN_TEMPLATE,
    *,
    stale: bool = False,
) -> ViewerState:
    """Show linked planes of the scan with the map, and the outline of the ground truth, where known.

    `stale`: the map is not the one asked for, which is not there yet; it is drawn faintly.
    """
    scan, model = place.scan(subject, relevance), model_of(study_name)
    in_template = place.prepared is None
    method = get_method(relevance.method)
    _warn(model, relevance.method, relevance.params)
    show_warnings(relevance.doubts)
    chosen = " · ".join(f"{name.capitalize()}: {text}" for name, text in relevance.chosen.items())
    return _planes(
        study_name,
        scan,
        [part_layer(method.label, relevance, part, place.bring(relevance.volume))],
        place,
        contours=scan_truth(subject.truth, relevance.volume) if in_template else (),
        start=place.to_shown(peak_mm(part_volume(relevance.volume, part))),
        patch=_patch(model.grid, relevance.method, relevance.params) if in_template else None,
        caption=caption_of(subject, relevance, part),
        stem=stem_of(subject, relevance, part) + place.suffix,
        note=chosen,
        dimmed="The map with these settings is not there yet; faint: the map before." if stale else "",
    )


def caption_of(subject: Subject, relevance: RelevanceMap, part: str = "both") -> str:
    """Return what a picture of a map is of."""
    meaning = Meaning.of(relevance)
    hidden = meaning.hidden(part, relevance.volume.data)
    return caption_words(
        subject.name,
        meaning.method.label,
        relevance.target,
        part=f"{meaning.name(part)}. {hidden}" if hidden else "",
        simulated=subject.simulated,
    )


def stem_of(subject: Subject, relevance: RelevanceMap, part: str = "both") -> str:
    """Return the beginning of names of files of a map."""
    name = Path(subject.name).name.split(".")[0]
    smoothed = "smoothed" if SMOOTHING in relevance.chosen else ""
    return file_stem(name, relevance.method, relevance.target, "" if part == "both" else part, smoothed)


def show_space(
    study: Study,
    subject: Subject,
    relevance: RelevanceMap,
    part: str,
    mm=None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Show the three planes standing in space as the viewer shows them, brain surface and relevance surfaces.

    `settings`: of the viewer, see `as_viewed`.
    """
    settings = settings or {}
    surface = segments("Brain surface", "surface", {name: f"Brain surface: {name}" for name in SURFACES})
    shown, scale = as_viewed(*part_scale(relevance, part), settings)
    figure = slices_figure(
        on_grid_of(subject.scan, relevance.volume),
        shown,
        scale=scale,
        reading="signed",
        mm=mm,
        atlas=study.atlas(),
        brain=study.brain_mask(),
        truth=scan_place(subject.truth, relevance.volume) if settings.get("contours", True) else None,
        surface=surface,
        crosshair=settings.get("crosshair", True),
        radiological=settings.get("convention", "radiological") == "radiological",
    )
    st.plotly_chart(figure, key="space", config={"displaylogo": False})
    st.caption(
        f"{escape_markdown(as_sentence(Meaning.of(relevance).words(part)))} Threshold, colours, sign and crosshair are those "
        "of the planes. Drag turns, the wheel zooms; a click on a name hides it."
    )
