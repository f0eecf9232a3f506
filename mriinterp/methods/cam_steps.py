"""Class activation by the steps that a network was taken apart into: a layer's map from the clean pass, and its gradient."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mriinterp.gradient import Gradients
from mriinterp.gradient.run import Score, agree, every_output, noise_like
from mriinterp.gradient.view import base_of
from mriinterp.incremental.digest import digest_of
from mriinterp.incremental.remember import keep, recall
from mriinterp.incremental.shared import SMALL_IMAGE
from mriinterp.methods.recording import Step, record
from mriinterp.models.batch import FAILURES

__all__ = ["know_layer", "outputs_with_layer", "values_by_steps"]


log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Known:
    """The layer that was chosen of a network, for all networks of the same layers.

    Parameters
    ----------
    step : Step
        Without values.
    number : int or None
        Which of the steps' maps of its shape it is; None where autograd is used.
    """

    step: Step
    number: int | None

    @property
    def shape(self) -> tuple[int, ...]:
        return _shape(self.step)


def _shape(step: Step) -> tuple[int, ...]:
    return step.channels, *step.cells


def _key(model: nn.Module, x: Tensor, depth: int, layer: str, first: bool) -> Hashable | None:
    digest = digest_of(base_of(model), values=False) if x.numel() >= SMALL_IMAGE else None
    return None if digest is None else ("layer", digest, tuple(x.shape), x.dtype, str(x.device), depth, layer, first)


def know_layer(model: nn.Module, x: Tensor, depth: int, layer: str, first: bool, step: Step) -> None:
    """Keep the layer that was chosen for these settings, if the steps give its map and gradient.

    That is tried once for all networks of the same layers, on noise.
    """
    key = _key(model, x, depth, layer, first)
    if key is not None and recall(key) is None:
        keep(key, _Known(replace(step, values=None, node=None), _number(model, x, step)))


def _number(model: nn.Module, x: Tensor, step: Step) -> int | None:
    """Return which of the steps' maps has the values and the gradient of a layer; None if none has."""
    if step.shape != (1, *_shape(step)):  # its axes lie otherwise
        return None
    gradients = Gradients(model, x, keep=_shape(step))
    if not gradients.maps:
        return None
    noise = noise_like(tuple(x.shape), x.dtype)
    try:
        recording = record(model, noise, keep=step.call)
        values = next((again.values for again in recording.steps if again.call == step.call), None)
        if values is None:
            return None
        slope = torch.autograd.grad(every_output(recording.output).sum(), values)[0]
        for number, candidate in enumerate(gradients.maps):
            found, back = gradients.inside(noise, every_output, candidate)
            if agree(found, values.detach()) and agree(back, slope):
                return number
    except FAILURES as error:
        log.debug("class activation by autograd: the network cannot be run on noise: %s", error)
    return None


def values_by_steps(
    model: nn.Module, x: Tensor, score: Score, depth: int, layer: str, first: bool
) -> tuple[Step, Tensor, Tensor] | None:
    """Return a known layer without its values, its map (1, channels, *cells) and the gradient of the score there.

    None if it is not known that the steps give them.
    """
    key = _key(model, x, depth, layer, first)
    known = None if key is None else recall(key)
    if known is None or known.number is None:
        return None
    gradients = Gradients(model, x, keep=known.shape)
    return (known.step, *gradients.inside(x, score, gradients.maps[known.number])) if gradients.maps else None


def outputs_with_layer(model: nn.Module, x: Tensor, depth: int, layer: str) -> Tensor | None:
    """Return what the network returns for an image, and offer the pass to `values_by_steps`; None if by autograd."""
    keys = (_key(model, x, depth, layer, first) for first in (False, True))
    found = (None if key is None else recall(key) for key in keys)
    known = next((known for known in found if known is not None and known.number is not None), None)
    return None if known is None else Gradients(model, x, keep=known.shape).outputs(x)
