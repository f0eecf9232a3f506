"""The local part of a network as a list of steps, and how a changed box passes through each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["MapShape", "Step", "Window", "chain"]

MapShape = tuple[int, ...]
"""Channels and spatial shape of a map; empty for none."""

WINDOWED = ("conv", "max", "avg", "convmax", "pad")

_UNUSED: Any = None  # what a kind of step does not use; readers look at the kind first


@dataclass(frozen=True)
class Window:
    """The sliding window of a convolution or pooling, one number per spatial axis.

    Output o reads inputs o·stride − before + dilation·(0 … kernel − 1);
    `before` and `after` are the padding, negative where the map is cropped;
    `after` may be larger than the layer's own when ceil_mode lets the last
    window hang over.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def extent(self) -> np.ndarray:
        """Inputs from the first to the last that one output reads."""
        return (np.array(self.kernel) - 1) * self.dilation + 1

    def outputs(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the spatial shape of the output for an input of `shape`."""
        padded = np.array(shape) + self.before + self.after
        return tuple(int(n) for n in (padded - self.extent) // self.stride + 1)

    def changed(self, start: np.ndarray, length: np.ndarray, out: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return where outputs change when inputs do.

        Parameters
        ----------
        start : int array, shape (n, axes)
            First changed input of each of n boxes.
        length : int array, shape (axes,)
            Length of all boxes.
        out : tuple of int
            Spatial shape of the output.

        Returns
        -------
        start : int array, shape (n, axes)
        length : int array, shape (axes,)
            Boxes of one common length, shifted to lie inside the map, that
            hold every changed output (and perhaps unchanged ones).
        """
        low = -((-(start + self.before - self.extent + 1)) // self.stride)
        high = (start + length - 1 + self.before) // self.stride + 1
        low, high = np.clip(low, 0, out), np.clip(high, 0, out)
        return fit(low, high, out)

    def needed(self, start: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs that a box of outputs reads: starts in padded coordinates, and their common length."""
        return start * self.stride, (length - 1) * self.stride + self.extent


def fit(low: np.ndarray, high: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Widen ranges [low, high) to one common length and shift them to stay inside [0, shape)."""
    length = np.maximum((high - low).max(axis=0), 1)
    return np.clip(np.minimum(low, np.array(shape) - length), 0, None), length


def chain(first: Window, second: Window) -> Window:
    """Return the window of `second` after `first`, before the padding behind is known."""
    stride = np.array(first.stride)
    return Window(
        kernel=tuple(int(n) for n in (second.extent - 1) * stride + first.extent),
        stride=tuple(int(n) for n in stride * second.stride),
        dilation=(1,) * len(first.kernel),
        before=tuple(int(n) for n in stride * second.before + first.before),
        after=first.after,
    )


@dataclass(eq=False)
class Step:
    """One operation whose output at a place depends only on inputs near that place.

    Parameters
    ----------
    kind : str
        "input"; "conv", "max", "avg", "pad" (windowed), "convmax" (convolution
        and max pooling in one, the map between them is never stored); "affine"
        (scale and shift per channel); "map" (one input, element by element);
        "join" (several inputs, element by element); "cat" (channels).
    inputs : list of Step
    channels : int
    shape : tuple of int
        Spatial shape of the output map.
    window : Window, optional
        Of windowed kinds; of the whole of a "convmax".
    inner, pool : Window, optional
        The convolution (unpadded) and the pooling of a "convmax".
    between : (tuple of int, float), optional
        Spatial shape of the map between them, and what the pooling's padding
        holds.
    weight, bias : Tensor, optional
        Of a convolution (out, in / groups, *kernel) and (out,); scale and
        shift of an "affine", one number per channel.
    function : callable, optional
        Of "map" and "join": tensors of the inputs, in order, to the output.
    inplace : callable, optional
        The same as `function`, overwriting its only input.
    monotone : bool
        Whether `function` never decreases, so that it commutes with a maximum.
    divisor : sequence of float arrays, optional
        Of "avg": what the sums are divided by, as a product over axes.
    filling : float
        What the padding of a windowed step holds.
    moved : bool
        Of a "map": it stood in front of the pooling that it now follows. Of
        a "max" or "convmax": such a ReLU stood right in front of it.
    """

    kind: str
    inputs: list[Step]
    channels: int
    shape: tuple[int, ...]
    window: Window = _UNUSED
    inner: Window = _UNUSED
    pool: Window = _UNUSED
    between: tuple[tuple[int, ...], float] = _UNUSED
    weight: Tensor = _UNUSED
    bias: Tensor | None = None
    groups: int = 1
    function: Callable[..., Tensor] = _UNUSED
    inplace: Callable[[Tensor], Tensor] | None = None
    monotone: bool = False
    divisor: list[np.ndarray] = _UNUSED
    filling: float = 0.0
    moved: bool = False
    users: int = 0
    cache: dict = field(default_factory=dict, repr=False)  # prepared weights, filled by the kernels

    @property
    def map_shape(self) -> MapShape:
        """Channels and spatial shape."""
        return (self.channels, *self.shape)

    @property
    def windowed(self) -> bool:
        """Whether outputs read a neighbourhood of inputs."""
        return self.kind in WINDOWED

    @property
    def is_relu(self) -> bool:
        """Whether it is a ReLU, called in whatever way."""
        return self.kind == "map" and (isinstance(self.function, nn.ReLU) or self.inplace is torch.relu_)

    def macs(self, length: np.ndarray | tuple[int, ...]) -> int:
        """Return the multiply-accumulates of the convolution for a box of outputs of `length`; 0 for other kinds."""
        if self.weight is None or self.kind == "affine":
            return 0
        if self.kind == "convmax":
            length = (np.array(length) - 1) * self.pool.stride + self.pool.extent
        return int(np.prod(length, dtype=np.int64)) * self.weight.numel()
