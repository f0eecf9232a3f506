"""Runs the steps: once for the clean image, then for the changed boxes only."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mriinterp.incremental.kernels import allocate, apply_local, apply_windowed, pad
from mriinterp.incremental.network import Network
from mriinterp.incremental.schedule import Group, Place
from mriinterp.incremental.steps import Step
from mriinterp.incremental.workers import cores, in_order

__all__ = ["Engine", "kept_bytes", "runs"]

GATHER_LOOP_BYTES = 2**15
"""From this size on, boxes are copied one by one on a CPU: many small ones are faster by one indexing call."""

SLAB_BYTES = 2**22
"""A clean map larger than this is computed in slabs of about this size on a CPU."""

Margins = dict[float, tuple[np.ndarray, np.ndarray]]
PasteInput = Callable[[Tensor, np.ndarray], None]


class Engine:
    """The clean maps of one image, and boxes recomputed from them.

    Parameters
    ----------
    network : Network
    x : Tensor, shape (1, C, *spatial)
        The clean image.
    empty : bool
        Leave the maps uncomputed (zero): for timing only.
    """

    def __init__(self, network: Network, x: Tensor, *, empty: bool = False):
        self.network = network
        self.margins = _margins(network)
        self.kept: dict[tuple[Step, float], Tensor] = {}
        self.border: dict[Step, Tensor] = {}
        self._x = x
        if empty:
            self._keep_zeros()
        else:
            self._clean_pass()

    def _keep(self, step: Step, value: Tensor) -> Tensor:
        """Store a clean map with the margins its readers want; returns it without them."""
        for filling, (before, after) in self.margins.get(step, {}).items():
            padded = self.kept.get((step, filling))
            if padded is None:
                padded = self.kept[step, filling] = pad(value, tuple(before), tuple(after), filling)
            value = _narrow(padded, before, np.array(step.shape))
        return value

    def _room(self, step: Step) -> Tensor:
        """Where to write a clean map so that `_keep` need not copy it."""
        for filling, (before, after) in self.margins.get(step, {}).items():
            shape = np.array(step.shape) + before + after
            padded = self.kept[step, filling] = allocate(1, step.channels, shape, self._x)
            if before.any() or after.any():
                padded.fill_(filling)
            return _narrow(padded, before, np.array(step.shape))
        return allocate(1, step.channels, step.shape, self._x)

    def _keep_zeros(self) -> None:
        for step, margins in self.margins.items():
            for filling, (before, after) in margins.items():
                shape = np.array(step.shape) + before + after
                self.kept[step, filling] = self._x.new_zeros((1, *shape, step.channels)).movedim(-1, 1)

    def _clean_pass(self) -> None:
        steps = self.network.steps
        values = {steps[0]: self._keep(steps[0], self._x)}
        left = {step: step.users for step in steps}
        for step in steps[1:]:
            if step.windowed:
                value = self._clean_windowed(step)
            else:
                owned = len(step.inputs) == 1 and step.inputs[0].users == 1 and step.inputs[0] not in self.margins
                value = apply_local(step, [values[source] for source in step.inputs], owned)
            for source in step.inputs:
                left[source] -= 1
                if not left[source]:
                    values.pop(source, None)
            values[step] = self._keep(step, value)
        self.border = {step: values[step] for step in self.network.border}

    def _clean_windowed(self, step: Step) -> Tensor:
        """A whole clean map, a slab of rows after the other: little memory beside the map, and most of it in cache."""
        window, rows = step.window, step.shape[0]
        if self._x.device.type == "cpu":
            row_bytes = int(np.prod(step.shape[1:])) * step.channels * self._x.element_size()
            rows = max(1, min(rows, SLAB_BYTES // row_bytes))
        out = None if rows == step.shape[0] else self._room(step)

        def task(first: int):
            def run() -> Tensor:
                with torch.inference_mode():
                    origin = np.zeros((1, len(step.shape)), dtype=np.int64)
                    origin[0, 0] = first
                    length = np.array([min(rows, step.shape[0] - first), *step.shape[1:]])
                    start, needed = window.needed(origin, length)
                    x = self._kept_box(step.inputs[0], start[0], needed, window.before, step.pad_value)
                    value = apply_windowed(step, x, origin)
                    if out is None:
                        return value
                    out[:, :, first : first + rows] = value
                    return out

            return run

        tasks = (task(first) for first in range(0, step.shape[0], rows))
        return list(in_order(tasks, cores(self._x.device)))[-1]

    def clean_border(self) -> dict[Step, Tensor]:
        """The clean maps that the tail reads, fresh copies."""
        return {step: value.clone(memory_format=torch.contiguous_format) for step, value in self.border.items()}

    def _source(self, step: Step, filling: float, before: tuple[int, ...]) -> tuple[Tensor, np.ndarray]:
        """The kept map to read from, and what to add to coordinates that count `before` padding."""
        margins = self.margins[step]
        if filling not in margins:  # asked for without padding: any copy serves
            filling = next(iter(margins))
        return self.kept[step, filling], margins[filling][0] - before

    def _kept_box(self, step: Step, start: np.ndarray, length: np.ndarray, before, filling: float) -> Tensor:
        source, shift = self._source(step, filling, before)
        return _narrow(source, start + shift, length)

    def fetch(
        self,
        step: Step,
        start: np.ndarray,
        length: np.ndarray,
        changed: tuple[Tensor, Place] | PasteInput,
        *,
        before: tuple[int, ...] | None = None,
        filling: float = 0.0,
    ) -> Tensor:
        """Boxes of a map as they are after the occlusion: clean values with the changed boxes pasted in.

        Parameters
        ----------
        start : int array, shape (n, axes)
            In coordinates that count `before` padding.
        length : int array, shape (axes,)
        changed : (Tensor, Place) or callable
            The recomputed boxes of the map, or for the input a function that
            pastes the fill.
        before : tuple of int, optional
            Padding in front.
        filling : float
            Value of the padding.
        """
        before = (0,) * len(length) if before is None else before
        source, shift = self._source(step, filling, before)
        out = _gather(source, start + shift, length)
        offset = start - before
        if isinstance(changed, tuple):
            value, place = changed
            _paste(out, value, place.start - offset)
        else:
            changed(out, offset)
        return out

    def run_chunk(self, group: Group, part: slice, paste: PasteInput) -> dict[Step, Tensor]:
        """Whole maps (n, C, *spatial) of the border for some windows of a group.

        Parameters
        ----------
        paste : callable
            ``paste(boxes, offset)`` writes the fill into gathered boxes of
            the image; `offset` (n, axes) is the voxel each box starts at.
        """
        steps = self.network.steps
        values: dict[Step, Tensor] = {}
        left = {step: step.users for step in steps}
        place = {step: where.rows(part) for step, where in group.place.items()}
        for step in steps[1:]:
            if step.windowed:
                value = self._windowed(step, place, values, paste, left)
            else:
                value = self._local(step, place, values, paste, left)
            for source in step.inputs:
                left[source] -= 1
                if not left[source]:
                    values.pop(source, None)
            values[step] = value
        return {step: self._whole(step, place[step], values[step]) for step in self.network.border}

    def _windowed(self, step: Step, place, values, paste, left) -> Tensor:
        source, where, window = step.inputs[0], place[step], step.window
        if source in values and place[source].covers(source.shape) and where.covers(step.shape):
            x = pad(values[source], window.before, window.after, step.pad_value)
            return apply_windowed(step, x, where.start)
        start, length = window.needed(where.start, where.length)
        changed = (values[source], place[source]) if source in values else paste
        x = self.fetch(source, start, length, changed, before=window.before, filling=step.pad_value)
        if left[source] == 1:
            values.pop(source, None)
        return apply_windowed(step, x, where.start)

    def _local(self, step: Step, place, values, paste, left) -> Tensor:
        where, inputs, owned = place[step], [], len(step.inputs) == 1
        for source in step.inputs:
            if source in values and place[source].same(where):
                inputs.append(values[source])
                owned = owned and left[source] == 1
            else:
                changed = (values[source], place[source]) if source in values else paste
                inputs.append(self.fetch(source, where.start, where.length, changed))
        return apply_local(step, inputs, owned)

    def _whole(self, step: Step, where: Place, value: Tensor) -> Tensor:
        if not where.covers(step.shape):
            length = np.array(step.shape)
            value = self.fetch(step, np.zeros_like(where.start), length, (value, where))
        return value.contiguous()


def _margins(network: Network) -> dict[Step, Margins]:
    """For every map that boxes are gathered from: the padding around it, by the value it holds."""
    found: dict[Step, Margins] = {}

    def want(source: Step, filling: float, before, after) -> None:
        margins = found.setdefault(source, {})
        low, high = margins.get(filling, (np.zeros(len(before), int), np.zeros(len(after), int)))
        margins[filling] = np.maximum(low, before), np.maximum(high, after)

    plain: list[Step] = list(network.border)
    for step in network.steps[1:]:
        if step.windowed and (any(step.window.before) or any(step.window.after)):
            want(step.inputs[0], step.pad_value, step.window.before, step.window.after)
        elif step.windowed or len(step.inputs) > 1 or step.inputs[0].kind == "input":
            plain.extend(step.inputs)
    for step in plain:
        if step not in found:
            want(step, 0.0, (0,) * len(step.shape), (0,) * len(step.shape))
    return found


def kept_bytes(network: Network, itemsize: int) -> int:
    """Memory of the clean maps that stay while windows run, their padding included."""
    sizes = [
        int(np.prod(np.array(step.shape) + before + after)) * step.channels
        for step, margins in _margins(network).items()
        for before, after in margins.values()
    ]
    return itemsize * sum(sizes)


def _narrow(x: Tensor, start: np.ndarray, length: np.ndarray) -> Tensor:
    return x[:, :, *(slice(int(s), int(s + n)) for s, n in zip(start, length, strict=True))]


def _gather(source: Tensor, start: np.ndarray, length: np.ndarray) -> Tensor:
    """Boxes (n, C, *length) of a map (1, C, *spatial) at `start` (n, axes)."""
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


def _paste(out: Tensor, value: Tensor, offset: np.ndarray) -> None:
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
    """Stretches (first, last) of equal consecutive rows.

    Examples
    --------
    >>> runs(np.array([[1, 2], [1, 2], [0, 2]]))
    [(0, 2), (2, 3)]
    """
    breaks = np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    return list(itertools.pairwise(edges))
