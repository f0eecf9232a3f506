"""Atrophy: is the relevance where the simulation took tissue away, and the more the more it took?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mriinterp.base.numerals import decimals
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome, Quantity
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.measures.regional import rank_correlation
from mriinterp.trust.null_maps import null_map
from mriinterp.trust.weighted_auc import strata_of, stratified_auc, weighted_auc, weighted_average_precision
from mriinterp.trust.words import label_of, listed, rows_of

__all__ = ["LEAST", "atrophy", "weights_of"]

LEAST = 0.05  # of volume: a voxel changed by less counts as healthy


def _findings(table: pd.DataFrame, methods: list[str]) -> list[str]:
    """Return which methods find the atrophy better than every null map: by voxel, and among voxels of like edges."""
    found = []
    ways = {"auprc_field": "AUPRC by voxel, weighted by the loss", "auc_edges": "AUC among voxels of like edges"}
    for quantity, how in ways.items():
        rows = rows_of(table, "atrophy", quantity, [*methods, *_nulls(table)])
        own = {m: row for m, row in rows.items() if m in methods}
        if not own:
            continue
        best = [m for m, row in own.items() if row["beats"] == "all"]
        text = f"On the atrophy itself ({how}) these beat all four null maps: {listed(best)}."
        first = max(rows, key=lambda m: rows[m]["mean"])
        found.append(f"{text} First: {label_of(first)} ({decimals(rows[first]['mean'], 2)}).")
    return found


def _nulls(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(table.loc[table["null_map"].astype(bool), "method"]))


def weights_of(case: Case) -> np.ndarray:
    """Return the strength of the atrophy of each voxel inside Ω, 0 where it is below `LEAST`."""
    field = np.asarray(case.atrophy)[case.mask]
    return np.where(field >= LEAST, field, 0.0)


@register_measure(
    "atrophy",
    label="Atrophy",
    question="Is the relevance where tissue was lost, and the more the more was lost?",
    reference="field of the simulation: |Δ log Jacobian|",
    needs=("atrophy", "areas"),
    order=35,
    aspect="disease",
    computed=(
        "strength of the atrophy w: |Δ log Jacobian|, from 0.05 on; AUPRC and AUC of the map as "
        "read with voxels weighted by w; the same AUC within 20 strata of like edges of the scan; Spearman's ρ of mean "
        "relevance and mean w of visible areas"
    ),
    absent="no field of the atrophy",
    findings=_findings,
    quantities=(
        Quantity(
            "auprc_field",
            "AUPRC of the atrophy, voxels weighted by their loss",
            "higher",
            "0–1",
            head="Atrophy",
            line="atrophy by voxel, AUPRC",
        ),
        Quantity(
            "auc_edges",
            "AUC of the atrophy among voxels of like edges",
            "higher",
            "0.5 = chance",
            head="Like edges",
            line="among voxels of like edges, AUC",
        ),
        Quantity("auc_field", "AUC of the atrophy, voxels weighted by their loss", "higher", "0.5 = chance"),
        Quantity("auc_edges_change", "AUC of changed voxels among those of like edges", "higher", "0.5 = chance"),
        Quantity(
            "rho_areas",
            "Spearman's ρ of mean relevance and mean loss of visible areas",
            "higher",
            "ρ",
            head="Atrophied areas",
        ),
        Quantity("share_areas", "Relevance in the areas of the disease", "", "share of relevance"),
        Quantity("amount_areas", "Relevance in the areas of the disease, as it is", "", "unit of the map"),
        Quantity("chance_field", "Chance level of the AUPRC: atrophied voxels as a share of Ω", "", "share of voxels"),
    ),
)
def atrophy(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """AUPRC and AUC of the map as it is read beside the field of the atrophy, inside Ω.

    The simulated change of a voxel's value lies along borders of tissue, where
    an edge filter finds it without any network; the field is where tissue
    changed its volume, whatever that did to the voxel.
    """
    check_cancel(cancel)
    if case.atrophy is None or case.diseased is None:
        raise ValueError("expected a case with the field of the disease, got none")
    read_map = explainer.read(relevance)
    read, weights = read_map[case.mask], weights_of(case)
    strata = case.once("edge strata", lambda: strata_of(null_map("null_edges", case.x)[case.mask]))
    sums, total = case.area_sums(read_map), float(np.abs(read).sum())
    own = sums[case.diseased[case.area_labels]].sum()
    change = None if case.truth is None else case.truth[case.mask].astype(float)
    values = {
        "auprc_field": weighted_average_precision(read, weights),
        "auc_edges": stratified_auc(read, weights, strata),
        "auc_field": weighted_auc(read, weights),
        "auc_edges_change": float("nan") if change is None else stratified_auc(read, change, strata),
        "rho_areas": rank_correlation(
            (sums / case.area_sizes)[case.visible], (case.area_sums(case.atrophy) / case.area_sizes)[case.visible]
        ),
        "share_areas": float(own / total) if total > 0 else float("nan"),
        "amount_areas": float(own),
        "chance_field": float((weights > 0).mean()),
    }
    tell(progress, 1, 1)
    return Outcome(values)
