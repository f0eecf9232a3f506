"""Relevance per area by the sign of the map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.table import area_table
from mriinterp.base.map_parts import SIZES, check_part

__all__ = ["part_table"]


def part_table(relevance: Any, atlas: Atlas, part: str = "both", *, merge_hemispheres: bool = True) -> pd.DataFrame:
    """Return the relevance of each area, of the whole map or of the values of one sign.

    Parameters
    ----------
    relevance : RelevanceMap or Volume
    atlas : Atlas
    part : {"both", "supports", "against"}
        "both": by size; the shares add up to 1 over all areas. "supports":
        what is above 0 alone; "against": the size of what is below 0 alone.
    merge_hemispheres : bool

    Returns
    -------
    DataFrame
        Of `area_table`. For "both" also ``supports`` and ``against``, the two
        sides of each area's share, whose sum is ``share``, and the places of
        their peaks in RAS+ mm, ``supports_x`` … ``against_z``.

    Raises
    ------
    ValueError
        For another part.
    """
    check_part(part)

    def table(reading: str, normalise: bool = True) -> pd.DataFrame:
        return area_table(relevance, atlas, merge_hemispheres=merge_hemispheres, normalise=normalise, part=reading)

    if part != "both":
        return table(SIZES[part])
    sides = {side: table(SIZES[side], normalise=False) for side in ("supports", "against")}
    total = float(sum(found["sum"].sum() for found in sides.values())) or np.nan
    shares = {side: found["sum"] / total for side, found in sides.items()}
    peaks = {f"{side}_{axis}": found[f"peak_{axis}"] for side, found in sides.items() for axis in "xyz"}
    return table("absolute").assign(**shares, **peaks)
