"""Where in the brain two groups differ, voxel by voxel, with the family-wise error held by permutation."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mriinterp.base.tables import csv_text
from mriinterp.cohort.packed import packed_of
from mriinterp.cohort.voxels import VoxelComparison, compare_voxels, significant_areas, voxel_entries
from mriinterp.export.comparison import sample_words, value_words, voxel_words
from mriinterp.export.reconcile import reconcile_words
from mriinterp.figures.theme import area_label
from mriinterp.methods.meaning import caption_words, file_stem
from mriinterp.ui.base.jobs import start_job, watch
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.viewlink import linked_viewer
from mriinterp.ui.cohort.areas import MOST_AREAS, comparable, compared
from mriinterp.ui.cohort.averages import StudyView
from mriinterp.ui.cohort.data import View
from mriinterp.ui.cohort.planes import background_of
from mriinterp.ui.cohort.truth import group_truth
from mriinterp.ui.shell.page import escape_markdown
from mriinterp.ui.sources.resources import atlas_of, on_grid_of, study_of
from mriinterp.ui.viewer import Layer

__all__ = ["known_voxels", "show_voxels"]

SLOT = "cohort_voxels"


@st.cache_resource(show_spinner=False)
def _results() -> dict[str, VoxelComparison]:
    return {}


def _keep(key: str, result: VoxelComparison) -> VoxelComparison:
    kept = _results()
    kept[key] = result
    while len(kept) > 6:
        kept.pop(next(iter(kept)), None)
    return result


def known_voxels(view: View, method: str, covariates: tuple[str, ...] | None = None) -> dict[str, Any] | None:
    """Return the figures of a test of every voxel of these very maps, made here or packed with them; None without one.

    Of those made here with several numbers of permutations, the latest.
    """
    if not isinstance(view, StudyView):
        return None
    mark = f"{view.key} {method} "
    made = [r for key, r in _results().items() if key.startswith(mark) and key.endswith(f" {covariates}")]
    if made:
        return voxel_entries(made[-1])
    about = packed_of(view.result)
    found = None if about is None or view.chosen is not None else about.voxels.get(method)
    if found is None or found["kind"] != view.kind or found["pair"] != list(view.pair or ()):
        return None
    used = view.usual_covariates(method) if covariates is None else covariates
    return found if found["covariates"] == list(used) else None


def show_voxels(name: str, view: View, method: str, covariates: tuple[str, ...] | None = None) -> None:
    """Start the test, watch it, show what it found."""
    if (found := known_voxels(view, method, covariates)) is not None and comparable(view, method):
        st.container(key="compact_voxels").markdown(
            escape_markdown(reconcile_words(compared(view, method, covariates), found))
        )
    reason = _why_not(view, method)
    if reason or not isinstance(view, StudyView):
        st.info(reason, icon=":material/group_off:")
        return
    a, b = view.compared
    st.caption(
        f"Student’s t of every voxel of the brain, {a} − {b}; the largest |t| of the brain under permuted people "
        "gives p values that hold for all voxels together (max-T, Westfall & Young 1993)."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        n = st.number_input(
            "Permutations",
            19,
            20000,
            step=100,
            key=linked("permutations", 1000, cast=int, valid=lambda v: 19 <= v <= 20000),
            persist_state="session",
            width=160,
        )
        run = st.button("Test every voxel", type="primary", icon=":material/grain:", key="test_voxels")
    key = f"{view.key} {method} {int(n)} {covariates}"
    known = _results().get(key)
    if known is None and run:
        mask = on_grid_of(study_of(name).brain_mask(), view.mean(method, a), order=0)
        options: dict[str, Any] = {
            "ids": view.chosen,
            "kind": view.kind,
            "covariates": covariates,
            "n_permutations": int(n),
        }
        start_job(
            SLOT,
            f"Voxels of {view.label(method)}",
            key,
            lambda progress, cancel: _keep(
                key, compare_voxels(view.result, method, mask, progress=progress, cancel=cancel, **options)
            ),
            percent=True,
            shared=True,
        )
    watch(SLOT, key)
    known = _results().get(key)
    if known is not None:
        _show(name, view, known)


def _why_not(view: View, method: str) -> str:
    """Return why there is no test, in words; "" if there can be one."""
    if not isinstance(view, StudyView):
        return "A file of averages holds no single scans: nothing can be permuted."
    if view.pair is None:
        return "There is one group: nothing to compare it with."
    if reason := view.why_no_test(method):
        return reason
    if view.packed:
        return "Averages that are shipped or sent round hold no maps of single scans. **Compute averages** makes them here."
    if not view.result.has_maps:
        return "The maps of single scans were not kept in this run (--no-maps), and the test needs them."
    counts = {group: len(view.ids(method, group)) for group in view.pair}
    if min(counts.values()) < 2:
        return "Needs at least two scans in each group; there are " + ", ".join(
            f"{n} of {g}" for g, n in counts.items()
        )
    return ""


def _show(name: str, view: StudyView, result: VoxelComparison) -> None:
    a, b = view.compared
    st.markdown(escape_markdown(voxel_words(result)))
    values = value_words(view.result, result.method, result.kind, result.sample.ids)
    st.caption(escape_markdown(" ".join([*values, *sample_words(result.sample, permutation=True)])))
    unit = f"Student’s t, {a} − {b}"
    layers = [Layer("t of every voxel", result.t, unit, True)]
    table = significant_areas(result, atlas_of(name))
    if result.found.data.any():
        layers.append(Layer("p ≤ 0.05, family-wise", result.found, f"{unit}; 0 elsewhere", True))
    atlas = atlas_of(name).on(view.grid)
    linked_viewer(
        background_of(name, view),
        layers,
        atlas=atlas,
        contours=group_truth(name, view),
        key="cohort_t",
        prefix="t_",
        defaults={"layout": "columns", "threshold": 95.0},
        share_range=True,
        scan_label="Background",
        value_label="t",
        caption=caption_words(view.title, view.label(result.method), simulated=view.simulated, more=[unit, *values]),
        stem=file_stem(view.title, result.method, "t", view.part_stem),
    )
    if len(table):
        config: dict[str, Any] = {
            "area": "Area",
            "voxels": "Voxels",
            "share_of_area": st.column_config.NumberColumn("Share of the area", format="percent"),
        }
        shown = table.head(MOST_AREAS).assign(area=table["area"].map(area_label))
        st.dataframe(shown, hide_index=True, column_config=config)
        st.download_button(
            "Areas (CSV)",
            lambda: csv_text(table),
            "cohort_voxels_areas.csv",
            key="get_voxel_areas",
            on_click="ignore",
            icon=":material/download:",
        )
