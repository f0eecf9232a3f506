"""Integrated gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.methods.choices import Fill, Score
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Note, Param

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "integrated_gradients",
    label="Integrated gradients",
    reference="Sundararajan et al. 2017",
    kind="gradient",
    order=90,
    reading="absolute",
    unit="contribution to {score} against the baseline",
    caution="Relative to its baseline: a voxel equal to the baseline gets none. Sums to score(scan) − score(baseline).",
    docs=Docs(
        answers="what does each voxel contribute on the way from a baseline to the scan?",
        formula="φ = (x − x₀) ⊙ ∫₀¹ ∂f/∂x (x₀ + t (x − x₀)) dt, by Gauss–Legendre; Σφ = f(x) − f(x₀).",
        source="Sundararajan et al. 2017, arXiv:1703.01365.",
        failures="relative to its baseline; the path runs through images that are no brains.",
    ),
    counted="steps",
    benchmark={"steps": 8},
)
def integrated_gradients(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: Score = "margin",
    baseline: Fill = "zero",
    steps: Annotated[int, Param("Points on the path from the baseline to the scan", minimum=1, maximum=300)] = 24,
    reference: Tensor | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    note: Note | None = None,
) -> Tensor:
    """Gradient averaged on the straight path from a baseline, times the difference.

    The path integral is taken by Gauss–Legendre quadrature. How far the map's
    sum is from the difference of scores, which more steps make smaller, is
    noted as its ``"completeness"``.
    """
    import torch

    from mriinterp.methods.fills import fill_values
    from mriinterp.methods.score import GradientOfScore

    start = fill_values(baseline, x, reference) * torch.ones_like(x)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    path = GradientOfScore(model, x, target, score).path(start, x)
    for done, (node, weight) in enumerate(zip((nodes + 1) / 2, weights / 2, strict=True)):
        check_cancel(cancel)
        path.add(float(node), float(weight))
        tell(progress, done + 1, steps)
    result = path.total() * (x - start)
    if note is not None:
        change, found = path.value(1) - path.value(0), float(result.double().sum())
        note("completeness", f"sum {found:.4g}, scores {change:.4g} apart, error {_share(found - change, change)}")
    return result


def _share(error: float, change: float) -> str:
    return f"{abs(error / change):.1%}" if change else f"{abs(error):.2g}"
