"""Schedule windows: which run together, and which box of every map they recompute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mriinterp.incremental.network import Network
from mriinterp.incremental.steps import Step
from mriinterp.incremental.unread import read_shape

__all__ = ["Group", "Place", "group_windows", "places"]

CACHE_BYTES = {"cpu": 6 * 2**20}
"""Working memory that a batch of windows should take: on a CPU little enough to stay in cache."""

DEVICE_BYTES = 2**30
MOST_WINDOWS = {"cpu": 128}
DEVICE_WINDOWS = 4096
TAIL_BYTES = 2**24

MOST_SCHEDULES = 4

MOST_LENGTHS = 256
"""Sizes of boxes that are kept apart; more are rounded up first."""

STEP_SECONDS = 8e-6
MACS_PER_SECOND = 1.5e11
"""Rough costs, used only to decide which groups are worth merging."""


@dataclass(frozen=True, eq=False)
class Place:
    """The boxes of one map that n windows recompute: starts (n, axes), one common length (axes,)."""

    start: np.ndarray
    length: np.ndarray

    def rows(self, part: slice) -> Place:
        """Return the boxes of some of the windows."""
        return Place(self.start[part], self.length)

    def same(self, other: Place) -> bool:
        """Return whether two maps are recomputed in the same boxes."""
        return np.array_equal(self.length, other.length) and np.array_equal(self.start, other.start)

    def covers(self, shape: tuple[int, ...]) -> bool:
        """Return whether the boxes are the whole map."""
        return tuple(self.length) == tuple(shape)


@dataclass(frozen=True, eq=False)
class Group:
    """Windows that run together.

    Parameters
    ----------
    index : int array, shape (n,)
        Which regions of the caller, ordered so that neighbours lie alike
        towards the strides of the network.
    place : dict of Step to Place
        What is recomputed of every map, the input included.
    chunk : int
        How many windows run at once.
    """

    index: np.ndarray
    place: dict[Step, Place]
    chunk: int

    def chunks(self) -> Iterator[slice]:
        """Yield the rows of the windows that run at once."""
        for first in range(0, len(self.index), self.chunk):
            yield slice(first, min(len(self.index), first + self.chunk))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions for one window."""
        return sum(step.macs(place.length) for step, place in self.place.items())


def places(network: Network, start: np.ndarray, length: np.ndarray) -> dict[Step, Place]:
    """Pass changed boxes of the input through the network.

    Parameters
    ----------
    start : int array, shape (n, axes)
    length : int array, shape (axes,)
        The changed boxes of the image, inside it.
    """
    found = {network.steps[0]: Place(start, length)}
    for step in network.steps[1:]:
        sources = [found[source] for source in step.inputs]
        if step.windowed:
            found[step] = Place(*step.window.changed(sources[0].start, sources[0].length, step.shape))
        elif all(source.same(sources[0]) for source in sources[1:]):
            found[step] = sources[0]
        else:
            low = np.min([source.start for source in sources], axis=0)
            high = np.max([source.start + source.length for source in sources], axis=0)
            length = np.minimum((high - low).max(axis=0), step.shape)
            found[step] = Place(np.minimum(low, np.array(step.shape) - length), length)
    return found


def window_bytes(network: Network, place: dict[Step, Place], itemsize: int) -> int:
    """Return the working memory of one window, about: the largest step with what it gathers and makes."""
    most = 0
    for step in network.steps[1:]:
        length = place[step].length
        size = _volume(length) * step.channels
        if step.windowed:
            needed = step.window.needed(place[step].start[:1], length)[1]
            size += _volume(needed) * step.inputs[0].channels
        if step.kind == "convmax":
            size += _volume((length - 1) * step.pool.stride + step.pool.extent) * step.channels
        most = max(most, size)
    return most * itemsize


def border_bytes(network: Network, itemsize: int) -> int:
    """Return the memory of the whole maps that the tail reads, for one window."""
    return itemsize * sum(_volume(step.shape) * step.channels for step in network.border)


def _volume(length) -> int:
    return int(np.prod(length, dtype=np.int64))


def _chunk(
    network: Network, place: dict[Step, Place], device: str, itemsize: int, budget: int | None, side_by_side: int
) -> int:
    size = max(1, window_bytes(network, place, itemsize))
    border = max(1, border_bytes(network, itemsize))
    room = CACHE_BYTES.get(device, DEVICE_BYTES)
    tail = TAIL_BYTES if device == "cpu" else DEVICE_BYTES
    if budget is not None:
        # a step's temporaries live beside what the next one gathers, in every batch under way
        room, tail = min(room, budget // (3 * side_by_side)), min(tail, budget // (4 * side_by_side))
    return max(1, min(room // size, tail // border, MOST_WINDOWS.get(device, DEVICE_WINDOWS)))


def _alignment_order(network: Network, start: np.ndarray) -> np.ndarray:
    """Return an order in which windows that lie alike towards every stride of the network are neighbours."""
    jump = {network.steps[0]: np.ones(start.shape[1], dtype=np.int64)}
    levels: dict[tuple[int, ...], None] = {}
    for step in network.steps[1:]:
        stride = np.array(step.window.stride) if step.windowed else 1
        jump[step] = jump[step.inputs[0]] * stride
        levels[tuple(jump[step])] = None
    keys = [start[:, axis] % level[axis] for level in levels for axis in range(start.shape[1]) if level[axis] > 1]
    return np.lexsort(keys[::-1]) if keys else np.arange(len(start))


def _lengths(length: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Return lengths to group by: as they are, but rounded up where very many differ."""
    if len(np.unique(length, axis=0)) <= MOST_LENGTHS:
        return length
    step = np.maximum(2, length // 8)
    return np.minimum(-(-length // step) * step, shape)


def _merge(network: Network, lengths: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the length that each length runs as: a larger one where that saves more calls than it wastes work."""
    own = np.arange(len(lengths))
    target, zero = own.copy(), np.zeros((1, lengths.shape[1]), dtype=np.int64)
    macs = [sum(step.macs(p.length) for step, p in places(network, zero, length).items()) for length in lengths]
    seconds = np.array(macs) / MACS_PER_SECOND
    call = STEP_SECONDS * len(network.steps)
    for small in np.argsort(seconds):
        fits = np.flatnonzero((lengths >= lengths[small]).all(axis=1) & (target == own) & (own != small))
        costs = counts[small] * (seconds[fits] - seconds[small])
        if costs.size and costs.min() < call:
            best = fits[costs.argmin()]
            target[target == small] = best
            counts[best] += counts[small]
    return target


def group_windows(
    network: Network,
    boxes: np.ndarray,
    *,
    device: str = "cpu",
    itemsize: int = 4,
    budget: int | None = None,
    side_by_side: int = 1,
) -> list[Group]:
    """Sort windows into groups of equal size, the largest first; the last few sets of windows of a network are kept.

    Parameters
    ----------
    boxes : int array, shape (n, axes, 2)
        Start and stop, inside the image; boxes that are empty or that nothing reads are left out.
    device : str
        Type of the device, which sets how many windows run at once.
    itemsize : int
        Bytes of one number.
    budget : int, optional
        Bytes that working memory may take.
    side_by_side : int
        How many batches run at the same time.
    """
    key = (boxes.tobytes(), device, itemsize, budget, side_by_side)
    found: list[Group] | None = network.schedules.get(key)
    if found is None:
        found = _group_windows(network, boxes, device, itemsize, budget, side_by_side)
        while len(network.schedules) >= MOST_SCHEDULES:
            network.schedules.pop(next(iter(network.schedules)), None)
        network.schedules[key] = found
    return found


def _group_windows(
    network: Network, boxes: np.ndarray, device: str, itemsize: int, budget: int | None, side_by_side: int
) -> list[Group]:
    shape = read_shape(network.steps)
    boxes = np.stack([boxes[..., 0], np.minimum(boxes[..., 1], shape)], axis=-1)
    index = np.flatnonzero((boxes[..., 1] > boxes[..., 0]).all(axis=1))
    if not len(index):
        return []
    low, length = boxes[index, :, 0], boxes[index, :, 1] - boxes[index, :, 0]
    lengths, which, counts = np.unique(_lengths(length, shape), axis=0, return_inverse=True, return_counts=True)
    target = _merge(network, lengths, counts)[which.reshape(-1)]
    groups = []
    for kind in np.unique(target):
        rows = np.flatnonzero(target == kind)
        start = np.minimum(low[rows], shape - lengths[kind])
        order = _alignment_order(network, start)
        place = places(network, start[order], lengths[kind])
        groups.append(Group(index[rows[order]], place, _chunk(network, place, device, itemsize, budget, side_by_side)))
    return sorted(groups, key=lambda group: -group.macs)  # so that no core waits for a large one at the end
