"""Constant padding as a step, and as part of the step that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mriinterp.incremental.steps import Step, Window

__all__ = ["absorb_pad", "commutes", "constant_pad"]


def constant_pad(source: Step, pad: int | Sequence[int], mode: str = "constant", value: float | None = None):
    """Return padding (or, where negative, cropping) of the spatial axes, or padding of the channels, by a number.

    Parameters
    ----------
    source : Step
    pad : int or sequence of int
        As `torch.nn.functional.pad` takes it: (before, after) of the last
        axis first. One number pads every spatial axis.
    mode : str
    value : float, optional
        0 by default.

    Returns
    -------
    Step or None
        None if it pads by other values than a number, the batch, or channels
        and space at once.
    """
    axes = len(source.shape)
    if mode != "constant" or not isinstance(value, (int, float, type(None))):
        return None
    pads = [pad] * (2 * axes) if isinstance(pad, int) else list(pad)
    if not all(isinstance(n, int) for n in pads) or len(pads) % 2:
        return None
    filling = 0.0 if value is None else float(value)
    pads += [0] * (2 * axes + 2 - len(pads))
    space, channels, batch = pads[: 2 * axes], pads[2 * axes : 2 * axes + 2], pads[2 * axes + 2 :]
    if any(batch) or (any(space) and any(channels)) or filling != filling:
        return None
    if any(channels):
        return _pad_channels(source, channels, filling)
    before, after = tuple(space[-2::-2]), tuple(space[::-2])
    one = (1,) * axes
    window = Window(one, one, one, before, after)
    shape = window.outputs(source.shape)
    return Step("pad", [source], source.channels, shape, window, filling=filling) if min(shape) > 0 else None


def _pad_channels(source: Step, counts: Sequence[int], filling: float) -> Step | None:
    pads = (0,) * (2 * len(source.shape)) + tuple(counts)
    channels = source.channels + sum(counts)

    def apply(x: Tensor) -> Tensor:
        return F.pad(x, pads, value=filling)

    return Step("map", [source], channels, source.shape, function=apply) if channels > 0 else None


def absorb_pad(step: Step) -> bool:
    """Make padding that a windowed step reads its own padding; returns whether anything changed.

    Whoever else reads the padded map still does.
    """
    pad, window = step.inputs[0], step.window
    if pad.kind != "pad" or window is None or min(*pad.window.before, *pad.window.after) < 0:
        return False
    padded = any(window.before) or any(window.after)
    if padded and step.filling != pad.filling:
        return False
    if step.kind in ("conv", "avg") and pad.filling != 0:
        return False
    step.window = replace(
        window,
        before=tuple(np.add(window.before, pad.window.before).tolist()),
        after=tuple(np.add(window.after, pad.window.after).tolist()),
    )
    step.inputs, step.filling = list(pad.inputs), pad.filling
    return True


def commutes(act: Step, pool: Step, dtype: torch.dtype) -> bool:
    """Return whether an activation that never decreases may come after a max pooling as well as before it.

    It may if the padding holds what the activation leaves alone, or so
    little that every window has a value of the map to win.
    """
    if pool.filling == float("-inf") and not _only_padding(pool.window, pool.inputs[0].shape, pool.shape):
        return True
    if not any(pool.window.before) and not any(pool.window.after):
        return True
    out = act.function(torch.full((1, act.channels, *(1,) * len(act.shape)), pool.filling, dtype=dtype))
    return bool((out == pool.filling).all())


def _only_padding(window: Window, shape: tuple[int, ...], out: tuple[int, ...]) -> bool:
    """Return whether some windows see nothing but padding."""
    for n, count, k, s, d, b in zip(
        shape, out, window.kernel, window.stride, window.dilation, window.before, strict=True
    ):
        seen = np.arange(count)[:, None] * s - b + d * np.arange(k)
        if not ((seen >= 0) & (seen < n)).any(axis=1).all():
            return True
    return False
