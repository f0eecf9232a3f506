"""SmoothGrad: gradients averaged over noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.methods.choices import Score
from mriinterp.methods.method import Docs, Expectation
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Note, Param

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "smoothgrad",
    label="SmoothGrad",
    reference="Smilkov et al. 2017",
    kind="gradient",
    order=100,
    reading="absolute",
    per_unit=True,
    unit="change of {score} per unit of intensity, averaged over noise",
    caution="Less speckle than the plain gradient, but the same question: sensitivity, not evidence.",
    docs=Docs(
        answers="the same as the gradient, averaged over noisy copies of the scan.",
        formula="φ = mean over n of ∂f/∂x (x + ε), ε ~ N(0, (0.1 · range)²).",
        source="Smilkov et al. 2017, arXiv:1706.03825.",
        failures="still sensitivity, not evidence; noise takes the network where it was not trained.",
    ),
    counted="samples",
    benchmark={"samples": 8},
    expected=(
        Expectation(
            "atrophy",
            "best",
            "Siegel et al. 2025: SmoothGrad is most consistent on known signals",
            quantity="auprc_field",
            by="AUPRC of the atrophy",
        ),
    ),
)
def smoothgrad(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: Score = "margin",
    samples: Annotated[int, Param("Noisy copies of the scan", minimum=1, maximum=200)] = 16,
    noise: Annotated[float, Param("Standard deviation of the noise, as a share of the scan's range", 0, 1)] = 0.10,
    seed: Annotated[int, Param("Seed of the noise", minimum=0)] = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    note: Note | None = None,
) -> Tensor:
    """Gradient of the score averaged over noisy copies of the scan, signed.

    How sure the average is, which more samples make surer, is noted as its
    ``"standard error"``.
    """
    import torch

    from mriinterp.methods.score import GradientOfScore

    generator = torch.Generator().manual_seed(seed)  # on the CPU: the same noise on every device
    sigma = noise * float(x.max() - x.min())
    gradient, total = GradientOfScore(model, x, target, score), torch.zeros_like(x)
    squares = torch.zeros_like(x)
    for done in range(samples):
        check_cancel(cancel)
        jitter = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
        found = gradient(x + sigma * jitter)
        total += found
        squares.addcmul_(found, found)
        tell(progress, done + 1, samples)
    if note is not None and samples > 1:
        note("standard error", _standard_error(total / samples, squares / samples, samples))
    return total / samples


def _standard_error(mean: Tensor, square: Tensor, samples: int) -> str:
    """Return how far the mean of so many samples may be off, as a share of its size, in words."""
    variance = (square - mean**2).clamp(min=0).double().sum() / (samples - 1)
    size = mean.double().square().sum()
    return f"{float((variance / size).sqrt()):.1%} of the map's size" if size else "the map is 0"
