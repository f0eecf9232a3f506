"""The occlusion patch at its real size and stride: where it lies, and in words."""

from __future__ import annotations

import numpy as np

from mriinterp.image.volume import Grid
from mriinterp.methods.occlusion import axis_ranges

__all__ = ["patch_boxes", "patch_words"]


def patch_boxes(grid: Grid, size: int, stride: int, *, published: bool = False) -> list[list[tuple[int, int]]]:
    """Hidden ranges (start, stop) along i, j, k of the network's grid, as occlusion takes them."""
    return [axis_ranges(n, size, stride, published=published) for n in grid.shape]


def patch_words(grid: Grid, size: int, stride: int, *, published: bool = False) -> str:
    """Size, step and number of boxes, in voxels and mm."""
    counts = [len(ranges) for ranges in patch_boxes(grid, size, stride, published=published)]
    width = size - size % 2 if published else size
    return (
        f"Box of {width} voxels an edge ({_millimetres(grid, width)}), moved by {stride} voxels "
        f"({_millimetres(grid, stride)}): {' × '.join(map(str, counts))} = {int(np.prod(counts)):,} positions"
    )


def _millimetres(grid: Grid, voxels: int) -> str:
    """So many voxels in mm, along each axis where they differ."""
    edges = [f"{voxels * edge:.3g}" for edge in grid.voxel_sizes]
    return f"{edges[0] if len(set(edges)) == 1 else ' × '.join(edges)} mm"
