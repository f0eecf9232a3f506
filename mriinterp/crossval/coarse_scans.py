"""Scans of a study on a coarse grid, and the means of their areas; kept in one file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mriinterp.areas.index import area_index
from mriinterp.base.atomic import replacing
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.image.volume import Grid, resample
from mriinterp.study import Study
from mriinterp.study.sources import SimulatedScan

__all__ = ["CoarseScans", "coarse_grid", "read_coarse"]

EDGE_MM = 6.0


@dataclass(frozen=True, eq=False)
class CoarseScans:
    """Scans divided by their mean above 0, as means over cells of several voxels.

    Attributes
    ----------
    ids : list of str
    data : array, shape (n, i, j, k), float32
    grid : Grid
    areas : array, shape (n, areas)
        Mean of each area of the atlas, on the network's grid.
    """

    ids: list[str]
    data: np.ndarray
    grid: Grid
    areas: np.ndarray


def coarse_grid(grid: Grid, edge_mm: float = EDGE_MM) -> tuple[Grid, int]:
    """Return a grid of cells of whole voxels, about `edge_mm` wide, that covers a grid; and voxels along a cell's edge."""
    step = max(1, round(edge_mm / float(np.linalg.norm(grid.affine[:3, :3], axis=0).mean())))
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.full(3, (step - 1) / 2)
    affine[:3, :3] *= step
    i, j, k = (-(-n // step) for n in grid.shape)
    return Grid((i, j, k), affine), step


def _cells(data: np.ndarray, step: int) -> np.ndarray:
    padded = np.pad(data, [(0, -n % step) for n in data.shape])
    shape = [n for size in padded.shape for n in (size // step, step)]
    return padded.reshape(shape).mean(axis=(1, 3, 5), dtype=np.float32)


def read_coarse(
    study: Study,
    sources: Sequence[tuple[str, object]],
    kept: Path,
    *,
    edge_mm: float = EDGE_MM,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> CoarseScans:
    """Read scans onto a coarse grid, or take what a file has of the same ones.

    Parameters
    ----------
    study : Study
        Its network gives the grid that cells are counted on, its atlas the areas.
    sources : sequence of (str, scan source)
        Name of each scan, and where it comes from.
    kept : Path
        An ``.npz`` file.
    edge_mm : float
        Of a cell, about.

    Raises
    ------
    ValueError, OSError
        For a scan that cannot be read or is empty; nothing is left out, since the label depends on all.
    """
    model = study.model("cpu")
    grid, step = coarse_grid(model.grid, edge_mm)
    marks = [[name, source.fingerprint()] for name, source in sources]  # type: ignore[attr-defined]
    parts = [marks, list(grid.shape), grid.affine.tolist(), study.atlas().digest]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    ids = [name for name, _ in sources]
    try:
        with np.load(kept, allow_pickle=False) as found:
            if str(found["digest"]) == digest:
                return CoarseScans(ids, found["data"], grid, found["areas"])
    except (OSError, ValueError, KeyError, EOFError):
        pass  # not there, or damaged: read again
    index = area_index(study.atlas(), model.grid)
    data, areas = np.empty((len(ids), *grid.shape), np.float32), np.empty((len(ids), len(index.areas)))

    def read(at: int) -> None:
        check_cancel(cancel)
        name, source = sources[at]
        scan = source.load() if isinstance(source, SimulatedScan) else study.scan(name)
        values = resample(scan, model.grid, order=1).data
        above = values[values > 0]
        if not above.size or not np.isfinite(values).all():
            raise ValueError(f"{name}: expected finite intensities above 0, got none")
        values = values / above.mean(dtype=float)
        data[at] = _cells(values, step)
        areas[at] = index.means(values)

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1) if study.simulated else 1) as pool:
        for done, _ in enumerate(pool.map(read, range(len(ids))), 1):
            tell(progress, done, len(ids))
    with replacing(kept) as temporary, temporary.open("wb") as file:
        np.savez(file, digest=digest, data=data, areas=areas)
    return CoarseScans(ids, data, grid, areas)
