"""From a module to the steps that can be recomputed in part and the tail that cannot."""

from __future__ import annotations

import logging
import operator
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate
from torch.nn import functional as F

from mriinterp.incremental import aten, layers
from mriinterp.incremental.simplify import simplify
from mriinterp.incremental.steps import Step

__all__ = ["UNTRACED", "Network", "Untraceable", "trace"]

log = logging.getLogger(__name__)

UNTRACED = "torch.fx cannot trace it"
"""How the reason begins when the flow of a network may depend on values."""


class Untraceable(Exception):
    """The network cannot be taken apart; the message says why."""


@dataclass(frozen=True, eq=False)
class Later:
    """A value that exists only while the tail runs: the output of a call, of a step, or only a step's shape."""

    source: object
    shape_only: bool = False


@dataclass(eq=False)
class Call:
    """One operation of the tail, arguments holding `Later` values."""

    function: Callable
    args: tuple
    kwargs: dict
    overwrites: bool = False
    last_use_of: list = field(default_factory=list)


@dataclass(eq=False)
class Network:
    """A module taken apart.

    Parameters
    ----------
    steps : list of Step
        In order of computation; the first is the input.
    calls : list of Call
        The tail: everything from the first global operation.
    result : nested structure of Later
        What the module returns.
    border : list of Step
        Steps whose whole maps the tail reads.
    one_by_one : bool
        The tail holds for a batch of one only.
    """

    steps: list[Step]
    calls: list[Call]
    result: object
    border: list[Step]
    one_by_one: bool = False

    def run_tail(self, values: dict[Step, Tensor]) -> object:
        """What the module returns, given the whole maps (n, C, *spatial) of the border, which it uses up."""
        first = next(iter(values.values()))
        batch, empty = first.shape[0], first.new_empty(())
        del first
        done: dict[object, object] = values

        def get(later):
            if not isinstance(later, Later):
                return later
            if later.shape_only:
                step = later.source
                return empty.expand(batch, step.channels, *step.shape)
            return done[later.source]

        for call in self.calls:
            done[call] = call.function(*map_aggregate(call.args, get), **map_aggregate(call.kwargs, get))
            for used in call.last_use_of:
                done.pop(used, None)
        return map_aggregate(self.result, get)


class _Proxy(fx.Proxy):
    """Records `a += b` as the in-place operation it is; fx alone records `a + b` and loses the change to aliases."""

    def _record(self, function, other):
        return self.tracer.create_proxy("call_function", function, (self, other), {})

    def __iadd__(self, other):
        return self._record(operator.iadd, other)

    def __isub__(self, other):
        return self._record(operator.isub, other)

    def __imul__(self, other):
        return self._record(operator.imul, other)

    def __itruediv__(self, other):
        return self._record(operator.itruediv, other)


_tracing = threading.Lock()  # while fx traces, it replaces methods of nn.Module for the whole process


class _Tracer(fx.Tracer):
    """Traces the calls of its own thread; networks that other threads run meanwhile are left alone."""

    def __init__(self):
        super().__init__()
        self.thread = threading.get_ident()

    def proxy(self, node):
        return _Proxy(node, self)

    def call_module(self, m, forward, args, kwargs):
        if threading.get_ident() != self.thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr, attr_val, parameter_proxy_cache):
        if threading.get_ident() != self.thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def _graph(module: nn.Module) -> fx.Graph:
    """The graph of a module, valid for any batch."""
    try:
        with _tracing:
            return _Tracer().trace(module)
    except Exception as error:  # user code runs while tracing and may raise anything
        reason = str(error).strip().splitlines()
        raise Untraceable(f"{UNTRACED}: {reason[0] if reason else type(error).__name__}") from error


def _exported(module: nn.Module, x: Tensor) -> fx.GraphModule | None:
    """The graph of a module for one image of a shape, by torch.export, which also follows what depends on shapes."""
    try:
        return torch.export.export(module, (x,)).module()
    except Exception as error:  # as above; the reason that fx gave is the one to report
        log.debug("torch.export cannot follow it either: %s", error)
        return None


class _Lowering:
    """Walks a graph once and sorts every node into constants, steps and tail calls."""

    def __init__(self, module: nn.Module, channels: int, shape: tuple[int, ...], dtype: torch.dtype):
        self.module, self.dtype = module, dtype
        self.input = Step("input", [], channels, shape)
        self.steps: list[Step] = [self.input]
        self.calls: list[Call] = []
        self.values: dict[fx.Node, object] = {}
        self.seen_input = False

    def value(self, tree: object) -> object:
        """Arguments with nodes replaced by constants, Steps or Later values."""
        return map_aggregate(tree, lambda a: self.values[a] if isinstance(a, fx.Node) else a)

    def walk(self, graph: fx.Graph) -> object:
        for node in graph.nodes:
            if node.op == "output":
                return _later(self.value(node.args[0]))
            self.values[node] = self.lower(node)
        raise Untraceable("it returns nothing")

    def lower(self, node: fx.Node) -> object:
        if node.op == "placeholder":
            return self.placeholder(node)
        if node.op == "get_attr":
            return operator.attrgetter(node.target)(self.module)
        args, kwargs = self.value(node.args), self.value(node.kwargs)
        found = _leaves((args, kwargs))
        if "out" in kwargs:
            raise Untraceable(f"{node.name} writes to a given tensor (out=)")
        function = self.function(node)
        if not any(isinstance(leaf, (Step, Later)) for leaf in found):
            return function(*args, **kwargs)
        step = None if any(isinstance(leaf, Later) for leaf in found) else self.step(node, args, kwargs)
        overwritten = _overwrites(node, self.module)
        if step is None:
            shape_only = _is_shape_query(node)
            step = Call(function, _later(args, shape_only), _later(kwargs, shape_only), overwritten)
            self.calls.append(step)
            step = Later(step)
        elif step not in self.steps:
            self.steps.append(step)
        if overwritten:
            self.rename(args[0], step)
        return step

    def placeholder(self, node: fx.Node) -> object:
        if not self.seen_input:
            self.seen_input = True
            return self.input
        if not node.args:
            raise Untraceable(f"it takes a second input without a default: {node.target}")
        return node.args[0]

    def function(self, node: fx.Node) -> Callable:
        if node.op == "call_module":
            return self.module.get_submodule(node.target)
        if node.op == "call_method":
            name = node.target
            return lambda tensor, *args, **kwargs: getattr(tensor, name)(*args, **kwargs)
        return node.target

    def rename(self, old: object, new: object) -> None:
        """After an in-place operation every name of the old value means the new one."""
        if isinstance(old, (Step, Later)):
            same = old.source if isinstance(old, Later) else old
            for node, value in self.values.items():
                if (value.source if isinstance(value, Later) else value) is same:
                    self.values[node] = new

    def step(self, node: fx.Node, args: tuple, kwargs: dict) -> Step | None:
        """The step of a node whose inputs are steps and constants, or None."""
        if node.op == "call_module":
            alone = len(args) == 1 and isinstance(args[0], Step) and not kwargs
            return layers.call_module(self.module.get_submodule(node.target), args[0]) if alone else None
        if node.op == "call_method":
            return self.method(node.target, args, kwargs)
        target, args, kwargs = aten.translate(layers.INPLACE.get(node.target, node.target), args, kwargs)
        kwargs = {name: value for name, value in kwargs.items() if name != "inplace"}
        if target is aten.identity:
            return args[0]
        if target in (F.dropout, F.dropout2d, F.dropout3d):
            training = kwargs.get("training", args[2] if len(args) > 2 else True)
            return None if training else args[0]
        if target in (torch.cat, torch.concat, torch.concatenate):
            return self.cat(*args, **kwargs)
        shaped = layers.call_shaped(target, args, kwargs)
        if shaped is not None or target not in layers.FUNCTIONS:
            return shaped
        return self.pointwise(layers.FUNCTIONS[target], args, kwargs)

    def method(self, name: str, args: tuple, kwargs: dict) -> Step | None:
        if name in layers.IDENTITY_METHODS:
            return args[0]
        if name == "float" and self.dtype == torch.float32:
            return args[0]
        name = name.removesuffix("_")
        return self.pointwise(layers.METHODS[name], args, kwargs) if name in layers.METHODS else None

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


def _leaves(tree: object) -> list[object]:
    found: list[object] = []
    map_aggregate(tree, lambda leaf: found.append(leaf) or leaf)
    return found


def _later(tree: object, shape_only: bool = False) -> object:
    return map_aggregate(tree, lambda leaf: Later(leaf, shape_only) if isinstance(leaf, Step) else leaf)


def _is_shape_query(node: fx.Node) -> bool:
    if node.op == "call_function" and node.target is getattr:
        return node.args[1] in layers.SHAPE_QUERIES
    if node.op == "call_function":
        return aten.aten_name(node.target) in ("sym_size", "size")
    return node.op == "call_method" and node.target in layers.SHAPE_QUERIES


def _overwrites(node: fx.Node, module: nn.Module) -> bool:
    """Whether a node changes its first input."""
    if node.op == "call_module":
        return bool(getattr(module.get_submodule(node.target), "inplace", False))
    if node.op == "call_method":
        return node.target.endswith("_") and not node.target.endswith("__")
    named = getattr(node.target, "__name__", "")
    overwriting = node.target in layers.INPLACE or node.target is operator.setitem or aten.overwrites(node.target)
    return overwriting or named.endswith("_") or bool(node.kwargs.get("inplace", False))


def trace(module: nn.Module, channels: int, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> Network:
    """Take a network apart.

    Parameters
    ----------
    module : nn.Module
        In eval mode. Weights are read now: trace again after they changed.
    channels : int
    shape : tuple of int
        Channels and spatial shape of the input.
    dtype : torch.dtype
        Of the input.

    Raises
    ------
    Untraceable
        If torch.fx cannot trace it, or nothing of it is local.
    """
    for name, part in module.named_modules():
        hooks = [*part._forward_hooks.values(), *part._forward_pre_hooks.values()]
        # exported programs check their input in a hook of torch.export, which changes nothing
        if any(not getattr(hook, "__module__", "").startswith("torch.export") for hook in hooks):
            raise Untraceable(f"forward hooks on {name or type(module).__name__}")
    one_by_one = False
    with torch.no_grad():
        try:
            graph = _graph(module)
        except Untraceable:
            device = next(module.parameters(), torch.empty(0)).device
            exported = _exported(module, torch.zeros(1, channels, *shape, dtype=dtype, device=device))
            if exported is None:
                raise
            module, graph, one_by_one = exported, exported.graph, True
        lowering = _Lowering(module, channels, tuple(shape), dtype)
        result = lowering.walk(graph)
        calls = _live_calls(lowering.calls, result)
        border = _border(calls, result)
        if lowering.input in border:
            raise Untraceable("its first operation reads the whole image")
        steps = simplify(lowering.steps, border, dtype)
    if len(steps) < 2:
        raise Untraceable("none of its operations is local")
    return Network(steps, calls, result, border, one_by_one)


def _live_calls(calls: list[Call], result: object) -> list[Call]:
    """Calls whose value is used (in-place ones always), each knowing which values nobody needs after it."""
    wanted = {leaf.source for leaf in _leaves(result) if isinstance(leaf, Later)}
    live = []
    for call in reversed(calls):
        if call.overwrites or call in wanted:
            live.append(call)
            wanted |= {leaf.source for leaf in _leaves((call.args, call.kwargs)) if isinstance(leaf, Later)}
    calls = live[::-1]
    last: dict[object, Call] = {}
    for call in calls:
        for leaf in _leaves((call.args, call.kwargs)):
            if isinstance(leaf, Later) and not leaf.shape_only:
                last[leaf.source] = call
    kept = {leaf.source for leaf in _leaves(result) if isinstance(leaf, Later)}
    for source, call in last.items():
        if source not in kept:
            call.last_use_of.append(source)
    return calls


def _border(calls: list[Call], result: object) -> list[Step]:
    trees = [(call.args, call.kwargs) for call in calls] + [result]
    found = [leaf for tree in trees for leaf in _leaves(tree)]
    steps = [leaf.source for leaf in found if isinstance(leaf, Later) and not leaf.shape_only]
    return list(dict.fromkeys(source for source in steps if isinstance(source, Step)))
