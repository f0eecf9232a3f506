"""Detect networks that do not treat each scan of a batch by itself.

Scans and occlusion windows may share a batch only then. Batch norm without
running statistics mixes them, and so does a scaling by the minimum and
maximum of the whole input tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ["FAILURES", "MIXES", "ScanByScan", "is_marked_alone", "mark_alone", "reason_to_run_alone"]

MIXES = "its output for a scan depends on the other scans of a batch"

EQUAL = 1e-5  # of an output's size: what another order of summation changes, if nothing cancels
SAME_KERNELS = 1e-6  # of an output's size, where both sides were computed alike
ROUNDING = 1e-3  # of the largest output: more than that is never rounding
FAILURES = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)
"""What a network raises that cannot read what it is given."""

_MARK = "_mriinterp_run_alone"

# Functions of PyTorch by name, without underscores and variant ("relu" for `F.relu_` and ``aten.relu.default``).
_LOCAL = frozenset([
    "conv2d", "conv3d", "convolution", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish",
    "sigmoid", "tanh", "hardtanh", "hardswish", "softplus", "clamp", "add", "iadd", "radd", "sub", "isub", "rsub",
    "mul", "imul", "rmul", "div", "truediv", "itruediv", "rtruediv", "neg", "abs", "exp", "log", "sqrt", "pow",
    "clone", "contiguous", "detach", "float", "to", "dropout", "dropout2d", "dropout3d", "feature_dropout",
    "alpha_dropout", "max_pool2d", "max_pool3d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool2d",
    "adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d", "get", "len", "size", "dim",
])  # fmt: skip
# Functions whose second argument names axes.
_ALONG = frozenset(["mean", "sum", "amax", "amin", "cat", "concat", "softmax", "log_softmax", "flatten"])


class ScanByScan(TorchFunctionMode):
    """Watch one forward pass for operations through which scans of a batch could influence each other.

    Attributes
    ----------
    proven : bool
        True as long as every operation was one that treats each scan by
        itself. False proves nothing; `reason_to_run_alone` then tries.
    weighted : Tensor or None
        What the latest layer of weights returned. A network that returns just
        this has numbers of either sign for outputs: no shares.
    """

    def __init__(self, module: nn.Module):
        super().__init__()
        self.proven = True
        self.weighted: Tensor | None = None
        self._weights = {id(t) for t in chain(module.parameters(), module.buffers())}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "").partition(".")[0].strip("_")
        self.proven = self.proven and self._by_itself(name, args, kwargs)
        result = func(*args, **kwargs)
        if name == "get" and isinstance(result, Tensor):
            self.proven = False  # an attribute such as `Tensor.T`, which moves axes; a shape or a type moves none
        if name == "linear":
            self.weighted = result
        return result

    def _by_itself(self, name: str, args: tuple, kwargs: dict) -> bool:
        if name in _LOCAL:
            return True
        if name == "batch_norm":
            return _argument(args, kwargs, 5, "training") is False
        if name == "linear":
            return id(_argument(args, kwargs, 1, "weight")) in self._weights
        if name in _ALONG and args:
            tensor: Any = _first(args[0])
            axes = _argument(args, kwargs, 1, "dim", "start_dim")
            axes = axes if isinstance(axes, (list, tuple)) else [axes]
            return bool(axes) and all(isinstance(axis, int) and axis % tensor.ndim for axis in axes)
        if name in ("view", "reshape"):
            return _first(_argument(args, kwargs, 1, "shape", "size")) in (1, -1)
        return False


def _argument(args: tuple, kwargs: dict, place: int, *names: str) -> object:
    """Return an argument given by place or by one of its names; None if it was not given."""
    return args[place] if len(args) > place else next((kwargs[name] for name in names if name in kwargs), None)


def _first(values: object) -> object:
    return values[0] if isinstance(values, (list, tuple)) and values else values


def mark_alone(module: nn.Module) -> None:
    """Mark a module whose scans must run one by one; `mriinterp.incremental.Occluder` keeps to it."""
    setattr(module, _MARK, True)


def is_marked_alone(module: nn.Module) -> bool:
    """Return whether a module was marked by `mark_alone`."""
    return getattr(module, _MARK, False)


def reason_to_run_alone(run: Callable[[list[int]], Tensor], alone: Tensor) -> str:
    """Return why two scans must not run together, in words; "" if they may.

    Parameters
    ----------
    run : callable
        ``run([0, 1])``: outputs (2, outputs) of both scans in a batch; the
        list may name a scan twice.
    alone : Tensor, shape (2, outputs)
        ``run([0])`` and ``run([1])``.

    Notes
    -----
    A batch may be computed by other kernels than a single scan, and so differ
    by rounding. Small differences count only if the output of a scan changes
    when the other one is exchanged for a copy of it: then the kernels are the
    same. A network that is random differs from itself, and may run as it likes.
    """
    try:
        together = run([0, 1])
    except FAILURES as error:
        reason = str(error).strip().partition("\n")[0]
        if "memory" in reason.lower():
            return ""  # that says nothing about the network; images so large run one by one anyway
        return f"it cannot run two scans at once ({reason or type(error).__name__})"
    if together.shape != alone.shape:
        return f"it returns an output of shape {tuple(together.shape)} for two scans at once"
    if _equal(together, alone, EQUAL):
        return ""
    if float((together - alone).abs().max()) <= ROUNDING * float(alone.abs().max()):
        twins = torch.cat([run([0, 0])[:1], run([1, 1])[:1]])
        if _equal(twins, together, SAME_KERNELS):
            return ""
    return MIXES if _equal(run([0]), alone[:1], EQUAL) else ""


def _equal(found: Tensor, expected: Tensor, tolerance: float) -> bool:
    """Return whether outputs (n, outputs) are equal within a share of the size of each output."""
    size = expected.abs().nan_to_num().amax(dim=0)
    within = (found - expected).abs() <= tolerance * size.clamp(min=1e-6 * float(size.max()))
    return bool((within | (found == expected) | (found.isnan() & expected.isnan())).all())
