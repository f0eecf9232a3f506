"""Boxes and masks: the regions of a scan that an occlusion replaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

__all__ = ["Box", "Region", "clip", "is_empty", "mask_box", "read_regions", "volume_of"]

Box = tuple[tuple[int, int], ...]
"""One (start, stop) pair of voxel indices per spatial axis, stop excluded."""


@dataclass(frozen=True, eq=False)
class Region:
    """A region inside the image: its bounding box and, unless it fills the box, its mask.

    Parameters
    ----------
    box : Box
        Clipped to the image; all (0, 0) when the region is empty.
    mask : Tensor or None
        Boolean, the shape of the box; None when every voxel of the box is
        replaced.
    """

    box: Box
    mask: Tensor | None = None


def clip(box: Sequence[Sequence[int]], shape: Sequence[int]) -> Box:
    """The part of a box inside an image; all (0, 0) when there is none.

    Examples
    --------
    >>> clip(((-2, 3), (5, 99)), (7, 8))
    ((0, 3), (5, 8))
    >>> clip(((9, 12), (0, 8)), (7, 8))
    ((0, 0), (0, 0))
    """
    cut = tuple((max(0, int(lo)), min(int(n), int(hi))) for (lo, hi), n in zip(box, shape, strict=True))
    return tuple((0, 0) for _ in shape) if is_empty(cut) else cut


def is_empty(box: Box) -> bool:
    """Whether a box holds no voxel."""
    return any(hi <= lo for lo, hi in box)


def volume_of(box: Box) -> int:
    """Number of voxels in a box."""
    return int(np.prod([max(0, hi - lo) for lo, hi in box], dtype=np.int64))


def mask_box(mask: np.ndarray) -> Box:
    """The smallest box that holds every True voxel of a mask."""
    sides = []
    for axis in range(mask.ndim):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        if not hit.size:
            return tuple((0, 0) for _ in range(mask.ndim))
        sides.append((int(hit[0]), int(hit[-1]) + 1))
    return tuple(sides)


def _read_mask(mask: np.ndarray | Tensor, shape: tuple[int, ...]) -> Region:
    array = mask.detach().cpu().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
    if array.shape != shape or array.dtype != np.bool_:
        raise ValueError(f"expected a boolean mask of shape {shape}, got {array.dtype} of shape {array.shape}")
    box = mask_box(array)
    inside = array[tuple(slice(lo, hi) for lo, hi in box)]
    return Region(box, None if inside.all() else torch.from_numpy(np.ascontiguousarray(inside)))


def read_regions(regions: Sequence[Box | np.ndarray | Tensor], shape: Sequence[int]) -> list[Region]:
    """Boxes and masks as a caller gives them, checked and clipped to the image.

    Parameters
    ----------
    regions : sequence of Box, boolean array or boolean Tensor
        A box has one (start, stop) pair per spatial axis and may reach over
        the border or lie outside; a mask has the spatial shape of the image.
    shape : sequence of int
        Spatial shape of the image.

    Raises
    ------
    ValueError
        If a mask has another shape or is not boolean, or a box another
        number of axes.
    """
    shape = tuple(int(n) for n in shape)
    found = []
    for region in regions:
        if isinstance(region, Tensor) or (isinstance(region, np.ndarray) and region.dtype == np.bool_):
            found.append(_read_mask(region, shape))
            continue
        if len(region) != len(shape) or any(len(side) != 2 for side in region):
            raise ValueError(f"expected a boolean mask or a box of {len(shape)} (start, stop) pairs, got {region!r}")
        found.append(Region(clip(region, shape)))
    return found
