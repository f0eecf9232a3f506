"""LayerCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mriinterp.methods.choices import Depth, Layer, Score
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Note

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "layer_cam",
    label="LayerCAM",
    reference="Jiang et al. 2021",
    kind="activation",
    order=60,
    reading="positive",
    signed=False,
    unit="activation that raises {score}",
    caution="Coarse: a few cells across the brain. Only what raises the score; deeper layers are coarser and surer.",
    docs=Docs(
        answers="which cells raise the score, each by its own positive gradient?",
        formula="φ = Σ_k ReLU(∂f/∂A_k) A_k, drawn at the centres of the receptive fields.",
        source="Jiang et al. 2021, doi:10.1109/TIP.2021.3089943.",
        failures=(
            "a few cells across the brain; only what raises the score. Cells that are active in every brain "
            "make the maps of any two subjects, and of a random network, alike."
        ),
    ),
    lists=("compare", "quick"),
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
    from mriinterp.methods.cam import activation_and_gradient, draw

    step, values, gradient = activation_and_gradient(model, x, target, score, depth, layer, note=note)
    coarse = (gradient.clamp(min=0) * values).sum(dim=1)[0]
    return draw(coarse, step, tuple(x.shape[2:]))
