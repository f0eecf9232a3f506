"""Readings of a signed map: its absolute value, positive or negative part."""

from __future__ import annotations

import numpy as np

__all__ = ["READINGS", "apply_reading"]

READINGS = ("absolute", "positive", "negative", "signed")


def apply_reading(data: np.ndarray, reading: str | None) -> np.ndarray:
    """Return the part of a signed map that is looked at; NaN (blank there) counts as 0.

    Parameters
    ----------
    data : array
        Signed relevance.
    reading : {"absolute", "positive", "signed", "negative"} or None
        "negative" is the size of what is below 0. None leaves everything as it is, NaN included.
        Gradients are read by their absolute value, occlusion and class
        activation by their positive part. The mean of |g| is not |mean of g|:
        a reading is taken of each map before maps are averaged.
    """
    if reading is None:
        return data
    data = np.nan_to_num(data, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if reading == "absolute":
        return np.abs(data)
    if reading == "positive":
        return np.maximum(data, 0)
    if reading == "negative":
        return np.maximum(-data, 0)
    if reading == "signed":
        return data
    raise ValueError(f"expected a reading, got {reading!r}; available: {', '.join(READINGS)}")
