"""The boxes of an occlusion in words."""

from __future__ import annotations

import numpy as np

from mriinterp.image.volume import Grid
from mriinterp.incremental import BoxGrid

__all__ = ["patch_words"]


def patch_words(grid: Grid, boxes: BoxGrid) -> str:
    """Describe size, step and number of boxes, in voxels and mm."""
    return (
        f"Box of {_voxels(boxes.width)} voxels an edge ({_millimetres(grid, boxes.width)}), moved by "
        f"{_voxels(boxes.steps)} voxels ({_millimetres(grid, boxes.steps)}): "
        f"{' × '.join(map(str, boxes.counts))} = {np.prod(boxes.counts):,} positions"
    )


def _voxels(edges: tuple[int, ...]) -> str:
    return " × ".join(map(str, edges[:1] if len(set(edges)) == 1 else edges))


def _millimetres(grid: Grid, voxels: tuple[int, ...]) -> str:
    """Return so many voxels in mm, along each axis where they differ."""
    edges = [f"{count * edge:.3g}" for count, edge in zip(voxels, grid.voxel_sizes, strict=True)]
    return f"{edges[0] if len(set(edges)) == 1 else ' × '.join(edges)} mm"
