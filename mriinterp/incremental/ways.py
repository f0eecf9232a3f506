"""How whole passes run fastest, and whether they run faster than recomputing what changed: both are measured.

Each is found out once for a network, shape and kind of regions, and kept
while the program runs, so that a plan says what a run will do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mriinterp.incremental.engine import Engine
from mriinterp.incremental.lean import run_whole
from mriinterp.incremental.macs import saving
from mriinterp.incremental.plain import arranged, flat_outputs
from mriinterp.incremental.remember import remembered
from mriinterp.incremental.schedule import Group
from mriinterp.incremental.traced import Apart
from mriinterp.incremental.workers import cores, in_order, seconds_now
from mriinterp.models.batch import FAILURES

__all__ = ["Way", "run_images", "whole_reason", "whole_way"]

CLEAR = 3.0
"""From this many times fewer multiply-accumulates on, recomputing what changed is the faster way without a trial."""

FEW = 24
"""For fewer regions than this a trial would take a good part of the time that it could save."""

FEW_CLEAR = 1.5
"""In place of `CLEAR` for few regions, without a trial."""

SMALL_WORK = 2 * 10**9
"""Multiply-accumulates of all whole passes, under a tenth of a second, for which no trial is worth its time."""

GAIN = 0.97
"""A larger batch must take less than this share of the time to be tried further."""

CLOSE = 1.3
"""Ways that take up to so many times the seconds of the fastest are timed once more, in turn: one timing is noise."""

NEAR = 0.8
"""An arrangement in memory that takes less than this share of the other's time need not be tried against it again."""

EQUAL = 1e-4
"""Of the largest output: by how much another arrangement in memory may differ through rounding."""


@dataclass(frozen=True)
class Way:
    """How whole passes run.

    Parameters
    ----------
    batch : int
        Images at once.
    channels_last : bool
        Whether images lie with their channels last in memory, which later
        layers then keep to.
    apart : bool
        Whether the network that was taken apart runs, with batch norms and
        padding in its convolutions; the module itself otherwise.
    seconds : float
        Of one image; nan where nothing was measured.
    """

    batch: int = 1
    channels_last: bool = False
    apart: bool = False
    seconds: float = float("nan")


def run_images(module: nn.Module, apart: Apart, images: Tensor, way: Way) -> Tensor:
    """Return the outputs (n, outputs), float32 on the CPU, of whole images, which may be changed."""
    network = apart.network if way.apart else None
    return flat_outputs(module(images) if network is None else run_whole(network, images)).float().cpu()


def whole_way(module: nn.Module, apart: Apart, x: Tensor, most: int, count: int) -> Way:
    """Return how to run a number of whole passes; one by one where they are too few for a trial.

    Parameters
    ----------
    module : nn.Module
    apart : Apart
        The module taken apart.
    x : Tensor, shape (1, C, *spatial)
        An image.
    most : int
        Images that may run at once.
    count : int
        Passes to run.
    """
    if count < FEW:
        return Way()
    key = None if apart.key is None else ("way", apart.key, most, torch.get_num_threads())
    return remembered(key, lambda: _fastest(module, apart, x, most))


def whole_reason(
    apart: Apart,
    groups: Sequence[Group],
    x: Tensor,
    each: int,
    *,
    module: nn.Module,
    tail: Callable[[dict], object],
    engine: Callable[[], Engine],
    most: int,
) -> str | None:
    """Return why whole passes should run; None if what changed should be recomputed.

    Where few multiply-accumulates can be saved, both are timed on a few
    regions.

    Parameters
    ----------
    apart : Apart
    groups : sequence of Group
        The regions.
    x : Tensor, shape (1, C, *spatial)
        An image.
    each : int
        Multiply-accumulates of a whole pass.
    module : nn.Module
    tail : callable
        Runs the rest of the network on maps of the border.
    engine : callable
        Makes, or returns, what recomputes boxes.
    most : int
        Whole images that may run at once.
    """
    if apart.network is None or not groups:
        return apart.reason
    count, saved = sum(len(group.index) for group in groups), saving(apart.network, groups, each)
    if saved >= (FEW_CLEAR if count < FEW else CLEAR) or count * each < SMALL_WORK:
        return None
    kinds = tuple(sorted((tuple(g.place[apart.network.steps[0]].length), len(g.index), g.chunk) for g in groups))
    key = None if apart.key is None else ("whole", apart.key, kinds, most, torch.get_num_threads())

    share = f"recomputing what changed would save {1 - 1 / saved:.0%} of the multiply-accumulates"
    if count < FEW:
        return f"{share}, too little for {count} regions"

    def faster() -> bool:
        whole = whole_way(module, apart, x, most, count).seconds
        return whole < _window_seconds(engine(), groups, tail)

    return f"whole passes are faster: {share}, and costs more than that" if remembered(key, faster) else None


def _fastest(module: nn.Module, apart: Apart, x: Tensor, most: int) -> Way:
    """Try the module and what it was taken apart into, arrangements in memory and batch sizes on copies of an image."""
    expected = run_images(module, apart, arranged(x, False), Way())
    size = float(expected.abs().nan_to_num().max())

    timed: dict[Way, float] = {}

    def seconds(way: Way) -> float:
        images = arranged(x.expand(way.batch, *x.shape[1:]), way.channels_last)
        start = seconds_now(x.device)
        try:
            found = run_images(module, apart, images, way)
        except FAILURES:  # a layer that wants its numbers in the usual order, or too little memory
            timed[way] = float("inf")
            return timed[way]
        taken = (seconds_now(x.device) - start) / way.batch
        same = len(found) == way.batch and torch.allclose(
            found, expected.expand_as(found), 0, EQUAL * size, equal_nan=True
        )
        timed[way] = min(taken, timed.get(way, taken)) if same else float("inf")
        return timed[way]

    for last in _faster_layout(seconds):
        _grow(Way(channels_last=last), seconds, most)
    if apart.network is not None and not (apart.network.one_by_one and most > 1):
        seconds(Way(apart=True))  # the first pass brings weights into order
        _grow(Way(apart=True), seconds, most)
    least = min(timed.values())
    for way in [way for way, taken in timed.items() if taken <= CLOSE * least]:
        seconds(way)
    best = min(timed, key=timed.__getitem__)
    return replace(best, seconds=timed[best])


def _faster_layout(seconds: Callable[[Way], float]) -> list[bool]:
    """Return the arrangement in memory in which one image runs faster; both where they are about equal."""
    usual, last = seconds(Way()), seconds(Way(channels_last=True))
    return [False] if usual < NEAR * last else [True] if last < NEAR * usual else [False, True]


def _grow(way: Way, seconds: Callable[[Way], float], most: int) -> None:
    """Time a way with larger and larger batches while that makes it faster."""
    taken = seconds(way)
    while 2 * way.batch <= most:
        way, before = replace(way, batch=2 * way.batch), taken
        taken = seconds(way)
        if taken > GAIN * before:
            return


def _window_seconds(engine: Engine, groups: Sequence[Group], tail: Callable[[dict], object]) -> float:
    """Measure the seconds of a region if what changed is recomputed, from the first batches of the largest group."""
    group = max(groups, key=lambda g: g.macs * len(g.index))
    together = min(cores(engine.device), -(-len(group.index) // group.chunk))
    parts = [part for part, _ in zip(group.chunks(), range(together), strict=False)]

    def task(part: slice) -> Callable[[], dict]:
        def run() -> dict:
            with torch.inference_mode():
                return engine.run_chunk(group, part, lambda boxes, offset: None)

        return run

    start = seconds_now(engine.device)
    for maps in in_order([task(part) for part in parts], together):
        tail(maps)
    if engine.device.type == "cuda":
        torch.cuda.synchronize(engine.device)
    return (seconds_now(engine.device) - start) / sum(part.stop - part.start for part in parts)
