"""Class activation maps placed where their cells look."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor, nn

from mriinterp.methods.parameters import Param
from mriinterp.methods.placement import linear, place
from mriinterp.methods.score import score_of
from mriinterp.methods.tape import Step, record

__all__ = ["MIN_CELLS", "Depth", "activation_and_gradient", "draw"]

MIN_CELLS = 3  # a map of one or two cells an axis says nothing about place

Depth = Annotated[
    int,
    Param("Which activation: 1 is the last with at least 3 cells an axis, 2 the one before, …", minimum=1, maximum=99),
]


def activation_and_gradient(model: nn.Module, x: Tensor, target: int, score: str, depth: int) -> tuple[Step, Tensor]:
    """An activation near the output, and the gradient of the score there.

    Taken after the nonlinearity and before pooling.

    Parameters
    ----------
    depth : int
        1 for the last activation with at least three cells along each axis.

    Raises
    ------
    ValueError
        If the network has no such activation.
    """
    output, steps = record(model, x)
    usable = [
        s for s in steps if s.kind == "activation" and s.geometry and min(s.values.shape[2:], default=0) >= MIN_CELLS
    ]
    if depth > len(usable):
        raise ValueError(
            f"expected a network with at least {depth} activations of {MIN_CELLS} or more cells along each axis, got {len(usable)}"
        )
    step = usable[-depth]
    gradient = torch.autograd.grad(score_of(output, target, score).sum(), step.values)[0]
    return step, gradient


def draw(coarse: Tensor, step: Step, shape: tuple[int, ...]) -> Tensor:
    """A coarse map (*cells) on the voxels (1, 1, *shape).

    Trilinear between the centres of the receptive fields, 0 outside them.
    """
    centres = step.centres()
    matrices = [linear(c, n, blank=True) for c, n in zip(centres, shape, strict=True)]
    return place(coarse.detach().double(), matrices)[None, None].float()
