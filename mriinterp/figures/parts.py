"""A map, or the part of it with one sign, with the scale of colours it is drawn with and what that means."""

from __future__ import annotations

from typing import Any

import numpy as np

from mriinterp.base.parts import part_of
from mriinterp.figures.colours import Scale, map_scale
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import Meaning

__all__ = ["shown_part"]


def shown_part(relevance: Any, part: str = "both") -> tuple[Volume, Scale]:
    """Return the shown values of a map with their sign, in RAS+ order, and their colours.

    A value has the same sign and words whichever part is shown, and the same
    half of the colours. A map without values below 0 is drawn on a sequential
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
    percentile = None if relevance.reading == "absolute" else 100.0
    if not meaning.signed:
        return volume, map_scale(volume, "absolute", percentile=percentile, unit=meaning.unit)
    end = map_scale(volume, "absolute", percentile=percentile).high
    low, high = (0.0 if part == "supports" else -end), (0.0 if part == "against" else end)
    return volume, Scale(low, high, signed=True, unit=meaning.unit, ends=meaning.ends)
