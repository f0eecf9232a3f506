"""A network behind the view that explanations have of it: the part that is taken apart, and how its outputs are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from mriinterp.incremental.network import Call, Later, Network
from mriinterp.models.closing import FUNCTIONS, LAYERS
from mriinterp.models.output_view import OutputView

__all__ = ["base_of", "reader_of", "without_closing"]


def base_of(module: nn.Module) -> nn.Module:
    """Return the network itself, whose steps all views of it share."""
    return module.module if isinstance(module, OutputView) else module


def reader_of(module: nn.Module) -> Callable[[Any], Tensor]:
    """Return how outputs (n, classes) follow from what the base returns, or from what goes into its last function."""
    if not isinstance(module, OutputView):
        return lambda found: found
    if module.closing is None:
        return module.chosen
    return module.before_closing


def without_closing(network: Network) -> Network | None:
    """Return a network that ends in front of its last softmax, log-softmax or sigmoid; None if that is not its last call."""
    last = network.result.source if isinstance(network.result, Later) else None
    if not isinstance(last, Call) or not last.args or not isinstance(last.args[0], Later):
        return None
    named = getattr(last.function, "__name__", "").partition(".")[0] in FUNCTIONS
    if not named and not isinstance(last.function, LAYERS):
        return None
    return replace(network, calls=[call for call in network.calls if call is not last], result=last.args[0])
