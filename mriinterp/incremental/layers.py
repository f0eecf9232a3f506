"""Steps of PyTorch's layers and functions; unknown ones have no entry and run whole."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mriinterp.incremental.padding import constant_pad
from mriinterp.incremental.steps import Step, Window
from mriinterp.incremental.weights import kind_of, weight_of

__all__ = [
    "BATCH_NORMS",
    "CONSTANT_PADS",
    "CONVOLUTIONS",
    "FUNCTIONS",
    "IDENTITY_METHODS",
    "INPLACE",
    "METHODS",
    "SHAPE_QUERIES",
    "call_module",
    "call_shaped",
    "pointwise",
]

POINTWISE_MODULES = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh,
    nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.LogSigmoid, nn.Tanhshrink,
    nn.Softshrink, nn.Hardshrink, nn.Threshold, nn.PReLU,
)  # fmt: skip
DROPOUTS = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
CONSTANT_PADS = (nn.ConstantPad2d, nn.ConstantPad3d, nn.ZeroPad2d, nn.ZeroPad3d)
CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
BATCH_NORMS = (nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
MONOTONE = (nn.ReLU, nn.ReLU6, nn.Hardtanh)

SHAPE_QUERIES = frozenset(["shape", "size", "dim", "ndim", "ndimension", "dtype", "device"])
IDENTITY_METHODS = frozenset(["contiguous", "detach"])

_UNARY = ("clone", "relu", "sigmoid", "tanh", "abs", "neg", "exp", "square", "sqrt", "clamp", "clip", "pow")
_BINARY = ("add", "sub", "mul", "div", "true_divide", "maximum", "minimum", "subtract", "multiply", "divide")
METHODS = {name: getattr(torch, name) for name in _UNARY + _BINARY}

_BASE = {getattr(torch, name): getattr(torch, name) for name in _UNARY + _BINARY}
_ACTIVATIONS = (
    F.relu, F.relu6, F.leaky_relu, F.elu, F.selu, F.celu, F.gelu, F.silu, F.mish, F.sigmoid, F.tanh, F.softplus,
    F.softsign, F.hardtanh, F.hardswish, F.hardsigmoid, F.logsigmoid, F.threshold,
)  # fmt: skip
FUNCTIONS: dict[Callable, Callable] = {
    **_BASE,
    **{function: function for function in _ACTIVATIONS},
    **{getattr(operator, name): getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "neg", "pow")},
}
"""Functions that act element by element, and the form of each that leaves its inputs alone."""

INPLACE: dict[object, Callable] = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
    torch.relu_: torch.relu,
    F.relu_: F.relu,
    F.leaky_relu_: F.leaky_relu,
    F.elu_: F.elu,
    F.selu_: F.selu,
    F.celu_: F.celu,
    F.hardtanh_: F.hardtanh,
    torch.threshold_: F.threshold,
}
"""Functions that overwrite their first input, and what each computes."""

_CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_MAX = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
_PAD = ("input", "pad", "mode", "value")
_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")


def _tuple(value: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return tuple(int(v) for v in (values * axes if len(values) == 1 else values))


def conv(source: Step, weight: Tensor, bias=None, stride=1, padding=0, dilation=1, groups=1) -> Step | None:
    """Return the step of a convolution with zero padding."""
    axes = len(source.shape)
    if weight.ndim != axes + 2 or weight.shape[1] * groups != source.channels:
        return None
    kernel, stride, dilation = tuple(weight.shape[2:]), _tuple(stride, axes), _tuple(dilation, axes)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        before, after = tuple(n // 2 for n in total), tuple(n - n // 2 for n in total)
    else:
        before = after = (0,) * axes if padding == "valid" else _tuple(padding, axes)
    window = Window(kernel, stride, dilation, before, after)
    shape = window.outputs(source.shape)
    return Step("conv", [source], weight.shape[0], shape, window, weight=weight, bias=bias, groups=groups)


def _pool_window(source: Step, kernel, stride, padding, dilation, ceil_mode: bool) -> tuple[Window, tuple[int, ...]]:
    axes = len(source.shape)
    kernel, dilation, before = _tuple(kernel, axes), _tuple(dilation, axes), _tuple(padding, axes)
    stride = kernel if stride is None or stride == [] or stride == () else _tuple(stride, axes)
    shape, after = [], []
    for n, k, s, d, p in zip(source.shape, kernel, stride, dilation, before, strict=True):
        extent = d * (k - 1) + 1
        count = (n + 2 * p - extent + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (count - 1) * s >= n + p:  # PyTorch drops windows that start in the padding behind
            count -= 1
        shape.append(count)
        after.append(max(p, (count - 1) * s + extent - n - p))
    return Window(kernel, stride, dilation, before, tuple(after)), tuple(shape)


def max_pool(source, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Return the step of a max pooling; None if it also returns indices."""
    if return_indices:
        return None
    window, shape = _pool_window(source, kernel_size, stride, padding, dilation, ceil_mode)
    return Step("max", [source], source.channels, shape, window, filling=float("-inf"))


def avg_pool(
    source, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """Average pooling: a sum, and what it is divided by along each axis."""
    window, shape = _pool_window(source, kernel_size, stride, padding, 1, ceil_mode)
    divisor = []
    for n, count, k, s, p in zip(source.shape, shape, window.kernel, window.stride, window.before, strict=True):
        first = np.arange(count) * s - p
        last = np.minimum(first + k, n + p)
        divisor.append(last - first if count_include_pad else np.minimum(last, n) - np.maximum(first, 0))
    if divisor_override:
        divisor = [np.full(n, divisor_override if axis == 0 else 1) for axis, n in enumerate(shape)]
    return Step("avg", [source], source.channels, shape, window, divisor=[d.astype(np.float64) for d in divisor])


def affine(source, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Return the step of a batch norm in eval mode: scale and shift per channel; None if it uses batch statistics."""
    if training or running_mean is None or running_var is None:
        return None
    scale = (running_var.double() + eps).rsqrt()
    scale = scale if weight is None else scale * weight.double()
    shift = -running_mean.double() * scale
    shift = shift if bias is None else shift + bias.double()
    return Step("affine", [source], source.channels, source.shape, weight=scale, bias=shift)


def pointwise(arguments: list[object], function: Callable[..., Tensor], dtype: torch.dtype) -> Step | None:
    """Return the step of an element-wise function of steps, numbers and tensors constant over space.

    None if the maps have different shapes, or a constant varies over space
    or would change the data type.
    """
    sources = [a for a in arguments if isinstance(a, Step)]
    shape = sources[0].shape
    if any(source.shape != shape for source in sources):
        return None
    channels = max(source.channels for source in sources)
    for constant in (a for a in arguments if isinstance(a, Tensor)):
        if constant.ndim and constant.dtype != dtype:
            return None
        lead = (1,) * (len(shape) + 2 - constant.ndim) + tuple(constant.shape)
        if len(lead) > len(shape) + 2 or lead[0] != 1 or any(n != 1 for n in lead[2:]):
            return None
        channels = max(channels, lead[1])
    kind = "map" if len(sources) == 1 and sources[0].channels == channels else "join"

    def apply(*values: Tensor) -> Tensor:
        rest = iter(values)
        return function(*[next(rest) if isinstance(a, Step) else a for a in arguments])

    step = Step(kind, sources, channels, shape, function=apply)
    if function in (torch.relu, F.relu) and len(arguments) == 1:
        step.inplace, step.monotone = torch.relu_, True
    return step


def _activation(layer: nn.Module, source: Step) -> Step:
    calm, fast = copy.copy(layer), None
    if hasattr(layer, "inplace"):
        fast = copy.copy(layer)
        vars(calm)["inplace"], vars(fast)["inplace"] = False, True
    monotone = isinstance(layer, MONOTONE) or (isinstance(layer, nn.LeakyReLU) and layer.negative_slope >= 0)
    return Step("map", [source], source.channels, source.shape, function=calm, inplace=fast, monotone=monotone)


def call_module(layer: Any, source: Step) -> Step | None:
    """Return the step of a layer, `source` itself if it does nothing, None if it must run whole."""
    kind = kind_of(layer)
    if kind in DROPOUTS:
        return source if kind is nn.Identity or not layer.training else None
    if kind in POINTWISE_MODULES:
        return _activation(layer, source)
    if kind in CONVOLUTIONS and layer.padding_mode == "zeros":
        return conv(source, weight_of(layer), layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups)
    if kind in (nn.MaxPool2d, nn.MaxPool3d):
        return max_pool(
            source,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.ceil_mode,
            layer.return_indices,
        )
    if kind in (nn.AvgPool2d, nn.AvgPool3d):
        return avg_pool(
            source, layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode, layer.count_include_pad,
            layer.divisor_override,
        )  # fmt: skip
    if kind in CONSTANT_PADS:
        return constant_pad(source, layer.padding, "constant", layer.value)
    if kind in BATCH_NORMS:
        return affine(
            source, layer.running_mean, layer.running_var, layer.weight, layer.bias, layer.training, eps=layer.eps
        )
    return None


_SHAPED: dict[object, tuple[Callable, tuple[str, ...]]] = {
    **dict.fromkeys((F.conv2d, F.conv3d, torch.conv2d, torch.conv3d), (conv, _CONV)),
    **dict.fromkeys((F.max_pool2d, F.max_pool3d, torch.max_pool2d, torch.max_pool3d), (max_pool, _MAX)),
    **dict.fromkeys((F.avg_pool2d, F.avg_pool3d), (avg_pool, _AVG)),
    F.batch_norm: (affine, _NORM),
    F.pad: (constant_pad, _PAD),
}


def call_shaped(function: Callable, args: tuple, kwargs: dict) -> Step | None:
    """Return the step of a convolution, pooling or batch norm called as a function; None if it is none of these."""
    if function not in _SHAPED:
        return None
    build, names = _SHAPED[function]
    bound = {**dict(zip(names, args, strict=False)), **kwargs}
    source = bound.pop("input")
    if not isinstance(source, Step) or any(isinstance(value, Step) for value in bound.values()):
        return None
    return build(source, **bound)
