"""HiResCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mriinterp.methods.choices import Depth, Layer, Score
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Note

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "hires_cam",
    label="HiResCAM",
    reference="Draelos & Carin 2020",
    kind="activation",
    order=70,
    reading="positive",
    unit="contribution of the activation to {score}",
    caution="Coarse: a few cells across the brain. Faithful to the layer it is taken from, not to single voxels.",
    docs=Docs(
        answers="what does each cell of the layer contribute to the score?",
        formula="φ = Σ_k (∂f/∂A_k) A_k, cell by cell.",
        source="Draelos & Carin 2020, arXiv:2011.08891.",
        failures="faithful to the layer, not to voxels; coarse.",
    ),
)
def hires_cam(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: Score = "margin",
    depth: Depth = 1,
    layer: Layer = "",
    note: Note | None = None,
) -> Tensor:
    """Activation times its gradient, cell by cell, drawn at the cells' receptive fields."""
    from mriinterp.methods.cam import activation_and_gradient, draw

    step, values, gradient = activation_and_gradient(model, x, target, score, depth, layer, note=note)
    coarse = (gradient * values).sum(dim=1)[0]
    return draw(coarse, step, tuple(x.shape[2:]))
