"""Volumes of a simulated brain's parts, as its Jacobian determinants have them: exact, no segmentation."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mriinterp.image.template import DEMO_GRID, csf_fraction, template
from mriinterp.simulation.areas import COUNT, part_labels
from mriinterp.simulation.displacement import Shift, interpolated
from mriinterp.simulation.subjects import Brain

__all__ = ["part_volumes"]


@lru_cache(maxsize=1)
def _fluid() -> np.ndarray:
    return csf_fraction(template())


def part_volumes(brain: Brain, shift: Shift) -> np.ndarray:
    """Return the millilitres of each part of a brain: tissue of areas, fluid of fluid spaces.

    Parameters
    ----------
    brain : Brain
    shift : Shift
        `brain.healthy` or `brain.diseased`.

    Returns
    -------
    array, shape (121,)
    """
    voxels = DEMO_GRID.to_voxel((brain.points + shift.at(brain.points)).T).T
    nearest = np.clip(np.round(voxels).astype(int), 0, np.array(DEMO_GRID.shape)[:, None] - 1)
    labels = part_labels(DEMO_GRID)[tuple(nearest)]
    fluid = interpolated(_fluid(), voxels)
    weights = np.where(labels >= 117, fluid, 1 - fluid)
    return np.bincount(labels, weights, minlength=COUNT) * DEMO_GRID.voxel_volume / 1000
