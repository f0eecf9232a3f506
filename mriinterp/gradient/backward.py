"""From the gradient of the maps that the tail reads to the gradient of the image, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mriinterp.gradient.bags import back_conv_max
from mriinterp.gradient.forward import Passed
from mriinterp.incremental.copying import pad
from mriinterp.incremental.steps import Step, Window

__all__ = ["back_convolution", "back_max", "run_backward"]

_ATEN: Any = torch.ops.aten


def run_backward(passed: Passed, slopes: dict[Step, Tensor], *, guided: bool = False, to: Step | None = None) -> Tensor:
    """Return the gradient of the image, or of the map of a step.

    Parameters
    ----------
    passed : Passed
        The image's way forward.
    slopes : dict of Step to Tensor
        Gradients of maps of the border, each of the map's shape.
    guided : bool
        Let every ReLU pass positive gradients only.
    to : Step, optional
        Whose map is meant instead of the image.

    Returns
    -------
    Tensor, shape of the image or map
    """
    steps = passed.network.steps
    end = steps[0] if to is None else to
    gradients = dict(slopes)
    with torch.no_grad():
        for step in reversed(steps[steps.index(end) + 1 :]):
            gradient = gradients.pop(step, None)
            if gradient is None:
                continue
            for source, part in zip(step.inputs, _back(step, gradient, passed, guided), strict=True):
                if part is not None:
                    gradients[source] = part if source not in gradients else gradients[source] + part
        if end not in gradients:
            return next(iter(slopes.values())).new_zeros((1, *end.map_shape))
        return gradients[end].contiguous() if to is None else gradients[end]


def _back(step: Step, gradient: Tensor, passed: Passed, guided: bool) -> list[Tensor | None]:
    """Return the gradient of each input of a step."""
    if step.windowed:
        return [_windowed(step, gradient, passed, guided)]
    if step.kind == "affine":
        return [gradient * step.weight.reshape(1, -1, *(1,) * len(step.shape))]
    if step.kind == "cat":
        return list(gradient.split([source.channels for source in step.inputs], dim=1))
    if step.is_relu:
        through = _ATEN.threshold_backward(gradient, passed.kept[step], 0)
        # where it stood in front of a pooling, what several windows hand to an element is added first
        return [through.clamp_(min=0) if guided and not step.moved else through]
    return _by_autograd(step, passed.kept[step], gradient)


def _by_autograd(step: Step, values: list[Tensor], gradient: Tensor) -> list[Tensor | None]:
    with torch.enable_grad():
        inputs = [value.detach().requires_grad_(True) for value in values]
        return list(torch.autograd.grad(step.function(*inputs), inputs, gradient, allow_unused=True))


def _unpadded(window: Window, gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the gradient of a map from that of its padded (or cropped) form, which may end before the padding does."""
    after = [n - b - g for n, b, g in zip(shape, [-b for b in window.before], gradient.shape[2:], strict=True)]
    return pad(gradient, [-b for b in window.before], after, 0.0)


def _windowed(step: Step, gradient: Tensor, passed: Passed, guided: bool) -> Tensor:
    """Return the gradient of the input of a step."""
    guided = guided and step.moved
    if step.kind in ("conv", "convmax"):
        return back_convolution(step, gradient, passed.kept.get(step), guided=guided)
    if step.kind == "max":
        return back_max(step, gradient, passed.kept[step], guided=guided)
    padded = _average(step, gradient, _padded_shape(step)) if step.kind == "avg" else gradient
    return _unpadded(step.window, padded, step.inputs[0].shape)


def _padded_shape(step: Step) -> tuple[int, ...]:
    return tuple(int(n) for n in np.array(step.inputs[0].shape) + step.window.before + step.window.after)


def back_max(step: Step, gradient: Tensor, taken: Tensor, *, guided: bool = False) -> Tensor:
    """Return the gradient of the input of a max pooling, given the places of its maxima."""
    return _unpadded(step.window, _scattered(gradient, taken, _padded_shape(step), guided), step.inputs[0].shape)


def back_convolution(step: Step, gradient: Tensor, kept: Any, *, guided: bool = False) -> Tensor:
    """Return the gradient of the input of a convolution, whether its pooling is part of the step or not.

    Parameters
    ----------
    gradient : Tensor, shape (1, C, *outputs)
    kept : Tensor, tuple or None
        What the pooling took, see `mriinterp.gradient.forward.Passed`.
    guided : bool
        Add above 0 only what the windows of the pooling hand to an element.
    """
    if step.kind == "conv":
        padded = _convolution(step, step.window, gradient)
    elif isinstance(kept, Tensor):
        padded = back_conv_max(step, gradient.clamp(min=0) if guided else gradient, kept)
    else:
        taken, between = kept
        padded = _back_taken(step, gradient, taken, between, guided)
    return _unpadded(step.window, padded, step.inputs[0].shape)


def _back_taken(step: Step, gradient: Tensor, taken: Tensor, between: tuple[int, ...], guided: bool) -> Tensor:
    """Return the gradient of the padded inputs of a convolution whose pooling took elements of any windows."""
    inside = _scattered(gradient, taken, between, guided)
    for axis, (before, size) in enumerate(zip(step.pool.before, step.between[0], strict=True)):
        inside.narrow(axis + 2, 0, before).zero_()  # what pads the pooling comes from no convolution
        end = min(before + size, between[axis])
        inside.narrow(axis + 2, end, between[axis] - end).zero_()
    return _convolution(step, step.inner, inside)


def _scattered(gradient: Tensor, taken: Tensor, shape: tuple[int, ...], guided: bool) -> Tensor:
    """Return a map (1, C, *shape) in which each taken voxel has what its windows hand to it, if `guided` above 0."""
    channels = gradient.shape[1]
    out = gradient.new_zeros((int(np.prod(shape)), channels))
    out.scatter_add_(0, taken[0].flatten(1).t(), gradient[0].flatten(1).t())
    out = out.clamp_(min=0) if guided else out
    return out.view(*shape, channels).movedim(-1, 0)[None]


def _average(step: Step, gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    for axis, divisor in enumerate(step.divisor):
        values = torch.as_tensor(divisor, dtype=gradient.dtype, device=gradient.device)
        gradient = gradient / values.reshape(-1, *(1,) * (len(step.shape) - axis - 1))
    back = _ATEN.avg_pool3d_backward if len(shape) == 3 else _ATEN.avg_pool2d_backward
    like = gradient.new_zeros((1, step.channels, *shape))
    none = (0,) * len(shape)
    return back(gradient.contiguous(), like, step.window.kernel, step.window.stride, none, False, True, 1)


def _convolution(step: Step, window: Window, gradient: Tensor) -> Tensor:
    """Return the gradient of the padded inputs of a convolution, as far as it reads them."""
    axes = len(step.shape)
    if set(window.stride) == {1} and step.groups == 1 and min(step.weight.shape[:2]) > 1:
        if "turned" not in step.cache:
            turned = step.weight.flip(tuple(range(2, 2 + axes))).transpose(0, 1)
            form = torch.channels_last_3d if axes == 3 else torch.channels_last
            step.cache["turned"] = turned.contiguous(memory_format=form)
        around = tuple(int(n) - 1 for n in window.extent)
        convolve = F.conv3d if axes == 3 else F.conv2d
        if gradient.dtype == torch.float32 and torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled:
            one = (1,) * axes
            return torch.mkldnn_convolution(gradient, step.cache["turned"], None, around, one, window.dilation, 1)
        return convolve(gradient, step.cache["turned"], None, 1, around, window.dilation)
    read = ((np.array(gradient.shape[2:]) - 1) * window.stride + window.extent).tolist()
    like = gradient.new_empty(1).expand(1, step.inputs[0].channels, *read)
    none, only_input = (0,) * axes, [True, False, False]
    return _ATEN.convolution_backward(
        gradient, like, step.weight, None, window.stride, none, window.dilation, False, none, step.groups, only_input
    )[0]
