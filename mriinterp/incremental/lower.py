"""Sort the operations of a graph into constants, steps and the tail."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate
from torch.nn import functional as F

from mriinterp.incremental import aten, layers
from mriinterp.incremental.network import Call, Later, later, leaves
from mriinterp.incremental.rearrange import EXPANDING, REARRANGING
from mriinterp.incremental.steps import Step

__all__ = ["Lowering", "Untraceable"]


CONVERSIONS = (torch.dtype, torch.device, torch.layout, torch.memory_format)


class Untraceable(Exception):
    """The network cannot be taken apart; the message says why."""


class Lowering:
    """Sort every node of a graph into constants, steps and tail calls."""

    def __init__(
        self, module: nn.Module, channels: int, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
    ):
        self.module, self.dtype, self.device = module, dtype, device
        self.input = Step("input", [], channels, shape)
        self.steps: list[Step] = [self.input]
        self.calls: list[Call] = []
        self.values: dict[fx.Node, Any] = {}
        self.seen_input = False

    def value(self, tree: Any) -> Any:
        """Return arguments with nodes replaced by constants, Steps or Later values."""
        return map_aggregate(tree, lambda a: self.values[a] if isinstance(a, fx.Node) else a)

    def walk(self, graph: fx.Graph) -> object:
        for node in graph.nodes:
            if node.op == "output":
                return later(self.value(node.args[0]))
            self.values[node] = self.lower(node)
        raise Untraceable("it returns nothing")

    def lower(self, node: fx.Node) -> Any:
        if node.op == "placeholder":
            return self.placeholder(node)
        if node.op == "get_attr":
            return operator.attrgetter(str(node.target))(self.module)
        args, kwargs = self.value(node.args), self.value(node.kwargs)
        found = leaves((args, kwargs))
        if "out" in kwargs:
            raise Untraceable(f"{node.name} writes to a given tensor (out=)")
        function = self.function(node)
        if not any(isinstance(leaf, (Step, Later)) for leaf in found):
            return function(*args, **kwargs)
        local = node.target in EXPANDING or not any(isinstance(leaf, Later) for leaf in found)
        step = self.step(node, args, kwargs) if local else None
        overwritten = _overwrites(node, self.module)
        if step is None:
            shape_only = _is_shape_query(node)
            name = _name_of(node, self.module)
            call = Call(function, later(args, shape_only), later(kwargs, shape_only), overwritten, name)
            self.calls.append(call)
        elif step not in self.steps:
            self.steps.append(step)
        value = Later(call) if step is None else step
        if overwritten:
            self.rename(args[0], value)
        return value

    def placeholder(self, node: fx.Node) -> object:
        if not self.seen_input:
            self.seen_input = True
            return self.input
        if not node.args:
            raise Untraceable(f"it takes a second input without a default: {node.target}")
        return node.args[0]

    def function(self, node: fx.Node) -> Callable:
        if node.op == "call_module":
            return self.module.get_submodule(str(node.target))
        if node.op == "call_method":
            name = str(node.target)
            return lambda tensor, *args, **kwargs: getattr(tensor, name)(*args, **kwargs)
        return _called(node)

    def rename(self, old: object, new: object) -> None:
        """Give every name of an overwritten value the new value."""
        if isinstance(old, (Step, Later)):
            same = old.source if isinstance(old, Later) else old
            for node, value in self.values.items():
                if (value.source if isinstance(value, Later) else value) is same:
                    self.values[node] = new

    def step(self, node: fx.Node, args: tuple, kwargs: dict) -> Step | None:
        """Return the step of a node whose inputs are steps and constants, or None."""
        if node.op == "call_module":
            alone = len(args) == 1 and isinstance(args[0], Step) and not kwargs
            return layers.call_module(self.module.get_submodule(str(node.target)), args[0]) if alone else None
        if node.op == "call_method":
            return self.method(str(node.target), args, kwargs)
        called = _called(node)
        if aten.aten_name(node.target) == "to":
            return self.converted(args, kwargs)
        target, args, kwargs = aten.translate(layers.INPLACE.get(called, called), args, kwargs)
        kwargs = {name: value for name, value in kwargs.items() if name != "inplace"}
        if target is aten.identity:
            return args[0]
        if target in (F.dropout, F.dropout2d, F.dropout3d):
            training = kwargs.get("training", args[2] if len(args) > 2 else True)
            return None if training else args[0]
        if target in REARRANGING:
            return REARRANGING[target](*args, **kwargs)
        if target in (torch.cat, torch.concat, torch.concatenate):
            return self.cat(*args, **kwargs)
        shaped = layers.call_shaped(target, args, kwargs)
        if shaped is not None or target not in layers.FUNCTIONS:
            return shaped
        return self.pointwise(layers.FUNCTIONS[target], args, kwargs)

    def method(self, name: str, args: tuple, kwargs: dict) -> Step | None:
        if name in layers.IDENTITY_METHODS:
            return args[0]
        if name in REARRANGING:
            return REARRANGING[name](*args, **kwargs)
        if name == "float" and self.dtype == torch.float32:
            return args[0]
        if name in ("to", "type", "type_as"):
            return self.converted(args, kwargs)
        name = name.removesuffix("_")
        return self.pointwise(layers.METHODS[name], args, kwargs) if name in layers.METHODS else None

    def converted(self, args: tuple, kwargs: dict) -> Step | None:
        """Return the step itself where a conversion changes neither the data type nor the device."""
        wanted = leaves((args[1:], kwargs))
        wanted += [kind for w in wanted if isinstance(w, Tensor) for kind in (w.dtype, w.device)]
        same = all(
            w == self.dtype if isinstance(w, torch.dtype) else torch.device(w) == self.device
            for w in wanted
            if isinstance(w, (torch.dtype, torch.device, str))
        )
        plain = all(isinstance(w, (*CONVERSIONS, Tensor, str, bool, type(None))) for w in wanted)
        return args[0] if same and plain and not kwargs.get("copy") else None

    def pointwise(self, function: Callable, args: tuple, kwargs: dict) -> Step | None:
        if any(isinstance(value, (Step, Tensor)) for value in kwargs.values()) or any(
            isinstance(value, (tuple, list)) for value in args
        ):
            return None
        bound = (lambda *values: function(*values, **kwargs)) if kwargs else function
        return layers.pointwise(list(args), bound, self.dtype)

    def cat(self, tensors, dim=0) -> Step | None:
        axes = len(self.input.shape) + 2
        if dim % axes != 1 or not all(isinstance(t, Step) and t.shape == tensors[0].shape for t in tensors):
            return None
        return Step("cat", list(tensors), sum(t.channels for t in tensors), tensors[0].shape)


def _name_of(node: fx.Node, module: nn.Module) -> str:
    """Return the operation of a node, in words."""
    if node.op == "call_module":
        return type(module.get_submodule(str(node.target))).__name__
    if node.op == "call_method":
        return str(node.target)
    return aten.aten_name(node.target) or str(getattr(node.target, "__name__", node.target))


def _called(node: fx.Node) -> Callable:
    """Return the function that a node calls."""
    if isinstance(node.target, str):
        raise TypeError(f"expected a node that calls a function, got {node.op} of {node.target!r}")
    return node.target


def _is_shape_query(node: fx.Node) -> bool:
    if node.op == "call_function" and node.target is getattr:
        return node.args[1] in layers.SHAPE_QUERIES
    if node.op == "call_function":
        return aten.aten_name(node.target) in ("sym_size", "size")
    return node.op == "call_method" and node.target in layers.SHAPE_QUERIES


def _overwrites(node: fx.Node, module: nn.Module) -> bool:
    """Return whether a node changes its first input."""
    if node.op == "call_module":
        return bool(getattr(module.get_submodule(str(node.target)), "inplace", False))
    if node.op == "call_method":
        name = str(node.target)
        return name.endswith("_") and not name.endswith("__")
    named = getattr(node.target, "__name__", "")
    overwriting = node.target in layers.INPLACE or node.target is operator.setitem or aten.overwrites(node.target)
    return overwriting or named.endswith("_") or bool(node.kwargs.get("inplace", False))
