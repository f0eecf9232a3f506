"""Where in the brain two groups differ, voxel by voxel, with the family-wise error held by permutation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from mriinterp.areas.table import area_index
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.base.reading import apply_reading
from mriinterp.figures.theme import area_label
from mriinterp.image.volume import Volume
from mriinterp.stats import MaxT, max_t
from mriinterp.ui.address import linked, write_address
from mriinterp.ui.cohort import background_of
from mriinterp.ui.cohort_areas import people_of
from mriinterp.ui.cohort_data import StudyView, View
from mriinterp.ui.jobs import start_job, watch
from mriinterp.ui.resources import atlas_of, on_grid_of, study_of
from mriinterp.ui.viewer import Layer, viewer

__all__ = ["show_voxels", "voxel_statistics"]

SLOT = "cohort_voxels"
CHUNK = 1 << 15  # voxels of all scans in memory at once
LEVEL = 0.05
READ_SHARE = 0.5  # of the progress bar: reading maps, then permuting


@dataclass(frozen=True, eq=False)
class VoxelResult:
    """t and family-wise p of the voxels in a mask, on the grid of the maps."""

    t: Volume
    found: Volume
    statistics: MaxT


def voxel_statistics(
    view: StudyView,
    method: str,
    mask: Volume,
    *,
    n_permutations: int = 1000,
    scaled: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> VoxelResult:
    """Compare the groups of a view inside a mask; maps go through a file, so memory stays small.

    Parameters
    ----------
    mask : Volume
        On the grid of the maps.
    scaled : bool
        Scale each map's reading to sum 1 first.

    Raises
    ------
    ValueError
        As `mriinterp.stats.max_t`.
    """
    a, b = view.pair
    ids = [*view.ids(method, a), *view.ids(method, b)]
    in_a = np.arange(len(ids)) < len(view.ids(method, a))
    inside = mask.data.reshape(-1) > 0
    n = int(inside.sum())
    reading = view.reading(method) if view.kind == "reading" else "signed"
    total = 2 * n
    with tempfile.TemporaryDirectory() as folder:
        values = np.lib.format.open_memmap(Path(folder) / "maps.npy", "w+", np.float32, (len(ids), n))
        try:
            for row, relevance in enumerate(view.result.maps(method, ids)):
                check_cancel(cancel)
                data = apply_reading(relevance.volume.data.reshape(-1), reading).astype(np.float64)
                if scaled:
                    data = data * (1e6 / (np.abs(data).sum() or 1.0))
                values[row] = data[inside]
                tell(progress, int(n * (row + 1) / len(ids)), total)

            found = max_t(
                _slabs(values),
                in_a,
                patients=people_of(view, ids),
                n_permutations=n_permutations,
                seed=seed,
                n_voxels=n,
                progress=lambda done, _: tell(progress, n + done, total),
                cancel=cancel,
            )
        finally:
            del values  # or the file cannot be removed on Windows
    t = np.zeros(inside.size, np.float32)
    t[inside] = found.t
    significant = np.zeros(inside.size, np.float32)
    significant[inside] = np.where(found.p <= LEVEL, found.t, 0)
    shape, affine = view.grid.shape, view.grid.affine
    return VoxelResult(Volume(t.reshape(shape), affine), Volume(significant.reshape(shape), affine), found)


def _slabs(values: np.ndarray) -> Iterator[np.ndarray]:
    """A few voxels of all scans at a time."""
    for start in range(0, values.shape[1], CHUNK):
        yield np.array(values[:, start : start + CHUNK])


@st.cache_resource(show_spinner=False)
def _results() -> dict[str, VoxelResult]:
    return {}


def _keep(key: str, result: VoxelResult) -> VoxelResult:
    kept = _results()
    kept[key] = result
    while len(kept) > 6:
        kept.pop(next(iter(kept)), None)
    return result


def show_voxels(name: str, view: View, method: str) -> None:
    """Start the test, watch it, show what it found."""
    reason = _why_not(view, method)
    if reason:
        st.info(reason, icon=":material/group_off:")
        return
    a, b = view.pair
    st.caption(
        f"Student’s t of every voxel of the brain, {a} − {b}; the largest |t| of the brain under permuted patients "
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
        scaled = st.toggle(
            "Scale each map to the same sum",
            key=linked("scaled", False, cast=lambda text: text == "True"),
            persist_state="session",
            help="Then maps count by where their relevance is, not by how much of it there is.",
        )
        run = st.button("Test every voxel", type="primary", icon=":material/grain:", key="test_voxels")
    write_address("permutations", "scaled")
    key = f"{view.key} {method} {int(n)} {scaled}"
    known = _results().get(key)
    if known is None and run:
        mask = on_grid_of(study_of(name).brain_mask(), view.mean(method, a), order=0)
        start_job(
            SLOT,
            f"Voxels of {view.label(method)}",
            key,
            lambda progress, cancel: _keep(
                key,
                voxel_statistics(
                    view, method, mask, n_permutations=int(n), scaled=scaled, progress=progress, cancel=cancel
                ),
            ),
            percent=True,
            shared=True,
        )
    watch(SLOT, key)
    known = _results().get(key)
    if known is not None:
        _show(name, view, known)


def _why_not(view: View, method: str) -> str:
    """Why there is no test, in words; "" if there can be one."""
    if not isinstance(view, StudyView):
        return "A file of averages knows no single scans: nothing can be permuted."
    if view.pair is None:
        return "There is one group: nothing to compare it with."
    if reason := view.why_no_test(method):
        return reason
    if not view.result.has_maps:
        return "The maps of single scans were not kept in this run (--no-maps), and the test needs them."
    counts = {group: len(view.ids(method, group)) for group in view.pair}
    if min(counts.values()) < 2:
        return "Needs at least two scans in each group; there are " + ", ".join(
            f"{n} of {g}" for g, n in counts.items()
        )
    return ""


def _show(name: str, view: StudyView, result: VoxelResult) -> None:
    found, (a, b) = result.statistics, view.pair
    significant = int(np.count_nonzero(result.found.data))
    limit = found.threshold(LEVEL)
    limit_words = f"|t| ≥ {limit:.2f}" if np.isfinite(limit) else "out of reach with so few permutations"
    few = "all there are" if found.exhaustive else f"{found.n_permutations:,} of patients"
    st.markdown(
        f"**{significant:,} of {len(found.t):,} voxels** differ at a family-wise error of 5 % ({limit_words}; "
        f"{found.n_a} {a}, {found.n_b} {b}; permutations: {few}; smallest p = {found.p.min():.3g})."
    )
    unit = f"Student’s t, {a} − {b}"
    layers = [Layer("t of every voxel", result.t, unit, True)]
    if significant:
        layers.append(Layer("p ≤ 0.05, family-wise", result.found, f"{unit}; 0 elsewhere", True))
    atlas = atlas_of(name).on(view.grid)
    viewer(
        background_of(name, view), layers, atlas=atlas, key="cohort_t", layout="columns", share_range=True,
        threshold=95.0, scan_label="Background", value_label="t", report=False,
    )  # fmt: skip
    if significant:
        index = area_index(atlas_of(name), view.grid)
        inside = index.sums(result.found.data != 0)
        table = pd.DataFrame({"Area": [area_label(area) for area in index.areas["name"]], "Voxels": inside.astype(int)})
        table["Share of the area"] = np.divide(inside, index.voxels, out=np.zeros_like(inside), where=index.voxels > 0)
        shares = {"Share of the area": st.column_config.NumberColumn(format="percent")}
        table = table[table["Voxels"] > 0].sort_values("Voxels", ascending=False).head(12)
        st.dataframe(table, hide_index=True, column_config=shares)
