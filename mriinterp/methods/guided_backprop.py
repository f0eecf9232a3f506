"""Guided backpropagation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mriinterp.methods.choices import Score
from mriinterp.methods.method import Docs, Expectation
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.sensitivity import PUBLISHED

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "guided_backprop",
    label="Guided backpropagation",
    reference="Springenberg et al. 2015",
    kind="gradient",
    order=20,
    reading="absolute",
    per_unit=True,
    unit="guided change of {score} per unit of intensity",
    caution="Sharp, but close to an edge detector: it hardly changes when the network's weights are randomised.",
    presets=PUBLISHED,
    docs=Docs(
        answers="which edges that the network's first layers see lead upwards to the score?",
        formula="the gradient, with negative gradients set to 0 at every ReLU.",
        source="Springenberg et al. 2015, arXiv:1412.6806.",
        failures=(
            "close to an edge detector; hardly depends on class and deep layers (Adebayo et al. 2018, Nie et "
            "al. 2018). Needs ReLU; networks without raise an error instead of giving the plain gradient."
        ),
    ),
    expected=(
        Expectation("randomisation", "fails", "Adebayo et al. 2018: guided backpropagation fails randomisation"),
        Expectation(
            "atrophy",
            "best",
            "Chakroborty & Liu 2026: plain and guided backpropagation agree best with areas' clinical weights",
            quantity="rho_areas",
            by="ρ of areas with the atrophy",
        ),
    ),
    lists=("cohort", "compare", "figure_1", "quick"),
    original="guided",
)
def guided_backprop(model: nn.Module, x: Tensor, target: int, *, score: Score = "probability") -> Tensor:
    """Gradient in which every ReLU passes positive gradients only.

    Raises
    ------
    ValueError
        If the network has no ReLU: the result would be the plain gradient.
    """
    from mriinterp.methods.score import GradientOfScore

    gradient, relus = GradientOfScore(model, x, target, score).guided(x)
    if relus == 0:
        raise ValueError(
            "expected a network with ReLU for guided backpropagation, got one without: "
            "the result would be the plain gradient; use 'sensitivity' instead"
        )
    return gradient
