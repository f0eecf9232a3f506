"""Copies of a network with random weights in some of its layers."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from mriinterp.methods.guard import frozen

__all__ = ["layer_groups", "randomised"]


def layer_groups(module: nn.Module, x: Tensor) -> list[list[str]]:
    """Return layers with weights from the output down, each with the normalisation that follows it.

    Returns
    -------
    list of list of str
        Names of modules, in the order they are re-initialised: the reverse of
        the order in which they run.
    """
    order: list[str] = []
    hooks = []
    for name, child in module.named_modules():
        if next(child.parameters(recurse=False), None) is not None:
            hooks.append(child.register_forward_hook(lambda *_, name=name: order.append(name)))
    try:
        with frozen(module), torch.inference_mode():
            module(x.clone())
    finally:
        for hook in hooks:
            hook.remove()
    groups: list[list[str]] = []
    for name in dict.fromkeys(order):
        layer = module.get_submodule(name)
        weights = max((p.dim() for p in layer.parameters(recurse=False)), default=0)
        if weights > 1 or not groups:
            groups.append([name])
        else:  # scale and shift alone: normalisation, goes with the layer before
            groups[-1].append(name)
    return groups[::-1]


def randomised(module: nn.Module, names: list[str], seed: int) -> nn.Module:
    """Return a copy of a network in which some layers have new random weights.

    Layers that know how to initialise themselves do (`reset_parameters`);
    others get normal noise of the spread of their weights.
    """
    other = copy.deepcopy(module)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for name in names:
            layer = other.get_submodule(name)
            if callable(reset := getattr(layer, "reset_parameters", None)):
                reset()
                continue
            for parameter in layer.parameters(recurse=False):
                spread = float(parameter.std()) if parameter.numel() > 1 else 1.0
                noise = torch.randn(parameter.shape) * (spread if spread > 0 else 1.0)
                parameter.copy_(noise.to(parameter))
    return other.eval()
