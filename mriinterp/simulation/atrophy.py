"""Simulate atrophy: tissue takes less room, fluid nearby takes what it leaves, and the change is the ground truth.

Each part of the brain has a rate of loss. What a part loses, the fluid within
some millimetres gains, so that the head keeps its size and nothing moves
where nothing is lost. The displacement that changes every volume so is the
gradient of a potential whose Laplacian is the rate: Poisson's equation,
solved by cosine transforms (no flow through the border), then turned round, since an
image is made by asking where each voxel came from. The same fields serve
the simulation's anatomies and real scans in MNI space; fluid is found by intensity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from scipy import ndimage

from mriinterp.image.blocks import block_means
from mriinterp.image.template import SIDES, csf_fraction, tissue, tissue_levels
from mriinterp.image.volume import Grid, Volume
from mriinterp.simulation.areas import (
    AREA_WEIGHTS,
    COUNT,
    FLUID_SPACES,
    FLUID_WEIGHTS,
    HORN,
    VENTRICLE,
    part_labels,
    parts_of,
)

__all__ = [
    "STILL_MM",
    "TRUTH_THRESHOLD",
    "Shift",
    "Tissues",
    "apply_atrophy",
    "atrophy_amounts",
    "changed",
    "disease_field",
    "interpolated",
    "shift_of",
    "tissues_of",
]

TRUTH_THRESHOLD = 0.08
"""A voxel counts as changed when the disease moves its value by more than this share of the brain's mean."""

FULL_LOSS = 1.0
"""Share of its volume that tissue loses at an amount of 1."""
FULL_WIDENING = {VENTRICLE: 3.6, HORN: 2.2}
"""Share that a fluid space gains at an amount of 1."""
COARSE_MM = 2.8  # edge of the voxels on which displacements are computed: they are smooth
EDGE_MM = 0.8  # areas pass into each other over this width
NEARBY_MM = 6.0  # within which fluid takes the room
WALL_MM = 8.0  # within which white matter makes room for a ventricle
LEAST_TAKERS = 0.005  # share of fluid nearby below which tissue loses less: there is nothing that could take its room
MOST_GIVEN = 0.6  # share of itself that fluid gives where tissue grows
LOSSES, WIDENINGS, RATES = (-0.5, 0.6), (-0.6, 2.0), (-0.65, 3.0)  # limits, so that nothing folds or vanishes
STILL_MM = 0.01  # what moves less stays as it is
ROUNDS = 4  # of the iteration that turns a displacement round
SMALLEST_VOLUME = 0.05  # a local volume below this share is clipped before the logarithm


def atrophy_amounts(
    severity: float, *, asymmetry: float = 0.15, jitter: float = 0.0, seed: int | np.random.Generator = 0
) -> np.ndarray:
    """Return how far each part of the brain is affected.

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
    array, shape (121,)
        Not negative; by number, see `mriinterp.simulation.areas`.
    """
    if not np.isfinite(severity) or severity < 0:
        raise ValueError(f"expected a severity of 0 or more, got {severity}")
    if not -1 <= asymmetry <= 1:
        raise ValueError(f"expected an asymmetry between -1 and 1, got {asymmetry}")
    rng = np.random.default_rng(seed)
    amounts = np.zeros(COUNT)
    for name, weight in (AREA_WEIGHTS | FLUID_WEIGHTS).items():
        for side, sign in zip(SIDES, (1, -1), strict=True):
            factor = max(0.0, 1 + jitter * rng.standard_normal())
            amounts[parts_of(name, side)] = severity * weight * (1 + sign * asymmetry) * factor
    return amounts


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
    return ndimage.map_coordinates(array, voxels, order=1, mode="nearest")


def disease_field(healthy: Shift, diseased: Shift) -> Volume:
    """Return how much disease changed the volume at each voxel of the shifts' grid, float32: |Δ log Jacobian|."""
    strength = np.abs(diseased.log_jacobian() - healthy.log_jacobian())
    return Volume(strength, healthy.grid.affine)


def _blurred(values: np.ndarray, grid: Grid, millimetres: float) -> np.ndarray:
    sigma = [millimetres / size for size in grid.voxel_sizes]
    return ndimage.gaussian_filter(values, sigma, mode="constant", truncate=3.0)


def _balanced(loss: np.ndarray, takers: np.ndarray, grid: Grid, millimetres: float) -> np.ndarray:
    """Return the change of volume: the loss, and what the takers within some millimetres gain; it sums to 0 in each
    neighbourhood. Where takers are too few, less is lost, and no taker gives more than `MOST_GIVEN` of itself."""
    around = np.maximum(_blurred(takers, grid, millimetres), LEAST_TAKERS)
    asked = loss / around
    given = _blurred(asked, grid, millimetres) / -MOST_GIVEN
    asked = np.where(asked < 0, asked / np.maximum(_blurred(np.maximum(given, 1), grid, millimetres), 1), asked)
    return takers * _blurred(asked, grid, millimetres) - asked * _blurred(takers, grid, millimetres)


def _moved_by(rate: np.ndarray, grid: Grid) -> np.ndarray:
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


def _inverse(forward: np.ndarray) -> np.ndarray:
    """Return d with d(y) = −e(y + d(y)), both (3, i, j, k) in voxels, by iteration."""
    where = np.indices(forward.shape[1:], dtype=np.float32)
    back = -forward
    for _ in range(ROUNDS):
        at = (where + back).reshape(3, -1)
        back = -np.stack([interpolated(part, at) for part in forward]).reshape(forward.shape)
    return back


@dataclass(frozen=True, eq=False)
class Tissues:
    """The fluid and white matter of a brain in MNI space, on a grid coarse enough for what is smooth.

    Parameters
    ----------
    grid : Grid
    fluid, solid, white, takers : array, float32
        Shares, 0–1; takers are fluid in and around the brain.
    labels : array of uint8, shape of the fine grid
        Of `part_labels`.
    block : int
        Voxels of the fine grid along an edge of one of this.
    """

    grid: Grid
    fluid: np.ndarray
    solid: np.ndarray
    white: np.ndarray
    takers: np.ndarray
    labels: np.ndarray
    block: int

    def rates(self, by_part: np.ndarray) -> np.ndarray:
        """Return values by number as an image on this grid, passing into each other at edges."""
        image = Volume(by_part.astype(np.float32)[self.labels], np.eye(4))
        return _blurred(block_means(image, (self.block,) * 3).data, self.grid, EDGE_MM)


def tissues_of(volume: Volume) -> Tissues:
    """Return the tissues of a skull-stripped T1 scan in MNI space, told by its intensities.

    Raises
    ------
    ValueError
        If the scan shows no fluid where ventricles are.
    """
    block = max(1, round(COARSE_MM / min(volume.grid.voxel_sizes)))

    def coarse(values: np.ndarray) -> Volume:
        return block_means(volume.with_data(values.astype(np.float32)), (block,) * 3)

    inside = volume.data > 0
    fluid = csf_fraction(volume)
    solid = coarse(np.where(inside, 1 - fluid, 0))
    white = tissue("wm", solid.grid).data * solid.data
    takers = coarse(np.where(inside, fluid, 1)).data
    labels = part_labels(volume.grid)
    return Tissues(solid.grid, coarse(fluid).data, solid.data, white, takers, labels, block)


def shift_of(tissues: Tissues, amounts: np.ndarray) -> Shift:
    """Return the displacement that given amounts of atrophy cause.

    Parameters
    ----------
    tissues : Tissues
        Of the brain that shrinks.
    amounts : array, shape (121,)
        From `atrophy_amounts`; may be negative (smaller ventricles, larger
        hippocampi: normal variation).
    """
    grid = tissues.grid
    losses = FULL_LOSS * np.asarray(amounts, float)
    gains = np.zeros(COUNT)
    for (name, _), number in FLUID_SPACES.items():
        losses[number] = 0
        gains[number] = FULL_WIDENING[name] * amounts[number]
    loss = np.clip(tissues.rates(losses), *LOSSES) * tissues.solid
    rate = _balanced(loss, tissues.takers, grid, NEARBY_MM)
    if gains.any():
        widening = np.clip(tissues.rates(gains), *WIDENINGS) * tissues.fluid
        rate -= _balanced(widening, tissues.white, grid, WALL_MM)
    back = _inverse(_moved_by(np.clip(rate, *RATES), grid))
    return Shift(np.tensordot(grid.affine[:3, :3].astype(np.float32), back, axes=1), grid)


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
    severity, asymmetry, jitter, seed
        As of `atrophy_amounts`.

    Returns
    -------
    Volume, Volume
        The scan with the disease, float32, its brain where it was; and where
        it differs (`changed`), bool.

    Raises
    ------
    ValueError
        If the scan shows no fluid where ventricles are.
    """
    amounts = atrophy_amounts(severity, asymmetry=asymmetry, jitter=jitter, seed=seed)
    before = np.asarray(volume.data, np.float32)
    inside = before > 0
    if severity == 0:
        return volume.with_data(before), volume.with_data(np.zeros(before.shape, bool))
    shift = shift_of(tissues_of(volume), amounts)
    fluid, _ = tissue_levels(volume)
    mm = volume.grid.to_mm(np.argwhere(inside)).T
    moved = shift.at(mm)
    moving = np.abs(moved).max(axis=0) > STILL_MM
    # Outside the brain is fluid while sampling, so that the rim does not fade into the background.
    source = np.where(inside, before, np.float32(fluid))
    voxels = volume.grid.to_voxel((mm + moved)[:, moving].T).T
    sampled = ndimage.map_coordinates(source, voxels, order=3, mode="nearest")
    values, after = before[inside], before.copy()
    values[moving] = np.maximum(sampled, 1e-3 * fluid)
    after[inside] = values
    return volume.with_data(after), volume.with_data(changed(before, after))
