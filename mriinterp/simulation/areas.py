"""The parts of the brain that the simulation changes: areas of the AAL atlas and four fluid spaces, by number.

Amounts of change are arrays of `COUNT` values, one a part: number 0 is the
rest of the brain, 1–116 are the areas of AAL-116, then come the lateral
ventricles and their temporal horns, left and right.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mriinterp.image.template import AREA_LABELS, SIDES, aal_labels, grid_key, grid_of, ventricle
from mriinterp.image.volume import Grid, Volume, resample

__all__ = [
    "AREA_WEIGHTS",
    "COUNT",
    "FLUID_SPACES",
    "FLUID_WEIGHTS",
    "HORN",
    "LOBES",
    "VENTRICLE",
    "part_labels",
    "parts_of",
]

AAL_AREAS = 116
VENTRICLE, HORN = "Ventricle", "Temporal_Horn"
FLUID_SPACES = {(VENTRICLE, "L"): 117, (VENTRICLE, "R"): 118, (HORN, "L"): 119, (HORN, "R"): 120}
COUNT = 121

# Share of the full effect by structure: medial temporal first, as in Braak's stages, then the temporoparietal cortex.
AREA_WEIGHTS = {
    "Hippocampus": 1.0,
    "Amygdala": 0.75,
    "ParaHippocampal": 0.6,
    "Fusiform": 0.6,
    "Temporal_Inf": 0.75,
    "Temporal_Mid": 0.75,
    "Temporal_Pole_Mid": 0.7,
    "Temporal_Pole_Sup": 0.6,
    "Temporal_Sup": 0.45,
    "Cingulum_Post": 0.5,
    "Precuneus": 0.55,
    "Angular": 0.55,
    "Parietal_Inf": 0.5,
}
"""How much the disease affects an area, 1 the most."""
FLUID_WEIGHTS = {VENTRICLE: 1.25, HORN: 1.0}

LOBES = {
    "frontal": range(1, 31),
    "cingulate": range(31, 37),
    "medial temporal": range(37, 43),
    "occipital": range(43, 55),
    "temporal": (55, 56, *range(79, 91)),
    "parietal": range(57, 71),
    "deep grey": range(71, 79),
    "cerebellum": range(91, 117),
    "ventricles": range(117, 121),
}
"""Numbers whose sizes are alike within a person."""


def parts_of(name: str, side: str) -> int:
    """Return the number of a structure of `AREA_WEIGHTS`, or of a fluid space, on one side.

    Raises
    ------
    KeyError
        If the simulation knows no such structure or side.
    """
    if (name, side) in FLUID_SPACES:
        return FLUID_SPACES[name, side]
    if name not in AREA_LABELS or side not in SIDES:
        known = ", ".join([*AREA_LABELS, VENTRICLE, HORN])
        raise KeyError(f"expected an area and a side, got {name!r}, {side!r}; available: {known}; L, R")
    return AREA_LABELS[name][SIDES.index(side)]


@lru_cache(maxsize=3)
def _labels(key: tuple) -> np.ndarray:
    grid = grid_of(key)
    labels = aal_labels(grid).astype(np.uint8)
    for (name, side), number in FLUID_SPACES.items():
        native = ventricle(side, "body" if name == VENTRICLE else "horn")
        moved = resample(Volume(native.data.astype(np.float32), native.affine), grid, order=1).data
        labels[moved > 0.3] = number
    labels.setflags(write=False)
    return labels


def part_labels(grid: Grid) -> np.ndarray:
    """Return the number of the part at each voxel of a grid in MNI space, uint8; where fluid spaces lie, theirs."""
    return _labels(grid_key(grid))
