"""A relevance map on the page: prediction, viewer, space, areas, downloads."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from mriinterp.areas import area_table, outside_shares, top_areas
from mriinterp.explain import RelevanceMap
from mriinterp.export.animation import write_gif, write_mp4
from mriinterp.export.scan_report import scan_report
from mriinterp.figures.areas import area_bars
from mriinterp.figures.mosaic import mosaic_png
from mriinterp.figures.slices3d import slices_figure
from mriinterp.methods import get_method
from mriinterp.models import Model, Prediction
from mriinterp.nifti import to_source, write_volume
from mriinterp.sidecar import to_sidecar
from mriinterp.study import Study
from mriinterp.ui.address import read_view, write_view
from mriinterp.ui.resources import atlas_of, on_grid_of, study_of
from mriinterp.ui.shell import escape_markdown
from mriinterp.ui.subject import Subject
from mriinterp.ui.viewer import Layer, Patch, viewer
from mriinterp.volume import Volume

__all__ = ["clicked_peak", "show_areas", "show_downloads", "show_planes", "show_prediction", "show_space"]

SIMULATED_ONLY = (
    "**No diagnosis.** This network was trained on simulated brains only. What it says of a real scan means nothing "
    "about the person; the map shows how the network reacts to real anatomy."
)

AREA_COLUMNS = {
    "area": st.column_config.TextColumn("Area"),
    "share": st.column_config.NumberColumn("Share", format="percent"),
    "mean": st.column_config.NumberColumn("Mean of a voxel", format="scientific"),
    "asymmetry": st.column_config.NumberColumn(
        "Asymmetry", format="%.2f", help="(L − R) / (|L| + |R|) of the sides' means"
    ),
    "size_mm3": st.column_config.NumberColumn("Size / mm³", format="localized"),
    "peak_x": st.column_config.NumberColumn("x / mm", format="%.0f"),
    "peak_y": st.column_config.NumberColumn("y / mm", format="%.0f"),
    "peak_z": st.column_config.NumberColumn("z / mm", format="%.0f"),
}


def show_prediction(model: Model, prediction: Prediction, subject: Subject) -> None:
    """What the network says, against the true group; a banner instead for a real scan on a simulated network."""
    if model.card.simulated and subject.uploaded:
        st.warning(SIMULATED_ONLY, icon=":material/block:")
        return
    head = model.heads[0]
    if head.kind == "scale":
        said = f"**{head.name} {prediction.outputs[head.classes[0]]:.2f}**" + (f" ({head.note})" if head.note else "")
    else:
        said = f"**{prediction.predicted}**, probability {prediction.probabilities[prediction.predicted]:.1%}"
    parts = [f"{escape_markdown(subject.name)}", f"network says {said}"]
    if subject.group is not None:
        parts.append(f"true group **{subject.group}**")
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
        cursor_mm=cursor_mm or first.pop("cursor_mm", None) or st.session_state.get("planes_cursor"),
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


@st.cache_data(max_entries=64, show_spinner=False)
def _areas(digest: str, atlas: str, merge: bool, _relevance: RelevanceMap, _study_name: str) -> pd.DataFrame:
    return area_table(_relevance, atlas_of(_study_name), merge_hemispheres=merge)


def clicked_peak(chart: str) -> tuple[float, float, float] | None:
    """Where the area peaks whose bar was clicked in a chart, known before the chart is drawn again."""
    event = st.session_state.get(chart)
    points = event.selection.points if event else []
    place = points[0]["customdata"][1:4] if points and points[0].get("customdata") else [None]
    return tuple(place) if place[0] is not None else None


def show_areas(study_name: str, relevance: RelevanceMap) -> None:
    """Bar chart and table of the areas; a click on a bar is read by `clicked_peak`."""
    atlas = atlas_of(study_name)
    shares = outside_shares(relevance, atlas, study_of(study_name).brain_mask())
    with st.container(horizontal=True, gap="large"):
        merge = st.toggle("Left and right together", value=True, key="merge", persist_state="session")
        st.markdown(
            f"Relevance outside the brain **{shares['outside_brain']:.1%}** · in the brain, outside all areas "
            f"**{shares['outside_areas'] - shares['outside_brain']:.1%}** (shares of the absolute relevance)"
        )
    table = _areas(relevance.volume.digest, atlas.digest, merge, relevance, study_name)
    left, right = st.columns(2)
    with left:
        st.plotly_chart(area_bars(table, 15), key="area_bars", on_select="rerun", selection_mode="points")
        st.caption("Click a bar to move the crosshair to the peak of that area.")
    with right:
        shown = top_areas(table, len(table))
        st.dataframe(shown, column_config=AREA_COLUMNS, column_order=list(AREA_COLUMNS), hide_index=True, height=480)
        st.caption(
            f"{relevance.reading.capitalize()} relevance. Sums and means as shares of all areas; asymmetry from −1 (right) to 1 (left)."
        )


def show_downloads(study_name: str, subject: Subject, relevance: RelevanceMap, *, simulated: bool) -> None:
    """Map, description, table, pictures, animations and a report as files; made when asked for."""
    stem = f"{Path(subject.name).name.split('.')[0]}_{relevance.method}"
    scan = on_grid_of(subject.scan, relevance.volume)
    method = get_method(relevance.method)
    own = subject.scan.source or subject.scan.grid

    def offer(label: str, make: Callable[[], bytes | str], ending: str, help: str) -> None:
        st.download_button(
            label, make, f"{stem}_{ending}", key=f"get_{ending}", help=help, on_click="ignore", width="stretch"
        )

    data, pictures, pages = st.columns(3)
    with data:
        st.markdown("**Data**")
        offer(
            "Map (NIfTI)", lambda: _nifti(relevance.volume), "relevance.nii.gz", "Signed and raw, on the network's grid"
        )
        if not relevance.volume.grid.matches(own):
            on_scan = to_source(relevance.volume, own)
            offer(
                "Map on the scan's grid",
                lambda: _nifti(on_scan),
                "relevance_scan.nii.gz",
                "In the scan's own voxel order",
            )
        sidecar = to_sidecar(relevance, simulated_scan=simulated)
        offer("Description (JSON)", lambda: json.dumps(sidecar, indent=2, ensure_ascii=False), "relevance.json",
              "Method, parameters, target, prediction, digests, versions")  # fmt: skip
        table = _areas(relevance.volume.digest, atlas_of(study_name).digest, True, relevance, study_name)
        offer("Areas (CSV)", lambda: table.to_csv(index=False), "areas.csv", "Relevance per brain area")
    with pictures:
        st.markdown("**Pictures**")
        title = f"{subject.name} · {method.label}{' · simulated data' if simulated else ''}"
        offer(
            "Mosaic (PNG)",
            lambda: mosaic_png(scan, relevance, title=title),
            "mosaic.png",
            "Seven slices along each axis",
        )
        axis = st.selectbox("Animation along", ["coronal", "axial", "sagittal"], key="animate")
        offer(
            "Animation (GIF)",
            lambda: _animation(write_gif, "gif", scan, relevance, axis, title),
            f"{axis}.gif",
            "Through the brain",
        )
        offer(
            "Animation (MP4)",
            lambda: _animation(write_mp4, "mp4", scan, relevance, axis, title),
            f"{axis}.mp4",
            "Through the brain",
        )
    with pages:
        st.markdown("**To send round**")
        facts = {"id": subject.name, **({"group": subject.group} if subject.group else {})}
        brain = study_of(study_name).brain_mask()
        offer(
            "One page (HTML)",
            lambda: scan_report(
                relevance, scan, atlas_of(study_name), subject=facts, simulated=simulated, brain=brain
            ).html(),
            "report.html",
            "Prediction, pictures, areas and provenance; opens without a network connection",
        )


def _nifti(volume: Volume) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_volume(volume, Path(folder) / "map.nii.gz", space="mni").read_bytes()


def _animation(write: Callable, ending: str, scan: Volume, relevance: RelevanceMap, axis: str, title: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / f"slices.{ending}", scan, relevance, axis, title=title).read_bytes()
