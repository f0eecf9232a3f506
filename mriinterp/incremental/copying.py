"""Copying boxes: cut out of a map, written back, with padding around them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["allocate", "gather", "narrow", "pad", "paste", "runs"]

GATHER_LOOP_BYTES = 2**15
"""From this size on, boxes are copied one by one on a CPU: many small ones are faster by one indexing call."""


def allocate(n: int, channels: int, shape: Iterable[int], like: Tensor) -> Tensor:
    """Return an empty (n, channels, *shape) tensor, channels last in memory."""
    return like.new_empty((n, *(int(k) for k in shape), channels)).movedim(-1, 1)


def pad(x: Tensor, before: Sequence[int], after: Sequence[int], value: float) -> Tensor:
    """Return `x` padded with `value`, cropped where the padding is negative; `x` itself when there is nothing to do."""
    if not any(before) and not any(after):
        return x
    ends = [(max(0, -b), n - max(0, -a)) for b, n, a in zip(before, x.shape[2:], after, strict=True)]
    x = x[:, :, *(slice(first, last) for first, last in ends)]
    before, after = [max(0, b) for b in before], [max(0, a) for a in after]
    shape = [b + n + a for b, n, a in zip(before, x.shape[2:], after, strict=True)]
    out = allocate(x.shape[0], x.shape[1], shape, x)
    out.fill_(value)
    out[:, :, *(slice(b, b + n) for b, n in zip(before, x.shape[2:], strict=True))] = x
    return out


def narrow(x: Tensor, start: np.ndarray, length: np.ndarray) -> Tensor:
    return x[:, :, *(slice(int(s), int(s + n)) for s, n in zip(start, length, strict=True))]


def gather(source: Tensor, start: np.ndarray, length: np.ndarray) -> Tensor:
    """Return boxes (n, C, *length) of a map (1, C, *spatial) at `start` (n, axes)."""
    n, channels = len(start), source.shape[1]
    plain = source[0].movedim(0, -1)
    size = int(np.prod(length)) * channels * source.element_size()
    if source.device.type == "cpu" and (n == 1 or size >= GATHER_LOOP_BYTES):
        out = allocate(n, channels, length, source)
        body = out.movedim(1, -1)
        for row, first in enumerate(start.tolist()):
            body[row] = plain[tuple(slice(s, s + k) for s, k in zip(first, length.tolist(), strict=True))]
        return out
    windows = plain
    for axis, k in enumerate(length.tolist()):
        windows = windows.unfold(axis, k, 1)
    axes = len(length)
    windows = windows.movedim(axes, -1)  # starts along each axis, box axes, channels
    index = torch.from_numpy(np.ascontiguousarray(start.T)).to(source.device)
    return windows[tuple(index)].movedim(-1, 1)


def paste(out: Tensor, value: Tensor, offset: np.ndarray) -> None:
    """Write boxes (n, C, ...) into larger ones at `offset` (n, axes), cut where they stick out."""
    body, new = out.movedim(1, -1), value.movedim(1, -1)
    for first, last in runs(offset):
        target, source = [slice(first, last)], [slice(first, last)]
        for axis, low in enumerate(offset[first].tolist()):
            begin, end = max(low, 0), min(low + new.shape[axis + 1], body.shape[axis + 1])
            target.append(slice(begin, max(begin, end)))
            source.append(slice(begin - low, max(begin, end) - low))
        body[tuple(target)] = new[tuple(source)]


def runs(rows: np.ndarray) -> list[tuple[int, int]]:
    """Return stretches (first, last) of equal consecutive rows.

    Examples
    --------
    >>> runs(np.array([[1, 2], [1, 2], [0, 2]]))
    [(0, 2), (2, 3)]
    """
    breaks = np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    return list(itertools.pairwise(edges))
