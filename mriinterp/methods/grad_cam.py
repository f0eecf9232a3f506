"""Grad-CAM as published with the original study."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from mriinterp.methods.parameters import Param
from mriinterp.methods.placement import linear, place, published_resize
from mriinterp.methods.registry import register_method
from mriinterp.methods.score import Score, score_of
from mriinterp.methods.tape import record


@register_method(
    "grad_cam",
    label="Grad-CAM (as published)",
    reference="Selvaraju et al. 2017, as in Rieke et al. 2018",
    reading="positive",
    unit="weighted activation, change of {score} times activation",
    caution=(
        "Taken before batch norm, ReLU and pooling, and stretched to the corners: its cells are drawn far from where "
        "they look. For comparison with published maps; LayerCAM and HiResCAM are placed right."
    ),
    presets={"rieke2018": {"score": "probability", "resize": "nearest"}},
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
) -> Tensor:
    """Output of the last convolution, weighted by its mean gradient, summed and stretched."""
    output, steps = record(model, x)
    convolutions = [step for step in steps if step.kind == "convolution"]
    # Convolutions of gates (squeeze and excitation) have no place on the scan: second choice.
    convolutions = [step for step in convolutions if step.geometry] or convolutions
    if not convolutions:
        raise ValueError("expected a network with a convolution for Grad-CAM, got one without")
    activation = convolutions[-1].values
    gradient = torch.autograd.grad(score_of(output, target, score).sum(), activation)[0]
    weights = gradient.mean(dim=tuple(range(2, gradient.ndim)), keepdim=True)
    coarse = (weights * activation).sum(dim=1)[0].detach().double()
    matrices = [_matrix(resize, cells, voxels) for cells, voxels in zip(coarse.shape, x.shape[2:], strict=True)]
    return place(coarse, matrices)[None, None].float()


def _matrix(resize: str, cells: int, voxels: int) -> Tensor:
    if resize == "nearest":
        return published_resize(cells, voxels)
    return linear(torch.linspace(0, voxels - 1, cells, dtype=torch.float64), voxels)
