"""Leave out the ends of maps that nothing reads.

A pooling by 3 of a map of 5 cells reads 3 of them. What stands for the other
two in the maps before it is of no use either, so that the paper's network
reads 78×114×78 of the 113×137×113 voxels at 1.5 mm: two fifths of the work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from mriinterp.incremental.steps import Step

__all__ = ["leave_out_unread", "read_shape"]

WORTH = 0.9
"""Of the multiply-accumulates: ends are left out where no more remain. Padding that is no longer even costs time, too."""


def leave_out_unread(steps: list[Step], whole: Iterable[Step]) -> None:
    """Make the maps of steps as large as they are read, where that saves much work; the image stays as it is.

    Parameters
    ----------
    steps : list of Step
        In order of computation, the first is the input.
    whole : iterable of Step
        Steps whose maps, or the shapes of whose maps, are read from elsewhere.
    """
    shapes = _shapes(steps, {step: step.shape for step in (steps[0], *whole)})
    if min(int(_reads(step, shapes[step]).min()) for step in steps[1:]) < 1:
        return  # windows that see padding only
    if sum(step.macs(shapes[step]) for step in steps) > WORTH * sum(step.macs(step.shape) for step in steps):
        return
    for step in steps[1:]:
        if step.windowed:
            _shorten(step, shapes)
    for step in steps:
        step.shape = shapes[step]


def read_shape(steps: list[Step]) -> np.ndarray:
    """Return how many voxels of the image along each axis, from the first, any step reads."""
    image = steps[0]
    read = [_reads(step, step.shape) for step in steps[1:] if image in step.inputs]
    return np.minimum(np.max(read, axis=0), image.shape)


def _shapes(steps: list[Step], known: dict[Step, tuple[int, ...]]) -> dict[Step, tuple[int, ...]]:
    """Return how much of each map is read, given some maps that are read whole."""
    before: dict[Step, tuple[int, ...]] = {}
    shapes = dict(known)
    while shapes != before:
        before = dict(shapes)
        for step in reversed(steps[1:]):
            for source in step.inputs:
                read = np.minimum(_reads(step, shapes[step]), source.shape)
                shapes[source] = tuple(np.maximum(read, shapes.get(source, read)).tolist())
                if not step.windowed:  # its map is as large as those before it
                    shapes[step] = tuple(np.maximum(shapes[step], shapes[source]).tolist())
    return shapes


def _reads(step: Step, shape: tuple[int, ...]) -> np.ndarray:
    """Return how many cells of its inputs along each axis a step reads for outputs of a shape, perhaps more than there are."""
    if not step.windowed:
        return np.array(shape)
    return (np.array(shape) - 1) * step.window.stride + step.window.extent - step.window.before


def _shorten(step: Step, shapes: dict[Step, tuple[int, ...]]) -> None:
    source, shape = step.inputs[0], shapes[step]
    if shape == step.shape and shapes[source] == source.shape and source.kind != "input":
        return  # as it was
    after = tuple(int(n) for n in _reads(step, shape) - shapes[source])
    step.window = replace(step.window, after=after)
    if step.divisor is not None:
        step.divisor = [numbers[:count] for numbers, count in zip(step.divisor, shape, strict=True)]
