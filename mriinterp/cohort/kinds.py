"""Kinds of averages: what of each map is read before maps are averaged, or summed over areas.

A cohort keeps the signed maps' means and sums and those of the method's
reading. The others follow from these two, as for every value x
max(x, 0) + min(x, 0) = x and max(x, 0) − min(x, 0) = |x|.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mriinterp.base.map_parts import SIZES
from mriinterp.base.reading import READINGS
from mriinterp.image.volume import Volume

__all__ = ["KINDS", "PART_KINDS", "ReadMean", "derived_values", "part_of_kind", "reading_of_kind"]

KINDS = ("reading", *READINGS)
PART_KINDS: Mapping[str, str] = {**SIZES, "both": "signed"}
"""The kind of average that shows a part of the maps: of both signs the signed one, else a size."""


@dataclass(frozen=True, eq=False)
class ReadMean:
    """A mean map and how it is to be read, for figures and tables that take a `RelevanceMap`.

    Parameters
    ----------
    volume : Volume
    reading : str
        A key of `mriinterp.base.reading.READINGS`.
    """

    volume: Volume
    reading: str


def reading_of_kind(kind: str, reading: str) -> str:
    """Return how each map is read for a kind of average, given its method's reading; ValueError for another kind."""
    if kind not in KINDS:
        raise ValueError(f"expected a kind of mean, got {kind!r}; available: {', '.join(KINDS)}")
    return reading if kind == "reading" else kind


def part_of_kind(kind: str, reading: str) -> str | None:
    """Return the part of the maps that a kind of average is of; None for sizes, which hold both signs."""
    wanted = reading_of_kind(kind, reading)
    return next((part for part, one in PART_KINDS.items() if one == wanted), None)


def derived_values(kind: str, reading: str, signed: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Return the mean (or sum) of one reading of maps, from those of the signed maps and of another reading.

    Parameters
    ----------
    kind : {"absolute", "positive", "negative", "signed"}
        The reading that is asked for.
    reading : {"absolute", "positive", "negative", "signed"}
        The reading of `read`.
    signed, read : array
        Means or sums over the same maps.

    Raises
    ------
    ValueError
        Where `reading` is "signed", which says nothing of the two signs.
    """
    if kind in ("signed", reading):
        return signed if kind == "signed" else read
    size = {"absolute": read, "positive": 2 * read - signed, "negative": 2 * read + signed}.get(reading)
    if size is None:
        raise ValueError(f"expected means of one sign or of sizes for the {kind} part, got those of signed maps alone")
    values = {"absolute": size, "positive": (size + signed) / 2, "negative": (size - signed) / 2}[kind]
    return np.maximum(values, 0)  # rounding
