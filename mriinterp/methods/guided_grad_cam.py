"""Guided Grad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mriinterp.methods.choices import Depth, Layer, Score
from mriinterp.methods.guided_backprop import guided_backprop
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Note

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "guided_grad_cam",
    label="Guided Grad-CAM",
    reference="Selvaraju et al. 2017",
    kind="gradient",
    order=120,
    reading="absolute",
    unit="product of guided gradient and class activation of {score}",
    directional=True,
    caution="The detail is that of guided backpropagation, an edge detector; only the coarse outline is the network's.",
    docs=Docs(
        answers="the detail of guided backpropagation where class activation is.",
        formula="φ = guided gradient ⊙ class activation.",
        source="Selvaraju et al. 2017, arXiv:1610.02391.",
        failures="those of both parts; the detail is an edge detector's.",
    ),
    passes=2.0,
)
def guided_grad_cam(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: Score = "margin",
    depth: Depth = 1,
    layer: Layer = "",
    note: Note | None = None,
) -> Tensor:
    """Guided backpropagation times the positive part of Grad-CAM, which is drawn where its cells look.

    Raises
    ------
    ValueError
        If the network has no ReLU, or no map of three cells an axis.
    """
    from mriinterp.methods.cam import activation_and_gradient, draw

    guided = guided_backprop(model, x, target, score=score)
    step, values, gradient = activation_and_gradient(model, x, target, score, depth, layer, note=note)
    weights = gradient.mean(dim=tuple(range(2, gradient.ndim)), keepdim=True)
    coarse = (weights * values).sum(dim=1)[0].clamp(min=0)
    return guided * draw(coarse, step, tuple(x.shape[2:]))
