"""Parts of a signed map by the sign of its values."""

from __future__ import annotations

import numpy as np

from mriinterp.base.reading import apply_reading

__all__ = ["PARTS", "SIZES", "check_part", "part_of", "part_shares"]

PARTS = ("both", "supports", "against")
# How a part is read where its size alone counts.
SIZES = {"both": "absolute", "supports": "positive", "against": "negative"}


def check_part(part: str) -> None:
    """Refuse what is no part of a map: ValueError with the parts there are."""
    if part not in PARTS:
        raise ValueError(f"expected a part of a map, got {part!r}; available: {', '.join(PARTS)}")


def part_of(values: np.ndarray, part: str) -> np.ndarray:
    """Return the values of one part of a signed map, with their sign; 0 elsewhere.

    Parameters
    ----------
    values : array
        Signed relevance; NaN counts as 0.
    part : {"both", "supports", "against"}

    Raises
    ------
    ValueError
        For another part.
    """
    check_part(part)
    values = apply_reading(values, "signed")
    if part == "both":
        return values
    return np.maximum(values, 0) if part == "supports" else np.minimum(values, 0)


def part_shares(values: np.ndarray) -> dict[str, float]:
    """Return how much of the absolute sum of a map each part holds; NaN for a map that is 0 everywhere.

    Examples
    --------
    >>> part_shares(np.array([3.0, -1.0, 0.0]))
    {'both': 1.0, 'supports': 0.75, 'against': 0.25}
    """
    signed = apply_reading(values, "signed")
    sizes = {"both": np.abs(signed), "supports": np.maximum(signed, 0), "against": np.maximum(-signed, 0)}
    sums = {part: float(sizes[part].sum(dtype=np.float64)) for part in PARTS}
    total = sums["both"] or np.nan
    return {part: value / total for part, value in sums.items()}
