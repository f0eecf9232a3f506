"""The simulated scanners: two sites with their contrast, bias field and noise, and two shortcuts a network can learn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mriinterp.image.template import DEMO_GRID
from mriinterp.simulation.anatomy import FLUID, GREY, WHITE
from mriinterp.simulation.healthy import axes_mm, smooth_noise

__all__ = ["MARK_MM", "SITES", "SUPPRESSOR_MM", "SUPPRESSOR_SIGMA_MM", "Site", "add_mark", "scan_at", "suppressor"]

MARK_MM = (-76.0, -40.0, -40.0)  # the confound: beside the left temporal bone
SUPPRESSOR_MM = ((-26.0, -18.0, -18.0), (26.0, -18.0, -18.0), (-14.0, -92.0, 0.0), (14.0, -92.0, 0.0))
SUPPRESSOR_SIGMA_MM = 12.0
BRIGHTEST = 262.0


@dataclass(frozen=True)
class Site:
    """A scanner.

    Parameters
    ----------
    fluid, grey, white : float
        Mean levels of the tissues; they vary from scan to scan.
    bias : float
        Size of the bias field, as a logarithm.
    noise : float
        Relative to the simulation's mean noise.
    """

    fluid: float
    grey: float
    white: float
    bias: float
    noise: float


SITES = {"A": Site(56.0, 158.0, 222.0, 0.045, 0.85), "B": Site(64.0, 167.0, 219.0, 0.07, 1.2)}
"""By name, as in the table; which one a person is scanned at has nothing to do with the group."""


def scan_at(site: Site, rng: np.random.Generator, brain: np.ndarray, noise: float, pattern=None) -> np.ndarray:
    """Return the scan of a brain: contrast, bias field, pattern, noise, scale.

    Parameters
    ----------
    site : Site
    rng : Generator
    brain : array, shape of `DEMO_GRID`
        Levels as of the anatomies, 0 outside.
    noise : float
        Mean standard deviation of the noise, as a share of white matter.
    pattern : array, optional
        Relative change of each voxel.

    Returns
    -------
    array, float32
        0 outside the brain, in arbitrary units.
    """
    inside = brain > 0
    levels = [0, rng.normal(site.fluid, 6), rng.normal(site.grey, 4), rng.normal(site.white, 4), BRIGHTEST]
    bias = site.bias * smooth_noise(rng, DEMO_GRID, 55.0) + 0.5 * site.bias * smooth_noise(rng, DEMO_GRID, 35.0)
    seen = np.interp(brain[inside], [0, FLUID, GREY, WHITE, BRIGHTEST], levels) * np.exp(bias[inside])
    if pattern is not None:
        seen = seen * (1 + pattern[inside])
    sigma = WHITE * noise * site.noise * rng.uniform(0.8, 1.2)
    real = seen + sigma * rng.standard_normal(seen.size, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(seen.size, dtype=np.float32)
    scan = np.zeros(brain.shape, np.float32)
    scan[inside] = np.hypot(real, imaginary) * rng.uniform(1.0, 4.0)
    return scan


@lru_cache(maxsize=1)
def suppressor() -> np.ndarray:
    """Return the suppressor's pattern, Gaussians of height 1 on the demo grid, float32."""
    total = np.zeros(DEMO_GRID.shape, np.float32)
    for centre in SUPPRESSOR_MM:
        x, y, z = (
            np.exp(-0.5 * ((a - c) / SUPPRESSOR_SIGMA_MM) ** 2) for a, c in zip(axes_mm(DEMO_GRID), centre, strict=True)
        )
        total += x[:, None, None] * y[:, None] * z
    return total


def add_mark(rng: np.random.Generator, scan: np.ndarray) -> None:
    """Add the confound to a scan in place: a ball of 4 mm radius beside the head, brighter than any tissue."""
    centre = np.array(MARK_MM) + rng.uniform(-3, 3, 3)
    at = np.round(DEMO_GRID.to_voxel(centre)).astype(int)
    offsets = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"))
    ball = (offsets**2).sum(0) * 1.5**2 <= 4.0**2
    level = 2.5 * np.percentile(scan[scan > 0], 90)
    box = scan[tuple(slice(a - 3, a + 4) for a in at)]
    box[ball] = level
