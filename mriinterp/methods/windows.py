"""The score of a scan with parts of it hidden: shared by both occlusions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mriinterp.base.progress import Cancel, Progress
from mriinterp.incremental import Occluder, Regions
from mriinterp.methods.score import score_of

__all__ = ["score_drops"]


def score_drops(
    model: nn.Module,
    x: Tensor,
    target: int,
    score: str,
    regions: Sequence | Regions,
    fill: float | Tensor,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Tensor:
    """Return the score of the scan minus the score with each region hidden.

    Parameters
    ----------
    regions : sequence of boxes or masks, or Regions
        As `mriinterp.incremental.Occluder.run` takes them.

    Returns
    -------
    Tensor, shape (regions,), float64, on the CPU
    """
    occluder = Occluder(model, x)
    clean = score_of(occluder.clean.double()[None], target, score)
    hidden = score_of(occluder.run(regions, fill, progress=progress, cancel=cancel).double(), target, score)
    return clean - hidden
