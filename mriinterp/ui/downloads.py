"""A map as files: data, pictures, animations, a page to send round; each made when it is asked for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from mriinterp.base.tables import csv_text
from mriinterp.explain import RelevanceMap
from mriinterp.export.animation import write_gif, write_mp4
from mriinterp.export.scan_report import scan_report
from mriinterp.figures.mosaic import mosaic_png
from mriinterp.image.nifti import to_source, write_volume
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method
from mriinterp.results.sidecar import SIMULATED_ONLY, to_sidecar
from mriinterp.ui.areas import table_of
from mriinterp.ui.resources import atlas_of, model_of, on_grid_of, study_of
from mriinterp.ui.result import shown_radiological
from mriinterp.ui.subject import Subject

__all__ = ["show_downloads"]


def show_downloads(study_name: str, subject: Subject, relevance: RelevanceMap, *, simulated: bool) -> None:
    """Map, description, table, pictures, animations and a report as files; made when asked for.

    Pictures have left and right as the page's viewer shows them.
    """
    stem = f"{Path(subject.name).name.split('.')[0]}_{relevance.method}"
    scan = on_grid_of(subject.scan, relevance.volume)
    method = get_method(relevance.method)
    own = subject.scan.source or subject.scan.grid
    radiological = shown_radiological()

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
        told = subject.diagnosed_by(model_of(study_name))
        sidecar = to_sidecar(relevance, told=told, simulated_scan=simulated)
        offer("Description (JSON)", lambda: json.dumps(sidecar, indent=2, ensure_ascii=False), "relevance.json",
              "Method, parameters, target, prediction, digests, versions")  # fmt: skip
        table = table_of(study_name, relevance)
        offer("Areas (CSV)", lambda: csv_text(table), "areas.csv", "Relevance per brain area")
    with pictures:
        st.markdown("**Pictures**")
        title = f"{subject.name} · {method.label}{' · simulated data' if simulated else ''}"
        look = {"title": title, "radiological": radiological}
        offer(
            "Mosaic (PNG)",
            lambda: mosaic_png(scan, relevance, **look),
            "mosaic.png",
            "Seven slices along each axis",
        )
        axis = st.selectbox("Animation along", ["coronal", "axial", "sagittal"], key="animate")
        offer(
            "Animation (GIF)",
            lambda: _animation(write_gif, "gif", scan, relevance, axis, look),
            f"{axis}.gif",
            "Through the brain",
        )
        offer(
            "Animation (MP4)",
            lambda: _animation(write_mp4, "mp4", scan, relevance, axis, look),
            f"{axis}.mp4",
            "Through the brain",
        )
    with pages:
        st.markdown("**To send round**")
        facts = {"id": subject.name, **({"group": subject.group} if subject.group else {})}
        brain = study_of(study_name).brain_mask()
        about = {"simulated": simulated, "prediction": told, "notes": () if told else (SIMULATED_ONLY,), "brain": brain}
        about["radiological"] = radiological
        offer(
            "One page (HTML)",
            lambda: scan_report(relevance, scan, atlas_of(study_name), subject=facts, **about).html(),
            "report.html",
            "Prediction, pictures, areas and provenance; opens without a network connection",
        )


def _nifti(volume: Volume) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_volume(volume, Path(folder) / "map.nii.gz", space="mni").read_bytes()


def _animation(write: Callable, ending: str, scan: Volume, relevance: RelevanceMap, axis: str, look: dict) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / f"slices.{ending}", scan, relevance, axis, **look).read_bytes()
