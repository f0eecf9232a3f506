"""The way back through a convolution and its pooling at once, when each window took one element.

A pooled cell hands its gradient to one voxel of each channel before the
pooling, and from there through the convolution to a patch of the input that
depends only on the channel and the element: a row of a table. So the patch
of a cell is a weighted sum of a few rows, which `embedding_bag` computes
many times faster than a convolution of a map that is mostly zero. The
patches overlap and are added where they lie.
"""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mriinterp.gradient.maxima import CODES
from mriinterp.incremental.kernels import MAP_BYTES
from mriinterp.incremental.steps import Step
from mriinterp.incremental.workers import cores, in_order

__all__ = ["back_conv_max"]


def back_conv_max(step: Step, gradient: Tensor, codes: Tensor) -> Tensor:
    """Return the gradient of the padded inputs of a step from that of its outputs.

    Parameters
    ----------
    step : Step
        As of `mriinterp.gradient.maxima.conv_max_codes`.
    gradient, codes : Tensor, shape (1, C, *outputs)

    Returns
    -------
    Tensor, shape (1, inputs, *spatial)
        From the first input that a window reads to the last.
    """
    table, stride = _table(step), step.window.stride
    rows = max(1, MAP_BYTES // (int(np.prod(step.shape[1:])) * table.shape[1] * gradient.element_size()))
    shape = [(n + k - 1) * s for n, k, s in zip(step.shape, _overlaps(step), stride, strict=True)]
    out = gradient.new_zeros(step.inputs[0].channels, *shape)
    plain, numbers = gradient[0].movedim(0, -1), codes[0].movedim(0, -1)
    starts = range(0, step.shape[0], rows)
    tasks = (partial(_slab, step, table, plain[a : a + rows], numbers[a : a + rows]) for a in starts)
    for first, slab in zip(starts, in_order(tasks, cores(gradient.device)), strict=True):
        begin = first * stride[0]
        out[:, begin : begin + slab.shape[1]] += slab
    read = (np.array(step.shape) - 1) * stride + step.window.extent
    return out[None][:, :, *(slice(int(n)) for n in read)]


def _overlaps(step: Step) -> list[int]:
    """Return how many cells' patches meet along each axis."""
    return [-(-int(extent) // stride) for extent, stride in zip(step.window.extent, step.window.stride, strict=True)]


def _table(step: Step) -> Tensor:
    """Return what an element of a channel hands to the inputs of its window.

    Returns
    -------
    Tensor, shape (channels · elements, overlaps · inputs · strides)
        The patch along each axis in pieces of one stride; the number of the
        piece comes first, so that pieces that meet are added in long runs.
    """
    if "patches" not in step.cache:
        weight, inner, axes = step.weight, step.inner, len(step.shape)
        size = [k * s for k, s in zip(_overlaps(step), step.window.stride, strict=True)]
        table = weight.new_zeros(step.channels, CODES, weight.shape[1], *size)
        for number, element in enumerate(itertools.product(*(range(k) for k in step.pool.kernel))):
            first = np.array(element) * inner.stride
            taps = [slice(int(f), int(f + e), d) for f, e, d in zip(first, inner.extent, inner.dilation, strict=True)]
            place = table[:, number]
            for axis, tap in enumerate(taps):
                place = place[(slice(None),) * (axis + 2) + (tap,)]
            place.copy_(weight)
        pieces = [n for pair in zip(_overlaps(step), step.window.stride, strict=True) for n in pair]
        order = [3 + 2 * axis for axis in range(axes)] + [2] + [4 + 2 * axis for axis in range(axes)]
        split = table.reshape(*table.shape[:3], *pieces).permute(0, 1, *order)
        step.cache["patches"] = split.flatten(2).flatten(0, 1).contiguous()
    return step.cache["patches"]


def _slab(step: Step, table: Tensor, gradient: Tensor, codes: Tensor) -> Tensor:
    """Return the patches of some rows of cells (rows, height, width, C), added up: (inputs, *spatial)."""
    with torch.no_grad():
        channels = gradient.shape[-1]
        number = codes.to(torch.int32).add_(torch.arange(0, channels * CODES, CODES, dtype=torch.int32))
        weights = gradient.reshape(-1, channels)
        bags = F.embedding_bag(number.view(-1, channels), table, mode="sum", per_sample_weights=weights)
        pieces = bags.view(*gradient.shape[:-1], -1)
        for axis, overlaps in enumerate(_overlaps(step)):
            pieces = _add_along(pieces, axis, overlaps)
        return _interleaved(pieces, step.inputs[0].channels, step.window.stride)


def _add_along(pieces: Tensor, axis: int, overlaps: int) -> Tensor:
    """Add the pieces (*cells, overlaps · rest) that meet along an axis, which gets longer by overlaps − 1."""
    count, rest = pieces.shape[axis], pieces.shape[-1] // overlaps
    shape = [*pieces.shape[:-1], rest]
    shape[axis] += overlaps - 1
    out = pieces.new_empty(shape)
    out.narrow(axis, 0, count).copy_(pieces[..., :rest])
    out.narrow(axis, count, overlaps - 1).zero_()
    for number in range(1, overlaps):
        out.narrow(axis, number, count).add_(pieces[..., number * rest : (number + 1) * rest])
    return out


def _interleaved(phases: Tensor, inputs: int, stride: tuple[int, ...]) -> Tensor:
    """Return (inputs, *spatial) of (*cells, inputs · strides)."""
    phases = phases.unflatten(-1, (inputs, *stride))
    out = phases.new_empty(inputs, *(n * s for n, s in zip(phases.shape, stride, strict=False)))
    for phase in itertools.product(*(range(s) for s in stride)):
        into, part = out, phases
        for axis, (first, step) in enumerate(zip(phase, stride, strict=True)):
            into = into[(slice(None),) * (axis + 1) + (slice(first, None, step),)]
            part = part.select(len(stride) + 1, first)
        into.copy_(part.movedim(-1, 0))
    return out
