"""Stability: does the map stay the same when nothing that matters changes?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome, Quantity, Work
from mriinterp.trust.measure_registry import register_measure

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["relative_change", "shifted", "stability"]


def relative_change(values: np.ndarray, original: np.ndarray) -> float:
    """Return ‖a − b‖ / ‖b‖; NaN for an original of zeros."""
    length = float(np.linalg.norm(original))
    return float(np.linalg.norm(values - original)) / length if length > 0 else float("nan")


def shifted(x: Tensor, by: Sequence[int]) -> Tensor:
    """Return an image moved by whole voxels; 0 comes in at the border.

    Parameters
    ----------
    x : Tensor, shape (..., *spatial)
    by : sequence of int
        One number a spatial axis (the last axes of `x`).
    """
    import torch

    out = torch.zeros_like(x)
    spatial = x.shape[x.ndim - len(by) :]
    target = tuple(slice(max(0, s), n + min(0, s)) for s, n in zip(by, spatial, strict=True))
    source = tuple(slice(max(0, -s), n + min(0, -s)) for s, n in zip(by, spatial, strict=True))
    out[(..., *target)] = x[(..., *source)]  # type: ignore[index]  # torch's stubs know no ellipsis in a tuple
    return out


def _shifts(axes: int) -> list[tuple[int, ...]]:
    return [tuple(sign * (a == axis) for a in range(axes)) for axis in range(axes) for sign in (1, -1)]


@register_measure(
    "stability",
    label="Stability",
    question="Does the map stay the same under invisible noise, and move with the scan when it is moved?",
    reference="Yeh et al. 2019 (max-sensitivity)",
    cost="costly",
    against_null_maps=False,
    order=60,
    aspect="network",
    computed=(
        "largest ‖φ(x + δ) − φ(x)‖ / ‖φ(x)‖ over draws of noise (2% of the scan's spread), and over shifts by one voxel, "
        "aligned back"
    ),
    settings={"full": {"draws": 2, "shifts": 2}, "quick": {"draws": 1, "shifts": 1}},
    work=lambda s, areas, plan: Work(maps=s["draws"] + (6 if s["shifts"] is None else s["shifts"])),
    ends="Most stable under noise: {}; least: {}.",
    quantities=(
        Quantity(
            "noise",
            "Largest change under small noise",
            "lower",
            "share of ‖φ‖",
            head="Change, noise",
            line="change under noise",
            ratio=True,
        ),
        Quantity(
            "shift",
            "Largest change under shifts of one voxel, aligned back",
            "lower",
            "share of ‖φ‖",
            head="Change, shift",
            line="under a shift of one voxel",
            ratio=True,
        ),
    ),
)
def stability(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    draws: int = 3,
    noise: float = 0.02,
    shifts: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """max ‖φ(x + δ) − φ(x)‖ / ‖φ(x)‖ inside Ω, over noise and over shifts.

    Parameters
    ----------
    draws : int
        Draws of noise.
    noise : float
        Standard deviation of the noise, as a share of that of the scan
        inside Ω.
    shifts : int, optional
        How many of the six shifts by ±1 voxel; default all.
    """
    import torch

    mask, inside = case.mask, relevance[case.mask]
    rng = case.rng("stability noise")
    brain = torch.from_numpy(mask).to(case.x.device)
    sigma = noise * float(case.x[..., brain].std())
    moves = _shifts(mask.ndim)[:shifts]
    total = draws + len(moves)
    changes: dict[str, list[float]] = {"noise": [], "shift": []}
    for k in range(draws):
        check_cancel(cancel)
        delta = torch.from_numpy(rng.standard_normal(case.x.shape)).to(case.x) * sigma
        values = explainer(case, x=case.x + delta, cancel=cancel)
        changes["noise"].append(relative_change(values[mask], inside))
        tell(progress, k + 1, total)
    for k, move in enumerate(moves):
        check_cancel(cancel)
        moved = explainer(
            case,
            x=shifted(case.x, move),
            labels=None if case.labels is None else shifted(case.labels, move),
            cancel=cancel,
        )
        back = shifted(torch.from_numpy(moved), [-step for step in move]).numpy()
        changes["shift"].append(relative_change(back[mask], inside))
        tell(progress, draws + k + 1, total)
    worst = {name: max(found, default=float("nan")) for name, found in changes.items()}
    return Outcome(worst, {**changes, "moves": [list(move) for move in moves]})
