"""Max pooling that remembers which element of each window it took: the first of equal ones, as PyTorch does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mriinterp.incremental.kernels import FOLD, SLAB_BYTES, inner_map
from mriinterp.incremental.steps import Step, Window

__all__ = ["CODES", "conv_at_codes", "conv_max_codes", "max_pool_taken", "rows_in_cache"]

CODES = FOLD**3
"""Elements of the windows that `conv_max_codes` pools."""


def max_pool_taken(x: Tensor, window: Window) -> tuple[Tensor, Tensor]:
    """Return the maxima of padded inputs, and the place of each.

    Parameters
    ----------
    x : Tensor, shape (n, C, *spatial)
    window : Window

    Returns
    -------
    values : Tensor, shape (n, C, *outputs)
    taken : int64 Tensor, shape (n, C, *outputs)
        Number of the voxel of `x` in its channel, the last axis fastest.
    """
    axes = len(window.kernel)
    pool = F.max_pool3d if axes == 3 else F.max_pool2d
    form = torch.channels_last_3d if axes == 3 else torch.channels_last
    x = x.contiguous(memory_format=form)  # several times as fast as in the usual order
    return pool(x, window.kernel, window.stride, 0, window.dilation, return_indices=True)


def rows_in_cache(step: Step, itemsize: int) -> int:
    """Return how many outputs along the first axis to compute at once, so that the map before the pooling fits in cache."""
    pool, rest = step.pool, slice(1, None)
    plane = np.prod((np.array(step.shape[rest]) - 1) * pool.stride[rest] + pool.extent[rest])
    with_places = 2 * itemsize  # those of the maxima take half as much as the map
    return max(1, SLAB_BYTES // max(1, int(plane) * step.channels * with_places * pool.stride[0]))


def conv_max_codes(step: Step, x: Tensor, origin: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return a 3D convolution with pooling by halves, and which of its eight elements each window took.

    Parameters
    ----------
    step : Step
        Of kind "convmax", its pooling one of 2×2×2 voxels side by side.
    x : Tensor, shape (n, C, *spatial)
        The padded inputs of a box of outputs.
    origin : int array, shape (n, axes)
        First output of each box.

    Returns
    -------
    values : Tensor, shape (n, C, *outputs)
    codes : uint8 Tensor, shape (n, C, *outputs)
        Number of the element in its window, the last axis fastest.

    Notes
    -----
    Two slices lie side by side as channels of one, so PyTorch's own pooling
    in 2D finds the first largest element of each; the second slice's counts
    where it is larger.
    """
    y = _in_pairs(step, x, origin)
    n, pairs, _, width, slices, channels = y.shape
    images = y.view(n * pairs, *y.shape[2:4], slices * channels).movedim(-1, 1)
    pooled, taken = F.max_pool2d(images, FOLD, return_indices=True)
    values, places = (
        found.movedim(1, -1).view(n, pairs, *found.shape[2:], slices, channels)
        for found in (pooled, taken.to(torch.int32))
    )
    later = values[..., 1, :] > values[..., 0, :]
    codes = torch.where(later, places[..., 1, :], places[..., 0, :])
    codes -= _first_elements(codes.shape[2:4], width)
    codes -= (codes > 1) * (width - FOLD)  # one row down
    codes += later * FOLD**2
    return torch.maximum(values[..., 0, :], values[..., 1, :]).movedim(-1, 1), codes.to(torch.uint8).movedim(-1, 1)


def _first_elements(windows: Sequence[int], width: int) -> Tensor:
    """Return the number of the first element of each window of a slice, int32 (h, w, 1), rows of `width` elements."""
    rows, columns = (torch.arange(0, FOLD * count, FOLD, dtype=torch.int32) for count in windows)
    return (rows[:, None] * width + columns)[..., None]


def _in_pairs(step: Step, x: Tensor, origin: np.ndarray) -> Tensor:
    """Return the map between convolution and pooling, (n, pairs, h, w, 2, C), contiguous."""
    y, pairs = inner_map(step, x, origin)
    return (y if pairs else y.movedim(1, -1).unflatten(1, (-1, FOLD)).movedim(2, -2)).contiguous()


def conv_at_codes(step: Step, x: Tensor, origin: np.ndarray, codes: Tensor) -> Tensor:
    """Return a convolution at the elements that its pooling took, (n, C, *outputs).

    Parameters
    ----------
    step, x, origin
        As of `conv_max_codes`; the weights may be others.
    codes : uint8 Tensor, shape (n, C, *outputs)
    """
    y = _in_pairs(step, x, origin)
    _, height, width, _, channels = y.shape[1:]
    across, down = FOLD * channels, width * FOLD * channels
    element = torch.arange(CODES)
    inside = (element // FOLD**2) * channels + (element // FOLD % FOLD) * down + (element % FOLD) * across
    first = [torch.arange(n) for n in (*codes.shape[:1], *codes.shape[2:], channels)]
    steps = (y[0].numel(), height * down, FOLD * down, FOLD * across, 1)
    places = inside[codes.movedim(1, -1).int()]
    for axis, (numbers, size) in enumerate(zip(first, steps, strict=True)):
        places += (numbers * size).reshape(-1, *(1,) * (len(steps) - axis - 1))
    return y.flatten()[places].movedim(-1, 1)
