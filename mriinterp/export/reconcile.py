"""What follows from a test of areas and a test of voxels together, and what from neither; made from their figures alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mriinterp.base.numerals import percent
from mriinterp.cohort.statistics import GroupComparison
from mriinterp.cohort.voxels import LEVEL

__all__ = ["answer_words", "reconcile_words", "voxel_answer"]

RATE = percent(LEVEL)


def _found(comparison: GroupComparison):
    areas = comparison.areas
    return areas[(areas["p_fdr"] < LEVEL) & areas["defined"]]


def answer_words(comparison: GroupComparison) -> str:
    """Return how many areas differ and in which direction, in one short sentence."""
    found, (a, b) = _found(comparison), comparison.sample.pair
    up = int((found["difference"] > 0).sum())
    directions = [f"{n} {word}" for n, word in ((up, "more"), (len(found) - up, "less")) if n]
    people = " + ".join(f"{comparison.sample.people_of(group)} {group}" for group in (a, b))
    which = f": {', '.join(directions)} in {a}" if directions else ""
    return f"{len(found)} of {len(comparison.areas)} areas differ{which} ({people})."


def voxel_answer(voxels: Mapping[str, Any]) -> str:
    """Return how many voxels differ by themselves, in one short sentence.

    Parameters
    ----------
    voxels : mapping
        Of `mriinterp.cohort.voxels.voxel_entries`.
    """
    n = voxels["found"]
    if not n:
        return f"No voxel of {voxels['voxels']:,} differs by itself."
    return f"{n:,} of {voxels['voxels']:,} voxels differ by themselves."


def reconcile_words(comparison: GroupComparison, voxels: Mapping[str, Any]) -> str:
    """Return why the test of areas and that of voxels may find different things, with the figures of both.

    Parameters
    ----------
    comparison : GroupComparison
    voxels : mapping
        Of `mriinterp.cohort.voxels.voxel_entries`, of the same maps.
    """
    found = len(_found(comparison))
    how = (
        f"The test of areas averages all voxels of an area and makes {len(comparison.areas)} tests, of whose findings {RATE} "
        f"may be false; the test of voxels makes {voxels['voxels']:,} and allows a single false one in the whole brain with a "
        f"probability of {RATE}."
    )
    return " ".join(filter(None, [how, _sizes_words(comparison, voxels), _verdict(found, voxels["found"])]))


def _sizes_words(comparison: GroupComparison, voxels: Mapping[str, Any]) -> str:
    """Return how large the difference of a voxel must be to be found, beside the largest of an area."""
    if voxels["threshold"] is None:
        return f"With {voxels['permutations']:,} permutations no voxel can reach that."
    n_a, n_b = voxels["n"]
    needed = voxels["threshold"] * np.sqrt(1 / n_a + 1 / n_b)
    largest = comparison.areas.loc[comparison.areas["defined"], "g"].abs().max()
    if not np.isfinite(largest):
        return ""
    return (
        f"With {n_a} and {n_b} people a voxel is found from |t| ≥ {voxels['threshold']:.2f} on, a difference of about "
        f"{needed:.1f} standard deviations; the largest of an area is {largest:.1f}."
    )


def _verdict(areas: int, voxels: int) -> str:
    if areas and not voxels:
        return (
            "So areas differ though no voxel does by itself: the differences are spread over many voxels, or lie at "
            "slightly other places in each brain. This is no contradiction, and no voxel of the map may be pointed at."
        )
    if voxels and not areas:
        return "So voxels differ though no area does: the differences are strong in small places and vanish in the mean of an area."
    if areas and voxels:
        return "Both find differences: they are strong enough to stand in single voxels as well as in areas."
    return "Neither finds a difference; that is no proof that there is none, with so many people."
