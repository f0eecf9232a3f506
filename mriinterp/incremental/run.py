"""Outputs of a network for many versions of one image, each with one region replaced."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.incremental.alone import why_alone
from mriinterp.incremental.boxes import Box, Regions, read_regions
from mriinterp.incremental.device import exact_arithmetic
from mriinterp.incremental.engine import Engine
from mriinterp.incremental.fill import filler
from mriinterp.incremental.macs import count_macs
from mriinterp.incremental.network import Network
from mriinterp.incremental.plain import flat_outputs, plain_batch, plain_outputs
from mriinterp.incremental.schedule import TAIL_BYTES, Group, border_bytes, group_windows
from mriinterp.incremental.shared import claim, offer
from mriinterp.incremental.traced import take_apart
from mriinterp.incremental.ways import run_images, whole_reason, whole_way
from mriinterp.incremental.workers import cores, in_order

__all__ = ["Occluder", "clean_outputs", "occluded_outputs"]

log = logging.getLogger(__name__)

MOST_TAIL_ROWS = 4096


class Occluder:
    """One network and one image, ready for any number of occlusions.

    The clean pass runs once, when the object is made; `run` may be called
    many times with other regions and fills.

    Parameters
    ----------
    module : nn.Module
        In eval mode; the caller holds its lock. It is not changed, and must
        not change while the object is in use.
    x : Tensor, shape (1, C, *spatial)
        The image, 2D or 3D, on the module's device.
    memory_limit : int, optional
        Bytes that activations may take, about. The clean maps, kept for all
        windows, are part of it and cannot be made smaller.
    exact : bool
        Full float32 on every device. False lets CUDA use TF32.

    Attributes
    ----------
    clean : Tensor, shape (n_outputs,), float32 on the CPU
        Raw outputs for the image itself.
    reason : str or None
        Why whole passes are run instead of partial ones; None if they are
        not. What the network allows when the object is made, and what the
        last `run` did: where little can be saved, both are timed first.
    alone : str
        Why windows must run one by one; "" if they may share a batch. Some
        networks mix what is in a batch: this is tried out with the image and a
        darker, flipped one.

    Raises
    ------
    ValueError
        If the module is in training mode or `x` is not one image.
    """

    def __init__(self, module: nn.Module, x: Tensor, *, memory_limit: int | None = None, exact: bool = True):
        if module.training:
            raise ValueError("expected a module in eval mode, got one in training mode")
        if x.ndim not in (4, 5) or x.shape[0] != 1:
            raise ValueError(f"expected one image (1, C, *spatial) in 2D or 3D, got shape {tuple(x.shape)}")
        self.module, self.x, self.memory_limit, self.exact = module, x.detach(), memory_limit, exact
        self._apart = take_apart(module, self.x)
        self.network, self.reason = self._apart.network, self._apart.reason
        if self.reason is not None:
            log.warning("occlusion runs whole passes: %s", self.reason)
        with torch.inference_mode(), exact_arithmetic(x.device, exact):
            self._engine = None if self.network is None else _engine(self.network, self.x)
            self.clean = self._together(self._clean_maps())[0]
            alone_anyway = self.network is None and plain_batch(self.x, memory_limit) == 1
            self.alone = why_alone(module, self._apart, self._clean_maps, self._together, self.clean, alone_anyway)

    def run(
        self,
        regions: Sequence[Box | np.ndarray | Tensor] | Regions,
        fill: float | Tensor = 0.0,
        *,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Tensor:
        """Return raw outputs with each region replaced; see `occluded_outputs`."""
        found = regions if isinstance(regions, Regions) else read_regions(regions, self.x.shape[2:])
        if not len(found):
            tell(progress, 0, 0)
            return self.clean.new_empty(0, self.clean.numel())
        each = 0 if self._engine is None else count_macs(self.module, self.x, self._apart.key)
        with torch.inference_mode(), exact_arithmetic(self.x.device, self.exact):
            values = self._fill(fill)
            most = 1 if self.alone else plain_batch(self.x, self.memory_limit)
            if self._engine is not None:
                engine, groups = self._engine, self._groups(self._engine, found)
                self.reason = whole_reason(
                    self._apart, groups, self.x, each, module=self.module, tail=self._outputs,
                    engine=lambda: engine, most=most,
                )  # fmt: skip
                if self.reason is None:
                    return self._run_parts(engine, groups, found, values, progress, cancel)
                log.info("occlusion runs whole passes: %s", self.reason)
            way = whole_way(self.module, self._apart, self.x, most, len(found))
            return plain_outputs(
                lambda images: run_images(self.module, self._apart, images, way), self.x, found, values,
                progress=progress, cancel=cancel, batch=way.batch, channels_last=way.channels_last,
            )  # fmt: skip

    def _groups(self, engine: Engine, regions: Regions) -> list[Group]:
        return group_windows(
            engine.network,
            regions.boxes,
            device=self.x.device.type,
            itemsize=self.x.element_size(),
            budget=self._budget(engine),
            side_by_side=cores(self.x.device),
        )

    def _clean_maps(self) -> dict[Any, Tensor]:
        """Return what the rest of the network reads of the clean image: maps of the border, or the image itself."""
        return {None: self.x.clone()} if self._engine is None else self._engine.clean_border()

    def _together(self, maps: dict[Any, Tensor]) -> Tensor:
        """Return outputs (n, outputs) of the rest of the network, which may overwrite what it is given."""
        out = self.module(maps[None]) if self.network is None else self.network.run_tail(maps)
        return flat_outputs(out).float().cpu()

    def _fill(self, fill: float | Tensor) -> Tensor:
        values = torch.as_tensor(fill, dtype=self.x.dtype, device=self.x.device)
        try:
            return values.expand_as(self.x)[0]
        except RuntimeError:
            raise ValueError(
                f"expected a number or a fill that broadcasts to {tuple(self.x.shape)}, got shape {tuple(values.shape)}"
            ) from None

    def _outputs(self, border: dict) -> Tensor:
        if not self.alone:
            return self._together(border)
        count = len(next(iter(border.values())))
        rows = [{step: maps[row : row + 1] for step, maps in border.items()} for row in range(count)]
        return torch.cat([self._together(row) for row in rows])

    def _run_parts(
        self,
        engine: Engine,
        groups: list[Group],
        regions: Regions,
        fill: Tensor,
        progress: Progress | None,
        cancel: Cancel | None,
    ) -> Tensor:
        network = engine.network
        result = self.clean.repeat(len(regions), 1)
        rows = max(1, min(MOST_TAIL_ROWS, TAIL_BYTES // max(1, border_bytes(network, self.x.element_size()))))
        waiting: list[tuple[np.ndarray, dict]] = []

        def flush() -> None:
            index = torch.from_numpy(np.concatenate([index for index, _ in waiting]))
            border = {step: torch.cat([maps[step] for _, maps in waiting]) for step in network.border}
            waiting.clear()
            result[index] = self._outputs(border)

        # a region that is empty gives the clean outputs
        done = len(regions) - sum(len(group.index) for group in groups)
        tasks = (_task(engine, regions, fill, group, part) for group in groups for part in group.chunks())
        largest = max((group.chunk for group in groups), default=1)
        with contextlib.closing(in_order(tasks, cores(self.x.device))) as finished:
            for index, maps in finished:
                check_cancel(cancel)
                waiting.append((index, maps))
                if sum(len(index) for index, _ in waiting) + largest > rows:
                    flush()
                done += len(index)
                tell(progress, done, len(regions))
        if waiting:
            flush()
        if not groups:
            tell(progress, done, len(regions))
        return result

    def _budget(self, engine: Engine) -> int | None:
        if self.memory_limit is None:
            return None
        kept = engine.kept.nbytes
        if kept > 0.9 * self.memory_limit:
            log.warning("the clean maps take %d bytes of %d allowed; windows run one by one", kept, self.memory_limit)
        return max(0, self.memory_limit - kept)


def _task(
    engine: Engine, regions: Regions, fill: Tensor, group: Group, part: slice
) -> Callable[[], tuple[np.ndarray, dict]]:
    """Return a function that runs some windows of a group: their indices, and the maps that the tail reads."""
    index = group.index[part]

    def task() -> tuple[np.ndarray, dict]:
        with torch.inference_mode():
            return index, engine.run_chunk(group, part, filler(regions, index, fill))

    return task


def _engine(network: Network, x: Tensor) -> Engine:
    return claim(Engine, network, x) or Engine(network, x)


def clean_outputs(module: nn.Module, x: Tensor) -> Tensor | None:
    """Return the raw outputs (1, outputs) of a network for an image, and offer the pass to an `Occluder`.

    None for networks that cannot be taken apart.
    """
    network = take_apart(module, x).network
    if network is None:
        return None
    with torch.inference_mode(), exact_arithmetic(x.device):
        engine = Engine(network, x.detach())
        offer(engine, network, x)
        return flat_outputs(network.run_tail(engine.clean_border()))


def occluded_outputs(
    module: nn.Module,
    x: Tensor,
    regions: Sequence[Box | np.ndarray | Tensor],
    fill: float | Tensor = 0.0,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    memory_limit: int | None = None,
    exact: bool = True,
) -> Tensor:
    """Return the raw outputs of a network for an image with one region replaced at a time.

    Parameters
    ----------
    module : nn.Module
        In eval mode; the caller holds its lock. It is not changed.
    x : Tensor, shape (1, C, *spatial)
        The image, 2D or 3D, on the module's device.
    regions : sequence of Box or boolean mask
        What to replace: one (start, stop) pair of voxel indices per spatial
        axis (cut at the border; empty boxes are allowed), or a boolean array
        or tensor of the spatial shape. Every channel is replaced.
    fill : float or Tensor
        What to put there: a number, or a tensor that broadcasts to `x` (a
        blurred scan, the mean of control scans).
    progress, cancel : callable, optional
        `progress(done, total)` counts regions; `cancel()` is asked between
        batches.
    memory_limit : int, optional
        Bytes that activations may take, about.
    exact : bool
        Full float32 on every device. False lets CUDA use TF32.

    Returns
    -------
    Tensor, shape (n_regions, n_outputs), float32 on the CPU
        Raw outputs, in the order of `regions`; several heads side by side.

    Raises
    ------
    ValueError
        If the module is in training mode, `x` is not one image, or a region
        or the fill has another shape.
    Cancelled
        If `cancel()` returned True.
    """
    occluder = Occluder(module, x, memory_limit=memory_limit, exact=exact)
    return occluder.run(regions, fill, progress=progress, cancel=cancel)
