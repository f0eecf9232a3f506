"""Lesions of the white matter, as small vessel disease leaves them: darker spots around the ventricles, more with age."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy

from mriinterp.image.template import DEMO_GRID, tissue
from mriinterp.simulation.areas import part_labels
from mriinterp.simulation.healthy import smooth_noise, years

__all__ = ["lesions"]

SPACING_MM = 7.0  # between the control points of the field whose tops are lesions
REACH_MM = 9.0  # from the ventricles' wall: how fast lesions become rare
FEWEST, MOST = 2.6, 1.2  # level above which the field is a lesion, at 58 and at 88 years, at the wall itself
SPREAD = 0.35  # of that level between people


@lru_cache(maxsize=1)
def _white_matter() -> tuple[np.ndarray, np.ndarray]:
    """Return the white matter of the template, 0–1, and how near the ventricles it is, 0–1, on the demo grid."""
    away = scipy.ndimage.distance_transform_edt(part_labels(DEMO_GRID) < 117, sampling=DEMO_GRID.voxel_sizes)
    return np.clip(2 * tissue("wm").data - 1, 0, 1), np.exp(-away / REACH_MM).astype(np.float32)


def lesions(rng: np.random.Generator, age: float, scale: float = 1.0) -> np.ndarray:
    """Return how much of each voxel of the template's white matter is a lesion, float32, 0–1, on `DEMO_GRID`.

    Parameters
    ----------
    rng : Generator
    age : float
        Years: few people have lesions at 58, most have at 88.
    scale : float
        0 for none at all.
    """
    white, near = _white_matter()
    level = FEWEST + (MOST - FEWEST) * years(age) + SPREAD * rng.standard_normal()
    field = smooth_noise(rng, DEMO_GRID, SPACING_MM)
    field *= 1 / 0.33  # the spread of cubic B-splines' sums of N(0, 1): back to about N(0, 1)
    tops = np.clip(field - level - 3 * (1 - near), 0, 1)
    return (scale * tops * white).astype(np.float32)
