"""What differs between healthy people: the shape of the head, the size of each part of the brain, and age."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy

from mriinterp.image.volume import Grid
from mriinterp.simulation.areas import COUNT, LOBES

__all__ = ["DEFORMATIONS", "axes_mm", "deformation", "own_sizes", "smooth_noise", "years"]

# Deformation: (distance of control points, standard deviation of their shift), both mm. B-splines whose shifts stay
# below spacing/2.48 cannot fold (Choi & Lee 2000, doi:10.1006/gmod.1999.0495); these stay far below.
DEFORMATIONS = ((30.0, 3.0), (12.0, 1.2))

OWN = {"medial temporal": 0.2, "ventricles": 0.25}
"""Standard deviation of an area's amount, by lobe; elsewhere `OWN_ELSEWHERE`."""
ALIKE = {"medial temporal": 0.22, "ventricles": 0.3}
"""The same of what the areas of a lobe have in common; elsewhere `ALIKE_ELSEWHERE`."""
OWN_ELSEWHERE, ALIKE_ELSEWHERE = 0.12, 0.1
WHOLE = 0.06  # of what all of a brain has in common, but for the ventricles
AGED = {"medial temporal": 0.34, "ventricles": 0.6}  # amounts after thirty years
AGED_ELSEWHERE = 0.16


@lru_cache(maxsize=32)
def _spline_basis(n: int, step: float, knots: int) -> np.ndarray:
    """Return cubic B-splines on a line: (n voxels, knots), voxels `step` knot distances apart."""
    at = np.arange(n) * step
    padded = np.arange(-3, knots + 1, dtype=float)
    return (
        scipy.interpolate.BSpline.design_matrix(np.clip(at, 0, knots - 3 - 1e-9), padded, 3)
        .toarray()
        .astype(np.float32)
    )


def smooth_noise(rng: np.random.Generator, grid: Grid, spacing: float, limit: float | None = None) -> np.ndarray:
    """Return a smooth random field, control points `spacing` mm apart with values N(0, 1), clipped to ±limit."""
    bases = []
    for n, size in zip(grid.shape, grid.voxel_sizes, strict=True):
        step = size / spacing
        bases.append(_spline_basis(n, step, int(np.ceil((n - 1) * step)) + 3))
    values = rng.standard_normal([basis.shape[1] for basis in bases]).astype(np.float32)
    if limit is not None:
        values = np.clip(values, -limit, limit)
    for basis in reversed(bases):  # contracts the last axis, puts the voxels first: three times round is in order again
        values = np.tensordot(basis, values, axes=(1, 2))
    return values


def axes_mm(grid: Grid) -> list[np.ndarray]:
    """Return coordinates in mm along the three axes of an upright grid (one with a diagonal affine)."""
    scale, origin = np.diag(grid.affine)[:3], grid.affine[:3, 3]
    return [(np.arange(n) * s + o).astype(np.float32) for n, s, o in zip(grid.shape, scale, origin, strict=True)]


def deformation(rng: np.random.Generator, grid: Grid) -> np.ndarray:
    """Return where in the template (mm) each voxel of a subject comes from: (3, i, j, k) float32."""
    axes = axes_mm(grid)
    linear = np.eye(3) + 0.012 * rng.standard_normal((3, 3))  # what affine registration leaves over
    shift = rng.normal(0, 0.8, 3)
    points = np.empty((3, *grid.shape), np.float32)
    for c in range(3):
        points[c] = linear[c, 0] * axes[0][:, None, None] + linear[c, 1] * axes[1][:, None] + linear[c, 2] * axes[2]
        points[c] += shift[c]
        for spacing, size in DEFORMATIONS:
            points[c] += size * smooth_noise(rng, grid, spacing, limit=2.5)
    return points


def years(age: float) -> float:
    """Return how far an age is on the way from 58 to 88 years, 0 to 1."""
    return float(np.clip((age - 58) / 30, 0, 1))


def own_sizes(rng: np.random.Generator, age: float, scale: float = 1.0) -> np.ndarray:
    """Return what sets a person apart without disease: sizes, alike within a lobe, and age.

    Without what is alike, averaging over areas would tell the groups apart.

    Parameters
    ----------
    rng : Generator
    age : float
        Years.
    scale : float
        Of all of it.

    Returns
    -------
    array, shape (121,)
        Amounts as of `atrophy_amounts`; they can be negative.
    """
    amounts = np.zeros(COUNT)
    pace = years(age) * rng.uniform(0.5, 1.5)  # people age at different rates
    whole = WHOLE * rng.standard_normal()
    for lobe, numbers in LOBES.items():
        aged = AGED.get(lobe, AGED_ELSEWHERE) * pace + (0 if lobe == "ventricles" else whole)
        common = ALIKE.get(lobe, ALIKE_ELSEWHERE) * rng.standard_normal()
        amounts[list(numbers)] = aged + common + OWN.get(lobe, OWN_ELSEWHERE) * rng.standard_normal(len(numbers))
    return scale * amounts
