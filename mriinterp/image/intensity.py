"""Measure the intensities of a scan: its air, its brain, its extremes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
import scipy

from mriinterp.image.template import brain_mask
from mriinterp.image.volume import Grid, Volume

__all__ = ["FLAT", "Intensities", "measure_intensities"]

COARSE = Grid((48, 58, 48), np.array([[4, 0, 0, -94], [0, 4, 0, -130], [0, 0, 4, -76], [0, 0, 0, 1.0]]))
RIM_MM, AWAY_MM = 8.0, 20.0  # brain at least so far inside the template's; air at least so far outside
LEAST_COVER = 0.8  # share of the template's brain that a scan must hold to be judged by it
LEAST_POINTS = 100  # of air, to be judged at all
BULK = 99.0  # percentile of all voxels
FLAT = 0.001  # of the brightness: less is no difference


@dataclass(frozen=True)
class Intensities:
    """Figures of a scan's voxels, in the scan's own unit.

    Parameters
    ----------
    air : float or None
        Usual value (median) around the head; None if the scan shows no air.
    air_spread : float
        Interquartile range there: 0 for a skull-stripped scan.
    air_above, air_off, air_varied : float
        Shares of the voxels there that are above 0, and that differ from 0,
        or from `air`, by more than a thousandth of `brightness`, 0 to 1.
    brain : float
        Usual value (median) of the brain.
    brain_spread : float
        From the 5th to the 95th percentile of the brain.
    dark, darker_than_air : float
        Shares of the brain's voxels that are 0 or below, and `air` or below, 0 to 1.
    common, common_share : float
        The value that most of the brain's voxels have, and their share.
    bulk : float
        99th percentile of all voxels: what the brightest tissue has.
    lowest, highest : float
        Of all voxels.
    """

    air: float | None
    air_spread: float
    air_above: float
    air_off: float
    air_varied: float
    brain: float
    brain_spread: float
    dark: float
    darker_than_air: float
    common: float
    common_share: float
    bulk: float
    lowest: float
    highest: float

    @property
    def brightness(self) -> float:
        """How far tissue lies from the air."""
        return _brightness(self.air, self.bulk, self.brain)


def _brightness(air: float | None, bulk: float, brain: float) -> float:
    return max(abs(bulk - (air or 0.0)), abs(brain - (air or 0.0)))


_measured: WeakKeyDictionary[Volume, Intensities] = WeakKeyDictionary()


def measure_intensities(volume: Volume) -> Intensities:
    """Measure the intensities of a scan in MNI space, once a volume.

    Brain and air are looked for where the ICBM152 template has them. A scan
    that holds too little of the template's brain is judged by itself: a border
    of one value is air, and whatever else is not air is brain.
    """
    if volume not in _measured:
        _measured[volume] = _measure(volume)
    return _measured[volume]


def _measure(volume: Volume) -> Intensities:
    data = volume.data
    brain, air = _by_template(volume) or _by_border(data)
    low, middle, high = np.percentile(air, (25, 50, 75)).tolist() if air.size else (0.0, None, 0.0)
    usual, bulk = float(np.median(brain)), float(np.percentile(data, BULK))
    small = FLAT * _brightness(middle, bulk, usual)
    darkest, brightest = np.percentile(brain, (5, 95)).tolist()
    found, counts = np.unique(brain, return_counts=True)
    return Intensities(
        air=middle,
        air_spread=high - low,
        air_above=float(np.mean(air > 0)) if air.size else 0.0,
        air_off=float(np.mean(np.abs(air) > small)) if air.size else 0.0,
        air_varied=0.0 if middle is None else float(np.mean(np.abs(air - middle) > small)),
        brain=usual,
        brain_spread=brightest - darkest,
        dark=float(np.mean(brain <= 0)),
        darker_than_air=0.0 if middle is None else float(np.mean(brain <= middle)),
        common=float(found[counts.argmax()]),
        common_share=float(counts.max() / brain.size),
        bulk=bulk,
        lowest=float(data.min()),
        highest=float(data.max()),
    )


@lru_cache(maxsize=1)
def _places() -> tuple[np.ndarray, np.ndarray]:
    """Return points inside the template's brain and far outside it, in mm, shape (n, 3)."""
    brain = brain_mask(COARSE).data.astype(bool)
    edge = COARSE.voxel_sizes[0]
    inside = scipy.ndimage.distance_transform_edt(brain) * edge >= RIM_MM
    outside = scipy.ndimage.distance_transform_edt(~brain) * edge >= AWAY_MM
    return COARSE.to_mm(np.argwhere(inside)), COARSE.to_mm(np.argwhere(outside))


def _by_template(volume: Volume) -> tuple[np.ndarray, np.ndarray] | None:
    """Return values at points of brain and air; None if the scan holds too little of the template's brain."""
    inside, outside = _places()
    brain, air = _values_at(volume, inside), _values_at(volume, outside)
    if len(brain) < LEAST_COVER * len(inside):
        return None
    return brain, air if len(air) >= LEAST_POINTS else air[:0]


def _values_at(volume: Volume, points: np.ndarray) -> np.ndarray:
    """Return the voxels nearest to points (n, 3) in mm, of those inside the scan."""
    voxels = np.round(volume.grid.to_voxel(points)).astype(np.int64)
    inside = ((voxels >= 0) & (voxels < volume.data.shape)).all(axis=1)
    return volume.data[tuple(voxels[inside].T)].astype(np.float64)


def _by_border(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values that are not those of a uniform border, and the border's; all and none without one."""
    faces = [np.take(data, place, axis).ravel() for axis in range(data.ndim) for place in (0, -1)]
    border = np.concatenate(faces).astype(np.float64)
    air = np.median(border)
    same = border == air
    if same.mean() < 0.5 or (data == air).all():
        return data.ravel().astype(np.float64), border[:0]
    return data[data != air].astype(np.float64), border[same]
