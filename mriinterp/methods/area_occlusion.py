"""Occlusion of one brain area after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mriinterp.base.progress import Cancel, Progress
from mriinterp.incremental import label_regions
from mriinterp.methods.choices import Fill, Score
from mriinterp.methods.method import Docs
from mriinterp.methods.method_registry import register_method
from mriinterp.methods.parameters import Param

if TYPE_CHECKING:
    from torch import Tensor, nn


@register_method(
    "area_occlusion",
    label="Brain-area occlusion",
    reference="Rieke et al. 2018",
    kind="areas",
    order=40,
    reading="positive",
    unit="fall of {score} when the area is hidden",
    caution="One value per area, whatever its size: large areas hide more of the brain.",
    presets={"rieke2018": {"score": "probability", "fill": "zero", "both_sides": False}},
    docs=Docs(
        answers="how much does the score fall when a whole area of the atlas is hidden?",
        formula="φ(v) = f(x) − f(x with the area of v replaced).",
        source="Rieke et al. 2018, arXiv:1808.02874.",
        cost="116 of AAL take about 15 F.",
        failures="one value an area, whatever its size; areas of the atlas are not those of the disease.",
    ),
    incremental=True,
    lists=("cohort", "figure_1"),
    original="area_occlusion",
)
def area_occlusion(
    model: nn.Module,
    x: Tensor,
    target: int,
    *,
    score: Score = "probability",
    fill: Fill = "zero",
    both_sides: Annotated[bool, Param("Hide left and right together")] = False,
    labels: Tensor | None = None,
    reference: Tensor | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Tensor:
    """Fall of the score when a whole area of the atlas is hidden.

    Parameters
    ----------
    labels : Tensor of int, shape (2, *spatial)
        On the grid of `x`. ``labels[0]``: the area of every voxel, 0 outside
        all areas; ``labels[1]``: the same with left and right as one area.
    """
    import torch

    from mriinterp.methods.fills import fill_values
    from mriinterp.methods.windows import score_drops

    if labels is None:
        raise ValueError(
            "expected an atlas for area occlusion, got none; name one (--atlas on the command line, atlas=… in Python)"
        )
    if tuple(labels.shape) != (2, *x.shape[2:]):
        raise ValueError(f"expected labels of shape {(2, *x.shape[2:])}, got {tuple(labels.shape)}")
    areas = labels[1 if both_sides else 0].cpu()
    present = areas[areas > 0].unique()
    if present.numel() == 0:
        raise ValueError("expected an atlas that overlaps the scan, got no labelled voxel on the model's grid")
    regions = label_regions(areas.numpy(), present.tolist())
    values = score_drops(model, x, target, score, regions, fill_values(fill, x, reference), progress, cancel)
    by_label = torch.zeros(int(present.max()) + 1, dtype=values.dtype)
    by_label[present.long()] = values
    return by_label[areas.clamp(min=0).long()][None, None].float()
