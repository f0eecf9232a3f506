"""Second fill: does a verdict on faithfulness hold when hidden tissue is replaced by something else?"""

from __future__ import annotations

import numpy as np

from mriinterp.base.progress import Cancel, Progress
from mriinterp.trust.case import Case, tied
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome, Quantity, Work
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.measures.deletion import HiddenSteps, area_between, block_order, cut_blocks, hidden_by_count
from mriinterp.trust.measures.regional import rank_correlation

__all__ = ["second_fill"]

FILL = "blur"  # no registered method hides tissue behind it by default


@register_measure(
    "second_fill",
    label="Second fill",
    question="Does faithfulness hold when hidden tissue is blurred, and not replaced by the control mean?",
    reference="Haug et al. 2021; Blücher et al. 2024 (the operator shapes the verdict)",
    order=15,
    tab="Second fill",
    computed=(
        "deletion and the ranks of visible areas once more, with the scan blurred by 6 voxels in the place of hidden "
        "tissue: methods that hide tissue behind the control mean themselves are favoured by that operator"
    ),
    settings={"quick": {"steps": 2}},
    work=lambda s, areas, plan: Work(passes=2 * s["steps"], shared=areas / 6),
    beats="With blurred tissue as the fill, deletion hurts the score more than by any null map's for: {}.",
    below_zero="Worse than chance with blurred tissue as the fill",
    worse="Worse than chance on deletion with blurred tissue as the fill (interval below 0): {}.",
    quantities=(
        Quantity(
            "abpc",
            "Area between the deletion curves, hidden tissue blurred",
            "higher",
            "logits",
            head="Deletion, blur",
            line="with blurred tissue",
        ),
        Quantity(
            "rho",
            "Spearman's ρ of relevance and effect of visible areas, blurred",
            "higher",
            "ρ",
            head="Area ranks, blur",
        ),
        Quantity("rho_read", "The same, of the map as it is read and the size of the effect", "higher", "ρ"),
    ),
)
def second_fill(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    steps: int = 5,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Deletion and regional faithfulness with the blurred scan as fill.

    Parameters
    ----------
    steps : int
        Of each curve.
    """
    from mriinterp.methods.fills import fill_values

    fill = fill_values(FILL, case.x)
    blocks, half = cut_blocks(case.mask)
    counts = np.round(np.linspace(0, half, steps + 1)[1:]).astype(int)
    order = block_order(relevance, blocks, case.rng("deletion ties"))
    hidden = [*hidden_by_count(order, counts), *hidden_by_count(order[::-1], counts)]
    most, least = np.split(case.scores(HiddenSteps(blocks, hidden), fill, progress=progress, cancel=cancel), 2)

    def area_drops() -> np.ndarray:
        areas = [case.areas == label for label in case.area_labels[case.visible]]
        return tied(case.clean - case.scores(areas, fill, cancel=cancel))

    drops = case.once("drops blur", area_drops)
    values = {
        "abpc": area_between(least, most),
        "rho": rank_correlation(case.area_sums(relevance)[case.visible], drops),
        "rho_read": rank_correlation(case.area_sums(explainer.read(relevance))[case.visible], np.abs(drops)),
    }
    return Outcome(values)
