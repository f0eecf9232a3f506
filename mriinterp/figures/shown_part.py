"""A map, or the part of it with one sign, with the scale of colours it is drawn with and what that means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import scipy

from mriinterp.base.map_parts import part_of
from mriinterp.figures.colours import Scale
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import Meaning

__all__ = ["as_viewed", "shown_part"]

ROBUST_PERCENTILE = 99.9  # of the sizes that are not 0
VIEWER_STEPS = 65533  # of a map's range, in the browser
OUTLIERS = 1.5  # times that percentile


def shown_part(relevance: Any, part: str = "both") -> tuple[Volume, Scale]:
    """Return the shown values of a map with their sign, in RAS+ order, and their colours.

    A value has the same sign and words whichever part is shown, and the same
    half of the colours; the scale ends where that of the page's viewer does. A map without values below 0 is drawn on a sequential
    scale.

    Parameters
    ----------
    relevance : RelevanceMap
    part : {"both", "supports", "against"}
        The sign of the values that are shown.

    Raises
    ------
    ValueError
        For another part.
    """
    whole, meaning = relevance.volume.canonical(), Meaning.of(relevance)
    volume = Volume(part_of(whole.data, part).astype(np.float32, copy=False), whole.affine, whole.source)
    end = _end(volume.data)
    if not meaning.signed:
        return volume, Scale(0.0, end, unit=meaning.unit)
    low, high = (0.0 if part == "supports" else -end), (0.0 if part == "against" else end)
    return volume, Scale(low, high, signed=True, unit=meaning.unit, ends=meaning.ends)


def as_viewed(volume: Volume, scale: Scale, settings: Mapping[str, Any]) -> tuple[Volume, Scale]:
    """Return values and colours as the viewer draws them with its settings.

    Parameters
    ----------
    volume, scale : Volume, Scale
        From `shown_part`.
    settings : mapping
        Of the viewer, under the names in which it reports them: ``overlay``,
        ``threshold``, ``threshold_mode``, ``cluster``, ``opacity``, ``fade``,
        ``top``, ``signedScale`` and ``unsignedScale``; what is missing is as
        in `scale`.
    """
    sizes = _sizes(volume.data)
    threshold = settings.get("threshold", 0.0) or 0.0
    if settings.get("threshold_mode", "percentile") == "percentile":
        flat = sizes.size and (sizes == sizes.max()).all()
        threshold = 0.0 if flat or not sizes.size else float(np.percentile(sizes, threshold, method="inverted_cdf"))
    look: dict[str, Any] = {"threshold": threshold, "opacity": settings.get("opacity", scale.opacity)}
    look["fade"] = settings.get("fade", scale.fade)
    look["palette"] = settings.get("signedScale" if scale.signed else "unsignedScale", scale.palette)
    if top := settings.get("top"):
        look |= {"low": -top if scale.low < 0 else scale.low, "high": top if scale.high > 0 else scale.high}
    if not settings.get("overlay", True):
        return volume.with_data(np.zeros_like(volume.data)), replace(scale, **look)
    return _without_small(volume, threshold, int(settings.get("cluster", 1))), replace(scale, **look)


def _without_small(volume: Volume, threshold: float, least: int) -> Volume:
    """Return a map without clusters of fewer voxels (of one sign, touching by faces) that pass a threshold."""
    if least <= 1:
        return volume
    data = volume.data.copy()
    for sign in (1, -1):
        marks, _ = scipy.ndimage.label((sign * data > 0) & (sign * data >= threshold))
        small = np.bincount(marks.ravel()) < least
        small[0] = False
        data[small[marks]] = 0
    return volume.with_data(data)


def _sizes(data: np.ndarray) -> np.ndarray:
    """Return the magnitudes that the viewer counts: those that its 16 bits tell from 0."""
    step = (max(0.0, float(data.max())) - min(0.0, float(data.min()))) / VIEWER_STEPS
    sizes = np.abs(data.ravel())
    return sizes[(sizes > 0) & (sizes >= step / 2)]


def _end(data: np.ndarray) -> float:
    """Return the end of the scale as the viewer has it: the largest size, unless outliers would stretch it."""
    sizes = _sizes(data)
    if not sizes.size:
        return 1.0
    largest, most = float(sizes.max()), float(np.percentile(sizes, ROBUST_PERCENTILE, method="inverted_cdf"))
    return most if largest > OUTLIERS * most else largest
