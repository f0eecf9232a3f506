"""A map as files: data, pictures, animations, a page to send round; each made when it is asked for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import streamlit as st

from mriinterp.base.labels import image_labels
from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.base.tables import csv_text
from mriinterp.export.animation import write_gif, write_mp4
from mriinterp.export.scan_report import scan_report
from mriinterp.figures.mosaic import mosaic_png
from mriinterp.image.nifti import to_source
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.methods.meaning import Meaning
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.sidecar import to_sidecar
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.viewlink import shown_radiological
from mriinterp.ui.base.words import capital, escape_markdown
from mriinterp.ui.maps.place import IN_TEMPLATE, Place
from mriinterp.ui.maps.result import caption_of, stem_of
from mriinterp.ui.maps.signs import part_scale
from mriinterp.ui.scan.subject import Subject
from mriinterp.ui.single.areas import table_of
from mriinterp.ui.sources.resources import atlas_of, model_of, on_grid_of, study_of

__all__ = ["show_downloads"]


def show_downloads(
    study_name: str, subject: Subject, relevance: RelevanceMap, part: str, place: Place = IN_TEMPLATE
) -> None:
    """Offer map, description, table, pictures, animations and a report as files; made when asked for.

    Pictures have left and right as the page's viewer shows them. All but the
    map, which is signed and raw, hold the part that the page shows. Map and
    pictures are in the space that it shows; names of files say which.
    """
    meaning = Meaning.of(relevance)
    hidden = meaning.hidden(part, relevance.volume.data)
    scan = place.scan(subject, relevance)
    whole, shown = (stem_of(subject, relevance, one) + place.suffix for one in ("both", part))

    def offer(label: str, make: Callable[[], bytes | str], name: str, help: str) -> None:
        ending = name.removeprefix(shown).removeprefix(whole)
        st.download_button(label, make, name, key=f"get{ending}", help=help, on_click="ignore", width="stretch")

    data, pictures, pages = st.columns(3)
    with data:
        st.markdown("**Data**")
        for label, make, name, words in _images(study_name, subject, relevance, place):
            offer(label, make, f"{whole}_{name}.nii.gz", words)
        diagnosed = subject.diagnosed_by(model_of(study_name))
        more = {
            "simulated_scan": subject.simulated,
            "shown": meaning.name(part),
            **({} if place.prepared is None else {"shown_on": "the scan as it came, in its own coordinates"}),
            **({"hidden": hidden} if hidden else {}),
        }
        sidecar = to_sidecar(relevance, with_prediction=diagnosed, **more)
        offer(
            "Description (JSON)",
            lambda: json.dumps(sidecar, indent=2, ensure_ascii=False),
            f"{whole}_relevance.json",
            "Method, parameters, target, prediction, digests, versions",
        )
        table = table_of(study_name, relevance, part).assign(
            method=relevance.method, explains=relevance.target, meaning=f"{meaning.words(part)}. {hidden}".strip()
        )
        offer("Areas (CSV)", lambda: csv_text(table), f"{shown}_areas.csv", "Relevance per brain area")
    with pictures:
        st.markdown("**Pictures**")
        drawn, scale = part_scale(relevance, part)
        drawn = place.bring(drawn)
        look = {"scale": scale, "reading": "signed", "radiological": shown_radiological()}
        title = caption_of(subject, relevance, part)
        offer(
            "Mosaic (PNG)",
            lambda: mosaic_png(scan, drawn, title=title, **look),
            f"{shown}_mosaic.png",
            "Seven slices along each axis",
        )
        axes = ["coronal", "axial", "sagittal"]
        key = linked("animate", axes[0], options=axes, shows=capital)
        axis = st.selectbox("Animation along", axes, format_func=capital, key=key, persist_state="session")
        for kind, write in (("gif", write_gif), ("mp4", write_mp4)):
            offer(
                f"Animation ({kind.upper()})",
                partial(_animation, write, kind, scan, drawn, axis, {"title": title, **look}),
                f"{shown}_{axis}.{kind}",
                "Through the brain",
            )
    with pages:
        st.markdown("**To send round**")
        offer(
            "One page (HTML)",
            lambda: _report(study_name, subject, relevance, part, diagnosed, place),
            f"{shown}_report.html",
            "Prediction, pictures, areas and provenance; opens without a network connection",
        )
        if hidden:
            st.caption(escape_markdown(f"Files but the map hold what the page shows. {hidden}"))


def _images(
    study_name: str, subject: Subject, relevance: RelevanceMap, place: Place
) -> Iterator[tuple[str, Callable[[], bytes], str, str]]:
    """Yield the images there are in the space that is shown: label, maker, end of the name, and what it is."""
    if place.prepared is None:
        own = subject.scan.source or subject.scan.grid
        raw = "Signed and raw, both signs, on the network's grid in MNI space"
        yield "Map (NIfTI)", lambda: _nifti(relevance.volume), "relevance", raw
        if subject.prepared is None and not relevance.volume.grid.matches(own):
            words = "Signed and raw, both signs, in the scan's own voxel order"
            yield "Map on the scan's grid", lambda: _nifti(to_source(relevance.volume, own)), "relevance_scan", words
        for name, label in image_labels(relevance.images).items():
            part = relevance.images[name]
            words = f"The part of the image {name} in the map, both signs; the parts of all images sum to the map"
            yield f"Map of {name} (NIfTI)", partial(_nifti, part), f"{label}_relevance", words
        return
    made = place.prepared
    parts = (
        ("Map on the own scan", lambda: place.bring(relevance.volume), "relevance", "Signed and raw, both signs"),
        ("Brain mask", lambda: made.mask, "brain-mask", "1 in the brain"),
        ("Areas (NIfTI)", lambda: place.bring(atlas_of(study_name).labels, 0), "areas", "Numbers of the atlas"),
    )
    for label, find, name, words in parts:

        def make(find: Callable[[], Volume] = find) -> bytes:
            return _nifti(to_source(find(), made.scan.source or made.scan.grid), "scanner")

        yield label, make, name, f"{words}; on the grid and in the voxel order of the scan as it came"


def _report(
    study_name: str, subject: Subject, relevance: RelevanceMap, part: str, diagnosed: bool, place: Place
) -> str:
    drawn, _ = part_scale(relevance, part)
    own = None if place.prepared is None else (place.scan(subject, relevance), place.bring(drawn))
    return scan_report(
        relevance,
        on_grid_of(subject.scan, relevance.volume),
        atlas_of(study_name),
        subject={"id": subject.name, **({"group": subject.group} if subject.group else {})},
        part=part,
        simulated=subject.simulated,
        prediction=diagnosed,
        notes=() if diagnosed else (SIMULATED_ONLY,),
        brain=study_of(study_name).brain_mask(),
        radiological=shown_radiological(),
        own=own,
    ).html()


def _nifti(volume: Volume, space: str = "mni") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_volume(volume, Path(folder) / "map.nii.gz", space=space).read_bytes()


def _animation(write: Callable, ending: str, scan: Volume, shown: Volume, axis: str, look: dict) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / f"slices.{ending}", scan, shown, axis, **look).read_bytes()
