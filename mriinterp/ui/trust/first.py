"""The trust page's first screen: the answer, the map beside a null map with the truth, three lights, ten numbers."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import replace

import numpy as np
import streamlit as st
from cachetools import LRUCache
from streamlit.delta_generator import DeltaGenerator

from mriinterp.base.progress import Cancel, Progress
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method
from mriinterp.methods.cells import narrowings, read_box
from mriinterp.methods.meaning import Meaning, caption_words, file_stem
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.study import DemoStudy
from mriinterp.trust import CAVEAT, Bench, get_measure, measure_names, parse_explainer
from mriinterp.trust.grad_cam_story import narrowing_table, reasons
from mriinterp.trust.lights import LIGHTS, lights_of, ten_numbers
from mriinterp.trust.null_maps import NULL_MAPS
from mriinterp.trust.words import label_of
from mriinterp.ui.base.jobs import start_job, watch
from mriinterp.ui.base.tables import headed
from mriinterp.ui.base.viewlink import linked_viewer
from mriinterp.ui.base.words import capital, escape_markdown
from mriinterp.ui.maps.truth import scan_truth
from mriinterp.ui.shell.page import Header
from mriinterp.ui.sources.measured import best_words_of
from mriinterp.ui.sources.resources import atlas_of, model_of, on_grid_of, scan_of, scan_stamp, study_of, truth_of
from mriinterp.ui.trust.chosen import Chosen
from mriinterp.ui.viewer import Layer

__all__ = ["show_answer", "show_first", "show_grad_cam", "show_help", "show_null_maps"]

COLOURS = {"yes": "green", "partly": "orange", "no": "red", "unknown": "gray"}
PLANE_PX = 200
KEPT = 12
NULL_MAP, NO_NETWORK = "Null map: ", " (no network)"  # around the name of one, where other maps stand beside it
BESIDE = "null_edges"  # the null map that looks most like anatomy
# Lights beside the pictures, the numbers below both; on a large screen below the lights.
STYLE = """<style>
.st-key-trust_first > * { width: 100% !important; min-width: 0; }
.st-key-compact_lights { gap: 0.6rem; }
@media (min-width: 1200px) {
  .st-key-trust_first { display: grid; grid-template-columns: 61% minmax(0, 1fr); column-gap: 1.25rem; align-items: start; }
  .st-key-trust_first > :has(> .st-key-compact_lights) { grid-column: 2; min-height: 445px; }  /* room for the pictures */
  .st-key-trust_first > :has(> .st-key-compact_numbers) { grid-column: 1 / -1; }
}
@media (min-width: 1700px) {
  .st-key-trust_first { grid-template-rows: auto 1fr; }
  .st-key-trust_first > :has(> .st-key-trust_view) { grid-row: 1 / span 2; }
  .st-key-trust_first > :has(> .st-key-compact_lights) { min-height: 0; }
  .st-key-trust_first > :has(> .st-key-compact_numbers) { grid-column: 2; }
}
</style>"""


@st.cache_resource(show_spinner=False)
def _maps() -> MutableMapping[str, dict[str, Volume]]:
    """Return maps made by jobs, a few at a time: threads cannot write into a session."""
    return LRUCache(KEPT)


def show_answer(header: Header, chosen: Chosen) -> None:
    """Show in the page's first line what was measured of the method, in a word a question."""
    if chosen.table.empty:
        header.answer("**Nothing was measured for this study yet.** *Measure this study* takes the quick benchmark.")
        return
    answers = [
        f"{light.question[:1].lower()}{light.question[1:]} **:{COLOURS[light.state]}[{light.answer}]**"
        for light in lights_of(chosen.table, chosen.explainer)
    ]
    header.answer(f"**{escape_markdown(label_of(chosen.explainer))}**: {' · '.join(answers)}")


def show_first(chosen: Chosen, card: DeltaGenerator) -> None:
    """Show the map beside a null map, the lights, which method does best on this network, and its numbers.

    Parameters
    ----------
    chosen : Chosen
    card : DeltaGenerator
        Where work is shown.
    """
    st.html(STYLE)
    with st.container(key="trust_first"):
        with st.container(key="trust_view"):
            _show_pictures(chosen, card, [chosen.explainer, BESIDE], "trust_map", "map_")
        if chosen.table.empty:
            with st.container(key="compact_lights"):
                _show_unmeasured(chosen)
            return
        with st.container(key="compact_lights"):
            for light in lights_of(chosen.table, chosen.explainer):
                colour = COLOURS[light.state]
                st.markdown(
                    f":{colour}[{LIGHTS[light.state]}] **{light.question}: :{colour}[{light.answer}]**  \n"
                    f"{escape_markdown(light.sentence)}",
                    help=light.more or None,
                )
            st.markdown(f":material/trophy: {escape_markdown(best_words_of(chosen.folder, chosen.explainer))}")
        with st.container(key="compact_numbers"):
            _show_numbers(chosen)


def _show_unmeasured(chosen: Chosen) -> None:
    """Show the questions that a benchmark answers, and how to take one."""
    st.markdown("**What is not known of these maps**")
    st.markdown("\n".join(f"- {light.question}?" for light in lights_of(chosen.table, chosen.explainer)))
    name = "demo" if chosen.study_name == DemoStudy.name else "STUDY.toml"
    st.markdown(
        f"**Measure this study** asks them of 4 subjects and 6 methods; of all: `mriinterp trust {name} --out DIR`.  \n"
        "Beside the map: a null map, which knows nothing of the network."
    )


def _show_pictures(
    chosen: Chosen,
    card: DeltaGenerator,
    names: list[str],
    key: str,
    prefix: str,
    more: Callable[[Volume], list[Layer]] | None = None,
    *,
    centred: bool = False,
) -> None:
    """Show maps of the subject beside each other, with the truth as an outline; they are made where they are missing.

    `more`: further layers, on the grid of a map. `centred`: begin in the middle of the head, not at the first map's peak.
    """
    name, subject = chosen.study_name, chosen.subject
    made = _maps()
    mark = f"{chosen.model} {scan_stamp(name, subject)} {subject} "
    slot = f"{mark}{' '.join(names)}"

    def work(progress: Progress, cancel: Cancel) -> None:
        case = Bench(study_of(name), model_of(name), of_pages=True).case(subject)
        made[slot] = {
            one: Volume(parse_explainer(one)(case, cancel=cancel).astype("f4"), model_of(name).grid.affine).canonical()
            for one in names
        }

    if slot not in made:
        start_job(key, f"Maps of {subject}", slot, work, shared=True)
        with card:
            watch(key, slot)
    found = made.get(slot, {})
    scan, truth = scan_of(name, subject), truth_of(name, subject)
    first = next(iter(found.values()), None)
    scan = scan if first is None else on_grid_of(scan, first)
    layers = [_layer(chosen, one, volume) for one, volume in found.items()]
    if all(one in NULL_MAPS for one in names):  # as the page says above them
        layers = [
            replace(layer, name=capital(layer.name.removeprefix(NULL_MAP).removesuffix(NO_NETWORK))) for layer in layers
        ]
    layers += [] if more is None or first is None else more(first)
    linked_viewer(
        scan,
        layers,
        atlas=atlas_of(name).on(scan.grid),
        contours=scan_truth(truth, scan),
        key=key,
        start=scan.grid.to_mm((np.array(scan.grid.shape) - 1) // 2).tolist() if centred else None,
        prefix=prefix,
        height=PLANE_PX,
        defaults={"layout": "columns", "planes": "Coronal"},
        caption=caption_words(subject, "", simulated=study_of(name).simulated, more=[layer.name for layer in layers]),
        stem=file_stem(subject, *names),
    )


def _layer(chosen: Chosen, name: str, volume: Volume) -> Layer:
    if name in NULL_MAPS:
        about = NULL_MAPS[name]
        return Layer(f"{about.label}{NO_NETWORK}", volume, about.about, signed=bool((volume.data < 0).any()))
    bench = Bench(study_of(chosen.study_name), model_of(chosen.study_name), of_pages=True)
    unit = Meaning(get_method(name.partition("[")[0]), bench.score, bench.target_name).unit
    return Layer(label_of(name), volume, unit, signed=bool((volume.data < 0).any()))


def _show_numbers(chosen: Chosen) -> None:
    """Show ten numbers at most: the method's, and what must stand beside each."""
    rows = ten_numbers(chosen.table, chosen.explainer)
    if rows:
        lines = ["| Measured | This method | Beside it | Which is |", "| --- | --: | --: | --- |"]
        lines += [f"| {escape_markdown(r.what)} | **{r.value}** | {r.beside} | {escape_markdown(r.of)} |" for r in rows]
        st.markdown("\n".join(lines))
    st.caption(CAVEAT)


def show_null_maps(chosen: Chosen, card: DeltaGenerator) -> None:
    """Show all null maps of the subject once, as pictures."""
    lines = []
    for about in NULL_MAPS.values():
        name = about.label.removeprefix(NULL_MAP)
        lines.append(f"**{capital(name)}**: {about.about.removeprefix(f'{name}: ')}")
    st.markdown(
        "Maps that know nothing of the network. A method that does not do better than all of them has shown nothing."
    )
    _show_pictures(chosen, card, list(NULL_MAPS), "trust_null_maps", "null_", centred=True)
    st.caption("  \n".join(escape_markdown(line).replace(r"\*\*", "**") for line in lines))


def show_grad_cam(chosen: Chosen, card: DeltaGenerator) -> None:
    """Show why Grad-CAM failed in the original notebook: sentences and pictures, all computed from this network."""
    model = model_of(chosen.study_name)
    shape, step = model.grid.shape, float(np.linalg.norm(model.grid.affine[:3, 0]))
    try:
        sentences = reasons(model.module, shape, step, chosen.table)
        cells = narrowings(model.module, shape)[-1].cells
    except (ValueError, RuntimeError, NotImplementedError):
        st.info("The layers of this network do not form one chain, so no such table can be made.")
        return
    st.markdown("\n".join(f"- {sentence}" for sentence in sentences))
    read = np.zeros(shape, np.float32)
    read[read_box(cells, shape)] = 1
    unit = "1: a voxel that is read by the cells that decide"
    _show_pictures(
        chosen,
        card,
        ["grad_cam", "hires_cam"],
        "trust_cam",
        "cam_",
        lambda _: [Layer("What the last cells read", Volume(read, model.grid.affine).canonical(), unit, signed=False)],
        centred=True,
    )
    st.caption(
        "Left: stretched to the corners, as published. Middle: the same convolution, every cell where it looks, weighted "
        "cell by cell (HiResCAM). Right: the part of the scan that reaches the cells which decide."
    )
    this, original = st.columns(2, gap="large")
    with this:
        st.markdown("**This network**")
        st.dataframe(headed(narrowing_table(model.module, shape, step)), hide_index=True)
    with original:
        st.markdown("**The original notebook’s network**, scans of 193×229×193 voxels of 1 mm")
        st.dataframe(
            headed(narrowing_table(ClassificationModel3D(features=5120), (193, 229, 193), 1.0)), hide_index=True
        )
    st.caption("Dropped: at the far end of each axis, where the next layer has no whole cell left.")


def show_help() -> None:
    """Show what each measure asks, what is computed and where it comes from."""
    st.markdown(
        "Each measure asks a question about the maps of a method on this network, and the same about four null maps."
    )
    for name in measure_names():
        about = get_measure(name)
        with st.expander(f"{about.label}: {about.question}"):
            st.markdown(escape_markdown(capital(about.computed) or about.question))
            st.caption(" ".join(filter(None, [about.reference, about.note])))
