"""Runs the steps: once for the clean image, then for the changed boxes only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mriinterp.incremental.copying import gather, pad
from mriinterp.incremental.copying import paste as paste_boxes
from mriinterp.incremental.kept import Kept
from mriinterp.incremental.kernels import (
    MAP_BYTES,
    apply_local,
    apply_windowed,
    may_overwrite_input,
    may_return_its_input,
)
from mriinterp.incremental.network import Network
from mriinterp.incremental.schedule import Group, Place
from mriinterp.incremental.steps import Step
from mriinterp.incremental.workers import cores, in_order

__all__ = ["Engine"]

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
        self.kept = Kept(network, x)
        self.border: dict[Step, Tensor] = {}
        self._x = x
        if empty:
            self.kept.keep_zeros()
        else:
            self._clean_pass()

    @property
    def device(self) -> torch.device:
        """Where the maps are."""
        return self._x.device

    def _clean_pass(self) -> None:
        steps = self.network.steps
        values = {steps[0]: self.kept.keep(steps[0], self._x)}
        left = {step: step.users for step in steps}
        for step in steps[1:]:
            if step.windowed:
                value = self._clean_windowed(step)
            else:
                owned = may_overwrite_input(step) and step.inputs[0] not in self.kept
                value = apply_local(step, [values[source] for source in step.inputs], owned)
            for source in step.inputs:
                left[source] -= 1
                if not left[source]:
                    values.pop(source, None)
            values[step] = self.kept.keep(step, value)
        self.border = {step: values[step] for step in self.network.border}

    def _clean_windowed(self, step: Step) -> Tensor:
        """Compute a whole clean map, a slab of rows after the other: little memory beside it, most of it in cache."""
        window, rows = step.window, step.shape[0]
        if self._x.device.type == "cpu":
            row_bytes = int(np.prod(step.shape[1:])) * step.channels * self._x.element_size()
            rows = max(1, min(rows, MAP_BYTES // row_bytes))
        out = None if rows == step.shape[0] else self.kept.room(step)

        def task(first: int):
            def run() -> Tensor:
                with torch.inference_mode():
                    origin = np.zeros((1, len(step.shape)), dtype=np.int64)
                    origin[0, 0] = first
                    length = np.array([min(rows, step.shape[0] - first), *step.shape[1:]])
                    start, needed = window.needed(origin, length)
                    x = self.kept.box(step.inputs[0], start[0], needed, window.before, step.filling)
                    value = apply_windowed(step, x, origin)
                    if out is None:
                        return value
                    out[:, :, first : first + rows] = value
                    return out

            return run

        tasks = (task(first) for first in range(0, step.shape[0], rows))
        return list(in_order(tasks, cores(self._x.device)))[-1]

    def clean_border(self) -> dict[Step, Tensor]:
        """Return the clean maps that the tail reads, fresh copies."""
        return {step: self.network.for_tail(value.clone()) for step, value in self.border.items()}

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
        """Return the boxes of a map as they are after the occlusion: clean values with the changed boxes pasted in.

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
        source, shift = self.kept.source(step, filling, before)
        out = gather(source, start + shift, length)
        offset = start - before
        if isinstance(changed, tuple):
            value, place = changed
            paste_boxes(out, value, place.start - offset)
        else:
            changed(out, offset)
        return out

    def run_chunk(self, group: Group, part: slice, paste: PasteInput) -> dict[Step, Tensor]:
        """Return whole maps (n, C, *spatial) of the border for some windows of a group.

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
            x = pad(values[source], window.before, window.after, step.filling)
            return apply_windowed(step, x, where.start)
        start, length = window.needed(where.start, where.length)
        changed = (values[source], place[source]) if source in values else paste
        x = self.fetch(source, start, length, changed, before=window.before, filling=step.filling)
        if left[source] == 1:
            values.pop(source, None)
        return apply_windowed(step, x, where.start)

    def _local(self, step: Step, place, values, paste, left) -> Tensor:
        where, inputs, owned = place[step], [], len(step.inputs) == 1 and not may_return_its_input(step.inputs[0])
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
        return self.network.for_tail(value)
