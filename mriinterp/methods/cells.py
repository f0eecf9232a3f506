"""How a network narrows a scan to a few cells: where they look, what is dropped on the way, where they were drawn."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from mriinterp.models.sizes import UNREADABLE, run_empty

__all__ = ["Cells", "Narrowing", "drawn_centres", "field_of_view", "narrowings", "read_box"]

CONVOLUTIONS = {"conv3d", "conv2d"}
POOLINGS = {"max_pool3d", "max_pool2d", "avg_pool3d", "avg_pool2d"}


@dataclass(frozen=True)
class Cells:
    """Cells along one axis and where they look, in voxels of the scan.

    Parameters
    ----------
    n : int
    first : float
        Centre of the first cell.
    step : float
        Between two neighbours.
    reach : float
        Voxels that one cell reads.
    """

    n: int
    first: float = 0.0
    step: float = 1.0
    reach: float = 1.0

    @property
    def centres(self) -> np.ndarray:
        """Centre of every cell."""
        return self.first + self.step * np.arange(self.n)


@dataclass(frozen=True)
class Narrowing:
    """One convolution or pooling.

    Parameters
    ----------
    kind : {"convolution", "pooling"}
    kernel, stride : tuple of int
    cells : tuple of Cells
        What comes out, along each axis.
    dropped : tuple of int
        Cells at the far end of each axis that no cell behind it reads, as the
        stride does not divide them.
    lost : tuple of float
        The same in voxels of the scan.
    """

    kind: str
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    cells: tuple[Cells, ...]
    dropped: tuple[int, ...]
    lost: tuple[float, ...]


class _Calls(TorchFunctionMode):
    """Note sizes, kernels and strides of convolutions and poolings."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in CONVOLUTIONS | POOLINGS:
            self.found.append(
                (name, tuple(args[0].shape[2:]), tuple(out.shape[2:]), _settings(name, args, kwargs or {}))
            )
        return out


def _settings(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    if name in CONVOLUTIONS:
        names = ("input", "weight", "bias", "stride", "padding", "dilation")
        given = dict(zip(names, args, strict=False)) | kwargs
        kernel = tuple(given["weight"].shape[2:])
        return {"kernel": kernel, "stride": given.get("stride", 1), "padding": given.get("padding", 0)}
    given = dict(zip(("input", "kernel_size", "stride", "padding"), args, strict=False)) | kwargs
    return {
        "kernel": given["kernel_size"],
        "stride": given.get("stride") or given["kernel_size"],
        "padding": given.get("padding", 0),
    }


def _axes(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(int(v) for v in value)


def narrowings(module: nn.Module, shape: Sequence[int], channels: int = 1) -> list[Narrowing]:
    """Return what each convolution and pooling of a network makes of a scan, found in one pass.

    Parameters
    ----------
    module : nn.Module
        A chain: what one layer makes the next one takes. It is not changed.
    shape : sequence of int
        Of the scan.
    channels : int

    Raises
    ------
    ValueError
        For a network in which layers do not follow each other, or that pads by text.
    """
    calls = _Calls()
    with calls:
        run_empty(copy.deepcopy(module).eval(), shape, channels)
    found: list[Narrowing] = []
    cells = tuple(Cells(n) for n in shape)
    for name, before, after, settings in calls.found:
        if before != tuple(axis.n for axis in cells):
            raise ValueError(
                f"expected layers that follow each other, got {name} of {before} after {[a.n for a in cells]}"
            )
        if isinstance(settings["padding"], str):
            raise ValueError(f"expected padding by numbers, got {settings['padding']!r}")
        kernel, stride, padding = (_axes(settings[key], len(shape)) for key in ("kernel", "stride", "padding"))
        new, dropped = [], []
        for axis, n, k, s, p in zip(cells, after, kernel, stride, padding, strict=True):
            first = axis.first + axis.step * ((k - 1) / 2 - p)
            new.append(Cells(n, first, axis.step * s, axis.reach + (k - 1) * axis.step))
            dropped.append(max(0, axis.n + p - ((n - 1) * s + k)))
        lost = tuple(axis.step * d for axis, d in zip(cells, dropped, strict=True))
        kind = "convolution" if name in CONVOLUTIONS else "pooling"
        cells = tuple(new)
        found.append(Narrowing(kind, kernel, stride, cells, tuple(dropped), lost))
    return found


def read_box(cells: Sequence[Cells], shape: Sequence[int]) -> tuple[slice, ...]:
    """Return the box of voxels that at least one cell reads."""
    slices = []
    for axis, n in zip(cells, shape, strict=True):
        ends = axis.centres[[0, -1]] + np.array([-0.5, 0.5]) * (axis.reach - 1)
        slices.append(slice(max(0, round(float(ends[0]))), min(n, round(float(ends[1])) + 1)))
    return tuple(slices)


def field_of_view(module: nn.Module, shape: Sequence[int], channels: int = 1) -> tuple[slice, ...] | None:
    """Return the box of voxels that can change what a network returns; None where its layers do not tell.

    Tried with noise: statistics over a whole map, as of instance
    normalisation, read what no later cell does.

    Parameters
    ----------
    module, shape, channels : nn.Module, sequence of int, int
        See `narrowings`.
    """
    try:
        found = narrowings(module, shape, channels)
        box = read_box(found[-1].cells, shape)
        return box if _reads_nothing_else(module, box, shape, channels) else None
    except UNREADABLE:
        return None


def _reads_nothing_else(module: nn.Module, box: tuple[slice, ...], shape: Sequence[int], channels: int) -> bool:
    """Return whether noise outside a box leaves the output as it is."""
    noise = torch.Generator().manual_seed(0)
    scans = torch.randn((2, channels, *shape), generator=noise)
    scans[1][(slice(None), *box)] = scans[0][(slice(None), *box)]
    own = copy.deepcopy(module).eval()
    like = next(own.parameters(), scans)
    with torch.no_grad():
        one, two = (own(scan[None].to(like)) for scan in scans)
    return bool(torch.allclose(one, two, rtol=1e-4, atol=1e-6))


def drawn_centres(cells: int, voxels: int) -> np.ndarray:
    """Return where the middle of each cell is drawn if the first and the last are stretched to the corners."""
    return np.arange(cells) * (voxels - 1) / max(cells - 1, 1)
