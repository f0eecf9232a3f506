"""From a coarse grid of values to voxels: separable, one matrix an axis."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["cover", "linear", "nearest", "place", "published_resize"]


def place(coarse: Tensor, matrices: Sequence[Tensor]) -> Tensor:
    """Apply one matrix (voxels × cells) along each axis of a coarse map."""
    for matrix in matrices:  # takes the first axis, puts the result last: after all axes the order is back
        coarse = torch.tensordot(coarse, matrix.to(coarse), dims=([0], [1]))
    return coarse


def published_resize(cells: int, voxels: int) -> Tensor:
    """Return what `scipy.ndimage.zoom(order=0)` does: corners aligned, nearest.

    Voxel o reads cell floor(o·(cells − 1)/(voxels − 1) + 0.5), so that cells
    are drawn up to half a stride from the boxes they stand for. Published
    maps look like this; new ones should not.
    """
    step = (cells - 1) / max(voxels - 1, 1)
    # o·step and not o·(cells − 1)/(voxels − 1): exact halves then round as SciPy's do.
    read = torch.arange(voxels, dtype=torch.float64) * step
    return _select((read + 0.5).floor().long().clamp(0, cells - 1), cells)


def nearest(centres: Tensor, voxels: int) -> Tensor:
    """Return the weights by which every voxel reads the cell with the nearest centre (in voxels, ascending)."""
    distance = (torch.arange(voxels, dtype=torch.float64)[:, None] - centres[None].double()).abs()
    return _select(distance.argmin(dim=1), len(centres))


def linear(centres: Tensor, voxels: int, *, blank: bool = False) -> Tensor:
    """Return linear interpolation between cell centres (in voxels, ascending).

    Parameters
    ----------
    blank : bool
        Outside the outermost centres: 0 if True, else the outermost value.
    """
    centres = centres.double()
    at = torch.arange(voxels, dtype=torch.float64)
    outside = (at < centres[0]) | (at > centres[-1])
    if len(centres) == 1:
        matrix = torch.ones((voxels, 1), dtype=torch.float64)
    else:
        inside = at.clamp(centres[0], centres[-1])
        left = (torch.searchsorted(centres, inside, right=True) - 1).clamp(0, len(centres) - 2)
        share = (inside - centres[left]) / (centres[left + 1] - centres[left])
        matrix = torch.zeros((voxels, len(centres)), dtype=torch.float64)
        rows = torch.arange(voxels)
        matrix[rows, left] = 1 - share
        matrix[rows, left + 1] = share
    if blank:
        matrix[outside] = 0
    return matrix


def cover(ranges: Sequence[tuple[int, int]], voxels: int) -> Tensor:
    """Return 1 where a range (start, stop) covers a voxel, else 0."""
    at = torch.arange(voxels)[:, None]
    starts, stops = (torch.tensor(side) for side in zip(*ranges, strict=True))
    return ((at >= starts) & (at < stops)).double()


def _select(cells: Tensor, count: int) -> Tensor:
    return torch.nn.functional.one_hot(cells, count).double()
