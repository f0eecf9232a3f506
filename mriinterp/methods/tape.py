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
from torch.overrides import TorchFunctionMode

__all__ = ["Geometry", "Step", "Tape", "operator_name", "record"]

# Names of torch's own functions and of the operators of exported programs, without variant and in-place mark.
CONVOLUTIONS = {"conv1d", "conv2d", "conv3d", "convolution"}
POOLS = {f"{kind}_pool{n}d{variant}" for kind in ("max", "avg") for n in (1, 2, 3) for variant in ("", "_with_indices")}
PADS = {"pad", "constant_pad_nd"} | {f"{kind}_pad{n}d" for kind in ("reflection", "replication") for n in (1, 2, 3)}
ACTIVATIONS = {"relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish"}
ACTIVATIONS |= {"hardswish", "hardtanh", "softplus", "softsign", "tanh", "sigmoid"}
MOVES = {"flip", "roll", "rot90", "transpose", "permute", "movedim", "moveaxis", "swapaxes", "swapdims", "grid_sample"}
MOVES |= {"interpolate", "fold", "unfold", "pixel_shuffle"} | {f"conv_transpose{n}d" for n in (1, 2, 3)}


def operator_name(func: Callable) -> str:
    """Plain name of a torch function: ``"relu"`` for `F.relu`, `Tensor.relu_` and ``aten.relu.default``."""
    return getattr(func, "__name__", "").partition(".")[0].rstrip("_")


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
        rank = self._rank = x.ndim - 2
        self.steps: list[Step] = []
        # Tensors stay referenced, so that no id is used twice.
        self._known: dict[int, tuple[Tensor, Geometry]] = {id(x): (x, Geometry((1.0,) * rank, (0.0,) * rank))}

    def __torch_function__(self, func: Callable, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        source = self._source(args, kwargs)
        name = operator_name(func)
        result = func(*args, **kwargs)
        values = result[0] if isinstance(result, tuple) and result else result
        if not isinstance(values, Tensor) or values.ndim != self._rank + 2:
            return result
        geometry = None if source is None else _follow(name, args, kwargs, source, values)
        if geometry is not None:
            self._known[id(values)] = (values, geometry)
        kind = "convolution" if name in CONVOLUTIONS else "activation" if name in ACTIVATIONS else None
        if kind is None:
            return result
        self.steps.append(Step(kind, values, geometry))
        passed_on = values.clone()  # a later in-place layer must not overwrite what is recorded
        if geometry is not None:
            self._known[id(passed_on)] = (passed_on, geometry)
        return passed_on

    def _source(self, args, kwargs) -> tuple[Tensor, Geometry] | None:
        """The first argument whose cells have a known place."""
        candidates = [*args, *kwargs.values()]
        candidates += [item for group in args if isinstance(group, (list, tuple)) for item in group]
        return next((self._known[id(c)] for c in candidates if id(c) in self._known), None)


def _follow(name: str, args, kwargs, source: tuple[Tensor, Geometry], values: Tensor) -> Geometry | None:
    """Where the cells of a result lie, or None when they have no simple place any more."""
    tensor, geometry = source
    if name in CONVOLUTIONS or name in POOLS:
        if kwargs.get("transposed", name == "convolution" and len(args) > 6 and args[6]):
            return None
        return _advance(geometry, *_window(name, args, kwargs, tensor.ndim - 2))
    if name in PADS:
        return _padded(geometry, kwargs.get("pad", args[1] if len(args) > 1 else ()))
    if name in MOVES or values.shape[2:] != tensor.shape[2:]:  # else: element-wise, or across channels
        return None
    return geometry


def _window(name: str, args, kwargs, rank: int) -> tuple[tuple, tuple, tuple, tuple]:
    """(kernel, stride, padding, dilation) of a convolution or pooling call, one number an axis."""
    if name in CONVOLUTIONS:
        names = ("input", "weight", "bias", "stride", "padding", "dilation")
    elif name.startswith("avg"):
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


def _padded(geometry: Geometry, pad) -> Geometry | None:
    """After `F.pad`, whose numbers start with the last axis: (before, after, before, after, …)."""
    before = [*pad[::2], *(0,) * len(geometry.jump)][: len(geometry.jump)][::-1]
    offset = tuple(o - b * j for o, b, j in zip(geometry.offset, before, geometry.jump, strict=True))
    return Geometry(geometry.jump, offset)


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
        start = x.detach().clone().requires_grad_(True).clone()  # not a leaf: the network may change it in place
        with Tape(start) as tape:
            output = model(start)
    return output, tape.steps
