"""Scaled infidelity: can the map predict what a change of the scan does to the score?"""

from __future__ import annotations

import numpy as np

from mriinterp.base.progress import Cancel, Progress, check_cancel
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome, Quantity, Work
from mriinterp.trust.measure_registry import register_measure

__all__ = ["infidelity", "random_boxes", "scaled_infidelity"]

EDGES = (0.05, 0.2)  # edges of the boxes, as shares of each axis


def scaled_infidelity(predicted: np.ndarray, drops: np.ndarray) -> float:
    """Return E[(β p − Δ)²] / E[Δ²] with the best β ≥ 0.

    Parameters
    ----------
    predicted : array, shape (n,)
        Iᵀφ of every perturbation.
    drops : array, shape (n,)
        Δ_I = f(x) − f(x − I).

    Returns
    -------
    float
        0: Δ is proportional to Iᵀφ. 1: no positive multiple of Iᵀφ is of any
        use, as for a map of the wrong sign. NaN if nothing changed the score.
    """
    total = float(drops @ drops)
    if total == 0:
        return float("nan")
    along = float(predicted @ drops)
    weight = float(predicted @ predicted)
    if along <= 0 or weight == 0:
        return 1.0
    return max(0.0, 1 - along**2 / (weight * total))


def random_boxes(mask: np.ndarray, count: int, rng: np.random.Generator) -> list[tuple[tuple[int, int], ...]]:
    """Return boxes around random voxels of a mask, cut at the border; edges are random shares of each axis."""
    centres = np.argwhere(mask)
    chosen = centres[rng.integers(len(centres), size=count)]
    shape = np.array(mask.shape)
    edges = np.maximum(1, np.round(rng.uniform(*EDGES, size=(count, 1)) * shape)).astype(int)
    low = np.maximum(chosen - edges // 2, 0)
    high = np.minimum(chosen - edges // 2 + edges, shape)
    return [tuple(zip(a.tolist(), b.tolist(), strict=True)) for a, b in zip(low, high, strict=True)]


def _box_sums(values: np.ndarray, boxes: list) -> np.ndarray:
    return np.array([values[tuple(slice(a, b) for a, b in box)].sum() for box in boxes])


@register_measure(
    "infidelity",
    label="Scaled infidelity",
    question="Does the map predict how much the score changes when parts of the scan are replaced?",
    reference="Yeh et al. 2019",
    order=30,
    tab="Infidelity",
    computed=(
        "E[(β Iᵀφ − Δ_I)²] / E[Δ_I²] over random boxes with the best β ≥ 0. I is the change of intensity for gradients, "
        "1 for maps that are shares of the score. 0 is perfect, 1 useless"
    ),
    settings={"quick": {"perturbations": 80}},
    work=lambda s, areas, plan: Work(shared=s["perturbations"] / 10),
    beats="The score's changes are predicted better than by any null map for: {}.",
    quantities=(
        Quantity(
            "infidelity",
            "Infidelity with the best scale",
            "lower",
            "share of E[Δ²]",
            head="Infi- delity",
            line="infidelity",
        ),
        Quantity("infidelity_gradient", "The same, φ times the change of intensity", "lower", "share of E[Δ²]"),
        Quantity("infidelity_share", "The same, φ summed over the box", "lower", "share of E[Δ²]"),
    ),
)
def infidelity(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    perturbations: int = 200,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """E[(β Iᵀφ − Δ_I)²] / E[Δ_I²] over random boxes replaced by the reference.

    A gradient is a change per unit of intensity: there I = x − reference in
    the box. Other maps are shares of the score already: there I is 1 in the
    box. The first quantity takes the one that fits the method's unit.

    Parameters
    ----------
    perturbations : int
        Boxes, the same for all methods.
    """
    check_cancel(cancel)

    def hidden() -> tuple:
        boxes = random_boxes(case.mask, perturbations, case.rng("infidelity boxes"))
        return boxes, case.clean - case.scores(boxes, progress=progress, cancel=cancel)

    boxes, drops = case.once(("boxes", perturbations), hidden)
    difference = (case.x - case.reference)[0].sum(0).cpu().double().numpy()
    gradient = scaled_infidelity(_box_sums(relevance * difference, boxes), drops)
    share = scaled_infidelity(_box_sums(relevance, boxes), drops)
    chosen = gradient if explainer.local else share
    return Outcome({"infidelity": chosen, "infidelity_gradient": gradient, "infidelity_share": share})
