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

import numpy as np
import scipy

from mriinterp.image.template import SIDES, tissue_levels
from mriinterp.image.volume import Grid, Volume
from mriinterp.simulation.areas import (
    AREA_WEIGHTS,
    COUNT,
    FLUID_SPACES,
    FLUID_WEIGHTS,
    HORN,
    VENTRICLE,
    parts_of,
)
from mriinterp.simulation.displacement import Shift, moved_by, turned_round
from mriinterp.simulation.tissues import Tissues, blurred, tissues_of

__all__ = [
    "STILL_MM",
    "TRUTH_THRESHOLD",
    "apply_atrophy",
    "atrophy_amounts",
    "changed",
    "disease_field",
    "shift_of",
]

TRUTH_THRESHOLD = 0.08
"""A voxel counts as changed when the disease moves its value by more than this share of the brain's mean."""

FULL_LOSS = 1.0
"""Rate of loss asked of tissue at an amount of 1; limits, edges and a lack of fluid nearby leave less, see
benchmarks/RESULTS_SIMULATION.md."""
FULL_WIDENING = {VENTRICLE: 3.6, HORN: 2.2}
"""The same of what fluid spaces gain."""
NEARBY_MM = 6.0  # within which fluid takes the room
WALL_MM = 8.0  # within which white matter makes room for a ventricle
LEAST_TAKERS = 0.005  # share of fluid nearby below which tissue loses less: there is nothing that could take its room
MOST_GIVEN = 0.6  # share of itself that fluid gives where tissue grows
LOSSES, WIDENINGS, RATES = (-0.5, 0.6), (-0.6, 2.0), (-0.65, 3.0)  # limits, so that nothing folds or vanishes
STILL_MM = 0.01  # what moves less stays as it is


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


def disease_field(healthy: Shift, diseased: Shift) -> Volume:
    """Return how much disease changed the volume at each voxel of the shifts' grid, float32: |Δ log Jacobian|."""
    strength = np.abs(diseased.log_jacobian() - healthy.log_jacobian())
    return Volume(strength, healthy.grid.affine)


def _balanced(loss: np.ndarray, takers: np.ndarray, grid: Grid, millimetres: float) -> np.ndarray:
    """Return the change of volume: the loss, and what the takers within some millimetres gain; it sums to 0 in each
    neighbourhood. Where takers are too few, less is lost, and no taker gives more than `MOST_GIVEN` of itself."""
    around = np.maximum(blurred(takers, grid, millimetres), LEAST_TAKERS)
    asked = loss / around
    given = blurred(asked, grid, millimetres) / -MOST_GIVEN
    asked = np.where(asked < 0, asked / np.maximum(blurred(np.maximum(given, 1), grid, millimetres), 1), asked)
    return takers * blurred(asked, grid, millimetres) - asked * blurred(takers, grid, millimetres)


def shift_of(tissues: Tissues, amounts: np.ndarray) -> Shift:
    """Return the displacement that given amounts of atrophy cause, exact in the brain and close to it.

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
    back = turned_round(moved_by(np.clip(rate, *RATES), grid), tissues.near)
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
    sampled = scipy.ndimage.map_coordinates(source, voxels, order=3, mode="nearest")
    values, after = before[inside], before.copy()
    values[moving] = np.maximum(sampled, 1e-3 * fluid)
    after[inside] = values
    return volume.with_data(after), volume.with_data(changed(before, after))
