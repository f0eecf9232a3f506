"""Sensitivity analysis: the gradient of the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mriinterp.methods.choices import Score
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method

if TYPE_CHECKING:
    from torch import Tensor, nn

PUBLISHED = {"rieke2018": {"score": "probability"}}


@register_method(
    "sensitivity",
    label="Sensitivity analysis",
    reference="Simonyan et al. 2014",
    kind="gradient",
    order=10,
    reading="absolute",
    per_unit=True,
    unit="change of {score} per unit of intensity",
    caution="Shows where a small change would matter, not what spoke for the class; noisy from voxel to voxel.",
    presets=PUBLISHED,
    docs=Docs(
        answers="where would a small change of intensity change the score?",
        formula="φ = ∂f/∂x; read by |φ|.",
        source="Simonyan et al. 2014, arXiv:1312.6034.",
        failures=(
            "no evidence for the class, only sensitivity; speckle from max pooling and ReLU; a saturated "
            "probability has no gradient (explain the margin instead)."
        ),
    ),
    lists=("cohort", "compare", "figure_1", "one_map", "quick"),
    original="backprop",
)
def sensitivity(model: nn.Module, x: Tensor, target: int, *, score: Score = "probability") -> Tensor:
    """Gradient of the score with respect to every voxel, signed."""
    from mriinterp.methods.score import gradient_of_score

    return gradient_of_score(model, x, target, score)
