"""Transform points between the template and a scan."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import nibabel as nib
import numpy as np
import scipy

from mriinterp.base.atomic import replacing
from mriinterp.image.volume import Grid, Volume, resample

__all__ = ["Transform", "Warp"]

CHUNK = 1 << 20  # points that are moved at a time
INVERSE_MM, INVERSE_STEPS = 0.01, 60
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
FLIP = np.array([-1, -1, 1], np.float32)  # of vectors, between ITK's LPS and RAS


@dataclass(frozen=True, eq=False)
class Warp:
    """A displacement of every point of a grid.

    Parameters
    ----------
    shift : array, shape (3, i, j, k), float32
        mm, RAS+, at the voxels of the grid; interpolated between them, 0 outside.
    grid : Grid
    """

    shift: np.ndarray
    grid: Grid

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Move points (n, 3), in mm."""
        return points + self._at(points, self.shift)

    def _at(self, points: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Interpolate a field on the grid at points (n, 3), mm; 0 outside."""
        at = self.grid.to_voxel(points).T
        return np.stack([scipy.ndimage.map_coordinates(part, at, order=1) for part in shift], axis=1)

    @cached_property
    def reach(self) -> float:
        """The farthest that it moves a point along any axis, mm."""
        return float(np.abs(self.shift).max(initial=0))

    @cached_property
    def _back(self) -> np.ndarray:
        """Displacements that lead back, at the voxels of the grid: where `inverse` begins, near its end."""
        voxels = np.stack(np.unravel_index(np.arange(self.shift[0].size), self.grid.shape), axis=1)
        points = self.grid.to_mm(voxels)
        back = self._settle(points, points) - points
        return np.ascontiguousarray(back.T.reshape(self.shift.shape).astype(np.float32))

    def write(self, path: Path) -> None:
        """Write it as an ITK displacement field (NIfTI, vectors in LPS mm)."""
        vectors = np.moveaxis(self.shift, 0, -1)[:, :, :, None] * FLIP
        image = nib.Nifti1Image(vectors, self.grid.affine)
        image.header.set_intent("vector")
        image.header.set_xyzt_units("mm")
        with replacing(path) as temporary:
            temporary.write_bytes(gzip.compress(image.to_bytes(), 4, mtime=0))

    @classmethod
    def read(cls, path: Path) -> Warp:
        """Read what `write` wrote."""
        image = nib.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
        vectors = np.asarray(image.dataobj, np.float32)[:, :, :, 0] * FLIP
        return cls(np.ascontiguousarray(np.moveaxis(vectors, -1, 0)), Grid(vectors.shape[:3], image.affine))

    def inverse(self, points: np.ndarray) -> np.ndarray:
        """Return the points (n, 3), mm, that the warp moves to these: a fixed point, to `INVERSE_MM`."""
        return self._settle(points, points + self._at(points, self._back))

    def _settle(self, points: np.ndarray, found: np.ndarray) -> np.ndarray:
        """Find the points that are moved to `points`, from a guess."""
        found, left = found.copy(), np.arange(len(points))
        for _ in range(INVERSE_STEPS):
            error = self(found[left]) - points[left]
            found[left] -= error
            left = left[np.abs(error).max(axis=1, initial=0) >= INVERSE_MM]
            if not left.size:
                break
        return found


@dataclass(frozen=True, eq=False)
class Transform:
    """From template space to a scan's own space.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        Template mm to scan mm, both RAS+.
    warp : Warp, optional
        Applied to template points before the matrix.
    """

    matrix: np.ndarray
    warp: Warp | None = field(default=None, repr=False)

    @cached_property
    def inverse(self) -> np.ndarray:
        """Scan mm to template mm, without the warp."""
        return np.linalg.inv(self.matrix)

    @classmethod
    def from_itk_text(cls, text: str, warp: Warp | None = None) -> Transform:
        """Read what `itk_text` wrote, with a warp before it; ValueError if it is none."""
        found = re.search(r"^Parameters: (.+)$", text, re.M)
        numbers = [float(number) for number in found[1].split()] if found else []
        if len(numbers) != 12:
            raise ValueError(f"expected the twelve parameters of an ITK affine transform, got {len(numbers)}")
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = np.reshape(numbers[:9], (3, 3)), numbers[9:]
        return cls(LPS @ matrix @ LPS, warp)

    def to_scan(self, points: np.ndarray) -> np.ndarray:
        """Return points (n, 3) of the template, mm, in the scan."""
        points = points if self.warp is None else self.warp(points)
        return points @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    def to_template(self, points: np.ndarray) -> np.ndarray:
        """Return points (n, 3) of the scan, mm, in the template."""
        points = points @ self.inverse[:3, :3].T + self.inverse[:3, 3]
        return points if self.warp is None else self.warp.inverse(points)

    def scan_on(self, volume: Volume, grid: Grid, *, order: int = 1) -> Volume:
        """Interpolate an image in the scan's space at the voxels of a template grid, once.

        Parameters
        ----------
        volume : Volume
            In the scan's space, on any grid.
        grid : Grid
            In template space.
        order : int
            0 nearest neighbour (labels, masks), 1 trilinear.
        """
        if self.warp is None:
            return _plain(resample(Volume(volume.data, self.inverse @ volume.affine), grid, order))
        return _sampled(volume, grid, self.to_scan, order)

    def map_on(self, volume: Volume, grid: Grid, *, order: int = 1) -> Volume:
        """Interpolate an image in template space at the voxels of the scan's grid, once."""
        if self.warp is None:
            return _plain(resample(Volume(volume.data, self.matrix @ volume.affine), grid, order))
        return _sampled(volume, grid, self.to_template, order, near=(self.inverse, self.warp.reach))

    def itk_text(self) -> str:
        """Return the affine as an ITK transform file: points of the template to points of the scan, LPS mm."""
        matrix = LPS @ self.matrix @ LPS
        parameters = [*matrix[:3, :3].ravel(), *matrix[:3, 3]]
        return (
            "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
            f"Parameters: {' '.join(format(value, '.17g') for value in parameters)}\nFixedParameters: 0 0 0\n"
        )


def _plain(volume: Volume) -> Volume:
    return Volume(volume.data, volume.affine)


def _sampled(volume: Volume, grid: Grid, lead, order: int, near: tuple[np.ndarray, float] | None = None) -> Volume:
    """Interpolate an image at the voxels of a grid, led into its space.

    `near`: an affine transform that leads them there but for so many mm along
    any axis; points for which the image is 0 in any case need not be led.
    """
    data = volume.data.astype(np.uint8) if volume.data.dtype == bool else volume.data
    out = np.zeros(int(np.prod(grid.shape)), data.dtype)
    matrix, (low, high) = (np.eye(4), (0, 0)) if near is None else (near[0], _filled(volume, near[1]))
    for start in range(0, out.size, CHUNK):
        places = np.arange(start, min(start + CHUNK, out.size))
        points = grid.to_mm(np.stack(np.unravel_index(places, grid.shape), axis=1))
        if near is not None:
            at = volume.grid.to_voxel(points @ matrix[:3, :3].T + matrix[:3, 3])
            inside = np.all((at >= low) & (at <= high), axis=1)
            places, points = places[inside], points[inside]
        if places.size:
            at = volume.grid.to_voxel(lead(points)).T
            out[places] = scipy.ndimage.map_coordinates(data, at, order=order, mode="grid-constant")
    return Volume(out.reshape(grid.shape).astype(volume.data.dtype, copy=False), grid.affine)


def _filled(volume: Volume, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the box of voxels that are not 0, widened by a voxel and so many mm along any axis."""
    low, high = np.zeros(3), np.full(3, -1.0)
    for axis in range(3):
        filled = np.flatnonzero(volume.data.any(axis=tuple(other for other in range(3) if other != axis)))
        if filled.size:
            low[axis], high[axis] = filled[0], filled[-1]
    margin = 1 + reach * np.abs(np.linalg.inv(volume.affine)[:3, :3]).sum(axis=1)
    return low - margin, high + margin
