"""Orientation of slices on the screen.

Arrays are in RAS+ order. Sagittal slices look to the right (anterior on the
right), coronal and axial slices have the patient's left on the screen's left
(neurological) unless the radiological convention is asked for; letters say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mriinterp.base.numerals import decimals
from mriinterp.image.volume import Volume

__all__ = [
    "AXES",
    "Plane",
    "convention",
    "letters",
    "nearest_index",
    "place_text",
    "plane",
    "position",
    "slice_indices",
    "slice_of",
]

AXES = ("sagittal", "coronal", "axial")
_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True)
class Plane:
    """Which voxel axes run across and up the screen in slices along an axis."""

    axis: int
    across: int
    up: int

    @property
    def name(self) -> str:
        """ "sagittal", "coronal" or "axial"."""
        return AXES[self.axis]


PLANES = (Plane(0, 1, 2), Plane(1, 0, 2), Plane(2, 0, 1))


def plane(axis: int | str) -> Plane:
    """Return the plane of slices along an axis: 0, 1, 2, or "sagittal", "coronal", "axial", or "x", "y", "z"."""
    names = {name: n for n, name in enumerate(AXES)} | {"x": 0, "y": 1, "z": 2} | {n: n for n in range(3)}
    if axis not in names:
        raise ValueError(f"expected an axis, got {axis!r}; available: 0, 1, 2, x, y, z, {', '.join(AXES)}")
    return PLANES[names[axis]]


def slice_of(data: np.ndarray, axis: int | str, index: int, *, radiological: bool = False) -> np.ndarray:
    """Return one slice, rows from top to bottom and columns from left to right of the screen.

    Parameters
    ----------
    data : array, shape (i, j, k), RAS+ order
    axis : int or str
    index : int
        Along that axis.
    radiological : bool
        Patient's left on the screen's right (coronal and axial).
    """
    at = plane(axis)
    if not 0 <= index < data.shape[at.axis]:
        raise ValueError(f"expected a {at.name} slice 0 to {data.shape[at.axis] - 1}, got {index}")
    picture = np.take(data, index, axis=at.axis).T[::-1]
    return picture[:, ::-1] if radiological and at.across == 0 else picture


def letters(axis: int | str, *, radiological: bool = False) -> tuple[str, str, str, str]:
    """Return letters at the left, right, top and bottom of a slice."""
    at = plane(axis)
    left, right = _ENDS[at.across]
    if radiological and at.across == 0:
        left, right = right, left
    bottom, top = _ENDS[at.up]
    return left, right, top, bottom


def convention(radiological: bool) -> str:
    """Return the convention in words."""
    if radiological:
        return "Radiological: patient left on screen right"
    return "Neurological: patient left on screen left"


def slice_indices(length: int, count: int) -> list[int]:
    """Return `count` equally spaced slices: round(interval / 2 + n · interval), as in Rieke et al. 2018."""
    if count < 1:
        raise ValueError(f"expected at least one slice, got {count}")
    interval = length / count
    return [min(int(np.round(interval / 2 + n * interval)), length - 1) for n in range(count)]


def position(volume: Volume, axis: int | str, index: int) -> float:
    """Return where a slice lies along its axis, in mm at the middle of the grid."""
    at = plane(axis)
    voxel = (np.array(volume.data.shape) - 1) / 2
    voxel[at.axis] = index
    return float(volume.grid.to_mm(voxel)[at.axis])


def place_text(axis: int | str, mm: float) -> str:
    """Return a position for people: "y = −16.5"."""
    return f"{'xyz'[plane(axis).axis]} = {decimals(mm, 1).removesuffix('.0')}"


def nearest_index(volume: Volume, axis: int | str, mm: float) -> int:
    """Return the slice nearest to a position in mm; ValueError outside the volume."""
    at = plane(axis)
    places = np.array([position(volume, axis, n) for n in range(volume.data.shape[at.axis])])
    index = int(np.abs(places - mm).argmin())
    if abs(places[index] - mm) > volume.grid.voxel_sizes[at.axis]:
        raise ValueError(f"expected a position from {places.min():g} to {places.max():g} mm, got {mm:g}")
    return index
