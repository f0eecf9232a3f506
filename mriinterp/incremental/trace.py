"""Take a module apart into steps that can be recomputed in part and the tail that cannot."""

from __future__ import annotations

import logging
import operator
import threading

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_flatten

from mriinterp.incremental.lower import Lowering, Untraceable
from mriinterp.incremental.network import Network, border_of, live_calls
from mriinterp.incremental.simplify import simplify
from mriinterp.incremental.weights import sets_weights

__all__ = ["UNTRACED", "Network", "Untraceable", "trace"]

log = logging.getLogger(__name__)

UNTRACED = "torch.fx cannot trace it"
"""How the reason begins when the flow of a network may depend on values."""


class _Proxy(fx.Proxy):
    """Record `a += b` as the in-place operation it is; fx alone records `a + b` and loses the change to aliases."""

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
    """Trace the calls of this thread; networks that other threads run meanwhile are left alone."""

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
    """Return the graph of a module, valid for any batch."""
    try:
        with _tracing:
            return _Tracer().trace(module)
    except Exception as error:  # user code runs while tracing and may raise anything
        reason = str(error).strip().splitlines()
        raise Untraceable(f"{UNTRACED}: {reason[0] if reason else type(error).__name__}") from error


def _exported(module: nn.Module, x: Tensor) -> tuple[fx.GraphModule, bool] | None:
    """Return the graph of a module for images of one shape, by torch.export, which follows shapes as well.

    Returns
    -------
    (GraphModule, bool) or None
        The bool says that the graph holds for one image only; it holds for
        any number where torch.export can follow that and the graph gives for
        one image what the module gives.
    """
    try:
        with _tracing:
            program = torch.export.export(
                module, (torch.cat([x, x]),), dynamic_shapes=({0: torch.export.Dim("images")},)
            ).module(check_guards=False)
        probe = torch.rand_like(x)
        if _same(program(probe.clone()), module(probe.clone())):
            return program, False
    except Exception as error:  # as above, also where the number of images matters
        log.debug("torch.export cannot follow it for any number of images: %s", error)
    try:
        with _tracing:
            return torch.export.export(module, (x,)).module(), True
    except Exception as error:  # as above; the reason that fx gave is the one to report
        log.debug("torch.export cannot follow it either: %s", error)
        return None


def _same(found: object, expected: object) -> bool:
    """Return whether two outputs hold the same tensors, up to rounding."""
    a, b = tree_flatten(found), tree_flatten(expected)
    close = (torch.allclose(p, q, 1e-4, 1e-5) for p, q in zip(a[0], b[0], strict=True) if isinstance(p, Tensor))
    return a[1] == b[1] and all(close)


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
        if any(
            not sets_weights(hook) and not getattr(hook, "__module__", "").startswith("torch.export") for hook in hooks
        ):
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
            module, one_by_one = exported
            graph = module.graph
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
