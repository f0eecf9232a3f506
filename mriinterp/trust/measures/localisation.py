"""Localisation: is the relevance where the disease is?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from mriinterp.base.numerals import decimals
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Badge, Outcome, Quantity
from mriinterp.trust.measure_registry import register_measure
from mriinterp.trust.measures.regional import rank_correlation
from mriinterp.trust.words import label_of, listed, rows_of

__all__ = ["average_precision", "localisation", "mass_accuracy", "rank_accuracy"]

OWN_BLUR = 3.0  # voxels


def mass_accuracy(values: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of the positive relevance that lies in the truth: Σ_GT φ⁺ / Σ φ⁺; NaN without any.

    Parameters
    ----------
    values, truth : array, shape (n,), and of bool
        Voxels of Ω.
    """
    positive = np.maximum(values, 0)
    total = float(positive.sum())
    return float(positive[truth].sum()) / total if total > 0 else float("nan")


def rank_accuracy(values: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of the truth among the |GT| largest values; of ties at the edge their average share."""
    size = int(truth.sum())
    edge = np.partition(values, values.size - size)[values.size - size]
    above, tied = values > edge, values == edge
    room = size - int(above.sum())
    return float((truth[above].sum() + truth[tied].sum() * room / tied.sum()) / size)


def average_precision(values: np.ndarray, truth: np.ndarray) -> float:
    """Return the area under the precision–recall curve, as average precision; ties enter together.

    Its chance level is the share of the voxels that are truth.
    """
    from sklearn.metrics import average_precision_score  # seconds to load

    return float(average_precision_score(truth, values))


HOW = {
    "mass_accuracy_read": "share of the relevance, as it is read, that lies in the diseased tissue",
    "mass_accuracy": "the same of the positive part only",
    "auprc_read": "AUPRC by voxel, map as it is read",
    "auprc_smoothed": "the same of the map smoothed by 3 voxels",
    "rho_areas": "rank of the areas by their share of diseased tissue",
}


def _findings(table: pd.DataFrame, methods: list[str]) -> list[str]:
    """Return which methods beat all null maps, or none, by each way to look at it."""
    found = []
    for quantity, how in HOW.items():
        rows = rows_of(table, "localisation", quantity, methods)
        if not rows:
            continue
        best = [m for m, row in rows.items() if row["beats"] == "all"]
        text = f"On localisation ({how}) these beat all four null maps: {listed(best)}."
        worst = [m for m, row in rows.items() if row["beats"] == "none"]
        if worst:
            text += f" These beat none of them: {listed(worst)}."
        found.append(text + _best_null_map(table, quantity, rows))
    return found


def _best_null_map(table: pd.DataFrame, quantity: str, rows: dict[str, pd.Series]) -> str:
    """State that a null map comes first, where one does: the measure then rewards something else."""
    nulls = table[(table["measure"] == "localisation") & (table["quantity"] == quantity) & table["null_map"]]
    if nulls["mean"].isna().all():
        return ""
    first = nulls.loc[nulls["mean"].idxmax()]
    if first["mean"] <= max(row["mean"] for row in rows.values()):
        return ""
    name = label_of(first["method"]).removeprefix("Null map: ")
    return f" The best of all is a null map, the {name} ({decimals(first['mean'], 2)})."


@register_measure(
    "localisation",
    label="Ground-truth localisation",
    question="Is the relevance where the disease is known to be?",
    reference="Arras et al. 2022 (mass and rank accuracy)",
    needs=("truth",),
    order=40,
    aspect="disease",
    tab="Localisation",
    computed=(
        "where the values of voxels changed: mass accuracy Σ_GT φ / Σ_Ω φ, rank accuracy, AUPRC (also of the map smoothed by "
        "3 voxels), and Spearman's ρ of visible areas with their share of truth; each beside its chance level. These voxels "
        "lie along borders of tissue, which favours maps of edges: see the atrophy"
    ),
    findings=_findings,
    revision=2,
    badge=Badge("localisation", order=10),
    absent="no ground truth",
    quantities=(
        Quantity(
            "mass_accuracy_read",
            "Mass accuracy, map as read",
            "higher",
            "share of relevance",
            head="Mass, as read",
            line="relevance in diseased tissue",
            digits=3,
        ),
        Quantity("mass_accuracy", "Mass accuracy, positive part", "higher", "share of relevance", head="Mass in truth"),
        Quantity(
            "auprc_read",
            "Area under the precision–recall curve, map as read",
            "higher",
            "0–1",
            head="AUPRC in truth",
        ),
        Quantity("auprc", "Area under the precision–recall curve, positive part", "higher", "0–1"),
        Quantity("rank_accuracy", "Rank accuracy, positive part", "higher", "share of truth"),
        Quantity("rank_accuracy_read", "Rank accuracy, map as read", "higher", "share of truth"),
        Quantity(
            "rho_areas",
            "Spearman's ρ of an area's mean relevance, as read, and its share of truth",
            "higher",
            "ρ",
            head="Areas of truth",
            line="areas by their share of disease, ρ",
        ),
        Quantity(
            "auprc_smoothed", "AUPRC of the map as read, smoothed by 3 voxels", "higher", "0–1", head="AUPRC, smoothed"
        ),
        Quantity("chance", "Chance level of all of these: truth as a share of Ω", "", "share of voxels"),
        Quantity("outside", "Relevance outside Ω (other tissue, or where the network cannot see)", "", "share of |φ|"),
    ),
)
def localisation(
    case: Case,
    explainer: Explainer,
    relevance: np.ndarray,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Outcome:
    """Mass accuracy, rank accuracy and AUPRC inside Ω, with their chance level.

    By the positive part φ⁺, and by the map as it is read: a gradient marks
    lost tissue by negative values as well as by positive ones.
    """
    check_cancel(cancel)
    if case.truth is None:
        raise ValueError("expected a case with the known place of the disease, got none")
    truth = case.truth[case.mask]
    positive = np.maximum(relevance, 0)[case.mask]
    read_map = explainer.read(relevance)
    read = read_map[case.mask]
    seen, sizes = case.visible, case.area_sizes
    smooth = scipy.ndimage.gaussian_filter(read_map, OWN_BLUR)[case.mask]
    total = float(np.abs(relevance).sum())
    auprc = average_precision(positive, truth)
    same = np.array_equal(read, positive)
    values = {
        "auprc_read": auprc if same else average_precision(read, truth),
        "auprc": auprc,
        "mass_accuracy": mass_accuracy(positive, truth),
        "mass_accuracy_read": mass_accuracy(read, truth),
        "rank_accuracy": rank_accuracy(positive, truth),
        "rank_accuracy_read": rank_accuracy(read, truth),
        "rho_areas": rank_correlation(
            (case.area_sums(read_map) / sizes)[seen], (case.area_sums(case.truth) / sizes)[seen]
        ),
        "auprc_smoothed": average_precision(smooth, truth),
        "chance": float(truth.mean()),
        "outside": float(np.abs(relevance[~case.mask]).sum()) / total if total > 0 else float("nan"),
    }
    tell(progress, 1, 1)
    return Outcome(values)
