"""Counterfactual effect: does the map rank areas as undoing the disease in each of them does?"""

from __future__ import annotations

import numpy as np

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.trust.blocks import equal_blocks
from mriinterp.trust.case import Case, tied
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome, Quantity, Work
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.measures.infidelity import scaled_infidelity
from mriinterp.trust.measures.regional import rank_correlation

__all__ = ["captured", "counterfactual", "healing_effects"]

TOP = 10  # areas


def captured(values: np.ndarray, effects: np.ndarray, n: int = TOP) -> float:
    """Return the effect of the `n` areas that a map puts first, as a share of the effect of the best `n`.

    Parameters
    ----------
    values, effects : array, shape (areas,)
        Relevance, and size of the effect. Areas tied at the edge count by their mean.

    Returns
    -------
    float
        NaN where nothing has an effect.
    """
    n = min(n, len(values))
    best = np.sort(effects)[len(effects) - n :].sum()
    if best <= 0:
        return float("nan")
    edge = np.partition(values, len(values) - n)[len(values) - n]
    above, at = values > edge, values == edge
    return float((effects[above].sum() + effects[at].mean() * (n - above.sum())) / best)


def healing_effects(case: Case, regions: list[np.ndarray], cancel: Cancel | None = None) -> np.ndarray:
    """Return f(x) − f(x with a region as it would be without the disease), exact, shape (regions,).

    Regions that the disease left alone have the effect 0 and are not asked for.
    """
    if case.twin is None:
        raise ValueError("expected a case with the scan without the disease, got none")
    changed = (case.twin != case.x)[0].any(0).cpu().numpy()
    touched = [number for number, region in enumerate(regions) if (region & changed).any()]
    effects = np.zeros(len(regions))
    if touched:
        effects[touched] = case.clean - case.scores([regions[n] for n in touched], case.twin, cancel=cancel)
    return effects


@register_measure(
    "counterfactual",
    label="Counterfactual effect",
    question="Does the relevance rank the brain areas as undoing the disease in each of them does?",
    reference="exact: each area and block is given back its healthy tissue, and the network is asked",
    needs=("twin",),
    order=25,
    tab="Healing",
    computed=(
        "e_j = f(x) − f(x with area j as in the same scan without the disease), exact, effects below 0.01 logits tied; "
        "Spearman's ρ of Σ_{R_j} of the map as read and |e_j| over visible areas; the same of signed sums and e_j, and of "
        "blocks of equal volume; share of Σ|e_j| that the ten first areas hold, of what the best ten hold"
    ),
    work=lambda s, areas, plan: Work(shared=areas / 12 + s["blocks"] / 4),
    quantities=(
        Quantity(
            "rho",
            "Spearman's ρ of an area's relevance, as read, and the effect of undoing its disease",
            "higher",
            "ρ",
            head="Healing",
            line="areas by the effect of undoing the disease, ρ",
        ),
        Quantity(
            "captured",
            "Effect of the ten areas of most relevance, of the best ten",
            "higher",
            "share of the effect",
            head="Effect held",
            line="effect in the first ten areas",
        ),
        Quantity("rho_signed", "The same ρ of signed sums and signed effects", "higher", "ρ"),
        Quantity("rho_blocks", "The same ρ of blocks of equal volume, map as read", "higher", "ρ"),
        Quantity("infidelity", "Infidelity of the map for these effects, best scale", "lower", "share of E[e²]"),
        Quantity("effect", "Effect of undoing the whole disease", "", "logits"),
    ),
    detailed=True,
    beats="Areas are ranked by the effect of undoing their disease better than by any null map for: {}.",
    absent="the scans without the disease are not known",
)
def counterfactual(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    blocks: int = 120,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Spearman's ρ of the relevance of areas and blocks with the exact effect of undoing the disease there.

    It assumes nothing about what the network should use: where it does not
    look, undoing the disease has no effect.

    Parameters
    ----------
    blocks : int
        Blocks of equal volume that Ω is cut into.
    """
    check_cancel(cancel)
    if case.twin is None:
        raise ValueError("expected a case with the scan without the disease, got none")
    twin, cut = case.twin, equal_blocks(case.mask, min(blocks, int(case.mask.sum())))
    labels = case.area_labels[case.visible]
    effects = tied(case.once("healing", lambda: healing_effects(case, [case.areas == n for n in labels], cancel)))
    of_blocks = tied(
        case.once(
            f"healing {blocks}",
            lambda: healing_effects(case, [cut == n for n in range(int(cut.max()) + 1)], cancel),
        )
    )
    whole = case.once("healing of all", lambda: healing_effects(case, [np.ones(case.mask.shape, bool)], cancel))
    read = explainer.read(relevance)
    difference = (case.x - twin)[0].sum(0).cpu().double().numpy()
    predicted = relevance * difference if explainer.local else relevance
    sums = case.area_sums(read)[case.visible]
    in_blocks = np.bincount(cut[case.mask], read[case.mask], minlength=int(cut.max()) + 1)
    values = {
        "rho": rank_correlation(sums, np.abs(effects)),
        "captured": captured(sums, np.abs(effects)),
        "rho_signed": rank_correlation(case.area_sums(relevance)[case.visible], effects),
        "rho_blocks": rank_correlation(in_blocks, np.abs(of_blocks)),
        "infidelity": scaled_infidelity(case.area_sums(predicted)[case.visible], effects),
        "effect": float(whole[0]),
    }
    tell(progress, 1, 1)
    return Outcome(values, {"labels": labels.tolist(), "effects": effects.tolist()})
