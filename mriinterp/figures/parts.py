"""A map, or the part of it with one sign, with the scale of colours it is drawn with and what that means."""

from __future__ import annotations

from typing import Any

import numpy as np

from mriinterp.base.parts import part_of
from mriinterp.figures.colours import Scale
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import Meaning

__all__ = ["shown_part"]

ROBUST_PERCENTILE = 99.9  # of the sizes that are not 0
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


def _end(data: np.ndarray) -> float:
    """Return the end of the scale as the viewer has it: the largest size, unless outliers would stretch it."""
    sizes = np.abs(data[data != 0])
    if not sizes.size:
        return 1.0
    largest, most = float(sizes.max()), float(np.percentile(sizes, ROBUST_PERCENTILE, method="inverted_cdf"))
    return most if largest > OUTLIERS * most else largest
