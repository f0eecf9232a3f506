"""A network to be trained: the study's own, or an architecture, with new weights."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from mriinterp.models import Model, get_architecture
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.training.dataset import visible_shape

__all__ = ["check_trainable", "crop_of", "new_network"]

POOLINGS = 2 * 3 * 2 * 3  # of ClassificationModel3D


def check_trainable(model: Model) -> None:
    """Raise ValueError, in words, for a network that this training cannot make anew."""
    card, head = model.card, model.heads[0]
    wrong = ""
    if card.images[1:] or card.numbers:
        wrong = f"reads {', '.join([*card.images, *(n.name for n in card.numbers)])}"
    elif len(model.heads) > 1 or head.kind != "classes" or head.width != 2:
        wrong = f"returns {', '.join(name for each in model.heads for name in each.classes)}"
    elif model.closing is not None or head.output not in ("", "logits"):
        wrong = f"returns {head.output or 'probabilities'}; leave out its last softmax"
    if wrong:
        raise ValueError(
            f"expected a network that reads one image and returns the logits of two classes, got {card.name}, which "
            f"{wrong}; name another with --architecture"
        )


def new_network(model: Model, architecture: str | None, dropout: Sequence[float], seed: int) -> nn.Module:
    """Return a network with weights drawn anew, in training mode, on the CPU, channels last.

    Parameters
    ----------
    model : Model
        The study's network: the grid, and the architecture unless another is named.
    architecture : str, optional
        A registered architecture.
    dropout : (float, float)
        Of ClassificationModel3D.
    seed : int

    Raises
    ------
    KeyError, ValueError
        For an unknown architecture, or one that cannot be made without weights, or does not fit the grid.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if architecture == "ClassificationModel3D" or (architecture is None and _is_paper(model.module)):
            module: nn.Module = ClassificationModel3D(_features(model.grid.shape), 2, *dropout)
        elif architecture is None or architecture == model.card.architecture:
            module = _forgotten(model)
        else:
            module = _built(architecture)
        _check_output(module, model)
    return module.train().to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # its types lack it


def crop_of(module: nn.Module, shape: Sequence[int]) -> tuple[int, ...]:
    """Return how many first voxels of each axis a network sees: all, unless more is known."""
    return visible_shape(shape) if _is_paper(module) else tuple(shape)


def _is_paper(module: nn.Module) -> bool:
    return type(module) is ClassificationModel3D


def _features(shape: Sequence[int]) -> int:
    """Return the number of inputs of dense_1 for a grid."""
    features = 64
    for n in visible_shape(shape):
        for pool in (2, 3, 2, 3):
            n = (n - 2) // pool
        features *= n
    return features


def _forgotten(model: Model) -> nn.Module:
    """Return a copy of the study's network with all weights drawn anew, as its layers draw them."""
    module = copy.deepcopy(model.module).cpu()
    fixed = []
    for name, part in module.named_modules():
        if not list(part.parameters(recurse=False)):
            continue
        if callable(getattr(part, "reset_parameters", None)):
            part.reset_parameters()
        else:
            fixed.append(name or type(part).__name__)
    if fixed:
        raise ValueError(
            f"expected layers that can draw their weights anew, got {', '.join(fixed[:5])} in {model.card.name}, which "
            "would keep what they have learnt; give them a method reset_parameters"
        )
    return module.requires_grad_(True)


def _built(name: str) -> nn.Module:
    entry = get_architecture(name)
    try:
        module, _ = entry.build([{}])
    except Exception as error:  # a builder that needs weights may fail anyhow
        raise ValueError(
            f"expected an architecture that can be made without weights, got {name} ({type(error).__name__}: {error})"
        ) from error
    return module


def _check_output(module: nn.Module, model: Model) -> None:
    x = torch.rand((1, 1, *model.grid.shape), generator=torch.Generator().manual_seed(0))
    try:
        with torch.inference_mode():
            out = module.eval()(x)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"expected a network that reads a scan on {model.grid}: {error}") from error
    if not isinstance(out, torch.Tensor) or tuple(out.shape) != (1, 2):
        got = tuple(out.shape) if isinstance(out, torch.Tensor) else type(out).__name__
        raise ValueError(f"expected a network that returns the logits of two classes, (n, 2), got {got}")
