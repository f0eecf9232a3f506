"""Where in the brain two groups differ, voxel by voxel, with the family-wise error held by permutation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.index import area_index
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.base.reading import apply_reading
from mriinterp.cohort.kinds import reading_of_kind
from mriinterp.cohort.result import CohortResult
from mriinterp.cohort.sample import Sample, draw_sample
from mriinterp.image.volume import Volume
from mriinterp.stats import MaxT, max_t

__all__ = ["LEVEL", "VoxelComparison", "compare_voxels", "significant_areas", "voxel_entries"]

CHUNK = 1 << 15  # voxels of all scans in memory at once
LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class VoxelComparison:
    """Student's t and family-wise p of the voxels in a mask, on the grid of the maps.

    Attributes
    ----------
    method, target : str
    sample : Sample
    t : Volume
        0 outside the mask.
    p : Volume
        1 outside the mask.
    found : Volume
        t where p ≤ 0.05, else 0.
    statistics : MaxT
    kind : str
        What of the maps was compared: a key of `mriinterp.cohort.kinds.KINDS`.
    """

    method: str
    target: str
    sample: Sample
    t: Volume
    p: Volume
    found: Volume
    statistics: MaxT
    kind: str = "signed"


def compare_voxels(
    result: CohortResult,
    method: str,
    mask: Volume,
    *,
    ids: Sequence[str] | None = None,
    kind: str = "signed",
    covariates: Sequence[str] | None = None,
    n_permutations: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> VoxelComparison:
    """Compare positive and reference group inside a mask; maps go through a file, so memory stays small.

    Parameters
    ----------
    result : CohortResult
    method : str
    mask : Volume
        On the grid of the maps.
    ids, kind, covariates
        As of `mriinterp.cohort.statistics.compare_areas`.
    n_permutations, seed : int
    progress, cancel : callable, optional

    Raises
    ------
    ValueError
        Where maps explain different outputs or were not kept, and as of
        `mriinterp.stats.max_t`.
    """
    sample = draw_sample(result, method, ids=ids, covariates=covariates)
    inside = mask.data.reshape(-1) > 0
    n = int(inside.sum())
    if not n:
        raise ValueError("expected a mask with voxels on the grid of the maps, got an empty one")
    reading = reading_of_kind(kind, result.reading(method))
    with tempfile.TemporaryDirectory() as folder:
        values = np.lib.format.open_memmap(Path(folder) / "maps.npy", "w+", np.float32, (len(sample.ids), n))
        try:
            for row, relevance in enumerate(result.maps(method, sample.ids)):
                check_cancel(cancel)
                values[row] = apply_reading(relevance.volume.data.reshape(-1), reading)[inside]
                tell(progress, int(n * (row + 1) / len(sample.ids)), 2 * n)
            found = max_t(
                _slabs(values),
                sample.in_positive,
                patients=sample.people,
                covariates=sample.covariates if sample.used else None,
                n_permutations=n_permutations,
                seed=seed,
                n_voxels=n,
                progress=lambda done, _: tell(progress, n + done, 2 * n),
                cancel=cancel,
            )
        finally:
            del values  # or the file cannot be removed on Windows

    def volume(inner: np.ndarray, outer: float) -> Volume:
        data = np.full(inside.size, outer, np.float32)
        data[inside] = inner
        return Volume(data.reshape(result.grid.shape), result.grid.affine)

    significant = np.where(found.p <= LEVEL, found.t, 0)
    return VoxelComparison(
        method,
        result.target,
        sample,
        volume(found.t, 0.0),
        volume(found.p, 1.0),
        volume(significant, 0.0),
        found,
        kind,
    )


def _slabs(values: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a few voxels of all scans at a time."""
    for start in range(0, values.shape[1], CHUNK):
        yield np.array(values[:, start : start + CHUNK])


def significant_areas(comparison: VoxelComparison, atlas: Atlas) -> pd.DataFrame:
    """Return the areas with significant voxels, most first: area, voxels, share of the area."""
    index = area_index(atlas, comparison.found.grid)
    voxels = index.sums(comparison.found.data != 0)
    shares = np.divide(voxels, index.voxels, out=np.zeros_like(voxels), where=index.voxels > 0)
    table = pd.DataFrame({"area": index.areas["name"], "voxels": voxels.astype(int), "share_of_area": shares})
    return table[table["voxels"] > 0].sort_values("voxels", ascending=False, kind="stable", ignore_index=True)


def voxel_entries(comparison: VoxelComparison) -> dict[str, Any]:
    """Return the figures of a comparison that a sentence needs, ready for JSON.

    Returns
    -------
    dict
        kind, pair (the groups), covariates (names), permutations, voxels (in the mask), found
        (of them), threshold of |t| (None: out of reach), p (smallest), n (people of the groups, as they are compared).
    """
    found, limit = comparison.statistics, comparison.statistics.threshold(LEVEL)
    return {
        "kind": comparison.kind,
        "pair": list(comparison.sample.pair),
        "covariates": list(comparison.sample.used),
        "permutations": int(found.n_permutations),
        "voxels": len(found.t),
        "found": int(np.count_nonzero(comparison.found.data)),
        "threshold": float(limit) if np.isfinite(limit) else None,
        "p": float(found.p.min()),
        "n": [int(found.n_a), int(found.n_b)],
    }
