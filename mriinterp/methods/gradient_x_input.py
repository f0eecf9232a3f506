"""Gradient times input."""

from __future__ import annotations

from torch import Tensor, nn

from mriinterp.methods.registry import register_method
from mriinterp.methods.score import Score, gradient_of_score


@register_method(
    "gradient_x_input",
    label="Gradient × input",
    reference="Shrikumar et al. 2016",
    reading="absolute",
    unit="first-order contribution to {score}",
    caution="Voxels of intensity zero get no relevance, whatever they mean to the network (CSF after normalisation).",
)
def gradient_x_input(model: nn.Module, x: Tensor, target: int, *, score: Score = "margin") -> Tensor:
    """Gradient of the score times the voxel's value: its first-order contribution."""
    return gradient_of_score(model, x, target, score) * x
