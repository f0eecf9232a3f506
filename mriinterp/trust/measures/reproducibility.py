"""Reproducibility: does a network trained again give the same map?"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.trust.case import Case
from mriinterp.trust.crossed import crossed_name
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome, Quantity, Work
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.measures.atrophy import LEAST, weights_of
from mriinterp.trust.measures.regional import rank_correlation
from mriinterp.trust.weighted_auc import weighted_average_precision

__all__ = ["intraclass_correlation", "reproducibility", "top_overlap"]

TOP = 10


def intraclass_correlation(ratings: np.ndarray) -> float:
    """Return ICC(2,1): absolute agreement of single raters (Shrout & Fleiss 1979).

    Parameters
    ----------
    ratings : array, shape (objects, raters)

    Returns
    -------
    float
        1 for full agreement; NaN for fewer than two objects or raters, or no
        variation at all.
    """
    n, k = ratings.shape
    if n < 2 or k < 2:
        return float("nan")
    mean = ratings.mean()
    rows = k * ((ratings.mean(1) - mean) ** 2).sum() / (n - 1)
    columns = n * ((ratings.mean(0) - mean) ** 2).sum() / (k - 1)
    rest = ratings - ratings.mean(1, keepdims=True) - ratings.mean(0, keepdims=True) + mean
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    total = rows + (k - 1) * error + k * (columns - error) / n
    return float((rows - error) / total) if total > 0 else float("nan")


def top_overlap(a: np.ndarray, b: np.ndarray, n: int = TOP) -> float:
    """Return the share of the `n` largest entries that two vectors have in common; ties in their order."""
    first, second = (set(np.argsort(-values, kind="stable")[:n].tolist()) for values in (a, b))
    return len(first & second) / min(n, len(a))


@register_measure(
    "reproducibility",
    label="Reproducibility",
    question="Does a network retrained from another seed give the same map of the same scan?",
    reference="Wang et al. 2023; ICC as in Shrout & Fleiss 1979",
    cost="costly",
    against_null_maps=False,
    needs=("models",),
    wishes=frozenset({"atrophy"}),
    order=70,
    aspect="network",
    tab="Retraining",
    computed=(
        "networks retrained from other seeds: ICC(2,1) of area densities, Spearman's ρ of maps, overlap of the ten first "
        "areas; where the atrophy is known, mean and standard deviation over the networks of its AUPRC (as of the measure "
        "Atrophy); the interval of that mean by drawing patients and networks anew (pigeonhole bootstrap, Owen 2007)"
    ),
    revision=3,
    work=lambda s, areas, plan: Work(maps=plan.replicates),
    ends="Most reproducible over retrained networks (ICC of areas): {}; least: {}.",
    quantities=(
        Quantity(
            "icc",
            "ICC(2,1) of the areas' relevance densities",
            "higher",
            "1 = full agreement",
            head="Re- trained",
            line="retrained networks, ICC of areas",
        ),
        Quantity("rho", "Spearman's ρ of the maps, mean over pairs of networks", "higher", "ρ"),
        Quantity("top10", "Overlap of the ten most relevant areas, mean over pairs", "higher", "share of areas"),
        Quantity("auprc_networks", "AUPRC of the atrophy, mean over the networks", "higher", "0–1"),
        Quantity("auprc_sd", "The same, standard deviation over the networks", "lower", "0–1"),
    ),
)
def reproducibility(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Agreement of the maps, as they are read, of the case's network and its replicates.

    Densities are the mean of the map in an area, after the map is scaled to
    sum 1 inside Ω; a network of twice the output says nothing else.
    """
    total = len(case.replicates) + 1
    maps = [explainer.read(relevance)]
    tell(progress, 1, total)
    for done, other in enumerate(case.replicates, 2):
        check_cancel(cancel)
        maps.append(explainer.read(explainer(case, module=other, cancel=cancel)))
        tell(progress, done, total)
    densities = []
    for values in maps:
        scale = float(np.abs(values[case.mask]).sum())
        densities.append(case.area_sums(values) / case.area_sizes / (scale or 1.0))
    pairs = list(combinations(range(len(maps)), 2))
    rhos = [rank_correlation(maps[i][case.mask], maps[j][case.mask]) for i, j in pairs]
    overlaps = [top_overlap(densities[i], densities[j]) for i, j in pairs]
    rho = float(np.nanmean(rhos)) if not np.isnan(rhos).all() else float("nan")
    found: dict[str, float] = {
        "icc": intraclass_correlation(np.stack(densities, 1)),
        "rho": rho,
        "top10": float(np.mean(overlaps)),
    }
    if case.atrophy is not None and case.atrophy[case.mask].max() >= LEAST:
        each = [weighted_average_precision(values[case.mask], weights_of(case)) for values in maps]
        found |= {"auprc_networks": float(np.mean(each)), "auprc_sd": float(np.std(each, ddof=1))}
        found |= {crossed_name("auprc_networks", k): value for k, value in enumerate(each)}
    return Outcome(found, {"rho": rhos, "densities": np.stack(densities, 1).tolist()})
