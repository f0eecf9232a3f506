"""Occlusion by a box that moves over the scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mriinterp.base.progress import Cancel, Progress
from mriinterp.incremental import BoxGrid
from mriinterp.methods.choices import Fill, Score
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Param

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["boxes_of", "occlusion"]


def boxes_of(shape: Sequence[int], params: Mapping[str, Any]) -> BoxGrid:
    """Return the boxes that occlusion hides on an image of a shape."""
    return BoxGrid(tuple(shape), params["size"], params["stride"], params["placement"] == "published")


@register_method(
    "occlusion",
    label="Occlusion",
    reference="Zeiler & Fergus 2014",
    kind="boxes",
    order=30,
    reading="positive",
    unit="fall of {score} when the box is hidden",
    caution="As coarse as its box. Hidden tissue is itself unusual input, so what replaces it matters.",
    presets={"rieke2018": {"score": "probability", "size": 40, "stride": 25, "fill": "zero", "placement": "published"}},
    docs=Docs(
        answers="how much does the score fall when a box is hidden?",
        formula=(
            "φ(v) = f(x) − f(x with the box around v replaced); placed at the box (nearest centre, "
            "interpolated, or the mean of all boxes that cover v)."
        ),
        source="Zeiler & Fergus 2014, arXiv:1311.2901.",
        cost="150 boxes of the published setting take about 3 F.",
        failures=(
            "as coarse as its box; hidden tissue is unusual input, so the fill matters (measured below); "
            "evidence that is there twice is not seen, as one copy is enough."
        ),
    ),
    incremental=True,
    recommended={"fill": "reference", "placement": "mean", "size": 20, "stride": 12},  # docs/methods.md: deletion
    boxes=boxes_of,
    cohort={"size": 40, "stride": 40},
    variants=({"fill": "reference", "placement": "mean", "size": 20, "stride": 12},),
    lists=("cohort", "compare", "figure_1", "quick", "single"),
    original="occlusion",
)
def occlusion(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: Score = "probability",
    size: Annotated[int, Param("Edge of the hidden box", minimum=1, maximum=200, unit="voxels")] = 40,
    stride: Annotated[int, Param("Step between boxes", minimum=1, maximum=200, unit="voxels")] = 25,
    fill: Fill = "zero",
    placement: Annotated[
        Literal["cells", "interpolated", "mean", "published"],
        Param(
            "How box values are drawn: nearest box centre, interpolated between centres, the mean of all boxes that "
            "cover a voxel, or stretched to the corners as published"
        ),
    ] = "cells",
    reference: Tensor | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Tensor:
    """Fall of the score when a box is hidden, drawn where the box is.

    Boxes are centred at 0, stride, 2·stride, … along each axis and cut at
    the border. With ``placement="mean"`` and a stride larger than the size,
    voxels that no box covers are 0.

    Raises
    ------
    ValueError
        For size 1 with ``placement="published"``, whose boxes hold no voxel.
    """
    import torch

    from mriinterp.methods.fills import fill_values
    from mriinterp.methods.placement import cover, place
    from mriinterp.methods.windows import score_drops

    shape = tuple(x.shape[2:])
    grid = BoxGrid(shape, size, stride, published=placement == "published")
    values = score_drops(model, x, target, score, grid.boxes, fill_values(fill, x, reference), progress, cancel)
    coarse = values.reshape(grid.counts)
    if placement == "mean":
        matrices = [cover(ranges, n) for ranges, n in zip(grid.ranges, shape, strict=True)]
        count = place(torch.ones_like(coarse), matrices)
        drawn = place(coarse, matrices) / count.clamp(min=1)
    else:
        drawn = place(coarse, [_matrix(placement, n, c) for n, c in zip(shape, grid.centres, strict=True)])
    return drawn[None, None].float()


def _matrix(placement: str, voxels: int, centres: Sequence[int]) -> Tensor:
    import torch

    from mriinterp.methods.placement import linear, nearest, published_resize

    if placement == "published":
        return published_resize(len(centres), voxels)
    at = torch.tensor(centres)
    return linear(at, voxels) if placement == "interpolated" else nearest(at, voxels)
