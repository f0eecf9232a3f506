"""Class activation maps: the layer they are taken from, and the place of their cells on the scan."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from mriinterp.methods.cam_steps import know_layer, values_by_steps
from mriinterp.methods.guard import frozen
from mriinterp.methods.parameters import Note
from mriinterp.methods.placement import linear, place
from mriinterp.methods.recording import Recording, Step, record
from mriinterp.methods.score import score_of
from mriinterp.models import Model

__all__ = ["MIN_CELLS", "activation_and_gradient", "draw", "layer_names", "model_layers"]

MIN_CELLS = 3  # a map of one or two cells an axis says nothing about place
LISTED = 40  # layers that a message names


def _with_space(recording: Recording) -> list[Step]:
    return [step for step in recording.steps if min(step.cells) >= MIN_CELLS]


def _stages(steps: Sequence[Step]) -> list[list[Step]]:
    """Return maps that everything passes through, each convolution or sum with the norms and activations behind it."""
    stages: list[list[Step]] = []
    for step in steps:
        if step.whole and step.kind in ("convolution", "join"):
            stages.append([])
        if step.whole and stages:
            stages[-1].append(step)
    return stages


def _listed(steps: Sequence[Step]) -> str:
    """Return layers in words, the last ones first."""
    names = [str(step) for step in reversed(steps) if step.whole]
    more = [f"and {len(names) - LISTED} before"] if len(names) > LISTED else []
    return ", ".join([*names[:LISTED], *more]) or "none"


def _elsewhere(steps: Sequence[Step]) -> str:
    """Return what to do about a network without a layer that everything passes through, in words."""
    names = [str(step) for step in reversed(steps) if step.kind in ("convolution", "join")][:LISTED]
    if names:
        return f"; to take one that a part passes through by name, layer=…; available: {', '.join(names)}"
    return "; its layers have fewer cells, or other axes than the scan. Occlusion and gradients need no layer"


def _choose(recording: Recording, depth: int, layer: str, first: bool) -> Step:
    """Return the layer that is asked for.

    Parameters
    ----------
    first : bool
        Take a stage's convolution itself, not what comes out behind its
        norms and activations.
    """
    steps = _with_space(recording)
    if layer:
        named = [step for step in steps if step.name == layer]
        if not named:
            small = next((step for step in recording.steps if step.name == layer), None)
            got = repr(layer) if small is None else f"{small}: it has fewer"
            raise ValueError(
                f"expected a layer of {MIN_CELLS} or more cells along each axis by name, got {got}; "
                f"available: {_listed(steps)}"
            )
        return _placed(named[0], steps, stretched=first)
    stages = _stages(steps)
    if depth > len(stages):
        raise ValueError(
            f"expected a network with at least {depth} layers of {MIN_CELLS} or more cells along each axis that "
            f"everything passes through, got {len(stages)}: {_listed(steps)}{'' if stages else _elsewhere(steps)}"
        )
    chosen = stages[-depth]
    if chosen[-1].as_tokens:
        raise ValueError(
            f"expected a network that keeps maps up to its last layers, got one that goes on with their cells as "
            f"tokens, as transformers do, behind {chosen[-1]}; to take a layer before that by name, layer=…; "
            f"available: {_listed(steps)}"
        )
    return _placed(chosen[0] if first and chosen[0].kind == "convolution" else chosen[-1], steps, stretched=first)


def _placed(step: Step, steps: Sequence[Step], *, stretched: bool) -> Step:
    """Return the layer, if its cells have a known place, or may be stretched over the scan."""
    geometry = step.geometry
    if geometry.turned or (geometry.jump is None and not stretched):
        known = [other for other in steps if other.geometry.jump is not None]
        raise ValueError(
            f"expected a layer that only convolutions, pooling and element-wise layers lead to, got {step}: its cells "
            f"have no known place on the scan; to take another by name, layer=…; available: {_listed(known)}"
        )
    return step


def activation_and_gradient(
    model: nn.Module,
    x: Tensor,
    target: int,
    score: str,
    depth: int = 1,
    layer: str = "",
    *,
    first: bool = False,
    note: Note | None = None,
) -> tuple[Step, Tensor, Tensor]:
    """Return a map near the output, its values, and the gradient of the score there.

    It is the last map that still has space and that all of the output
    depends on: a branch beside a skip connection, a growth convolution
    or a gate is none. It is taken after its nonlinearity and before pooling.

    Parameters
    ----------
    depth : int
        1 for the last such map with at least three cells along each axis.
    layer : str
        Name of a layer instead, whatever `depth`; not everything need pass
        through it.
    first : bool
        The convolution itself, as published, where the map begins with one.
    note : callable, optional
        Is given ``"layer"`` and the layer in words.

    Returns
    -------
    Step
    values, gradient : Tensor, shape (1, channels, *cells)

    Raises
    ------
    ValueError
        If the network has no such map, or goes on with its cells as tokens.
    """
    explained = partial(score_of, target=target, score=score)
    found = values_by_steps(model, x, explained, depth, layer, first)
    if found is None:
        recording = record(model, x)
        step = _choose(recording, depth, layer, first)
        know_layer(model, x, depth, layer, first, step)
        if step.lost:
            recording = record(model, x, keep=step.call)
            step = next(again for again in recording.steps if again.call == step.call)
        assert step.values is not None  # kept by the second pass at the latest
        gradient = torch.autograd.grad(explained(recording.output).sum(), step.values)[0]
        found = step, step.arranged(step.values.detach()), step.arranged(gradient)
    if note is not None:
        note("layer", str(found[0]))
    return found


def layer_names(module: nn.Module, x: Tensor) -> list[str]:
    """Return layers that `layer` may name, the last first: those that everything passes through and that have space."""
    return [step.name for step in reversed(_with_space(record(module, x))) if step.whole]


def model_layers(model: Model) -> list[str]:
    """Return `layer_names` of a model, for its first head."""
    x = torch.zeros((1, model.card.channels, *model.grid.shape), device=model.device)
    with model.own_module(model.heads[0]) as module, frozen(module), torch.inference_mode(False):
        return layer_names(module, x)


def draw(coarse: Tensor, step: Step, shape: tuple[int, ...]) -> Tensor:
    """Interpolate a coarse map (*cells) on the voxels (1, 1, *shape).

    Trilinear between the centres of the receptive fields, 0 outside them.
    """
    matrices = [linear(c, n, blank=True) for c, n in zip(step.centres(), shape, strict=True)]
    return place(coarse.detach().double(), matrices)[None, None].float()
