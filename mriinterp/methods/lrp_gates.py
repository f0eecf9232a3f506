"""Gates in layer-wise relevance propagation: a factor between 0 and 1 scales a map and gets none of its relevance.

Squeeze and excitation multiplies a map by the output of a sigmoid, and so
does attention of that kind; a swish is x · sigmoid(x). The product's
relevance is the signal's ("signal takes all"; Arras et al. 2017,
arXiv:1706.07206, section 3.2): the gate says how much passes, not what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from mriinterp.methods.lrp_rules import Pass

__all__ = ["GATES", "Gates"]

GATES = {"sigmoid", "hardsigmoid"}
"""Activations whose output is a gate when it multiplies something."""

_PRODUCTS = {"mul", "multiply", "__mul", "__rmul", "__imul"}


class Gates:
    """The gates of one forward pass; they carry no relevance, so they are no part of the graph."""

    def __init__(self) -> None:
        self._known: dict[int, Tensor] = {}  # referenced, so that no id is used twice

    def among(self, values: Sequence[object]) -> list[Tensor]:
        """Return which of the arguments of a call are gates."""
        return [value for value in values if isinstance(value, Tensor) and id(value) in self._known]

    def make(self, func: Callable, args: Sequence, kwargs: Mapping, x: Tensor) -> Tensor:
        """Run an activation whose output is a gate."""
        plain = x.detach()
        gate: Tensor = func(
            *(plain if a is x else a for a in args), **{k: plain if a is x else a for k, a in kwargs.items()}
        )
        if gate.untyped_storage().data_ptr() == x.untyped_storage().data_ptr():
            self._known[id(x)] = x  # computed in place: the old name means the gate, too
        return self._remember(gate)

    def apply(
        self, func: Callable, name: str, args: Sequence, kwargs: Mapping, signals: list[Tensor], moves: bool
    ) -> Any:
        """Run a call that reads a gate; None if the rule does not cover it.

        Parameters
        ----------
        signals : list of Tensor
            Arguments that carry relevance.
        moves : bool
            Whether the operation only moves values, scales or shifts them.
        """
        tensors = [a for a in args if isinstance(a, Tensor)]
        if not signals and moves:
            result = func(*args, **kwargs)
            for value in result if isinstance(result, (tuple, list)) else [result]:
                if isinstance(value, Tensor):
                    self._remember(value)
            return result
        if name not in _PRODUCTS or len(signals) != 1 or len(tensors) != 2 or kwargs:
            return None
        signal = signals[0]
        in_place = tensors[0] is not signal and func.__name__.partition(".")[0] in ("mul_", "multiply_", "__imul__")
        if in_place or any(a.ndim > signal.ndim or _grows(a, signal) for a in tensors):
            return None
        return Pass.apply(signal, lambda x: func(*(x if a is signal else a for a in args)))

    def _remember(self, gate: Tensor) -> Tensor:
        self._known[id(gate)] = gate
        return gate


def _grows(gate: Tensor, signal: Tensor) -> bool:
    """Return whether a product is larger than its signal."""
    return any(n not in (1, m) for n, m in zip(gate.shape[::-1], signal.shape[::-1], strict=False))
