"""Sensitivity analysis: the gradient of the score."""

from __future__ import annotations

from torch import Tensor, nn

from mriinterp.methods.registry import register_method
from mriinterp.methods.score import Score, gradient_of_score

PUBLISHED = {"rieke2018": {"score": "probability"}}


@register_method(
    "sensitivity",
    label="Sensitivity analysis",
    reference="Simonyan et al. 2014",
    reading="absolute",
    per_unit=True,
    unit="change of {score} per unit of intensity",
    caution="Shows where a small change would matter, not what spoke for the class; noisy from voxel to voxel.",
    presets=PUBLISHED,
)
def sensitivity(model: nn.Module, x: Tensor, target: int, *, score: Score = "probability") -> Tensor:
    """Gradient of the score with respect to every voxel, signed."""
    return gradient_of_score(model, x, target, score)
