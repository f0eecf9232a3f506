"""Estimate the cost of an occlusion before it starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.incremental.boxes import Box, Regions, grid_boxes, read_regions
from mriinterp.incremental.device import exact_arithmetic
from mriinterp.incremental.engine import Engine
from mriinterp.incremental.kept import kept_bytes
from mriinterp.incremental.macs import count_macs
from mriinterp.incremental.network import Network
from mriinterp.incremental.plain import plain_batch
from mriinterp.incremental.schedule import Group, border_bytes, group_windows, window_bytes
from mriinterp.incremental.traced import take_apart
from mriinterp.incremental.ways import whole_reason
from mriinterp.incremental.workers import cores, in_order
from mriinterp.models.batch import MIXES, is_marked_alone

__all__ = ["OcclusionPlan", "plan"]

CALIBRATION_SECONDS = 0.6
"""How long `OcclusionPlan.estimate_seconds` may measure, about."""

SLOW_MACS_PER_SECOND = 3e10
"""A pessimistic rate, used to decide whether a whole pass is short enough to be measured."""


@dataclass(frozen=True, eq=False)
class OcclusionPlan:
    """The cost of one occlusion.

    Parameters
    ----------
    windows : int
        Number of regions.
    macs : int
        Multiply-accumulates of the clean pass and all windows.
    plain_macs : int
        The same for one full pass per window.
    peak_memory_bytes : int
        Activations at the worst moment, about; weights and the images
        themselves not counted.
    reason : str or None
        Why whole passes will be run; None if only what changes is
        recomputed.
    device : str
    alone : str
        Why windows must run one by one, as far as the model tells; "" if they
        may share a batch.
    """

    windows: int
    macs: int
    plain_macs: int
    peak_memory_bytes: int
    reason: str | None
    device: str
    alone: str
    _module: nn.Module = field(repr=False)
    _x: Tensor = field(repr=False)
    _network: Network | None = field(repr=False)
    _groups: tuple[Group, ...] = field(repr=False)

    @property
    def ratio(self) -> float:
        """How many times fewer multiply-accumulates than one full pass per window; 1 for no windows."""
        return self.plain_macs / self.macs if self.macs and self.windows else 1.0

    def estimate_seconds(self) -> float:
        """Estimate the seconds an occlusion takes on this machine as it is now, from a measurement under a second.

        A few batches are run on an empty image, the largest groups first,
        and scaled by their multiply-accumulates. The caller holds the
        model's lock.
        """
        with torch.inference_mode(), exact_arithmetic(self._x.device):
            if self._network is None:
                return self.windows * self._plain_seconds()
            return self._clean_seconds(self._network) + self._window_seconds(self._network)

    def _timed(self, function: Callable[[], object]) -> float:
        start = time.perf_counter()
        function()
        if self._x.device.type == "cuda":
            torch.cuda.synchronize(self._x.device)
        return time.perf_counter() - start

    def _plain_seconds(self) -> float:
        macs = self.plain_macs / max(1, self.windows)
        if macs < CALIBRATION_SECONDS * SLOW_MACS_PER_SECOND:
            return self._timed(lambda: self._module(self._x.clone()))
        side = nn.Conv3d(16, 16, 3).to(self._x)
        x = self._x.new_zeros(1, 16, 34, 34, 34)
        side(x)
        return macs / (side.weight.numel() * 32**3) * self._timed(lambda: side(x))

    def _clean_seconds(self, network: Network) -> float:
        macs = network.read_macs
        if macs < CALIBRATION_SECONDS / 2 * SLOW_MACS_PER_SECOND:
            return min(self._timed(lambda: Engine(network, self._x)) for _ in range(2))
        return self._plain_seconds()

    def _window_seconds(self, network: Network) -> float:
        engine = Engine(network, self._x, empty=True)
        measured_macs, measured, total = 0.0, 0.0, 0.0
        unmeasured = 0
        begin = time.perf_counter()
        for group in sorted(self._groups, key=lambda g: g.macs * len(g.index), reverse=True):
            if measured and time.perf_counter() - begin > CALIBRATION_SECONDS:
                unmeasured += group.macs * len(group.index)
                continue
            part = next(group.chunks())
            together = min(cores(self._x.device), -(-len(group.index) // group.chunk))
            count = (part.stop - part.start) * together

            def run(group=group, part=part):
                with torch.inference_mode():
                    maps = engine.run_chunk(group, part, lambda boxes, offset: None)
                    if not network.one_by_one:
                        network.run_tail(maps)

            def side_by_side(run=run, together=together):
                list(in_order([run] * together, together))

            seconds = self._timed(side_by_side)
            if time.perf_counter() - begin < CALIBRATION_SECONDS:
                seconds = min(seconds, self._timed(side_by_side))  # the first also prepares weights and memory
            total += seconds / count * len(group.index)
            measured += seconds
            measured_macs += group.macs * count
        return total + (unmeasured * measured / measured_macs if measured_macs else 0.0)


def _peak_bytes(network: Network, groups: Sequence[Group], itemsize: int, side_by_side: int) -> int:
    """Return the bytes of kept maps and, beside them, of the largest clean map or the batches of windows."""
    clean = max(int(np.prod(step.shape)) * step.channels for step in network.steps[1:]) * itemsize
    windows = max((g.chunk * window_bytes(network, g.place, itemsize) for g in groups), default=0)
    return kept_bytes(network, itemsize) + max(clean, 2 * side_by_side * windows + border_bytes(network, itemsize))


def plan(
    model: Any,
    grid: Any = None,
    size: int | Sequence[int] = 40,
    stride: int | Sequence[int] = 25,
    *,
    regions: Sequence[Box | np.ndarray | Tensor] | None = None,
    channels: int = 1,
    memory_limit: int | None = None,
) -> OcclusionPlan:
    """Return what `occluded_outputs` will cost on images of a shape; no image is needed.

    Where recomputing what changed saves little, whole passes and it are
    timed on a few regions, once for a network.

    Parameters
    ----------
    model : Model or nn.Module
        A `Model` brings its grid and device; a bare module in eval mode
        needs `grid`.
    grid : Grid, tuple of int or Tensor, optional
        A grid, a spatial shape, or an image (1, C, *spatial); a model's own
        grid by default.
    size, stride : int or sequence of int
        Of the occlusion, in voxels, one number or one per axis.
    regions : sequence of Box or mask, optional
        What is replaced, instead of a regular grid of boxes.
    channels : int
        Of the image, where `grid` does not tell.
    memory_limit : int, optional
        As for `occluded_outputs`.

    Raises
    ------
    ValueError
        If there is no shape, the module is in training mode, or size or
        stride are not positive.
    """
    module: nn.Module = model if isinstance(model, nn.Module) else model.module
    if module.training:
        raise ValueError("expected a module in eval mode, got one in training mode")
    x = _blank(model, module, grid, channels)
    boxes = grid_boxes(x.shape[2:], size, stride) if regions is None else regions
    found: Regions = read_regions(boxes, x.shape[2:])
    apart = take_apart(module, x)
    each = count_macs(module, x, apart.key)
    itemsize, where = x.element_size(), x.device.type
    alone = MIXES if not getattr(model, "independent", True) or is_marked_alone(module) else ""
    most = 1 if alone else plain_batch(x, memory_limit)
    if apart.network is None:
        return _whole_plan(apart.reason, len(found), each, most, alone, module, x)
    network = apart.network
    budget = None if memory_limit is None else max(0, memory_limit - kept_bytes(network, itemsize))
    groups = group_windows(
        network,
        found.boxes,
        device=where,
        itemsize=itemsize,
        budget=budget,
        side_by_side=cores(x.device),
    )
    with torch.inference_mode(), exact_arithmetic(x.device):
        reason = whole_reason(
            apart, groups, x, each, module=module, tail=network.run_tail,
            engine=lambda: Engine(network, x, empty=True), most=most,
        )  # fmt: skip
    if reason is not None:
        return _whole_plan(reason, len(found), each, most, alone, module, x)
    tail = each - network.whole_macs
    macs = network.read_macs + tail + sum((group.macs + tail) * len(group.index) for group in groups)
    peak = _peak_bytes(network, groups, itemsize, cores(x.device))
    return OcclusionPlan(
        len(found), macs, each * len(found), peak, None, where, alone, module, x, network, tuple(groups)
    )


def _whole_plan(
    reason: str | None, count: int, each: int, most: int, alone: str, module: nn.Module, x: Tensor
) -> OcclusionPlan:
    """Return the plan of whole passes."""
    peak = most * 32 * x.numel() * x.element_size()
    return OcclusionPlan(count, each * count, each * count, peak, reason, x.device.type, alone, module, x, None, ())


def _blank(model: Any, module: nn.Module, grid: Any, channels: int) -> Tensor:
    """Return an image of zeros of the right shape on the right device."""
    if isinstance(grid, Tensor):
        return torch.zeros_like(grid)
    grid = getattr(model, "grid", None) if grid is None else grid
    shape = getattr(grid, "shape", grid)
    if shape is None:
        raise ValueError("expected a grid, a spatial shape or an image, got none and a module without a grid")
    device = getattr(model, "device", None)
    first = next(module.parameters(), torch.empty(0))
    return torch.zeros(1, channels, *shape, dtype=first.dtype, device=first.device if device is None else device)
