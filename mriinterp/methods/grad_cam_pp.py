"""Grad-CAM++."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mriinterp.methods.cam import Depth, Layer, activation_and_gradient, draw
from mriinterp.methods.parameters import Note
from mriinterp.methods.registry import register_method
from mriinterp.methods.score import Score


@register_method(
    "grad_cam_pp",
    label="Grad-CAM++",
    reference="Chattopadhay et al. 2018",
    reading="positive",
    unit="weighted activation that raises {score}",
    caution=(
        "Its weights assume that the score is a rectified sum of the cells, which dense layers are not: it may show "
        "what the network does not use. Coarse: a few cells across the brain."
    ),
)
def grad_cam_pp(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: Score = "margin",
    depth: Depth = 1,
    layer: Layer = "",
    note: Note | None = None,
) -> Tensor:
    """Activation weighted per channel by its positive gradients, drawn at the cells' receptive fields.

    With g the gradient, A the activation and sums over all cells, channels
    are weighted with Σ α·max(g, 0), where α = g² / (2 g² + g³ ΣA).
    """
    step, values, gradient = activation_and_gradient(model, x, target, score, depth, layer, note=note)
    axes = tuple(range(2, gradient.ndim))
    gradient, values = gradient.double(), values.double()
    squared = gradient**2
    below = 2 * squared + gradient**3 * values.sum(dim=axes, keepdim=True)
    alpha = torch.where(below == 0, 0, squared / torch.where(below == 0, 1, below))
    weights = (alpha * gradient.clamp(min=0)).sum(dim=axes, keepdim=True)
    return draw((weights * values).sum(dim=1)[0], step, tuple(x.shape[2:]))
