"""Intermediate maps of a network, and where their cells lie on the input.

A class activation map has a few cells. To draw them where they look, one
needs the spacing of their receptive fields ("jump") and the centre of the
first one ("offset"), both in input voxels; convolutions and pooling tell::

    offset += ((kernel − 1)·dilation / 2 − padding) · jump
    jump   *= stride
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

__all__ = ["Step", "Tape", "record"]

_ops = torch.ops.aten
_CONVOLUTIONS = {
    torch.conv1d,
    torch.conv2d,
    torch.conv3d,
    _ops.conv1d.default,
    _ops.conv2d.default,
    _ops.conv3d.default,
}
_CONVOLUTIONS |= {_ops.conv2d.padding, _ops.conv3d.padding, _ops.convolution.default}
_POOLS = {torch.max_pool2d, torch.max_pool3d, F.max_pool2d, F.max_pool3d, F.avg_pool2d, F.avg_pool3d}
_POOLS |= {torch._C._nn.avg_pool2d, torch._C._nn.avg_pool3d, _ops.max_pool2d.default, _ops.max_pool3d.default}
_POOLS |= {_ops.avg_pool2d.default, _ops.avg_pool3d.default, _ops.max_pool2d_with_indices.default}
_POOLS |= {_ops.max_pool3d_with_indices.default}
_ACTIVATION_NAMES = (
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "hardswish",
    "prelu",
    "softplus",
)
_ACTIVATIONS = {getattr(F, name) for name in _ACTIVATION_NAMES}
_ACTIVATIONS |= {torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}
_ACTIVATIONS |= {getattr(_ops, name).default for name in _ACTIVATION_NAMES if hasattr(_ops, name)}


@dataclass(frozen=True, eq=False)
class Geometry:
    """Receptive-field centres of a map, along each axis: offset + jump · cell, in voxels."""

    jump: tuple[float, ...]
    offset: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Step:
    """A recorded map: its kind (``"convolution"`` or ``"activation"``), values and geometry."""

    kind: str
    values: Tensor
    geometry: Geometry | None

    def centres(self) -> list[Tensor]:
        """Centres of the receptive fields along each axis, in voxels of the input."""
        if self.geometry is None:
            raise ValueError(
                "expected a map that only convolutions, pooling and element-wise layers lead to, got another: "
                "its cells have no known place on the scan"
            )
        sizes = self.values.shape[2:]
        return [
            o + j * torch.arange(n) for o, j, n in zip(self.geometry.offset, self.geometry.jump, sizes, strict=True)
        ]


class Tape(TorchFunctionMode):
    """Records convolutions and activations of one forward pass of this thread."""

    def __init__(self, x: Tensor):
        super().__init__()
        rank = x.ndim - 2
        self.steps: list[Step] = []
        # Tensors stay referenced, so that no id is used twice.
        self._known: dict[int, tuple[Tensor, Geometry]] = {id(x): (x, Geometry((1.0,) * rank, (0.0,) * rank))}

    def __torch_function__(self, func: Callable, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        source = self._source(args, kwargs)
        result = func(*args, **kwargs)
        values = result[0] if isinstance(result, tuple) and result else result
        if source is None or not isinstance(values, Tensor):
            return result
        tensor, geometry = source
        kind = "convolution" if func in _CONVOLUTIONS else "activation" if func in _ACTIVATIONS else None
        if kind == "convolution" or func in _POOLS:
            geometry = _advance(geometry, *_window(func, args, kwargs, tensor.ndim - 2))
        elif values.shape[2:] != tensor.shape[2:]:
            return result  # flattened, resized, pooled adaptively: cells have no simple place any more
        self._known[id(values)] = (values, geometry)
        if kind is None:
            return result
        self.steps.append(Step(kind, values, geometry))
        passed_on = values.clone()  # a later in-place layer must not overwrite what is recorded
        self._known[id(passed_on)] = (passed_on, geometry)
        return passed_on

    def _source(self, args, kwargs) -> tuple[Tensor, Geometry] | None:
        candidates = [*args, *kwargs.values()]
        candidates += [item for group in args if isinstance(group, (list, tuple)) for item in group]
        return next((self._known[id(c)] for c in candidates if id(c) in self._known), None)


def _window(func: Callable, args, kwargs, rank: int) -> tuple[tuple, tuple, tuple, tuple]:
    """(kernel, stride, padding, dilation) of a convolution or pooling call, one number an axis."""
    if func in _CONVOLUTIONS:
        names = ("input", "weight", "bias", "stride", "padding", "dilation")
    elif "avg" in getattr(func, "__name__", str(func)):
        names = ("input", "kernel_size", "stride", "padding")
    else:
        names = ("input", "kernel_size", "stride", "padding", "dilation")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    kernel = given["weight"].shape[2:] if "weight" in given else _tuple(given["kernel_size"], rank)
    stride = given.get("stride") or (kernel if "kernel_size" in given else 1)
    dilation = _tuple(given.get("dilation", 1), rank)
    padding = given.get("padding", 0)
    if padding == "valid":
        padding = 0
    elif padding == "same":
        padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
    return tuple(kernel), _tuple(stride, rank), _tuple(padding, rank), dilation


def _tuple(value, rank: int) -> tuple:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return values * rank if len(values) == 1 else values


def _advance(geometry: Geometry, kernel, stride, padding, dilation) -> Geometry:
    offset = tuple(
        o + ((k - 1) * d / 2 - p) * j
        for o, j, k, p, d in zip(geometry.offset, geometry.jump, kernel, padding, dilation, strict=True)
    )
    return Geometry(tuple(j * s for j, s in zip(geometry.jump, stride, strict=True)), offset)


def record(model: nn.Module, x: Tensor) -> tuple[Tensor, list[Step]]:
    """Run a network on (1, C, *spatial), keeping the graph.

    Returns
    -------
    output : Tensor, shape (1, classes)
        Differentiable with respect to every recorded map.
    steps : list of Step
        Convolutions and activations that still have spatial axes, in order.
    """
    with torch.enable_grad():
        leaf = x.detach().clone().requires_grad_(True)
        with Tape(leaf) as tape:
            output = model(leaf)
    return output, tape.steps
