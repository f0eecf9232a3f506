"""Randomisation: does the map depend on what the network has learned?"""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.compare.measures import ssim
from mriinterp.methods.guard import frozen
from mriinterp.progress import Cancel, Progress, check_cancel, tell
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.regional import rank_correlation
from mriinterp.trust.registry import Outcome, Quantity, register_measure

__all__ = ["cascade", "layer_groups", "randomisation", "randomised"]


def layer_groups(module: nn.Module, x: Tensor) -> list[list[str]]:
    """Layers with weights from the output down, each with the normalisation that follows it.

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
            module(x)
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
    """A copy of a network in which some layers have new random weights.

    Layers that know how to initialise themselves do (`reset_parameters`);
    others get normal noise of the spread of their weights.
    """
    other = copy.deepcopy(module)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for name in names:
            layer = other.get_submodule(name)
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
                continue
            for parameter in layer.parameters(recurse=False):
                spread = float(parameter.std()) if parameter.numel() > 1 else 1.0
                noise = torch.randn(parameter.shape) * (spread if spread > 0 else 1.0)
                parameter.copy_(noise.to(parameter))
    return other.eval()


def _similarity(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Spearman's ρ and SSIM inside a mask; 0 for a map that does not vary: it shares nothing."""
    rho = rank_correlation(a[mask], b[mask])
    box = tuple(slice(int(hit[0]), int(hit[-1]) + 1) for hit in map(np.unique, np.nonzero(mask)))
    alike = ssim(a[box], b[box], mask[box]) if a[mask].any() and b[mask].any() else 0.0
    return (0.0 if math.isnan(rho) else rho), alike


def cascade(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
):
    """Maps of the network as more and more of its layers are random, from the output down.

    Yields
    ------
    (str, array)
        The first layer of the group re-initialised last, and the map, signed.
    """
    groups = layer_groups(case.module, case.x)
    names: list[str] = []
    for step, group in enumerate(groups):
        check_cancel(cancel)
        names += group
        other = randomised(case.module, names, seed)
        yield group[0], explainer(case, module=other, cancel=cancel)
        tell(progress, step + 1, len(groups))


@register_measure(
    "randomisation",
    label="Randomisation of the network",
    question="Does the map change when the network's weights are made random, layer by layer from the output down?",
    reference="Adebayo et al. 2018",
    cost="costly",
    needs=("subjects",),
    quantities=(
        Quantity("excess", "Similarity to the random network's map beyond that of two subjects", "lower", "ρ"),
        Quantity("rho_random", "Spearman's ρ with the map of the fully random network", "lower", "ρ"),
        Quantity("rho_subjects", "Spearman's ρ with the map of another subject", "", "ρ"),
        Quantity("ssim_random", "SSIM with the map of the fully random network", "lower", "1 = equal"),
        Quantity("ssim_subjects", "SSIM with the map of another subject", "", "1 = equal"),
    ),
)
def randomisation(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Similarity of the map, as it is read, to maps of networks with random layers.

    A map of a random network can tell nothing about the disease. If it is as
    much like the original as the maps of two different subjects are like each
    other, or more, the map shows the scan and not what was learned.
    """
    original = explainer.read(relevance)
    steps, rhos, ssims = [], [], []
    for name, values in cascade(case, explainer, relevance, seed=seed, progress=progress, cancel=cancel):
        rho, alike = _similarity(original, explainer.read(values), case.mask)
        steps.append(name)
        rhos.append(rho)
        ssims.append(alike)
    between = []
    for other in case.others:
        check_cancel(cancel)
        between.append(_similarity(original, explainer.read(explainer(case, x=other, cancel=cancel)), case.mask))
    rho_subjects, ssim_subjects = np.mean(between, axis=0).tolist()
    values = {
        "excess": rhos[-1] - rho_subjects,
        "rho_random": rhos[-1],
        "rho_subjects": rho_subjects,
        "ssim_random": ssims[-1],
        "ssim_subjects": ssim_subjects,
    }
    return Outcome(values, {"layers": steps, "rho": rhos, "ssim": ssims})
