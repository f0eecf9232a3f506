"""The weights that a layer computes with, however it holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

__all__ = ["kind_of", "sets_weights", "weight_of"]


def sets_weights(hook: Callable[..., Any]) -> bool:
    """Return whether a forward pre-hook only computes the weight: a norm or a pruning of `torch.nn.utils`."""
    if isinstance(hook, BasePruningMethod):
        return hook._tensor_name == "weight"
    return isinstance(hook, (WeightNorm, SpectralNorm)) and hook.name == "weight"


def kind_of(layer: nn.Module) -> type[nn.Module]:
    """Return the class of a layer as it was before parametrizations made it one of their own."""
    return parametrize.type_before_parametrizations(layer)


def weight_of(layer: nn.Module) -> Tensor:
    """Return the weight that the next pass of a layer in eval mode will use.

    Parametrizations are computed on access. The older weight norm,
    spectral norm and pruning set the attribute when the layer is called, so that it may
    be behind its parts.
    """
    for hook in layer._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm):
            return hook.compute_weight(layer)
        if isinstance(hook, SpectralNorm):
            return hook.compute_weight(layer, do_power_iteration=False)
        if isinstance(hook, BasePruningMethod):
            return hook.apply_mask(layer)
    return cast("Tensor", layer.weight)
