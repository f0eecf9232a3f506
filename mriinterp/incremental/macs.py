"""Multiply-accumulates: of a whole pass, and how many times fewer a region takes."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mriinterp.incremental.network import Network
from mriinterp.incremental.remember import remembered
from mriinterp.incremental.schedule import Group

__all__ = ["count_macs", "saving"]


def count_macs(module: nn.Module, x: Tensor, key: Hashable | None) -> int:
    """Return the multiply-accumulates of one pass, counted once for a network (see `mriinterp.incremental.traced.Apart`)."""
    return remembered(None if key is None else ("macs", key), lambda: _count(module, x))


def saving(network: Network, groups: Sequence[Group], each: int) -> float:
    """Return how many times fewer multiply-accumulates a region takes than a whole pass of `each`."""
    rest = each - network.whole_macs
    windows = sum(len(group.index) for group in groups)
    macs = sum((group.macs + rest) * len(group.index) for group in groups)
    return each * windows / macs if macs else float("inf")


def _count(module: nn.Module, x: Tensor) -> int:
    """Count the multiply-accumulates of one pass, without computing where the module allows it."""
    counter = FlopCounterMode(display=False)
    tensors = [*module.parameters(), *module.buffers()]
    try:
        # A copy: other threads may be running the module itself.
        empty = copy.deepcopy(module, {id(tensor): tensor.detach().to("meta") for tensor in tensors})
        with torch.no_grad(), counter:
            empty(x.to("meta"))
    except (RuntimeError, NotImplementedError, TypeError):  # not to be copied, other tensors, or values needed
        counter = FlopCounterMode(display=False)
        with torch.no_grad(), counter:
            module(x.clone())
    return counter.get_total_flops() // 2
