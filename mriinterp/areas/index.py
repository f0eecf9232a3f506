"""Where the areas of an atlas lie on a grid, ready for sums over many maps."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from mriinterp.areas.atlas import Atlas
from mriinterp.image.volume import Grid

__all__ = ["AreaIndex", "area_index"]

INDICES_KEPT = 8


class AreaIndex:
    """Where the areas of an atlas lie on a grid, sorted once for any number of maps.

    Parameters
    ----------
    atlas : Atlas
    grid : Grid
        Of the maps to come; the atlas is brought there by affine.

    Attributes
    ----------
    areas : DataFrame
        The atlas's table.
    voxels : array, shape (areas,), int64
        Size of each area on the grid; 0 for areas that have no voxel there.
    """

    def __init__(self, atlas: Atlas, grid: Grid):
        self.grid = grid
        self.areas = atlas.areas
        flat = atlas.on(grid).labels.data.reshape(-1)
        labels = self.areas["label"].to_numpy(np.int64)
        where = np.flatnonzero(flat)
        by_label = np.argsort(labels, kind="stable")
        row = by_label[np.searchsorted(labels, flat[where], sorter=by_label)]
        self._where = where[np.argsort(row, kind="stable")]  # areas in the order of the table, voxels in C order
        self.voxels = np.bincount(row, minlength=len(labels))
        self._filled = np.flatnonzero(self.voxels)
        self._starts = (np.cumsum(self.voxels) - self.voxels)[self._filled]

    def inside(self, values: np.ndarray) -> np.ndarray:
        """Return the values of an array of the grid's shape that lie in areas, (voxels,), float64.

        `sums`, `means` and `peaks` take them in place of the array.
        """
        values = np.asarray(values)
        if values.shape == self._where.shape:
            return values
        if values.shape != self.grid.shape:
            raise ValueError(f"expected an array of shape {self.grid.shape}, got {values.shape}")
        return values.reshape(-1)[self._where].astype(np.float64, copy=False)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of an array of the grid's shape in each area, shape (areas,), float64."""
        out = np.zeros(len(self.voxels))
        if len(self._filled):
            out[self._filled] = np.add.reduceat(self.inside(values), self._starts)
        return out

    def means(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of an array of the grid's shape in each area, shape (areas,), float64; 0 where it has no voxel."""
        return self.sums(values) / np.maximum(self.voxels, 1)

    def peaks(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest value in each area, and its voxel (i, j, k).

        Where many voxels share it (a whole box, a whole area), the one
        nearest to their middle: the first would lie on the area's edge.

        Returns
        -------
        array, shape (areas,), float64
            NaN for areas without voxels.
        array, shape (areas, 3), int64
            -1 for areas without voxels.
        """
        peak = np.full(len(self.voxels), np.nan)
        voxel = np.full((len(self.voxels), 3), -1)
        if len(self._filled):
            inside = self.inside(values)
            highest = np.maximum.reduceat(inside, self._starts)
            peak[self._filled] = highest
            hits = np.flatnonzero(inside == np.repeat(highest, self.voxels[self._filled]))
            places = np.stack(np.unravel_index(self._where[hits], self.grid.shape), axis=1)
            group = np.searchsorted(self._starts, hits, side="right") - 1
            starts = np.searchsorted(group, np.arange(len(self._starts)))
            middle = np.add.reduceat(places, starts) / np.bincount(group)[:, None]
            distance = ((places - middle[group]) ** 2).sum(axis=1)
            nearest = np.flatnonzero(distance == np.minimum.reduceat(distance, starts)[group])
            voxel[self._filled] = places[nearest[np.searchsorted(group[nearest], np.arange(len(starts)))]]
        return peak, voxel


_kept: OrderedDict[tuple, AreaIndex] = OrderedDict()
_kept_lock = threading.Lock()


def area_index(atlas: Atlas, grid: Grid) -> AreaIndex:
    """Return the `AreaIndex` of an atlas on a grid; the last few are kept."""
    key = (atlas.digest, grid.shape, grid.affine.tobytes())
    with _kept_lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    index = AreaIndex(atlas, grid)
    with _kept_lock:
        _kept[key] = index
        while len(_kept) > INDICES_KEPT:
            _kept.popitem(last=False)
    return index
