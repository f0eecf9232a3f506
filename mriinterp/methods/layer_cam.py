"""LayerCAM."""

from __future__ import annotations

from torch import Tensor, nn

from mriinterp.methods.cam import Depth, Layer, activation_and_gradient, draw
from mriinterp.methods.parameters import Note
from mriinterp.methods.registry import register_method
from mriinterp.methods.score import Score


@register_method(
    "layer_cam",
    label="LayerCAM",
    reference="Jiang et al. 2021",
    reading="positive",
    unit="activation that raises {score}",
    caution="Coarse: a few cells across the brain. Only what raises the score; deeper layers are coarser and surer.",
)
def layer_cam(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: Score = "margin",
    depth: Depth = 1,
    layer: Layer = "",
    note: Note | None = None,
) -> Tensor:
    """Activation times its positive gradient, drawn at the cells' receptive fields."""
    step, values, gradient = activation_and_gradient(model, x, target, score, depth, layer, note=note)
    coarse = (gradient.clamp(min=0) * values).sum(dim=1)[0]
    return draw(coarse, step, tuple(x.shape[2:]))
