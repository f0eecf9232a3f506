"""Simulate healthy brains: deformation, ageing and variation of the template."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy
from scipy import ndimage

from mriinterp.image.template import DEMO_GRID, template
from mriinterp.image.volume import Grid
from mriinterp.simulation.atrophy import AREA_WEIGHTS, FLUID_SPACES, Fields, atrophy_amounts, native_template, sulci

__all__ = [
    "DEFORMATIONS",
    "ageing",
    "axes_mm",
    "deformation",
    "interpolated",
    "sample_brain",
    "smooth_noise",
    "template_fluid",
]


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


# Deformation: (distance of control points, standard deviation of their shift), both mm. B-splines whose shifts stay
# below spacing/2.48 cannot fold (Choi & Lee 2000, doi:10.1006/gmod.1999.0495); these stay far below.
DEFORMATIONS = ((30.0, 3.0), (12.0, 1.2))


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


@lru_cache(maxsize=1)
def template_fluid() -> np.ndarray:
    """Return the fluid of the template on the demo grid, smoothed: what widens sulci."""
    return sulci(template(DEMO_GRID))


@lru_cache(maxsize=1)
def _source() -> tuple[np.ndarray, np.ndarray]:
    """Return the spline coefficients of the 1 mm template, and its affine's inverse; made once."""
    native = native_template()
    sharp = native.data + 0.5 * (native.data - ndimage.gaussian_filter(native.data, 1.5))  # an average is blurred
    coefficients = ndimage.spline_filter(sharp, order=3, output=np.float32)
    return coefficients, np.linalg.inv(native.affine)


def interpolated(array: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Interpolate an array at fractional voxel indices (3, n), linearly; beyond the border its nearest value."""
    return ndimage.map_coordinates(array, voxels, order=1, mode="nearest")


def ageing(rng: np.random.Generator, age: float, scale: float = 1.0) -> tuple[dict, float]:
    """Return the change without disease: years, and the variation between people of one age.

    Parameters
    ----------
    rng : Generator
    age : float
        Years.
    scale : float
        Of all of it.

    Returns
    -------
    dict, float
        Amounts by structure and side, as of `atrophy_amounts`, and how far
        all sulci widen; both can be negative.
    """
    years = scale * np.clip((age - 58) / 30, 0, 1)
    amounts = atrophy_amounts(0.25 * years, asymmetry=0.1 * np.tanh(rng.standard_normal()), jitter=0.4, seed=rng)
    # What is alike in all of a person's structures; without it, averaging over areas would tell the groups apart.
    ventricles, temporal = rng.standard_normal(2)
    for where in amounts:
        own = rng.standard_normal()
        if where[0] in FLUID_SPACES:
            amounts[where] = 0.6 * years + scale * (0.35 * ventricles + 0.1 * own)
        else:
            amounts[where] += scale * (0.12 * AREA_WEIGHTS[where[0]] * temporal + 0.1 * own)
    return amounts, float(0.9 * years * rng.uniform(0.5, 1.5) + 0.2 * scale * rng.standard_normal())


def sample_brain(points: np.ndarray, fields: Fields, fluid: float) -> np.ndarray:
    """Return the template changed by atrophy fields on `DEMO_GRID`, read at points (3, n) in mm: n intensities.

    Deformation and atrophy are composed, so that the template is interpolated
    once and disease leaves no blur behind.
    """
    coefficients, to_voxel = _source()
    at = DEMO_GRID.to_voxel(points.T).T
    moved = points + np.stack([interpolated(component, at) for component in fields.displacement()])
    voxels = to_voxel[:3, :3] @ moved + to_voxel[:3, 3:]
    value = ndimage.map_coordinates(coefficients, voxels, order=3, mode="nearest", prefilter=False)
    return value + interpolated(fields.replaced, at) * np.minimum(fluid - value, 0)
