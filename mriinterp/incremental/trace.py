"""From a module to the steps that can be recomputed in part and the tail that cannot."""

from __future__ import annotations

import logging
import operator
import threading

import torch
from torch import Tensor, fx, nn

from mriinterp.incremental.lower import Lowering, Untraceable
from mriinterp.incremental.network import Network, border_of, live_calls
from mriinterp.incremental.simplify import simplify

__all__ = ["UNTRACED", "Network", "Untraceable", "take_apart", "trace"]

log = logging.getLogger(__name__)

UNTRACED = "torch.fx cannot trace it"
"""How the reason begins when the flow of a network may depend on values."""


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
        with _tracing:
            return torch.export.export(module, (x,)).module()
    except Exception as error:  # as above; the reason that fx gave is the one to report
        log.debug("torch.export cannot follow it either: %s", error)
        return None


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
        lowering = Lowering(module, channels, tuple(shape), dtype)
        result = lowering.walk(graph)
        calls = live_calls(lowering.calls, result)
        border = border_of(calls, result)
        if lowering.input in border:
            raise Untraceable("its first operation reads the whole image")
        steps = simplify(lowering.steps, border, dtype)
    if len(steps) < 2:
        raise Untraceable("none of its operations is local")
    return Network(steps, calls, result, border, one_by_one)


def take_apart(module: nn.Module, x: Tensor) -> tuple[Network | None, str | None]:
    """The steps of a network for images like `x`, or None and the reason why there are none."""
    if x.device.type not in ("cpu", "cuda"):
        return None, f"partial recomputation is not available on {x.device.type}"
    try:
        return trace(module, x.shape[1], tuple(x.shape[2:]), x.dtype), None
    except Untraceable as reason:
        return None, str(reason)
