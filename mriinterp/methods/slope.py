"""Whether the gradient that PyTorch gives of a network is the slope of its output.

It is not where a part of `forward` runs without a gradient (``torch.no_grad``,
``.detach()``, ``.item()``, NumPy) or brings a backward pass of its own. Such
places are found in one forward pass; where there are any, the gradient is
compared with what the output really does when the scan changes a little.
"""

from __future__ import annotations

import copy
import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mriinterp.gradient.view import base_of
from mriinterp.incremental.digest import digest_of
from mriinterp.incremental.remember import remembered
from mriinterp.methods.tape import operator_name, own_functions

__all__ = ["WITHOUT", "check_slope", "words_for_gradients"]

WITHOUT = "Occlusion and area occlusion need no gradient"

FINE = (1e-4, 0.02, 1e-9)
"""In float64: how far the scan is changed, of its own size; what share of a slope the gradient may miss; and from which
share of the output on a difference counts, which rounding does not reach."""

COARSE = (1e-2, 0.2, 1e-3)
"""The same in float32."""

MOST_NAMED = 3

_LOOKS = {"zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones"}
_LOOKS |= {"new_empty", "new_full", "new_tensor"}
_NUMBERS = {"item", "tolist", "__float", "__int"}
_OURS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cut:
    """A place in a network's code through which gradients do not pass as values do.

    Parameters
    ----------
    how : str
        What stops them: ``"torch.no_grad"``, ``".detach()"``, …
    where : str
        File, line and text of the code, as far as known.
    """

    how: str
    where: str

    def __str__(self) -> str:
        return f"{self.how}{f' in {self.where}' if self.where else ''}"


@dataclass(frozen=True)
class _Slopes:
    """Slope of an output, and what its gradient makes of it, along the direction in which they differ most."""

    real: float
    seen: float
    missing: bool
    none: bool


class _Watch(TorchFunctionMode):
    """Collect the calls of this thread that take values with a gradient and give values without."""

    def __init__(self):
        super().__init__()
        self.cuts: list[Cut] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = operator_name(func)
        if name not in _LOOKS and _any_tracked(args, kwargs) and (name in _NUMBERS or _is_cut(result)):
            self.cuts.append(Cut(_how(name), _place()))
        return result


def _any_tracked(args: Any, kwargs: Any) -> bool:
    given = [*args, *(kwargs or {}).values()]
    given += [item for group in given if isinstance(group, (list, tuple)) for item in group]
    return any(isinstance(a, Tensor) and a.requires_grad for a in given)


def _is_cut(result: Any) -> bool:
    values = result if isinstance(result, (list, tuple)) else [result]
    tensors = [v for v in values if isinstance(v, Tensor) and (v.is_floating_point() or v.is_complex())]
    return bool(tensors) and not any(tensor.requires_grad for tensor in tensors)


def _how(name: str) -> str:
    if torch.is_inference_mode_enabled():
        return "torch.inference_mode"
    if not torch.is_grad_enabled():
        return "torch.no_grad"
    if name in _NUMBERS:
        return "a number taken out of a tensor" if name.startswith("__") else f".{name}()"
    return {"detach": ".detach()", "__get": ".data"}.get(name, name.strip("_"))


def _place() -> str:
    """Return where the innermost code of the user is, in words; "" if it is not known."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        library = {"site-packages", "torch", "threading.py"} & set(path.parts) or _OURS in path.parents
        if not library and not str(path).startswith("<"):
            line = " ".join(linecache.getline(str(path), frame.f_lineno).split())
            return f"{path.name}, line {frame.f_lineno}{f' ({line})' if line else ''}"
        frame = frame.f_back
    return ""


def check_slope(model: nn.Module, x: Tensor, target: int, note: Callable[[str], None], *, activation: bool) -> None:
    """Refuse a network whose output has no gradient, and report one whose gradient is not its slope.

    The forward pass that looks for such places runs once for all networks of
    the same layers. Where it finds any, slopes are measured once for a network
    and output, on the first scan.

    Parameters
    ----------
    model : nn.Module
        In eval mode, parameters without gradient.
    x : Tensor, shape (1, C, *spatial)
        It is not changed.
    target : int
        Index of the explained output.
    note : callable
        Called with what is wrong, in words, where a part is left out.
    activation : bool
        Whether gradients reach back to a layer only.

    Raises
    ------
    ValueError
        If no gradient of the output reaches the scan.
    """
    digest = digest_of(base_of(model), values=False)
    key = ("slope", digest, tuple(x.shape), x.dtype, str(x.device))
    cuts = remembered(None if digest is None else key, lambda: _find_cuts(model, x))
    if not cuts:
        return
    own = digest_of(model)
    found = remembered(None if own is None else (*key, own, target), lambda: _slopes(model, x, target))
    named = _named(cuts)
    if found.none:
        raise ValueError(
            "expected an output that PyTorch can trace back to the scan, got one without a gradient: forward computes "
            f"what all of it depends on by {named}. {WITHOUT}; for the other methods take that out of forward "
            "(requires_grad_(False) freezes weights and leaves the gradient of the scan as it is)"
        )
    if found.missing:
        maps = "gradients behind the layer of this map" if activation else "this map"
        note(
            f"forward computes a part without its true gradient, by {named}: along one direction the output has a "
            f"slope of {found.real:.3g}, by its gradient {found.seen:.3g}; {maps} may leave that part out. {WITHOUT}"
        )


def _named(cuts: tuple[Cut, ...]) -> str:
    texts = list(dict.fromkeys(map(str, cuts)))
    more = f" and {len(texts) - MOST_NAMED} more places" if len(texts) > MOST_NAMED else ""
    return "; ".join(texts[:MOST_NAMED]) + more


def _find_cuts(model: nn.Module, x: Tensor) -> tuple[Cut, ...]:
    with torch.enable_grad(), _Watch() as watch:
        output = model(x.detach().clone().requires_grad_(True).clone())
    own = [Cut(f"{found.__name__}, a function with a backward pass of its own", "") for found in own_functions(output)]
    if not watch.cuts and not own and not output.requires_grad:
        return (Cut("operations that have no gradient", ""),)
    return (*watch.cuts, *own)


def _slopes(model: nn.Module, x: Tensor, target: int) -> _Slopes:
    """Measure an output along two directions: in float64 where the network can run so."""
    try:
        return _slopes_of(copy.deepcopy(model).double(), x.double(), target)
    except Exception:  # a network may name its data type, or not be copied: anything may be raised
        return _slopes_of(model, x, target)


def _slopes_of(model: nn.Module, x: Tensor, target: int) -> _Slopes:
    x = x.detach()
    step, missed, noticed = FINE if x.dtype == torch.float64 else COARSE
    with torch.enable_grad():
        leaf = x.clone().requires_grad_(True)
        value = model(leaf.clone())[0, target]
        found = torch.autograd.grad(value, leaf, allow_unused=True)[0] if value.requires_grad else None
    gradient = torch.zeros_like(x) if found is None else found
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
    share, worst = 0.0, (0.0, 0.0)
    with torch.no_grad():
        for way in (x, noise * x.std().clamp(min=1e-6)):  # brighter as a whole, and each voxel by itself
            after, before = (float(model(x + sign * step * way)[0, target]) for sign in (1, -1))
            real, seen = (after - before) / (2 * step), float((gradient * way).sum())
            off = abs(real - seen)
            if off > max(noticed * abs(after), share * max(abs(real), abs(seen))):
                share, worst = off / max(abs(real), abs(seen)), (real, seen)
    return _Slopes(*worst, missing=share > missed, none=share > missed and not bool(gradient.any()))


_IN_PLACE = "write x = x + y for x += y, and leave out inplace=True"
_CAUSES = (
    ("inplace operation", "a change in place of what a gradient is computed from", _IN_PLACE),
    ("in-place operation", "a change in place of what a gradient is computed from", _IN_PLACE),
    ("modified inplace", "a change in place of a view", f"{_IN_PLACE}; clone a view before it is changed"),
    ("numpy()", "NumPy on a tensor of the scan", "use torch's own functions in forward"),
    ("nference", "torch.inference_mode around a part of forward", "requires_grad_(False) freezes weights"),
    ("does not require grad", "an output without a gradient", ""),
    ("not to have been used", "an output without a gradient", ""),
    ("torch.utils.checkpoint", "torch.utils.checkpoint", "leave it out, or try use_reentrant=False"),
    ("vjp method", "a torch.autograd.Function without a backward pass", "write its backward"),
)
"""What is in an error of PyTorch, what it means, and what to do."""


@contextmanager
def words_for_gradients() -> Iterator[None]:
    """Turn errors of autograd inside the block into a ValueError that names the cause and what to do."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        text = " ".join(str(error).split())
        if "alloc" in text and "memory" in text:
            raise
        cause, way_out = next((words for sign, *words in _CAUSES if sign in text), ("", ""))
        said = _first_sentence(text)
        raise ValueError(
            f"expected a network that PyTorch can differentiate, got {f'{cause} ({said})' if cause else said}"
            f"{f'; {way_out}' if way_out else ''}. {WITHOUT}"
        ) from error


def _first_sentence(text: str) -> str:
    """Return an error of PyTorch up to its advice to programmers."""
    return text.partition(". ")[0].partition("; expected version")[0].rstrip(".") or "an error without words"
