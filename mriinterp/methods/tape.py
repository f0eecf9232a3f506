"""Where the cells of a network's maps lie on the input.

A class activation map has a few cells. To draw them where they look, one
needs the spacing of their receptive fields ("jump") and the centre of the
first one ("offset"), both in input voxels; convolutions and pooling give::

    offset += ((kernel − 1)·dilation / 2 − padding) · jump
    jump   *= stride
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

__all__ = ["ACTIVATIONS", "CONVOLUTIONS", "POOLS", "Geometry", "follow", "operator_name", "own_functions"]

# Names of torch's own functions and of the operators of exported programs, without variant and in-place mark.
CONVOLUTIONS = {"conv1d", "conv2d", "conv3d", "convolution"} | {f"conv_transpose{n}d" for n in (1, 2, 3)}
WINDOWS = {
    f"{kind}_pool{n}d{variant}" for kind in ("max", "avg") for n in (1, 2, 3) for variant in ("", "_with_indices")
}
POOLS = WINDOWS | {f"adaptive_{name}" for name in WINDOWS} | {f"lp_pool{n}d" for n in (1, 2, 3)}
PADS = {"pad", "constant_pad_nd"} | {f"{kind}_pad{n}d" for kind in ("reflection", "replication") for n in (1, 2, 3)}
ACTIVATIONS = {"relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish"}
ACTIVATIONS |= {"hardswish", "hardtanh", "softplus", "softsign", "tanh", "sigmoid"}
VIEWS = {"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "reshape_as", "_unsafe_view"}
PERMUTATIONS = {"transpose", "permute", "movedim", "moveaxis", "swapaxes", "swapdims"}
TURNS = {"flip", "fliplr", "flipud", "roll", "rot90", "grid_sample", "fold", "unfold", "pixel_shuffle"}
MIXTURES = {"matmul", "bmm", "baddbmm", "mm", "einsum", "scaled_dot_product_attention"}
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


def operator_name(func: Callable) -> str:
    """Return the plain name of a torch function: ``"relu"`` for `F.relu`, `Tensor.relu_` and ``aten.relu.default``."""
    return getattr(func, "__name__", "").partition(".")[0].rstrip("_")


def own_functions(output: Tensor) -> Iterator[type]:
    """Yield the `torch.autograd.Function` classes on the way to an output, which bring a backward pass of their own."""
    waiting, seen = [output.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        function = getattr(node, "_forward_cls", None)
        if function is not None:
            yield function
        waiting += [following for following, _ in node.next_functions]


@dataclass(frozen=True)
class Geometry:
    """Where the cells of a map lie.

    Parameters
    ----------
    axes : tuple of int
        The spatial axes of its tensor, in the order of the input's.
    jump, offset : tuple of float, or None
        Centres of the receptive fields along each axis are offset + jump ·
        cell, in voxels. None where resampling left them unknown.
    turned : bool
        Whether axes may have been exchanged or mirrored on the way.
    """

    axes: tuple[int, ...]
    jump: tuple[float, ...] | None = None
    offset: tuple[float, ...] | None = None
    turned: bool = False

    @classmethod
    def of_input(cls, rank: int) -> Geometry:
        """Return the geometry of an image (n, C, *spatial) with so many spatial axes."""
        return cls(tuple(range(2, rank + 2)), (1.0,) * rank, (0.0,) * rank)

    def lost(self, *, turned: bool = False) -> Geometry:
        """Return the same geometry with an unknown place."""
        return Geometry(self.axes, turned=self.turned or turned)

    def cells(self, values: Tensor) -> tuple[int, ...]:
        """Return the number of cells along each axis."""
        return tuple(values.shape[axis] for axis in self.axes)

    def centres(self, sizes: tuple[int, ...]) -> list[Tensor]:
        """Return the centres of the receptive fields along each axis, in voxels; ValueError if they are unknown."""
        jump, offset = self.known()
        return [o + j * torch.arange(n) for o, j, n in zip(offset, jump, sizes, strict=True)]

    def known(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return jump and offset; ValueError if they are unknown."""
        if self.jump is None or self.offset is None or self.turned:
            raise ValueError(
                "expected a map that only convolutions, pooling and element-wise layers lead to, got another: "
                "its cells have no known place on the scan"
            )
        return self.jump, self.offset


def follow(func: Callable, args, kwargs, source: Tensor | None, geometry: Geometry | None, values: Tensor, rank: int):
    """Return the geometry of the result of a call; None if it is not known to be a map.

    Parameters
    ----------
    source, geometry : Tensor and Geometry, or None
        The argument that is a map, if one is.
    values : Tensor
        The result.
    rank : int
        Number of spatial axes of the input.
    """
    name = operator_name(func)
    if name in CONVOLUTIONS:  # its result is a map whatever it got
        standard = Geometry.of_input(rank).axes
        if values.ndim != rank + 2:
            return None
        if geometry is None or geometry.axes != standard:
            return Geometry(standard, turned=True)
        if geometry.jump is None or _is_transposed(name, args, kwargs):
            return geometry.lost()
        return _advance(geometry, *_window(name, args, kwargs, rank))
    if geometry is None or source is None:
        return None
    if name in MIXTURES or (name == "linear" and source.ndim - 1 in geometry.axes):
        return None
    if name in VIEWS:
        return _with_axes(geometry, _viewed(source.shape, geometry.axes, values.shape))
    if name in PERMUTATIONS:
        return _with_axes(geometry, _permuted(func, args, kwargs, source, geometry.axes))
    if values.ndim != source.ndim:
        return None
    if name in TURNS:
        return geometry.lost(turned=True)
    if name in WINDOWS and geometry.jump is not None:
        return _advance(geometry, *_window(name, args, kwargs, rank))
    if name in PADS and geometry.jump is not None:
        return _padded(geometry, kwargs.get("pad", args[1] if len(args) > 1 else ()))
    return geometry if geometry.cells(values) == geometry.cells(source) else geometry.lost()


def _is_transposed(name: str, args, kwargs) -> bool:
    given = kwargs.get("transposed", name == "convolution" and len(args) > 6 and args[6])
    return bool(given) or name.startswith("conv_transpose")


def _with_axes(geometry: Geometry, axes: tuple[int, ...] | None) -> Geometry | None:
    return None if axes is None else replace(geometry, axes=axes)


def _viewed(before, axes: tuple[int, ...], after) -> tuple[int, ...] | None:
    """Return the axes of a view that are spatial: of the same size, with as many elements behind them."""
    behind = {(size, math.prod(after[axis + 1 :])): axis for axis, size in enumerate(after)}
    found = tuple(behind.get((before[axis], math.prod(before[axis + 1 :])), -1) for axis in axes)
    return None if -1 in found else found


def _permuted(func: Callable, args, kwargs, source: Tensor, axes: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the spatial axes after a permutation, tried on a tensor whose axes differ in size."""
    if source.ndim > len(PRIMES) or not args or args[0] is not source:
        return None
    sizes = PRIMES[: source.ndim]
    order = func(torch.empty(sizes, device="meta"), *args[1:], **kwargs).shape
    return tuple(list(order).index(sizes[axis]) for axis in axes)


def _window(name: str, args, kwargs, rank: int) -> tuple[tuple, tuple, tuple, tuple]:
    """Return (kernel, stride, padding, dilation) of a convolution or pooling call, one number an axis."""
    if name in CONVOLUTIONS:
        names: tuple[str, ...] = ("input", "weight", "bias", "stride", "padding", "dilation")
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


def _padded(geometry: Geometry, pad) -> Geometry:
    """Return the geometry after `F.pad`, whose numbers start with the last axis: (before, after, …)."""
    jump, start = geometry.known()
    before = [*pad[::2], *(0,) * len(jump)][: len(jump)][::-1]
    offset = tuple(o - b * j for o, b, j in zip(start, before, jump, strict=True))
    return replace(geometry, offset=offset)


def _tuple(value, rank: int) -> tuple:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    return values * rank if len(values) == 1 else values


def _advance(geometry: Geometry, kernel, stride, padding, dilation) -> Geometry:
    jump, start = geometry.known()
    offset = tuple(
        o + ((k - 1) * d / 2 - p) * j for o, j, k, p, d in zip(start, jump, kernel, padding, dilation, strict=True)
    )
    return replace(geometry, offset=offset, jump=tuple(j * s for j, s in zip(jump, stride, strict=True)))
