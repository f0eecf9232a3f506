"""Simulate atrophy: tissue moves, fluid takes its place, and the change is the ground truth.

Lost volume is simulated as a displacement d = ∇P with a potential P: the
image at y shows what was at y + d(y). A potential of −S, where S is a
smoothed area, makes samples run outwards, so the area shrinks about itself and its
surroundings stretch; a potential of +S makes fluid spaces widen. On top, a
fraction ρ of the grey matter of an area is replaced by fluid, which
is what thinning below the voxel size looks like. The same fields serve the
template and real scans in MNI space; sulci are found by intensity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage

from mriinterp.image.template import (
    SIDES,
    _grid,
    _key,
    _native,
    area_mask,
    csf_fraction,
    tissue,
    tissue_levels,
    ventricle,
)
from mriinterp.image.volume import Grid, Volume, resample

__all__ = ["AREA_WEIGHTS", "TRUTH_THRESHOLD", "apply_atrophy", "atrophy_amounts"]

TRUTH_THRESHOLD = 0.08
"""A voxel counts as changed when the disease moves its value by more than this share of the brain's mean."""

VENTRICLE = "Ventricle"
HORN = "Temporal_Horn"

# Share of the full effect by structure: medial temporal first, as in Braak's stages.
AREA_WEIGHTS = {
    "Hippocampus": 1.0,
    "Amygdala": 0.9,
    "ParaHippocampal": 0.8,
    "Fusiform": 0.5,
    "Temporal_Inf": 0.5,
    "Temporal_Mid": 0.45,
    "Temporal_Pole_Mid": 0.4,
    "Temporal_Pole_Sup": 0.35,
    "Temporal_Sup": 0.25,
    VENTRICLE: 1.0,
    HORN: 1.0,
}
SHRINKING = ("Hippocampus", "Amygdala")  # compact nuclei shrink about themselves; cortex thins beside its sulci

# Smoothing in mm and gain in mm² per unit of amount; the largest displacement is about 0.4·gain/σ.
AREA_SIGMA_MM, AREA_GAIN = 2.5, 12.0
SULCUS_SIGMA_MM, SULCUS_GAIN = 1.5, 6.0
FLUID_SPACES = {VENTRICLE: (3.0, 18.0), HORN: (3.5, 8.0)}  # the horn is thin: its smoothed mask is scaled to 1
SMALLEST_VOLUME = 0.05  # a local volume below this share is clipped before the logarithm
REPLACED, REPLACED_NUCLEI = 0.4, 0.8  # the share of grey matter that a full effect turns into fluid

Amounts = Mapping[tuple[str, str], float]


def atrophy_amounts(severity: float, *, asymmetry: float = 0.15, jitter: float = 0.0, seed=0) -> dict:
    """Return how far each structure of each side is affected.

    Parameters
    ----------
    severity : float
        0 healthy, 1 severe.
    asymmetry : float
        −1 to 1; the left side gets (1 + asymmetry) times the common amount,
        the right (1 − asymmetry) times.
    jitter : float
        Standard deviation of a factor around 1 drawn for each structure and
        side.
    seed : int or numpy Generator
        Of the jitter.

    Returns
    -------
    dict of (structure, side) to float
        Not negative; structures as in `AREA_WEIGHTS`.
    """
    if not np.isfinite(severity) or severity < 0:
        raise ValueError(f"expected a severity of 0 or more, got {severity}")
    if not -1 <= asymmetry <= 1:
        raise ValueError(f"expected an asymmetry between -1 and 1, got {asymmetry}")
    rng = np.random.default_rng(seed)
    amounts = {}
    for name, weight in AREA_WEIGHTS.items():
        for side, sign in zip(SIDES, (1, -1), strict=True):
            factor = max(0.0, 1 + jitter * rng.standard_normal())
            amounts[name, side] = float(severity * weight * (1 + sign * asymmetry) * factor)
    return amounts


def _sigma(grid: Grid, millimetres: float) -> list[float]:
    return [millimetres / size for size in grid.voxel_sizes]


@lru_cache(maxsize=3)
def _structures(key: tuple) -> dict:
    """Return each structure smoothed: (structure, side) to (slices, float32 array cut to them)."""
    grid = _grid(key)
    structures = {}
    for name in AREA_WEIGHTS:
        for side in SIDES:
            if name in FLUID_SPACES:
                sigma = FLUID_SPACES[name][0]
                native = ventricle(side, "body" if name == VENTRICLE else "horn")
                mask = resample(native.with_data(native.data.astype(np.float32)), grid)
            else:
                mask, sigma = area_mask(name, side, grid), AREA_SIGMA_MM
            margin = int(np.ceil(4 * sigma / min(grid.voxel_sizes)))
            box = ndimage.find_objects((mask.data > 0).astype(np.uint8))
            if not box:
                continue
            cut = tuple(
                slice(max(0, s.start - margin), min(n, s.stop + margin))
                for s, n in zip(box[0], grid.shape, strict=True)
            )
            values = mask.data[cut].astype(np.float32)
            smooth = ndimage.gaussian_filter(values, _sigma(grid, sigma), mode="constant")
            structures[name, side] = cut, smooth / smooth.max() if name == HORN else smooth
    return structures


@lru_cache(maxsize=3)
def _grey(key: tuple) -> np.ndarray:
    grid = _grid(key)
    return ndimage.gaussian_filter(tissue("gm", grid).data, _sigma(grid, 1.0))


@dataclass(frozen=True, eq=False)
class Fields:
    """What atrophy does on a grid.

    Parameters
    ----------
    potential : array, shape of the grid
        mm²; its gradient is the displacement.
    replaced : array, shape of the grid
        Share of the tissue that turns into fluid, 0–1.
    """

    potential: np.ndarray
    replaced: np.ndarray
    grid: Grid

    def displacement(self) -> np.ndarray:
        """Return where samples come from, relative to their voxel: (3, i, j, k) in RAS+ mm, float32."""
        along_axes = np.stack(np.gradient(self.potential))  # per voxel
        inverse = np.linalg.inv(self.grid.affine[:3, :3]).astype(np.float32)
        return np.tensordot(inverse.T, along_axes, axes=1)

    def log_jacobian(self) -> np.ndarray:
        """Return the log of the determinant of y ↦ y + d(y), float32: below 0 where tissue is stretched over more space."""
        inverse = np.linalg.inv(self.grid.affine[:3, :3]).astype(np.float32)
        rows = [np.tensordot(inverse.T, np.stack(np.gradient(part)), axes=1) for part in self.displacement()]
        for axis, row in enumerate(rows):
            row[axis] += 1
        a, b, c = rows
        determinant = (
            a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
        )
        return np.log(np.maximum(determinant, SMALLEST_VOLUME))


def disease_field(healthy: Fields, diseased: Fields) -> np.ndarray:
    """Return how much disease changed each voxel, float32: |Δ log Jacobian| plus the share newly replaced by fluid."""
    replaced = np.maximum(diseased.replaced - healthy.replaced, 0)
    return np.abs(diseased.log_jacobian() - healthy.log_jacobian()) + replaced


def sulci(volume: Volume) -> np.ndarray:
    """Return the smoothed fluid of a scan, float32: the potential along which sulci widen."""
    return ndimage.gaussian_filter(csf_fraction(volume), _sigma(volume.grid, SULCUS_SIGMA_MM))


def atrophy_fields(grid: Grid, fluid: np.ndarray, amounts: Amounts, everywhere: float = 0.0) -> Fields:
    """Return the fields of given amounts.

    Parameters
    ----------
    grid : Grid
    fluid : array, shape of `grid`
        From `sulci`.
    amounts : mapping of (structure, side) to float
        From `atrophy_amounts`; may be negative (smaller ventricles, larger
        hippocampi: normal variation).
    everywhere : float
        Widening of all sulci, as ageing does.
    """
    structures = _structures(_key(grid))
    potential = np.zeros(grid.shape, np.float32)
    cortex = np.full(grid.shape, everywhere, np.float32)
    replaced = np.zeros(grid.shape, np.float32)
    for where, amount in amounts.items():
        if where not in structures or amount == 0:
            continue
        cut, smooth = structures[where]
        if where[0] in FLUID_SPACES:
            potential[cut] += FLUID_SPACES[where[0]][1] * amount * smooth
            continue
        if where[0] in SHRINKING:
            potential[cut] -= AREA_GAIN * amount * smooth
        cortex[cut] += amount * smooth
        replaced[cut] += (REPLACED_NUCLEI if where[0] in SHRINKING else REPLACED) * amount * smooth
    potential += SULCUS_GAIN * cortex * fluid
    return Fields(potential, np.clip(replaced * _grey(_key(grid)), 0, 0.9), grid)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the ground truth, bool: where two versions of a brain differ by over `TRUTH_THRESHOLD` of the mean."""
    return np.abs(after - before) > TRUTH_THRESHOLD * before[before > 0].mean()


def apply_atrophy(
    volume: Volume, severity: float, *, asymmetry: float = 0.15, jitter: float = 0.0, seed: int = 0
) -> tuple[Volume, Volume]:
    """Return the same scan with simulated disease, and what it changed.

    Parameters
    ----------
    volume : Volume
        A skull-stripped T1 scan in MNI space on any grid, 0 outside the brain.
    severity : float
        0 leaves the scan as it is; 1 is severe.
    asymmetry, jitter, seed
        As in `atrophy_amounts`; positive asymmetry spares the right side.

    Returns
    -------
    Volume, Volume
        The changed scan (float32, same grid) and the mask of changed voxels
        (bool): those whose value moved by more than `TRUTH_THRESHOLD` of the
        scan's mean inside the brain.
    """
    amounts = atrophy_amounts(severity, asymmetry=asymmetry, jitter=jitter, seed=seed)
    before = volume.data.astype(np.float32)
    if severity == 0:
        return volume.with_data(before), volume.with_data(np.zeros(before.shape, bool))
    fields = atrophy_fields(volume.grid, sulci(volume), amounts)
    fluid, _ = tissue_levels(volume)
    shift = fields.displacement()
    moving = (before > 0) & ((np.abs(shift).max(axis=0) > 0.02) | (fields.replaced > 1e-3))
    at = np.argwhere(moving)
    mm = volume.grid.to_mm(at) + shift[:, moving].T
    # Outside the brain is fluid while sampling, so that the rim does not fade into the background.
    source = np.where(before > 0, before, np.float32(fluid))
    sampled = ndimage.map_coordinates(source, volume.grid.to_voxel(mm).T, order=3, mode="nearest")
    replaced = fields.replaced[moving]
    after = before.copy()
    after[moving] = np.maximum(sampled + replaced * np.minimum(fluid - sampled, 0), 1e-3 * fluid)
    return volume.with_data(after), volume.with_data(changed(before, after))


def native_template() -> Volume:
    """Return the T1 template at 1 mm with fluid around it instead of 0: what subjects are sampled from."""
    native = _native("t1")
    fluid, _ = tissue_levels(native)
    return native.with_data(np.where(native.data > 0, native.data, np.float32(fluid)))
