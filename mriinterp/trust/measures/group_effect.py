"""Group effect: does the map tell the groups apart, and where?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mriinterp.base.progress import Cancel, Progress, check_cancel
from mriinterp.stats import benjamini_hochberg, hedges_g, hedges_g_interval, max_t, roc_auc, welch_t
from mriinterp.stats.correlation import LEAST
from mriinterp.trust.measure import Outcome, Quantity
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.words import GROUP_NOTE, label_of

__all__ = ["Cohort", "beside_difference", "group_effect"]

FALSE_DISCOVERY_RATE = 0.05
DRAWS = 300
MORPHOMETRY = "null_intensity"  # compared between groups, the scans themselves


@dataclass(frozen=True, eq=False)
class Cohort:
    """Maps of one method over a study, as they are read.

    Parameters
    ----------
    densities : array, shape (subjects, areas)
        Mean of each map in each area, as it is read and not scaled: were maps shares of their sums, more in one area would
        be less in all others.
    in_positive : array of bool, shape (subjects,)
        Who belongs to the group with the disease.
    names : sequence of str
        Areas.
    voxels : array, shape (subjects, n), optional
        Maps on a coarse grid, inside Ω, not scaled either.
    truth_areas : array of bool, shape (areas,), optional
        Areas of the disease: those that the simulation shrinks, where that is known.
    truth_voxels : array of bool, shape (n,), optional
    patients : sequence, optional
        Patient of each row.
    severity, age : array, shape (subjects,), optional
        How severe the disease is, and years.
    site : sequence, optional
        Scanner of each row.
    """

    densities: np.ndarray
    in_positive: np.ndarray
    names: Sequence[str] = ()
    voxels: np.ndarray | None = None
    truth_areas: np.ndarray | None = None
    truth_voxels: np.ndarray | None = None
    patients: Sequence | None = None
    severity: np.ndarray | None = None
    age: np.ndarray | None = None
    site: Sequence | None = None

    def offers(self, need: str) -> bool:
        """Return whether a cohort has both groups, known areas of the disease in part, or severities that vary."""
        n = int(np.count_nonzero(self.in_positive))
        if need == "areas":
            known = () if self.truth_areas is None else self.truth_areas
            return 0 < int(np.count_nonzero(known)) < len(known)
        if need == "severity":
            known = () if self.severity is None else np.asarray(self.severity)[np.asarray(self.in_positive, bool)]
            return bool(len(known) >= LEAST and np.isfinite(known).all() and len(set(known)) > 1)
        return need == "cohort" and 2 <= n <= len(self.in_positive) - 2


def beside_difference(table: pd.DataFrame, method: str) -> str:
    """Return what a difference between groups of a method's maps is worth, in a sentence; "" where it was not measured.

    Null maps, which know no network, are compared between the same groups;
    where the disease is known, both are asked whether the areas that differ
    most are those of the disease. To compare |x|, the scans themselves, is
    mass-univariate morphometry: no null map, but what must be surpassed.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    method : str
        As it was measured.
    """
    rows = table[(table["measure"] == "group_effect") & (table["quantity"] == "auc_truth") & table["mean"].notna()]
    others = rows[~rows["null_map"].astype(bool)].sort_values("mean", ascending=False)
    own, (scans, nulls) = others[others["method"] == method], _without_network(rows)
    if nulls.empty or own.empty:
        return ""
    value, null, best = own.iloc[0], nulls.iloc[0], others.iloc[0]
    name = label_of(null["method"]).removeprefix("Null map: ")
    morphometry = "" if scans is None else f"{scans:.2f} by the scans themselves (morphometry of |x|), "
    more = "" if best["method"] == method else f", {best['mean']:.2f} by the best ({label_of(best['method'])})"
    return (
        f"Areas of the disease? AUC {value['mean']:.2f} by this method{more}, {morphometry}{null['mean']:.2f} by a null map "
        f"without network ({name}); chance 0.5."
    )


def _without_network(rows: pd.DataFrame) -> tuple[float | None, pd.DataFrame]:
    """Return what comparing the scans themselves finds, and the rows of the other null maps, best first."""
    nulls = rows[rows["null_map"].astype(bool)].sort_values("mean", ascending=False)
    scans = nulls.loc[nulls["method"] == MORPHOMETRY, "mean"]
    return (float(scans.iloc[0]) if len(scans) else None), nulls[nulls["method"] != MORPHOMETRY]


def _interval(a: np.ndarray, b: np.ndarray, truth: np.ndarray, cancel: Cancel | None) -> tuple[float, float]:
    """Return the 95% percentile interval of the AUC, subjects drawn anew within each group."""
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(DRAWS):
        check_cancel(cancel)
        one, other = (group[rng.integers(0, len(group), len(group))] for group in (a, b))
        draws.append(roc_auc(truth, np.abs(hedges_g(one, other))))
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def _findings(table: pd.DataFrame, methods: list[str]) -> list[str]:
    """State that the groups' difference finds the disease no better with a network than without, where that is so."""
    rows = table[(table["measure"] == "group_effect") & (table["quantity"] == "auc_truth") & table["mean"].notna()]
    of_methods = rows[rows["method"].isin(methods)].sort_values("mean", ascending=False)
    if of_methods.empty:
        return []
    best, (scans, nulls) = of_methods.iloc[0], _without_network(rows)
    first, found = f"the best method is {label_of(best['method'])} ({best['mean']:.2f}; 0.5 is chance)", []
    if scans is not None:
        found.append(
            f"Group effect: comparing the scans themselves (|x|, mass-univariate morphometry) finds the areas of the disease "
            f"with an AUC of {scans:.2f}; {first}."
        )
    above = nulls[nulls["mean"] > best["mean"]]
    if len(above):
        names = ", ".join(
            f"{label_of(m).removeprefix('Null map: ')} ({v:.2f})"
            for m, v in zip(above["method"], above["mean"], strict=True)
        )
        found.append(
            f"Group effect: null maps find the areas of the disease better than every method: {names}; {first}."
        )
    return found


@register_measure(
    "group_effect",
    label="Group effect",
    question="Do the maps of the groups differ, and where the disease is?",
    reference="Hedges 1981; Benjamini & Hochberg 1995; Westfall & Young 1993",
    needs=("cohort",),
    against_null_maps=False,
    order=80,
    aspect="disease",
    tab="Groups",
    computed=(
        "Hedges' g and Welch's t of every area with Benjamini–Hochberg; AUC of |g| for the areas of the disease; "
        "voxel-wise max-T by permuting patients. The interval of the AUC is a percentile bootstrap, pulled towards 0.5: "
        "drawing subjects anew adds noise to |g|"
    ),
    note=GROUP_NOTE,
    settings={"quick": {"permutations": 200}},
    detailed=True,
    unbeaten="Found from groups of maps: 0.5 is chance",
    findings=_findings,
    revision=3,
    quantities=(
        Quantity(
            "auc_truth",
            "Does |g| of an area tell the areas of the disease from others (AUC)",
            "higher",
            "0.5 = chance",
            head="Group effect",
            line="areas of the disease by |g|, AUC",
        ),
        Quantity("areas_fdr", "Areas that differ, false discovery rate 0.05", "", "share of areas"),
        Quantity("largest_g", "Largest |Hedges' g| of an area", "", "pooled SD"),
        Quantity("voxels_max_t", "Voxels that differ, family-wise p < 0.05", "", "share of voxels"),
        Quantity("voxels_in_truth", "Of these voxels, those where the disease is", "higher", "share of voxels"),
    ),
)
def group_effect(
    cohort: Cohort,
    *,
    permutations: int = 1000,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Hedges' g and Welch's t of every area, with Benjamini–Hochberg; max-T over coarse voxels.

    Patients are permuted, never scans of one patient apart.
    """
    positive = np.asarray(cohort.in_positive, bool)
    a, b = cohort.densities[positive], cohort.densities[~positive]
    g, test = hedges_g(a, b), welch_t(a, b)
    adjusted = benjamini_hochberg(np.where(test.defined, test.p, np.nan))
    differ = np.nan_to_num(adjusted, nan=1.0) <= FALSE_DISCOVERY_RATE
    largest = int(np.abs(g).argmax())
    g_low, g_high = hedges_g_interval(g, len(a), len(b))
    values = {
        "auc_truth": float("nan"),
        "areas_fdr": float(differ.mean()),
        "largest_g": float(abs(g[largest])),
        "voxels_max_t": float("nan"),
        "voxels_in_truth": float("nan"),
    }
    truth = cohort.truth_areas
    if truth is not None and 0 < truth.sum() < truth.size:
        values["auc_truth"] = roc_auc(truth, np.abs(g))
        values["auc_truth_low"], values["auc_truth_high"] = _interval(a, b, truth, cancel)
    if cohort.voxels is not None and cohort.voxels.shape[1]:
        result = max_t(
            cohort.voxels,
            positive,
            patients=cohort.patients,
            n_permutations=permutations,
            progress=progress,
            cancel=cancel,
        )
        found = np.asarray(result.p) < 0.05
        values["voxels_max_t"] = float(found.mean())
        if cohort.truth_voxels is not None and found.any():
            values["voxels_in_truth"] = float(cohort.truth_voxels[found].mean())
    details = {
        "areas": list(map(str, cohort.names)),
        "g": g.tolist(),
        "g_low": g_low.tolist(),
        "g_high": g_high.tolist(),
        "p_fdr": np.nan_to_num(adjusted, nan=1.0).tolist(),
        "n": [len(a), len(b)],
    }
    return Outcome(values, details)
