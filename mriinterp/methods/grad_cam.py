"""Grad-CAM as published with the original study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from mriinterp.methods.choices import Layer, Score
from mriinterp.methods.method import Docs, Expectation
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Note, Param

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "grad_cam",
    label="Grad-CAM (as published)",
    reference="Selvaraju et al. 2017, as in Rieke et al. 2018",
    kind="activation",
    order=50,
    reading="positive",
    unit="weighted activation, change of {score} times activation",
    caution=(
        "Taken before batch norm, ReLU and pooling, and stretched to the corners: its cells are drawn far from where "
        "they look. For comparison with published maps; LayerCAM and HiResCAM are placed right."
    ),
    presets={"rieke2018": {"score": "probability", "resize": "nearest", "clip": True}},
    docs=Docs(
        answers="which cells of the last convolution, weighted by their mean gradient, speak for the class?",
        formula=(
            "φ = Σ_k (mean_v ∂f/∂A_k) A_k on the raw output of the last convolution that all of the output "
            "depends on, stretched corner to corner."
        ),
        source="Selvaraju et al. 2017, arXiv:1610.02391, as in Rieke et al. 2018.",
        failures=(
            "taken before batch norm, ReLU and pooling; its cells are drawn 26–37 voxels from where they look; "
            "the mean gradient is no local weight. Kept for comparison with published maps."
        ),
    ),
    expected=(
        Expectation(
            "atrophy",
            "worst",
            "Siegel et al. 2025: Grad-CAM is worst on known signals",
            quantity="auprc_field",
            by="AUPRC of the atrophy",
        ),
    ),
    lists=("cohort", "quick"),
    original="grad_cam",
)
def grad_cam(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: Score = "probability",
    resize: Annotated[
        Literal["nearest", "linear"],
        Param("How cells are stretched over the scan: nearest as in the study, linear as the published code's default"),
    ] = "nearest",
    clip: Annotated[
        bool, Param("Set negative cells to 0 before they are stretched, as the published code does")
    ] = False,
    layer: Layer = "",
    note: Note | None = None,
) -> Tensor:
    """Output of the last convolution, weighted by its mean gradient, summed and stretched.

    Where something goes past the last convolution (a skip connection, or
    other channels beside the ones it adds), it is the map that all of
    the output depends on.
    """
    from mriinterp.methods.cam import activation_and_gradient
    from mriinterp.methods.placement import place

    _, values, gradient = activation_and_gradient(model, x, target, score, layer=layer, first=True, note=note)
    weights = gradient.mean(dim=tuple(range(2, gradient.ndim)), keepdim=True)
    coarse = (weights * values).sum(dim=1)[0].double()
    coarse = coarse.clamp(min=0) if clip else coarse
    matrices = [_matrix(resize, cells, voxels) for cells, voxels in zip(coarse.shape, x.shape[2:], strict=True)]
    return place(coarse, matrices)[None, None].float()


def _matrix(resize: str, cells: int, voxels: int) -> Tensor:
    import torch

    from mriinterp.methods.placement import linear, published_resize

    if resize == "nearest":
        return published_resize(cells, voxels)
    return linear(torch.linspace(0, voxels - 1, cells, dtype=torch.float64), voxels)
