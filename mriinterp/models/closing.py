"""The softmax or sigmoid that a network ends in: found, and left out where logits are wanted.

The logits stand in front of it. Read there they are exact, also where the
network is so certain that its probabilities round to 0 and 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode

__all__ = ["FUNCTIONS", "LAYERS", "Closing", "find_closing", "is_traced", "without_closing", "without_layer"]

FUNCTIONS = ("softmax", "log_softmax", "sigmoid")
LAYERS = (nn.Softmax, nn.LogSoftmax, nn.Sigmoid)
CLOSE = 1e-4  # of a probability or its logarithm: what the same function, run again, may differ by

_AGAIN = {
    "softmax": lambda z: z.softmax(-1),
    "log_softmax": lambda z: z.log_softmax(-1),
    "sigmoid": lambda z: z.sigmoid(),
}


@dataclass(frozen=True)
class Closing:
    """The last function of a network.

    Parameters
    ----------
    function : str
        A key of `FUNCTIONS`.
    call : int
        Which call of that function it is in a forward pass, from 0.
    layer : str
        Name of the layer that does nothing else and is used once; "" where
        the network calls the function itself.
    """

    function: str
    call: int
    layer: str = ""


def _name(func) -> str:
    return getattr(func, "__name__", "").partition(".")[0].strip("_")


class _Watch(TorchFunctionMode):
    """Count the calls of each function, and keep the latest result of any."""

    def __init__(self):
        super().__init__()
        self.counts = dict.fromkeys(FUNCTIONS, 0)
        self.last: tuple[Closing, Tensor] | None = None

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = _name(func)
        if name in self.counts and isinstance(result, Tensor):
            self.last = Closing(name, self.counts[name]), result
            self.counts[name] += 1
        return result


class _LeaveOut(TorchFunctionMode):
    """Return the argument of one call in place of its result."""

    def __init__(self, closing: Closing):
        super().__init__()
        self.closing, self.seen = closing, 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if _name(func) == self.closing.function:
            self.seen += 1
            if self.seen == self.closing.call + 1:
                return args[0] if args else (kwargs or {})["input"]
        return func(*args, **(kwargs or {}))


def is_traced(x: object) -> bool:
    """Return whether a forward pass is being traced, where single calls cannot be left out."""
    return isinstance(x, fx.Proxy) or torch.compiler.is_exporting()


def without_layer(module: nn.Module, closing: Closing) -> None:
    """Replace the last layer of a network, which is the caller's own copy, by nothing."""
    module.set_submodule(closing.layer, nn.Identity())


def without_closing(module: nn.Module, closing: Closing, x: Tensor) -> Tensor:
    """Return what a network hands to its last function, (n, outputs)."""
    with _LeaveOut(closing):
        return module(x)


@contextmanager
def _used_layers(module: nn.Module) -> Iterator[dict[str, list[Tensor]]]:
    """Yield the results of the layers that are such a function, by name."""
    used: dict[str, list[Tensor]] = defaultdict(list)
    layers = [(name, part) for name, part in module.named_modules() if name and type(part) in LAYERS]
    handles = [
        part.register_forward_hook(lambda _, __, result, name=name: used[name].append(result)) for name, part in layers
    ]
    try:
        yield used
    finally:
        for handle in handles:
            handle.remove()


def find_closing(module: nn.Module, images: Tensor, outputs: Tensor) -> Closing | None:
    """Return the softmax, log-softmax or sigmoid that a network ends in; None if it ends in none, or inside a script.

    Parameters
    ----------
    images : Tensor, shape (n, C, *spatial)
    outputs : Tensor, shape (n, outputs)
        What the network returned for each by itself.
    """
    with torch.inference_mode():
        with _Watch() as watch, _used_layers(module) as used:
            module(images[:1].clone())
        if watch.last is None:
            return None
        closing, result = watch.last
        once = [name for name, results in used.items() if len(results) == 1 and results[0] is result]
        closing = replace(closing, layer=once[0] if once else "")
        if result.numel() != outputs[:1].numel():
            return None
        inside = torch.cat([without_closing(module, closing, image[None].clone()) for image in images])
        if inside.shape != outputs.shape:
            return None
        again = _AGAIN[closing.function](inside)
        return closing if bool(((again - outputs).abs() <= CLOSE * (1 + outputs.abs())).all()) else None
