"""Take a module apart into steps that can be recomputed in part and the tail that cannot."""

from __future__ import annotations

import contextlib
import importlib
import logging
import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from mriinterp.incremental.lean import lean
from mriinterp.incremental.lower import Lowering, Untraceable
from mriinterp.incremental.network import Call, Later, Network, border_of, leaves, live_calls
from mriinterp.incremental.simplify import simplify
from mriinterp.incremental.steps import MapShape, Step
from mriinterp.incremental.unread import leave_out_unread
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


class _Refused(logging.Filter):
    """Drop what torch.export logs about code that this thread cannot export."""

    def __init__(self):
        super().__init__()
        self.thread = threading.get_ident()

    def filter(self, record):
        return record.thread != self.thread or not str(record.msg).startswith("Unable to find user code")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch.export from printing the graph of a network that it cannot follow, and from logging why: it raises."""
    logger, refused = logging.getLogger("torch.fx.experimental.symbolic_shapes"), _Refused()
    exporting: Any = importlib.import_module("torch.export._trace")
    exporting.print = lambda *args, **kwargs: None  # found in the module before the built-in function
    logger.addFilter(refused)
    try:
        yield
    finally:
        logger.removeFilter(refused)
        del exporting.print


def _exported(module: nn.Module, x: Tensor, *, any_number: bool) -> fx.GraphModule:
    """Return the graph of a module for images of one shape, by torch.export, which follows shapes as well.

    It holds for any number of images or for one.
    """
    axes = ({0: torch.export.Dim("images")},) if any_number else None
    with _tracing, _quiet():
        program = torch.export.export(module, (torch.cat([x, x]) if any_number else x,), dynamic_shapes=axes)
    return program.module(check_guards=False)


def trace(
    module: nn.Module,
    channels: int,
    shape: tuple[int, ...],
    dtype: torch.dtype = torch.float32,
    *,
    agrees: Callable[[Network], bool] = lambda network: True,
    keep: MapShape = (),
    whole: bool = False,
) -> Network:
    """Take a network apart: by torch.fx, or by torch.export for any number of images or for one.

    Parameters
    ----------
    module : nn.Module
        In eval mode. Weights are read now: trace again after they changed.
    channels : int
    shape : tuple of int
        Channels and spatial shape of the input.
    dtype : torch.dtype
        Of the input.
    agrees : callable
        Whether a network that was taken apart gives what the module gives.
        It need not: code that asks what its input is
        (``isinstance(x, Tensor)``) goes another way while it is traced.
    keep : tuple of int
        Channels and spatial shape of maps that are not merged with what
        follows them; they are in the border as well.
    whole : bool
        Keep the ends of maps that nothing reads.

    Raises
    ------
    Untraceable
        If it cannot be traced, what is traced is not the network, or nothing
        of it is local.
    """
    for name, part in module.named_modules():
        hooks = [*part._forward_hooks.values(), *part._forward_pre_hooks.values()]
        # exported programs check their input in a hook of torch.export, which changes nothing
        if any(
            not sets_weights(hook) and not getattr(hook, "__module__", "").startswith("torch.export") for hook in hooks
        ):
            raise Untraceable(f"forward hooks on {name or type(module).__name__}")
    device = next(module.parameters(), torch.empty(0)).device
    x = torch.zeros(1, channels, *shape, dtype=dtype, device=device)
    with torch.no_grad():
        why = None
        try:
            network = _lowered(module, _graph(module), x, keep, whole)
            if agrees(network):
                return network
            why = Untraceable(f"{UNTRACED} truly: what it records gives other outputs than the network")
        except Untraceable as reason:
            if not str(reason).startswith(UNTRACED):
                raise
            why = reason
        for any_number in (True, False):
            try:
                program = _exported(module, x, any_number=any_number)
            except Exception as error:  # as above; the reason that fx gave is the one to report
                log.debug("torch.export cannot follow it for %s: %s", "any number" if any_number else "one", error)
                continue
            network = _lowered(program, program.graph, x, keep, whole, one_by_one=not any_number)
            if agrees(network):
                return network
        raise why


_OF_ALL: tuple[str, ...] = (
    "mean",
    "sum",
    "std",
    "var",
    "min",
    "max",
    "amin",
    "amax",
    "norm",
    "median",
    "quantile",
    "linear",
    "matmul",
)
_OF_ALL += ("softmax", "interpolate", "upsample", "adaptive", "fft", "flatten", "einsum")


def _reason(calls: Sequence[Call], image: Step) -> str:
    """Return why nothing can be recomputed in part where the rest of the network reads the image itself."""
    readers = [call.name for call in calls for leaf in leaves((call.args, call.kwargs)) if _reads(leaf, image)]
    if not readers:
        return "it returns the image"
    whole = [name for name in readers if any(word in name.lower() for word in _OF_ALL)]
    if whole:
        return f"its operation {whole[0]!r} on the image reads all of it"
    return f"there is no rule to compute its operation {readers[0]!r} on a part of the image"


def _reads(leaf: object, image: Step) -> bool:
    """Return whether an argument is the image, and not its shape alone."""
    return isinstance(leaf, Later) and leaf.source is image and not leaf.shape_only


def _lowered(
    module: nn.Module, graph: fx.Graph, x: Tensor, keep: MapShape, whole: bool, *, one_by_one: bool = False
) -> Network:
    lowering = Lowering(module, x.shape[1], tuple(x.shape[2:]), x.dtype, x.device)
    result = lowering.walk(graph)
    if isinstance(result, (tuple, list)) and len(result) == 1:  # exported programs return their outputs in a tuple
        result = result[0]
    lean(lowering.calls, result, x.ndim - 2)
    calls = live_calls(lowering.calls, result)
    border = border_of(calls, result)
    if lowering.input in border:
        raise Untraceable(_reason(calls, lowering.input))
    border += [step for step in lowering.steps[1:] if step.map_shape == keep and step not in border]
    steps = simplify(lowering.steps, border, x.dtype)
    if len(steps) < 2:
        raise Untraceable("none of its operations is local")
    macs = sum(step.macs(step.shape) for step in steps)
    if not whole:
        found = [leaf for tree in (result, *((c.args, c.kwargs) for c in calls)) for leaf in leaves(tree)]
        asked = [leaf.source for leaf in found if isinstance(leaf, Later)]
        leave_out_unread(steps, [*border, *(step for step in steps if step in asked)])
    return Network(steps, calls, result, border, one_by_one, whole_macs=macs)
