"""Steps of operations that repeat, choose or keep channels and leave every voxel where it is."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch

from mriinterp.incremental.network import Later
from mriinterp.incremental.steps import Step

__all__ = ["EXPANDING", "REARRANGING"]


def _sizes(sizes: tuple) -> tuple:
    """Return sizes that are given one by one or together."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes


def _copies(source: Step, count: int) -> Step:
    """Return the step that has all channels of a map so many times, one set behind the other."""
    return source if count == 1 else Step("cat", [source] * count, count * source.channels, source.shape)


def repeat(source: Any, *counts, **named) -> Step | None:
    """Return the step of `Tensor.repeat` along the channels; None along other axes."""
    if not isinstance(source, Step) or set(named) - {"repeats", "dims"}:
        return None
    counts = _sizes(counts or tuple(named.values()))
    if len(counts) != len(source.shape) + 2 or not _is_count(counts[1]):
        return None
    return _copies(source, counts[1]) if all(n == 1 for axis, n in enumerate(counts) if axis != 1) else None


def expand(source: Any, *sizes, **named) -> Step | None:
    """Return the step of `Tensor.expand` of a map of one channel along the channels; None along other axes."""
    sizes = _sizes(sizes)
    if not isinstance(source, Step) or set(named) - {"implicit"} or len(sizes) != len(source.shape) + 2:
        return None
    images, channels, *shape = sizes
    same = all(n in (-1, own) for n, own in zip(shape, source.shape, strict=True) if not isinstance(n, Later))
    if not same or any(isinstance(n, Later) for n in shape) or not (images == -1 or isinstance(images, Later)):
        return None
    if channels in (-1, source.channels):
        return source
    return _copies(source, channels) if source.channels == 1 and _is_count(channels) else None


def repeat_interleave(source: Any, repeats=None, dim=None, **named) -> Step | None:
    """Return the step of `torch.repeat_interleave` of a map of one channel along the channels; None otherwise."""
    one = isinstance(source, Step) and source.channels == 1 and dim in (1, -len(source.shape) - 1)
    return _copies(source, repeats) if one and _is_count(repeats) and not named else None


def choose(source: Any, index: Any) -> Step | None:
    """Return the step of channels that are cut out, as in ``x[:, 0:1]``; None for other cuts."""
    everything = slice(None)
    parts = index if isinstance(index, tuple) else (index,)
    if not isinstance(source, Step) or len(parts) < 2 or not all(isinstance(part, slice) for part in parts):
        return None
    channels, rest = parts[1], (parts[0], *parts[2:])
    if any(part != everything for part in rest) or len(parts) > len(source.shape) + 2:
        return None
    return _cut(source, channels)


def slice_along(source: Any, dim=0, start=None, end=None, step=1) -> Step | None:
    """Return the step of ``aten.slice`` along the channels; the map itself where nothing is cut off; None otherwise."""
    if not isinstance(source, Step) or not all(n is None or type(n) is int for n in (dim, start, end, step)):
        return None
    sizes = (None, source.channels, *source.shape)
    if dim == 1:
        return _cut(source, slice(start, end, step))
    size = sizes[dim]
    whole = start in (None, 0) and step == 1 and (end is None or end >= (2**62 if size is None else size))
    return source if whole else None


def _cut(source: Step, channels: slice) -> Step | None:
    try:
        count = len(range(*channels.indices(source.channels)))
    except TypeError:  # a bound that exists only while the network runs
        return None
    if not count or (channels.step or 1) < 1:
        return None
    if count == source.channels:
        return source
    return Step("map", [source], count, source.shape, function=lambda values: values[:, channels].clone())


def _is_count(number: object) -> bool:
    return type(number) is int and number > 0


_ATEN: Any = torch.ops.aten

REARRANGING: dict[object, Callable[..., Step | None]] = {
    "repeat": repeat,
    "tile": repeat,
    "expand": expand,
    "repeat_interleave": repeat_interleave,
    torch.tile: repeat,
    torch.repeat_interleave: repeat_interleave,
    operator.getitem: choose,
    _ATEN.repeat.default: repeat,
    _ATEN.tile.default: repeat,
    _ATEN.expand.default: expand,
    _ATEN.repeat_interleave.self_int: repeat_interleave,
    _ATEN.slice.Tensor: slice_along,
}
"""Methods by name, functions, and operations of exported programs."""

EXPANDING = frozenset(key for key, make in REARRANGING.items() if make is expand)
"""Those that may be given the number of images, which exists only while the network runs."""
