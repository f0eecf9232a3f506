"""Make the calls of a tail cheaper without changing what they compute, and run a whole network that was taken apart.

Convolutions take in the constant padding before them and the batch norm
behind them, and run by oneDNN, which PyTorch avoids for few images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mriinterp.incremental import aten, layers
from mriinterp.incremental.convolution import Convolution
from mriinterp.incremental.copying import pad
from mriinterp.incremental.kernels import apply_local, apply_windowed, may_overwrite_input
from mriinterp.incremental.network import Call, Later, Network, leaves
from mriinterp.incremental.padding import absorb_pad
from mriinterp.incremental.simplify import folded
from mriinterp.incremental.steps import Step
from mriinterp.incremental.weights import kind_of

__all__ = ["lean", "run_whole"]

_FUNCTIONS = (F.conv2d, F.conv3d, torch.conv2d, torch.conv3d, F.batch_norm, F.pad)

LARGE = 2**20
"""Length of an axis, for maps of a tail, whose sizes are not known: larger than any window."""


def lean(calls: Sequence[Call], result: object, axes: int) -> None:
    """Let convolutions among calls take in the padding before them and the batch norms behind them.

    Calls keep their identity; those whose work another has taken over are
    left without a reader.

    Parameters
    ----------
    calls : sequence of Call
        In order; some are changed.
    result : nested structure of Later
        What the network returns.
    axes : int
        Spatial axes of the image.
    """
    readers: dict[Any, int] = {}
    for leaf in [leaf for tree in (result, *((c.args, c.kwargs) for c in calls)) for leaf in leaves(tree)]:
        if isinstance(leaf, Later):
            readers[leaf.source] = readers.get(leaf.source, 0) + 1
    made: dict[Any, tuple[Step, Later]] = {}
    for call in calls:
        if call.overwrites:  # what was there before may not be read later
            made.clear()
            continue
        step = _step(call, axes)
        if step is None:
            continue
        source = call.args[0]
        if source.source in made and readers[source.source] == 1:
            before, start = made[source.source]
            source = start if _takes_in(step, before) else source
        made[call] = step, source
        if step.kind == "conv":
            call.function, call.args, call.kwargs = _convolution(step), (source,), {}


def _takes_in(step: Step, before: Step) -> bool:
    """Let a step do the work of the one before it as well; returns whether it does."""
    if len(step.shape) != len(before.shape):  # of 3D maps, and of slices as images
        return False
    if step.kind == "conv" and before.kind == "pad":
        step.inputs = [before]
        return absorb_pad(step)
    if step.kind == "affine" and before.kind == "conv" and len(step.weight) == before.channels:
        kind = before.weight.dtype
        weight, bias = folded(before, step)
        step.kind, step.window, step.groups, step.channels = "conv", before.window, before.groups, before.channels
        step.weight, step.bias = weight.to(kind), bias.to(kind)
        return True
    return False


def _step(call: Call, axes: int) -> Step | None:
    """Return the convolution, batch norm or padding of maps of unknown size that a call computes; None for others."""
    if not call.args or not isinstance(call.args[0], Later) or call.args[0].shape_only:
        return None
    if any(isinstance(leaf, Later) for leaf in leaves((call.args[1:], call.kwargs))):
        return None
    if isinstance(call.function, nn.Module):
        kind = kind_of(call.function)
        if (
            len(call.args) > 1
            or call.kwargs
            or kind not in (*layers.BATCH_NORMS, *layers.CONSTANT_PADS, *layers.CONVOLUTIONS)
        ):
            return None
        channels = getattr(call.function, "in_channels", 1)
        axes = len(getattr(call.function, "kernel_size", (0,) * axes))
        step = layers.call_module(call.function, Step("input", [], channels, (LARGE,) * axes))
    else:
        function, args, kwargs = aten.translate(call.function, call.args, call.kwargs)
        if function not in _FUNCTIONS:
            return None
        weight = next((a for a in (*args[1:2], kwargs.get("weight")) if isinstance(a, Tensor)), None)
        groups = args[6] if len(args) > 6 and function is not F.batch_norm else kwargs.get("groups", 1)
        channels = weight.shape[1] * groups if weight is not None and weight.ndim > 1 else 1
        axes = weight.ndim - 2 if weight is not None and weight.ndim > 2 else axes
        step = layers.call_shaped(function, (Step("input", [], channels, (LARGE,) * axes), *args[1:]), kwargs)
    return step if step is not None and step.kind in ("conv", "affine", "pad") else None


def _convolution(step: Step) -> Callable[[Tensor], Tensor]:
    """Return a convolution of whole maps."""
    window, even = step.window, step.window.before == step.window.after and min(step.window.before) >= 0
    padding = window.before if even else None
    run = Convolution(step.weight.detach(), step.bias, window.stride, window.dilation, step.groups, padding)
    return run if even else lambda x: run(pad(x, window.before, window.after, 0.0))


def run_whole(network: Network, images: Tensor) -> object:
    """Return what a network that was taken apart returns for whole images.

    Parameters
    ----------
    network : Network
    images : Tensor, shape (n, C, *spatial)
        They may be changed.
    """
    values, left = {network.steps[0]: images}, {step: step.users for step in network.steps}
    for step in network.steps[1:]:
        inputs = [values[source] for source in step.inputs]
        if step.kind == "conv" and step.filling == 0:
            if "padded" not in step.cache:
                step.cache["padded"] = _convolution(step)
            value = step.cache["padded"](inputs[0])
        elif step.windowed:
            value = apply_windowed(step, pad(inputs[0], step.window.before, step.window.after, step.filling))
        else:
            value = apply_local(step, inputs, may_overwrite_input(step))
        for source in step.inputs:
            left[source] -= 1
            if not left[source]:
                values.pop(source, None)
        values[step] = value
    return network.run_tail({step: network.for_tail(values[step]) for step in network.border})
