"""Occlusion by a box that moves over the scan."""

from __future__ import annotations

from itertools import product
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from mriinterp.base.progress import Cancel, Progress
from mriinterp.methods.fills import Fill, fill_values
from mriinterp.methods.parameters import Param
from mriinterp.methods.placement import cover, linear, nearest, place, published_resize
from mriinterp.methods.registry import register_method
from mriinterp.methods.score import Score
from mriinterp.methods.windows import score_drops

__all__ = ["axis_ranges", "occlusion"]


def axis_ranges(voxels: int, size: int, stride: int, *, published: bool = False) -> list[tuple[int, int]]:
    """Occluded ranges (start, stop) along an axis, around centres 0, stride, 2·stride, ….

    Parameters
    ----------
    published : bool
        Half-width int(size/2) to both sides, as in Rieke et al. 2018: an odd
        size is then one voxel narrower. Otherwise ranges are `size` wide.
    """
    before = size // 2
    after = before if published else size - before
    return [(max(c - before, 0), min(c + after, voxels)) for c in range(0, voxels, stride)]


@register_method(
    "occlusion",
    label="Occlusion",
    reference="Zeiler & Fergus 2014",
    reading="positive",
    unit="fall of the {score} when the box is hidden",
    caution="As coarse as its box. Hidden tissue is itself unusual input, so what replaces it matters.",
    presets={"rieke2018": {"score": "probability", "size": 40, "stride": 25, "fill": "zero", "placement": "published"}},
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
    shape = tuple(x.shape[2:])
    published = placement == "published"
    if published and size < 2:
        raise ValueError(
            f"expected a size of 2 or more with the published placement, got {size}: its half-width, "
            "int(size / 2), is 0, and nothing would be hidden"
        )
    ranges = [axis_ranges(n, size, stride, published=published) for n in shape]
    values = score_drops(
        model, x, target, score, list(product(*ranges)), fill_values(fill, x, reference), progress, cancel
    )
    coarse = values.reshape([len(r) for r in ranges])
    if placement == "mean":
        matrices = [cover(r, n) for r, n in zip(ranges, shape, strict=True)]
        count = place(torch.ones_like(coarse), matrices)
        drawn = place(coarse, matrices) / count.clamp(min=1)
    else:
        drawn = place(coarse, [_matrix(placement, n, stride, len(r)) for r, n in zip(ranges, shape, strict=True)])
    return drawn[None, None].float()


def _matrix(placement: str, voxels: int, stride: int, cells: int) -> Tensor:
    centres = torch.arange(cells) * stride
    if placement == "published":
        return published_resize(cells, voxels)
    return linear(centres, voxels) if placement == "interpolated" else nearest(centres, voxels)
