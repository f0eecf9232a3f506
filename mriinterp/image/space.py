"""Check whether a scan is in MNI space and skull-stripped.

Networks and atlases here expect brains that lie where the ICBM152 template
lies. A file's header may claim that; this module looks at the voxels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy

from mriinterp.image.blocks import block_means
from mriinterp.image.template import brain_mask, template
from mriinterp.image.volume import Grid, Volume, resample

__all__ = [
    "FINE",
    "MNI_CORRELATION",
    "blur_inside",
    "check_mni_space",
    "check_skull_stripped",
    "describe_space",
    "looks_skull_stripped",
    "mni_correlation",
    "skull_signal",
]

MNI_CORRELATION = 0.5
"""Least correlation of a scan in MNI space. Measured: eight affinely registered adults 0.73 to 0.80; two of them as
they lay in the scanner 0.08 and 0.14; moved by 3 cm, upside down or turned by 30 degrees at most 0.42."""

SKULL_SIGNAL = 0.1
"""Least share of tissue around the brain of a scan with a skull. Measured: eight stripped scans at most 0.03; the same
with a simulated skull and scalp at least 0.89."""

HERE = "here by explain --prepare, mriinterp prepare or [prepare] in a study file"
CELL_MM = 4.0
COARSE = Grid((48, 58, 48), np.array([[4, 0, 0, -94], [0, 4, 0, -130], [0, 0, 4, -76], [0, 0, 0, 1.0]]))
FINE = Grid((96, 116, 96), np.array([[2, 0, 0, -95], [0, 2, 0, -131], [0, 0, 2, -77], [0, 0, 0, 1.0]]))
DETAIL, TREND = 1.0, 4.0  # cells: what is compared is larger than 4 mm and smaller than 16 mm


@dataclass(frozen=True, eq=False)
class _Reference:
    """What the template looks like on the coarse grid."""

    core: np.ndarray  # bool: brain, without its outermost cells, which a skull would reach
    shell: np.ndarray  # bool: 8 to 20 mm outside the brain, where scalp lies
    pattern: np.ndarray  # band-passed template inside the core


@lru_cache(maxsize=1)
def _reference() -> _Reference:
    brain = brain_mask(COARSE).data
    core = scipy.ndimage.binary_erosion(brain)
    shell = scipy.ndimage.binary_dilation(brain, iterations=5) & ~scipy.ndimage.binary_dilation(brain, iterations=2)
    return _Reference(core, shell, _pattern(_coarse(template(FINE)), core))


def mni_correlation(volume: Volume) -> float:
    """Return how well the folds and tissues of a T1 scan match the ICBM152 template.

    Both are averaged to 4 mm, restricted to the template's brain without its
    rim, and freed of differences wider than 16 mm (bias fields). What lies
    outside the brain is not looked at, so scans with and without skull
    score alike, as do other intensity scales.

    Parameters
    ----------
    volume : Volume
        A T1-weighted scan of a whole head or brain, any grid.

    Returns
    -------
    float
        Pearson correlation, -1 to 1; 0 for a scan that is flat there.

    Notes
    -----
    A scan whose left and right are swapped cannot be recognised: the template is
    symmetric, and brains nearly are.
    """
    reference = _reference()
    coarse = _coarse(volume)
    low, high = np.percentile(coarse[reference.core], (0.5, 99.5))
    pattern = _pattern(np.clip(coarse, low, high), reference.core)
    norm = np.linalg.norm(pattern) * np.linalg.norm(reference.pattern)
    return float(pattern @ reference.pattern / norm) if norm > 0 else 0.0


def check_mni_space(volume: Volume, name: str = "this scan", correlation: float | None = None) -> float:
    """Return the correlation with the template; ValueError if the scan is not in MNI space.

    See `mni_correlation`, also for what it cannot recognise; `correlation`: as it gave it, if it was asked before.
    """
    correlation = mni_correlation(volume) if correlation is None else correlation
    if correlation < MNI_CORRELATION:
        raise ValueError(
            f"{name} does not lie in MNI space: it matches the ICBM152 template with a correlation of {correlation:.2f}, "
            f"expected at least {MNI_CORRELATION:.2f}. Register it to MNI152 first, {HERE}, or for "
            "example with CAT12, FSL FLIRT or ANTs; check that it is a T1-weighted scan of the whole brain with the right way up"
        )
    return correlation


def describe_space(correlation: float, *, checked: bool = True) -> dict[str, Any]:
    """Return what is recorded beside a map of where its scan lies.

    Parameters
    ----------
    correlation : float
        As `mni_correlation` gives it.
    checked : bool
        Whether a scan that does not match would have been refused.
    """
    return {
        "template": "ICBM152",
        "correlation": round(correlation, 4),
        "expected": MNI_CORRELATION,
        "matches": correlation >= MNI_CORRELATION,
        "checked": checked,
    }


def skull_signal(volume: Volume) -> float:
    """Return the share of the space 8 to 20 mm outside the brain that holds tissue.

    Parameters
    ----------
    volume : Volume
        A scan in MNI space.

    Returns
    -------
    float
        0 to 1. Tissue is what differs from the most usual value there by a
        tenth of the brain's brightness. 0 where the scan does not reach
        beyond the brain.
    """
    reference = _reference()
    coarse = _coarse(volume)
    voxels = volume.grid.to_voxel(COARSE.to_mm(np.argwhere(reference.shell)))
    seen = np.all((voxels >= 0) & (voxels <= np.array(volume.grid.shape) - 1), axis=1)
    around = coarse[reference.shell][seen]
    if not around.size:
        return 0.0
    air = float(np.percentile(around, 10))
    brightness = abs(float(np.median(coarse[reference.core])) - air)
    return float(np.mean(np.abs(around - air) > 0.1 * brightness))


def looks_skull_stripped(volume: Volume) -> bool:
    """Return whether a scan in MNI space shows no skull or scalp around the brain."""
    return skull_signal(volume) < SKULL_SIGNAL


def check_skull_stripped(volume: Volume, name: str = "this scan") -> None:
    """Raise ValueError if skull or scalp are visible around the brain."""
    share = skull_signal(volume)
    if share >= SKULL_SIGNAL:
        raise ValueError(
            f"{name} still shows skull or scalp: {share:.0%} of the space around the brain holds tissue, expected under "
            f"{SKULL_SIGNAL:.0%}. The network was trained on brains alone; remove the skull first, {HERE}, or for "
            "example with CAT12, HD-BET, SynthStrip or FSL BET"
        )


def _coarse(volume: Volume) -> np.ndarray:
    """Average a scan over whole blocks of voxels, then interpolate it on `COARSE` by affine."""
    shape = volume.data.shape
    block = [min(max(1, int(CELL_MM / s + 0.25)), n) for s, n in zip(volume.grid.voxel_sizes, shape, strict=True)]
    if max(block) == 1:
        return resample(volume.with_data(volume.data.astype(np.float32)), COARSE).data
    return resample(block_means(volume, block), COARSE).data


def _pattern(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return band-passed values inside a mask, of mean 0; nothing outside it counts."""
    detail, trend = (blur_inside(image, mask, sigma) for sigma in (DETAIL, TREND))
    pattern = (detail - trend)[mask].astype(np.float64)
    return pattern - pattern.mean()


def blur_inside(image: np.ndarray, mask: np.ndarray, sigma: float | Sequence[float]) -> np.ndarray:
    """Return an image after a Gaussian filter (standard deviation in voxels) that takes only what is in a mask."""
    weight = scipy.ndimage.gaussian_filter(mask.astype(np.float32), sigma)
    return scipy.ndimage.gaussian_filter(np.where(mask, image, 0).astype(np.float32), sigma) / np.maximum(weight, 1e-6)
