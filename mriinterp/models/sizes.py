"""What each layer of a network makes of a scan: kind, channels and cells, found in one pass."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

__all__ = ["UNREADABLE", "LayerSize", "layer_sizes", "run_empty"]

UNREADABLE = (RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError)
"""What a network raises that does not run on an empty scan, or whose layers cannot be followed."""
KINDS = {"conv": "convolution", "pool": "pooling", "linear": "dense"}


@dataclass(frozen=True)
class LayerSize:
    """The output of one layer.

    Parameters
    ----------
    name : str
        In the network: ``features.conv1``.
    kind : {"convolution", "pooling", "dense"}
    channels : int
        Or the units of a dense layer.
    cells : tuple of int
        Along each axis; empty for a dense layer.
    """

    name: str
    kind: str
    channels: int
    cells: tuple[int, ...]


def layer_sizes(module: nn.Module, shape: Sequence[int], channels: int = 1) -> list[LayerSize]:
    """Return the convolutions, poolings and dense layers of a network, in the order in which they run.

    Parameters
    ----------
    module : nn.Module
        It is not changed.
    shape : sequence of int
        Of the scan.
    channels : int
        Of the input.

    Returns
    -------
    list of LayerSize
        Empty where the network cannot run on an empty scan.
    """
    found: list[LayerSize] = []

    def note(name: str, kind: str):
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, torch.Tensor) and output.ndim > 1:
                cells = () if kind == "dense" else tuple(output.shape[2:])
                found.append(LayerSize(name, kind, output.shape[1 if cells else -1], cells))

        return hook

    try:
        twin = copy.deepcopy(module).eval()
        for name, layer in twin.named_modules():
            if kind := _kind(layer):
                layer.register_forward_hook(note(name, kind))
        run_empty(twin, shape, channels)
    except UNREADABLE:
        return []
    return found


def run_empty(module: nn.Module, shape: Sequence[int], channels: int) -> None:
    """Run a network on a scan of zeros, where its weights are.

    On the "meta" device nothing would be computed, but PyTorch imports its compiler for that first, over a second.
    """
    like = next(module.parameters(), torch.empty(0))
    with torch.inference_mode():
        module(like.new_zeros((1, channels, *shape)))


def _kind(layer: nn.Module) -> str:
    """Return what a layer is, by its class; "" for any other."""
    if next(layer.children(), None) is not None:
        return ""
    name = type(layer).__name__.lower()
    return next((kind for word, kind in KINDS.items() if word in name), "")
