"""Multiply-accumulates: of a whole pass, and how many times fewer a region takes."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from mriinterp.incremental.network import Network
from mriinterp.incremental.remember import keep, remembered
from mriinterp.incremental.schedule import Group

__all__ = ["Counting", "count_macs", "keep_macs", "saving"]


class Counting(TorchDispatchMode):
    """Count the multiply-accumulates of a pass on real images, which a network runs anyway.

    PyTorch's own counter needs images without values, whose first use in a process imports for more than a second. The
    formulas are PyTorch's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Return False: wrapping the method below for torch.compile would import all of it."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Run an operation, or the operations that it consists of, and count it."""
        kwargs = kwargs or {}
        formula = flop_registry.get(func._overloadpacket)
        if formula is None:
            with self:
                parts = func.decompose(*args, **kwargs)
            return func(*args, **kwargs) if parts is NotImplemented else parts
        out = func(*args, **kwargs)
        self.flops += formula(*args, **kwargs, out_val=out)
        return out


def count_macs(module: nn.Module, x: Tensor, key: Hashable | None) -> int:
    """Return the multiply-accumulates of one pass, counted once for a network (see `mriinterp.incremental.traced.Apart`)."""
    return remembered(None if key is None else ("macs", key), lambda: _count(module, x))


def keep_macs(key: Hashable | None, counting: Counting) -> None:
    """Remember what a pass took, for `count_macs`."""
    if key is not None and counting.flops:
        keep(("macs", key), counting.flops // 2)


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
