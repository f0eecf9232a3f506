"""Displacements: where tissue moves, so that each volume changes by what is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from mriinterp.image.volume import Grid

__all__ = ["Shift", "interpolated", "moved_by", "turned_round"]

ROUNDS = 4  # of the iteration that turns a displacement round
SMALLEST_VOLUME = 0.05  # a local volume below this share is clipped before the logarithm


@dataclass(frozen=True, eq=False)
class Shift:
    """Where tissue moves, on a grid coarse enough for what is smooth.

    Parameters
    ----------
    displacement : array, shape (3, i, j, k), float32
        Where samples come from, relative to their voxel, in RAS+ mm: the image at y shows what was at y + d(y).
    grid : Grid
        Its axes at right angles.
    """

    displacement: np.ndarray
    grid: Grid

    def at(self, points: np.ndarray) -> np.ndarray:
        """Return the displacement at points (3, n) in mm: (3, n), in mm."""
        voxels = self.grid.to_voxel(points.T).T
        return np.stack([interpolated(component, voxels) for component in self.displacement])

    def log_jacobian(self) -> np.ndarray:
        """Return the log of the determinant of y ↦ y + d(y), float32: above 0 where tissue takes less room than before."""
        inverse = np.linalg.inv(self.grid.affine[:3, :3]).astype(np.float32)
        rows = [np.tensordot(inverse.T, np.stack(np.gradient(part)), axes=1) for part in self.displacement]
        for axis, row in enumerate(rows):
            row[axis] += 1
        a, b, c = rows
        determinant = (
            a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
        )
        return np.log(np.maximum(determinant, SMALLEST_VOLUME))


def interpolated(array: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Interpolate an array at fractional voxel indices (3, n), linearly; beyond the border its nearest value."""
    return scipy.ndimage.map_coordinates(array, voxels, order=1, mode="nearest")


def moved_by(rate: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the gradient of the potential whose Laplacian is the rate: (3, i, j, k), in voxels of the grid.

    Both are taken in the frequencies, so that volumes change by the rate and by nothing that differences would smear.
    """
    padded = [scipy.fft.next_fast_len(n) for n in rate.shape]
    spectrum = scipy.fft.dctn(rate, type=2, s=padded)
    waves = [
        (np.pi / n * np.arange(n, dtype=np.float32)).reshape([-1 if a == axis else 1 for a in range(3)])
        for axis, n in enumerate(padded)
    ]
    squares = sum((wave / size) ** 2 for wave, size in zip(waves, grid.voxel_sizes, strict=True))
    squares[0, 0, 0] = 1
    spectrum /= -squares
    spectrum[0, 0, 0] = 0
    parts = []
    for axis, (wave, size) in enumerate(zip(waves, grid.voxel_sizes, strict=True)):
        sines = np.roll(spectrum * (-wave / size**2), -1, axis)  # the first sine has the frequency of the second cosine
        part = scipy.fft.idst(sines, type=2, axis=axis)
        others = [a for a in range(3) if a != axis]
        parts.append(scipy.fft.idctn(part, type=2, axes=others)[tuple(map(slice, rate.shape))])
    return np.stack(parts).astype(np.float32)


def turned_round(forward: np.ndarray, wanted: np.ndarray | None = None) -> np.ndarray:
    """Return d with d(y) = −e(y + d(y)), both (3, i, j, k) in voxels, by iteration.

    `wanted`: bool, (i, j, k), where it is needed; elsewhere d(y) = −e(y). None: everywhere.
    """
    back = -forward
    chosen = np.ones(forward.shape[1:], bool) if wanted is None else wanted
    voxels, found = np.argwhere(chosen).T.astype(np.float32), back[:, chosen]
    for _ in range(ROUNDS):
        at = voxels + found
        found = -np.stack([interpolated(part, at) for part in forward])
    back[:, chosen] = found
    return back
