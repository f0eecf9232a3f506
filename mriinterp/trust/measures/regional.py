"""Regional faithfulness: does the map rank areas as replacing them does?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.trust.case import Case, tied
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome, Quantity, Work
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.words import listed, rows_of

__all__ = ["partial_rank_correlation", "rank_correlation", "regional"]

FAITHFUL = 0.5  # Spearman's ρ from which on areas count as ranked as replacing them does


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    ranks = scipy.stats.rankdata(values)
    return ranks - ranks.mean()


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    length = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / length) if length > 1e-9 else float("nan")


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's ρ, ties averaged; NaN where one side does not vary."""
    if np.size(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(scipy.stats.spearmanr(a, b).statistic)


def partial_rank_correlation(a: np.ndarray, b: np.ndarray, given: np.ndarray) -> float:
    """Return Spearman's ρ of what the ranks of `given` do not explain in the ranks of `a` and `b`."""
    held = _centred_ranks(given)
    weight = held @ held
    rest = []
    for values in (a, b):
        ranks = _centred_ranks(values)
        rest.append(ranks - held * (held @ ranks / weight) if weight > 0 else ranks)
    return _correlation(*rest)


def _findings(table: pd.DataFrame, methods: list[str]) -> list[str]:
    """Return which methods rank areas as replacing them does, and which the other way round."""
    rows = rows_of(table, "regional", "rho", methods)
    if not rows:
        return []
    good = [m for m, row in rows.items() if row["mean"] >= FAITHFUL]
    against = [m for m, row in rows.items() if row["high"] < 0]
    text = f"Areas are ranked as replacing them does (mean ρ ≥ {FAITHFUL}) by: {listed(good)}."
    return [text + (f" Ranked the other way round (interval below 0): {listed(against)}." if against else "")]


@register_measure(
    "regional",
    label="Regional faithfulness",
    question="Does the relevance of the brain areas rank them as replacing each of them does?",
    reference="exact occlusion of every area; ranks as in Bhatt et al. 2020 (faithfulness correlation)",
    order=20,
    tab="Areas",
    computed=(
        "Δ_j = f(x) − f(x with area j replaced), exact for each area of which the network sees half or more, effects below "
        "0.01 logits tied; Spearman's ρ of Σ_{R_j} φ and Δ_j; also partial, given the size of the area"
    ),
    work=lambda s, areas, plan: Work(shared=areas / 6),
    quantities=(
        Quantity(
            "rho",
            "Spearman's ρ of relevance and effect of an area",
            "higher",
            "ρ",
            head="Area ranks",
            line="regional ρ",
        ),
        Quantity("rho_partial", "The same, given the size of the area", "higher", "ρ"),
        Quantity("rho_read", "The same, of the map as it is read", "higher", "ρ"),
    ),
    findings=_findings,
    revision=2,
)
def regional(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Spearman's ρ of Σ_{R_j} φ and Δ_j = f(x) − f(x with area j replaced) over the areas.

    Δ_j is exact; those below `mriinterp.trust.case.TIED` logits are ties.
    Areas of which the network sees less than `mriinterp.trust.case.VISIBLE`
    are left out: replacing them shows only a part of what their sum holds.
    """
    check_cancel(cancel)
    seen = case.visible
    drops, sizes = tied(case.area_drops(cancel=cancel))[seen], case.area_sizes[seen]
    sums, read = case.area_sums(relevance)[seen], case.area_sums(explainer.read(relevance))[seen]
    tell(progress, 1, 1)
    values = {
        "rho": rank_correlation(sums, drops),
        "rho_partial": partial_rank_correlation(sums, drops, sizes),
        "rho_read": rank_correlation(read, drops),
    }
    details = {"labels": case.area_labels[seen].tolist(), "drops": drops.tolist(), "sums": sums.tolist()}
    return Outcome(values, details)
