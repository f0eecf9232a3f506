"""The clean pass of one image, with what its way back needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mriinterp.gradient.maxima import conv_max_codes, max_pool_taken, rows_in_cache
from mriinterp.incremental.copying import allocate, pad
from mriinterp.incremental.kernels import (
    FOLD,
    MAP_BYTES,
    apply_local,
    apply_windowed,
    inner_map,
    may_overwrite_input,
)
from mriinterp.incremental.network import Network
from mriinterp.incremental.steps import Step
from mriinterp.incremental.workers import cores, in_order

__all__ = ["Passed", "between_map", "has_codes", "in_slabs", "run_first", "run_forward"]

KEPT = ("map", "join")
"""Kinds of steps whose output the way back may need."""


@dataclass(eq=False)
class Passed:
    """One image's way through the local part of a network.

    Parameters
    ----------
    network : Network
    border : dict of Step to Tensor
        The maps that the rest of the network reads.
    kept : dict of Step to anything
        What the way back needs of a step: the elements that a max pooling
        took, the output of a ReLU, the inputs of other functions.
    read : dict of Step to Tensor
        What each convolution reads, without padding.
    """

    network: Network
    border: dict[Step, Tensor]
    kept: dict[Step, Any]
    read: dict[Step, Tensor] = field(default_factory=dict)

    def leaves(self) -> dict[Step, Tensor]:
        """Return the maps of the border as leaves of autograd."""
        return {step: values.detach().requires_grad_(True) for step, values in self.border.items()}

    def run_tail(self, maps: dict[Step, Tensor] | None = None) -> Any:
        """Return what the rest of the network makes of the maps of the border, or of others in their place; they are kept."""
        maps = self.border if maps is None else maps
        return self.network.run_tail({s: m.clone(memory_format=torch.contiguous_format) for s, m in maps.items()})


def has_codes(step: Step) -> bool:
    """Return whether a step is a 3D convolution with pooling by halves, whose maxima are remembered by `conv_max_codes`."""
    if step.kind != "convmax" or len(step.shape) != 3 or step.groups != 1:
        return False
    return step.pool.kernel == step.pool.stride == (FOLD,) * 3 and set(step.pool.dilation) == {1}


def run_first(network: Network, x: Tensor) -> tuple[Passed, Tensor]:
    """Run the first step of a network on an image: what its way back needs, and its map."""
    passed = Passed(network, {}, {})
    with torch.no_grad():
        return passed, _windowed(network.steps[1], x, passed)


def run_forward(network: Network, x: Tensor, *, to: Step | None = None, after: Step | None = None) -> Passed:
    """Run the local part of a network on an image, which is not changed.

    Parameters
    ----------
    network : Network
    x : Tensor, shape (1, C, *spatial)
    to : Step, optional
        Where the way back ends, if not at the image: nothing is remembered of
        the steps before.
    after : Step, optional
        A step that no other goes round: `x` is its map, which may be changed,
        and only the steps behind it run.
    """
    steps = network.steps
    begin, end = (0 if step is None else steps.index(step) for step in (after, to))
    passed = Passed(network, {}, {})
    values: dict[Step, Tensor] = {steps[begin]: x}
    left = {step: step.users for step in steps}
    with torch.no_grad():
        for place, step in enumerate(steps[begin + 1 :], begin + 1):
            inputs = [values[source] for source in step.inputs]
            wanted = passed if place > end else None
            values[step] = _windowed(step, inputs[0], wanted) if step.windowed else _local(step, inputs, wanted)
            for source in step.inputs:
                left[source] -= 1
                if not left[source]:
                    values.pop(source, None)
    passed.border = {step: values[step] for step in network.border}
    return passed


def _local(step: Step, inputs: list[Tensor], passed: Passed | None) -> Tensor:
    """Compute a step, and remember what its way back needs, unless `passed` is None; so does `_windowed`."""
    owned = may_overwrite_input(step) and step.inputs[0].kind not in KEPT
    if step.is_relu or passed is None:
        out = apply_local(step, inputs, owned)
        if passed is not None:
            passed.kept[step] = out
        return out
    if step.kind in ("map", "join"):
        passed.kept[step] = inputs
        return step.function(*inputs)
    return apply_local(step, inputs, owned)


def _windowed(step: Step, x: Tensor, passed: Passed | None) -> Tensor:
    if passed is not None and step.kind in ("conv", "convmax"):
        passed.read[step] = x
    x = pad(x, step.window.before, step.window.after, step.filling)
    if passed is not None and step.kind == "max":
        values, passed.kept[step] = max_pool_taken(x, step.window)
        return values
    if passed is not None and step.kind == "convmax":
        if has_codes(step):
            return _with_codes(step, x, passed)
        y = between_map(step, x)
        values, taken = max_pool_taken(y, step.pool)
        passed.kept[step] = taken, tuple(y.shape[2:])
        return values
    if step.kind not in ("conv", "convmax"):
        return apply_windowed(step, x)
    rows = max(1, MAP_BYTES // max(1, int(np.prod(step.shape[1:])) * step.channels * x.element_size()))
    if rows >= step.shape[0] or x.device.type != "cpu":
        return apply_windowed(step, x)
    return in_slabs(step, x, rows, partial(apply_windowed, step))


def between_map(step: Step, x: Tensor) -> Tensor:
    """Return the whole map between a convolution and its pooling, (1, C, *spatial), for padded inputs."""
    y, pairs = inner_map(step, x, np.zeros((1, len(step.shape)), dtype=np.int64))
    return y.movedim(4, 2).flatten(1, 2).movedim(-1, 1) if pairs else y  # slices in their order


def _with_codes(step: Step, x: Tensor, passed: Passed) -> Tensor:
    codes = allocate(1, step.channels, step.shape, x.new_empty(0, dtype=torch.uint8))

    def compute(part: Tensor, origin: np.ndarray) -> Tensor:
        first = int(origin[0, 0])
        values, found = conv_max_codes(step, part, origin)
        codes[:, :, first : first + found.shape[2]] = found
        return values

    passed.kept[step] = codes
    return in_slabs(step, x, rows_in_cache(step, x.element_size()), compute)


def in_slabs(step: Step, x: Tensor, rows: int, compute: Callable[[Tensor, np.ndarray], Tensor]) -> Tensor:
    """Return the outputs of a windowed step for padded inputs, some rows of the first axis at a time, one task a core."""
    out = allocate(1, step.channels, step.shape, x)
    stride, extent = step.window.stride[0], int(step.window.extent[0])

    def task(first: int) -> Callable[[], None]:
        def run() -> None:
            last = min(step.shape[0], first + rows)
            part = x[:, :, first * stride : (last - 1) * stride + extent]
            origin = np.eye(1, len(step.shape), dtype=np.int64) * first
            with torch.no_grad():
                out[:, :, first:last] = compute(part, origin)

        return run

    for _ in in_order((task(first) for first in range(0, step.shape[0], rows)), cores(x.device)):
        pass
    return out
