"""Grad-CAM++."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mriinterp.methods.choices import Depth, Layer, Score
from mriinterp.methods.method import Docs, Expectation
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Note

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "grad_cam_pp",
    label="Grad-CAM++",
    reference="Chattopadhay et al. 2018",
    kind="activation",
    order=110,
    reading="positive",
    signed=False,
    unit="weighted activation that raises {score}",
    caution=(
        "Its weights assume that the score is a rectified sum of the cells, which dense layers are not: it may show "
        "what the network does not use. Coarse: a few cells across the brain."
    ),
    docs=Docs(
        answers="as Grad-CAM, with weights that count cells by how often they matter.",
        formula="φ = Σ_k w_k A_k, w_k = Σ_v α_kv ReLU(∂f/∂A_kv), α from powers of the gradient.",
        source="Chattopadhay et al. 2018, arXiv:1710.11063.",
        failures="its weights assume a rectified sum of cells; dense layers are not one. Coarse.",
    ),
    expected=(
        Expectation(
            "atrophy",
            "worst",
            "Chakroborty & Liu 2026: Grad-CAM++ agrees least with areas' clinical weights",
            quantity="rho_areas",
            by="ρ of areas with the atrophy",
        ),
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
    import torch

    from mriinterp.methods.cam import activation_and_gradient, draw

    step, values, gradient = activation_and_gradient(model, x, target, score, depth, layer, note=note)
    axes = tuple(range(2, gradient.ndim))
    gradient, values = gradient.double(), values.double()
    squared = gradient**2
    below = 2 * squared + gradient**3 * values.sum(dim=axes, keepdim=True)
    alpha = torch.where(below == 0, 0, squared / torch.where(below == 0, 1, below))
    weights = (alpha * gradient.clamp(min=0)).sum(dim=axes, keepdim=True)
    return draw((weights * values).sum(dim=1)[0], step, tuple(x.shape[2:]))
