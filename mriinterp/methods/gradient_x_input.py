"""Gradient times input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mriinterp.methods.choices import Score
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "gradient_x_input",
    label="Gradient × input",
    reference="Shrikumar et al. 2016",
    kind="gradient",
    order=80,
    reading="absolute",
    unit="first-order contribution to {score}",
    caution="Voxels of intensity zero get no relevance, whatever they mean to the network (CSF after normalisation).",
    docs=Docs(
        answers="what does each voxel contribute, to first order?",
        formula="φ = x ⊙ ∂f/∂x.",
        source="Shrikumar et al. 2016, arXiv:1605.01713.",
        failures=(
            "voxels of intensity 0 get nothing, whatever they mean; multiplies the scan into the map, which "
            "makes maps of any network look like it."
        ),
    ),
    lists=("quick",),
)
def gradient_x_input(model: nn.Module, x: Tensor, target: int, *, score: Score = "margin") -> Tensor:
    """Gradient of the score times the voxel's value: its first-order contribution."""
    from mriinterp.methods.score import gradient_of_score

    return gradient_of_score(model, x, target, score) * x
