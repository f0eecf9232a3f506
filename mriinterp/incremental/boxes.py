"""Boxes and masks: the regions of a scan that an occlusion replaces."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
import scipy

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Box", "BoxGrid", "Regions", "grid_boxes", "label_regions", "mask_box", "read_regions"]

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
    """Return the smallest box that holds every True voxel of a mask."""
    sides: list[tuple[int, int]] = []
    part = mask
    for axis in range(mask.ndim):
        # what is left is small after the first axis, so only that one reads the whole mask
        rows = part.reshape(*part.shape[: axis + 1], -1).any(axis=-1)
        hit = np.flatnonzero(np.any(rows, axis=tuple(range(axis))))
        if not hit.size:
            return tuple((0, 0) for _ in range(mask.ndim))
        sides.append((int(hit[0]), int(hit[-1]) + 1))
        part = part[(slice(None),) * axis + (slice(*sides[-1]),)]
    return tuple(sides)


@dataclass(frozen=True)
class BoxGrid:
    """Boxes on a regular grid: centres at 0, stride, 2·stride, … along each axis, cut at the border.

    The one description of where an occlusion hides an image: the engine,
    the methods, their cost and the viewer all read it.

    Parameters
    ----------
    shape : sequence of int
        Spatial shape of the image.
    size, stride : int or sequence of int
        In voxels, one number or one per axis. A box is `size` voxels wide
        and reaches ``size // 2`` voxels below its centre.
    published : bool
        Half-width ``int(size / 2)`` to both sides, as in Rieke et al. 2018:
        an odd size is then one voxel narrower.

    Raises
    ------
    ValueError
        If a size or stride is below 1, or a published size below 2: its
        boxes hold no voxel.

    Examples
    --------
    >>> BoxGrid((5, 2), 2, (3, 5)).boxes
    [((0, 1), (0, 1)), ((2, 4), (0, 1))]
    >>> BoxGrid((7,), 3, 3).ranges, BoxGrid((7,), 3, 3, published=True).ranges
    ((((0, 2), (2, 5), (5, 7)),), (((0, 1), (2, 4), (5, 7)),))
    """

    shape: tuple[int, ...]
    size: int | Sequence[int]
    stride: int | Sequence[int]
    published: bool = False

    def __post_init__(self):
        for name in ("shape", "size", "stride"):
            object.__setattr__(self, name, self._per_axis(getattr(self, name)))
        size, stride = self._per_axis(self.size), self._per_axis(self.stride)
        if min(size) < 1 or min(stride) < 1:
            raise ValueError(f"expected a size and a stride of at least 1, got {list(size)} and {list(stride)}")
        if self.published and min(size) < 2:
            raise ValueError(
                f"expected a size of 2 or more with the published placement, got {min(size)}: its half-width, "
                "int(size / 2), is 0, and nothing would be hidden"
            )

    def _per_axis(self, value: int | Sequence[int]) -> tuple[int, ...]:
        return tuple(int(n) for n in np.broadcast_to(value, len(self.shape)))

    @property
    def width(self) -> tuple[int, ...]:
        """Voxels along each axis of a box that the border does not cut."""
        return tuple(2 * (size // 2) if self.published else size for size in self._per_axis(self.size))

    @property
    def steps(self) -> tuple[int, ...]:
        """Voxels between neighbouring centres along each axis."""
        return self._per_axis(self.stride)

    @property
    def centres(self) -> tuple[tuple[int, ...], ...]:
        """Voxel indices of the boxes' centres along each axis."""
        return tuple(tuple(range(0, n, step)) for n, step in zip(self.shape, self.steps, strict=True))

    @property
    def ranges(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """(start, stop) of the boxes along each axis."""
        return tuple(
            tuple((max(0, c - size // 2), min(n, c - size // 2 + width)) for c in centres)
            for n, size, width, centres in zip(
                self.shape, self._per_axis(self.size), self.width, self.centres, strict=True
            )
        )

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of boxes along each axis."""
        return tuple(len(centres) for centres in self.centres)

    @property
    def boxes(self) -> list[Box]:
        """All boxes, the last axis fastest."""
        return list(itertools.product(*self.ranges))

    @property
    def missed(self) -> float:
        """Share of the voxels that lie in no box."""
        covered = [
            len({voxel for start, stop in ranges for voxel in range(start, stop)}) / n
            for ranges, n in zip(self.ranges, self.shape, strict=True)
        ]
        return 1 - float(np.prod(covered))

    @property
    def warning(self) -> str:
        """That some voxels are never hidden, and why; "" if every voxel lies in a box."""
        if not self.missed:
            return ""
        text = f"{self.missed:.2g}" if self.missed < 0.001 else f"{self.missed:.1%}"
        text = f"{text} of the voxels lie in no box and are never hidden"
        for axis, (step, width) in enumerate(zip(self.steps, self.width, strict=True)):
            if step > width and self.counts[axis] > 1:
                return f"{text}: the stride of {step} is larger than the box of {width} voxels"
        ends = [
            f"voxel {ranges[-1][1]} of {n} along {name}"
            for name, ranges, n in zip("ijk", self.ranges, self.shape, strict=False)
            if ranges[-1][1] < n
        ]
        return f"{text}: the last boxes end at {', '.join(ends)}"


def grid_boxes(
    shape: Sequence[int], size: int | Sequence[int], stride: int | Sequence[int], *, published: bool = False
) -> list[Box]:
    """Return the boxes of a `BoxGrid`, the last axis fastest.

    Examples
    --------
    >>> grid_boxes((5, 2), 2, (3, 5))
    [((0, 1), (0, 1)), ((2, 4), (0, 1))]
    """
    return BoxGrid(tuple(shape), size, stride, published).boxes


def label_regions(labels: np.ndarray, present: Sequence[int]) -> Regions:
    """Return the regions of voxels of the same label, as `read_regions` does of their masks, but from one look at the image.

    Parameters
    ----------
    labels : int array, shape (*spatial)
    present : sequence of int
        Labels above 0, in the order of the regions.
    """
    import torch

    found = scipy.ndimage.find_objects(labels, max_label=max(present, default=0))
    boxes = np.zeros((len(present), labels.ndim, 2), dtype=np.int64)
    masks = {}
    for index, label in enumerate(present):
        box = found[label - 1]
        if box is None:
            continue
        boxes[index] = [(side.start, side.stop) for side in box]
        mask = labels[box] == label
        if not mask.all():
            masks[index] = torch.from_numpy(mask)
    return Regions(boxes, masks)


def _read_mask(mask: np.ndarray | Tensor, shape: tuple[int, ...]) -> tuple[Box, Tensor | None]:
    import torch

    array = mask.detach().cpu().numpy() if isinstance(mask, torch.Tensor) else mask
    if array.shape != shape or array.dtype != np.bool_:
        raise ValueError(f"expected a boolean mask of shape {shape}, got {array.dtype} of shape {array.shape}")
    box = mask_box(array)
    inside = array[tuple(slice(lo, hi) for lo, hi in box)]
    return box, None if inside.all() else torch.from_numpy(np.ascontiguousarray(inside))


def _is_mask(region: object) -> TypeGuard[np.ndarray | Tensor]:
    import torch

    return isinstance(region, torch.Tensor) or (isinstance(region, np.ndarray) and region.dtype == np.bool_)


def read_regions(regions: Sequence[Box | np.ndarray | Tensor] | np.ndarray, shape: Sequence[int]) -> Regions:
    """Check boxes and masks as a caller gives them, and clip them to the image.

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
    boxes: list[Box | np.ndarray | Tensor] = []
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
