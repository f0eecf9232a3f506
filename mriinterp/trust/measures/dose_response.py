"""Dose–response: is there more relevance where the disease is, the more of it there is?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mriinterp.base.numerals import decimals
from mriinterp.base.progress import Cancel, Progress
from mriinterp.stats import rank_correlations, roc_auc
from mriinterp.stats.correlation import LEAST
from mriinterp.trust.measure import Outcome, Quantity
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.measures.group_effect import MORPHOMETRY, Cohort
from mriinterp.trust.words import label_of

__all__ = ["dose_response"]


NAMED = 5


def _first(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f"; and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{'; '.join(names[:NAMED])}{more}" if names else "none"


def _findings(table: pd.DataFrame, methods: list[str]) -> list[str]:
    """State for which methods relevance grows with the disease, and how far the scans themselves do."""
    rows = table[(table["measure"] == "dose_response") & (table["quantity"] == "rho") & table["mean"].notna()]
    of_methods = rows[rows["method"].isin(methods)].sort_values("mean", ascending=False)
    if of_methods.empty:
        return []
    grows = [f"{label_of(row.method)} ({decimals(row.mean, 2)})" for row in of_methods.itertuples() if row.low > 0]
    scans = rows.loc[rows["method"] == MORPHOMETRY, "mean"]
    beside = f" The scans' own intensities there: ρ {decimals(scans.iloc[0], 2)}." if len(scans) else ""
    return [
        "Dose–response: relevance in the areas of the disease grows with its severity (ρ over patients, interval above 0) "
        f"for: {_first(grows)}; not corrected for the number of methods.{beside}"
    ]


@register_measure(
    "dose_response",
    label="Dose–response",
    question="Is there more relevance in the areas of the disease, the more severe it is?",
    reference="Spearman 1904; interval of Bonett & Wright 2000",
    needs=("cohort", "areas", "severity"),
    against_null_maps=False,
    order=85,
    computed=(
        "Mean relevance, as it is read, of the areas of the disease, and Spearman's ρ of it with the severity over patients; "
        "the same of all other areas, and with the age of people without the disease; AUC of the same relevance for the "
        "scanner of people without the disease, where the table has two sites"
    ),
    unbeaten="Found from many patients' maps: 0 is chance",
    findings=_findings,
    revision=2,
    quantities=(
        Quantity(
            "rho",
            "Relevance in the areas of the disease with severity, over patients",
            "higher",
            "Spearman's ρ",
            head="Dose–response, ρ",
            line="relevance in the disease's areas with severity, ρ",
        ),
        Quantity("rho_elsewhere", "Relevance in all other areas with severity", "", "Spearman's ρ"),
        Quantity("rho_age", "Relevance in the same areas with age, people without the disease", "", "Spearman's ρ"),
        Quantity("auc_site", "Does it tell the scanners of people without the disease apart (AUC)", "", "0.5 = no"),
    ),
)
def dose_response(cohort: Cohort, *, progress: Progress | None = None, cancel: Cancel | None = None) -> Outcome:
    """Correlate the relevance of patients' maps with how severe the disease is, inside and outside its areas."""
    ill, areas = np.asarray(cohort.in_positive, bool), np.asarray(cohort.truth_areas, bool)
    inside, outside = cohort.densities[:, areas].mean(1), cohort.densities[:, ~areas].mean(1)
    severity = rank_correlations(np.stack([inside, outside], 1)[ill], np.asarray(cohort.severity)[ill])
    values: dict[str, float] = {}
    for at, name in enumerate(("rho", "rho_elsewhere")):
        values |= _numbers(name, severity, at)
    age = None if cohort.age is None else np.asarray(cohort.age, float)[~ill]
    if age is not None and len(age) >= LEAST and np.isfinite(age).all() and len(set(age)) > 1:
        values |= _numbers("rho_age", rank_correlations(inside[~ill, None], age), 0)
    values |= _site(inside[~ill], None if cohort.site is None else np.asarray(cohort.site)[~ill])
    return Outcome(values, {"n": [int(ill.sum()), int((~ill).sum())]})


def _site(inside: np.ndarray, site: np.ndarray | None) -> dict[str, float]:
    """Return how well relevance tells two scanners apart: AUC of the second by name over the first; none for other numbers."""
    names = [] if site is None else sorted(set(site.tolist()))
    return {"auc_site": roc_auc(site == names[1], inside)} if len(names) == 2 else {}


def _numbers(name: str, found, at: int) -> dict[str, float]:
    """Return ρ and its interval by the names that the summary reads."""
    return {name: float(found.rho[at]), f"{name}_low": float(found.low[at]), f"{name}_high": float(found.high[at])}
