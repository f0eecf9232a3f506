"""Copies of networks, whose functions work on the copy.

`copy.deepcopy` shares functions: a ``lambda`` that a layer keeps, or a
`forward` that `torch.compile` replaced on the object, would go on running the
layers that it was made with.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import chain
from types import CellType, FunctionType, MethodType
from typing import Any

from torch import nn

__all__ = ["copied", "shared_copy", "without_compiling"]

COMPILED = "_torchdynamo_orig_callable"  # what torch.compile made a function from
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def copied(module: nn.Module, shared: Mapping[int, Any]) -> nn.Module:
    """Return a deep copy of a module, with functions of its own.

    Parameters
    ----------
    module : nn.Module
    shared : mapping of int to object
        What stands in the copy for what, by identity, as the memo of `copy.deepcopy`.

    Raises
    ------
    TypeError, RuntimeError, NotImplementedError, AttributeError
        If something in it cannot be copied.
    """
    memo = dict(shared)
    own = copy.deepcopy(module, memo)
    twins = {id(part): memo[id(part)] for part in module.modules() if id(part) in memo}
    for part in own.modules():
        kept = vars(part)
        for holder in (kept, *(kept[name] for name in HOOKS if name in kept)):
            for key, value in list(holder.items()):
                if isinstance(value, (FunctionType, MethodType)):
                    holder[key] = _on_the_copy(value, twins)
    return own


def shared_copy(module: nn.Module) -> nn.Module | None:
    """Return a copy of a module with the same parameters and buffers; None if it cannot be copied."""
    shared = {id(tensor): tensor for tensor in chain(module.parameters(), module.buffers())}
    try:
        return copied(module, shared)
    except (TypeError, RuntimeError, NotImplementedError, AttributeError):
        return None


def without_compiling(module: nn.Module) -> nn.Module:
    """Return the module with what `torch.compile` put around parts and their `forward` taken off; it is changed."""
    for part in module.modules():
        if "forward" not in vars(part) and (own := getattr(type(part).forward, COMPILED, None)) is not None:
            vars(part)["forward"] = MethodType(own, part)  # it decorates the class
        for name, child in part.named_children():
            while isinstance(inner := getattr(child, "_orig_mod", None), nn.Module):
                child = inner
                part._modules[name] = inner
    return module


def _on_the_copy(function: Any, twins: dict[int, Any]) -> Any:
    """Return a function that works on the copies of the modules that it knows; itself if it knows none."""
    if COMPILED in getattr(function, "__dict__", {}):
        return _on_the_copy(getattr(function, COMPILED), twins)
    if isinstance(function, MethodType):
        return (
            MethodType(function.__func__, twins[id(function.__self__)]) if id(function.__self__) in twins else function
        )
    if not isinstance(function, FunctionType) or id(function) in twins:
        return twins.get(id(function), function)
    twins[id(function)] = function  # one that calls itself
    before = (function.__closure__ or (), function.__defaults__ or ())
    cells = tuple(_filled(cell, twins) for cell in before[0])
    defaults = tuple(_on_the_copy(value, twins) for value in before[1])
    if all(new is old for new, old in zip((*cells, *defaults), (*before[0], *before[1]), strict=True)):
        return function
    own = FunctionType(function.__code__, function.__globals__, function.__name__, defaults or None, cells or None)
    own.__kwdefaults__, own.__doc__ = function.__kwdefaults__, function.__doc__
    twins[id(function)] = own
    return own


def _filled(cell: CellType, twins: dict[int, Any]) -> CellType:
    """Return a cell that holds the copy of what another holds; that one if there is no copy."""
    try:
        held = cell.cell_contents
    except ValueError:  # not filled yet
        return cell
    own = _on_the_copy(held, twins)
    return cell if own is held else CellType(own)
