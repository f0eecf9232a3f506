"""Boxes and masks: the regions of a scan that an occlusion replaces."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

__all__ = ["Box", "Regions", "grid_boxes", "mask_box", "read_regions"]

Box = tuple[tuple[int, int], ...]
"""One (start, stop) pair of voxel indices per spatial axis, stop excluded."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions inside one image.

    Parameters
    ----------
    boxes : int array, shape (n, axes, 2)
        Bounding boxes as start and stop, inside the image; all 0 when empty.
    masks : dict of int to Tensor
        Boolean masks, the shape of their boxes, of the regions that do not
        fill their box.
    """

    boxes: np.ndarray
    masks: dict[int, Tensor]

    def __len__(self) -> int:
        return len(self.boxes)


def mask_box(mask: np.ndarray) -> Box:
    """The smallest box that holds every True voxel of a mask."""
    sides, part = [], mask
    for axis in range(mask.ndim):
        # what is left is small after the first axis, so only that one reads the whole mask
        hit = np.flatnonzero(part.reshape(*part.shape[: axis + 1], -1).any(axis=-1).any(axis=tuple(range(axis))))
        if not hit.size:
            return tuple((0, 0) for _ in range(mask.ndim))
        sides.append((int(hit[0]), int(hit[-1]) + 1))
        part = part[(slice(None),) * axis + (slice(*sides[-1]),)]
    return tuple(sides)


def grid_boxes(shape: Sequence[int], size: int | Sequence[int], stride: int | Sequence[int]) -> list[Box]:
    """The boxes of an occlusion: centres at 0, stride, 2·stride … along each axis, the last axis fastest.

    A box reaches half the size, rounded down, to both sides of its centre
    and is cut at the border.

    Parameters
    ----------
    shape : sequence of int
        Spatial shape of the image.
    size, stride : int or sequence of int
        In voxels, one number or one per axis.

    Examples
    --------
    >>> grid_boxes((5, 2), 2, (3, 5))
    [((0, 1), (0, 1)), ((2, 4), (0, 1))]
    """
    axes = len(shape)
    size, stride = np.broadcast_to(size, axes).tolist(), np.broadcast_to(stride, axes).tolist()
    if min(size) < 1 or min(stride) < 1:
        raise ValueError(f"expected a size and a stride of at least 1, got {size} and {stride}")
    sides = [
        [(max(0, centre - k // 2), min(n, centre + k // 2)) for centre in range(0, n, step)]
        for n, k, step in zip(shape, size, stride, strict=True)
    ]
    return list(itertools.product(*sides))


def _read_mask(mask: np.ndarray | Tensor, shape: tuple[int, ...]) -> tuple[Box, Tensor | None]:
    array = mask.detach().cpu().numpy() if isinstance(mask, Tensor) else mask
    if array.shape != shape or array.dtype != np.bool_:
        raise ValueError(f"expected a boolean mask of shape {shape}, got {array.dtype} of shape {array.shape}")
    box = mask_box(array)
    inside = array[tuple(slice(lo, hi) for lo, hi in box)]
    return box, None if inside.all() else torch.from_numpy(np.ascontiguousarray(inside))


def _is_mask(region: object) -> bool:
    return isinstance(region, Tensor) or (isinstance(region, np.ndarray) and region.dtype == np.bool_)


def read_regions(regions: Sequence[Box | np.ndarray | Tensor] | np.ndarray, shape: Sequence[int]) -> Regions:
    """Boxes and masks as a caller gives them, checked and clipped to the image.

    Parameters
    ----------
    regions : sequence of Box, boolean array or boolean Tensor
        A box has one (start, stop) pair per spatial axis and may reach over
        the border or lie outside; a mask has the spatial shape of the image.
        An integer array (n, axes, 2) of boxes is read too.
    shape : sequence of int
        Spatial shape of the image.

    Raises
    ------
    ValueError
        If a mask has another shape or is not boolean, or a box another
        number of axes.
    """
    shape = tuple(int(n) for n in shape)
    masks: dict[int, Tensor] = {}
    boxes: list[object] = []
    for index, region in enumerate(regions):
        if _is_mask(region):
            region, mask = _read_mask(region, shape)
            if mask is not None:
                masks[index] = mask
        boxes.append(region)
    try:
        array = np.array(boxes, dtype=np.int64).reshape(len(boxes), len(shape), 2)
    except (TypeError, ValueError):
        wrong = next((box for box in boxes if np.shape(box) != (len(shape), 2)), boxes[0])
        raise ValueError(
            f"expected a boolean mask or a box of {len(shape)} (start, stop) pairs, got {wrong!r}"
        ) from None
    array = np.stack([np.maximum(array[..., 0], 0), np.minimum(array[..., 1], shape)], axis=-1)
    array[(array[..., 1] <= array[..., 0]).any(axis=1)] = 0
    return Regions(array, masks)
