"""What a whole benchmark showed, in sentences made from its numbers alone, whichever way they fall."""

from __future__ import annotations

import pandas as pd

from mriinterp.trust.registry import get_measure
from mriinterp.trust.words import label_of, passes_randomisation, row_of

__all__ = ["findings", "literature"]

FEW = 4  # subjects below which it is said so
FAITHFUL = 0.5  # Spearman's ρ from which on areas count as ranked as replacing them does


def _methods(table: pd.DataFrame) -> list[str]:
    return [name for name in dict.fromkeys(table["method"]) if not name.startswith("control_")]


def _list(names: list[str]) -> str:
    return "; ".join(label_of(name) for name in names) if names else "none"


LOCALISATION = (
    ("mass_accuracy_read", "share of the relevance, as it is read, that lies in the diseased tissue"),
    ("mass_accuracy", "the same of the positive part only"),
    ("auprc_read", "AUPRC by voxel, map as it is read"),
    ("rho_areas", "rank of the areas by their share of diseased tissue"),
)


def _localisation(table: pd.DataFrame, methods: list[str]) -> list[str]:
    found = []
    for quantity, how in LOCALISATION:
        rows = {m: row_of(table, "localisation", quantity, m) for m in methods}
        rows = {m: row for m, row in rows.items() if row is not None}
        if not rows:
            continue
        best = [m for m, row in rows.items() if row["beats"] == "all"]
        text = f"On localisation ({how}) these beat all four controls: {_list(best)}."
        worst = [m for m, row in rows.items() if row["beats"] == "none"]
        if worst:
            text += f" These beat none of them: {_list(worst)}."
        found.append(text + _best_control(table, quantity, rows))
    return found


def _best_control(table: pd.DataFrame, quantity: str, rows: dict[str, pd.Series]) -> str:
    """Says so where a control comes first: the measure then rewards something other than knowing the network."""
    controls = table[(table["measure"] == "localisation") & (table["quantity"] == quantity) & table["control"]]
    if controls["mean"].isna().all():
        return ""
    first = controls.loc[controls["mean"].idxmax()]
    if first["mean"] <= max(row["mean"] for row in rows.values()):
        return ""
    name = label_of(first["method"]).removeprefix("Control: ")
    return f" The best of all is a control, the {name} ({first['mean']:.2f})."


def _randomisation(table: pd.DataFrame, methods: list[str]) -> list[str]:
    rows = {m: row_of(table, "randomisation", "excess", m) for m in methods}
    rows = {m: passes_randomisation(row) for m, row in rows.items() if row is not None}
    if not rows:
        return []
    groups = {state: [m for m, passed in rows.items() if passed is state] for state in (True, False, None)}
    found = [
        f"Randomisation is failed (a random network's map is more alike than another subject's) by: "
        f"{_list(groups[False])}. It is passed by: {_list(groups[True])}."
    ]
    if groups[None]:
        found.append(f"It cannot be told for: {_list(groups[None])}.")
    return found


def _regional(table: pd.DataFrame, methods: list[str]) -> list[str]:
    rows = {m: row_of(table, "regional", "rho", m) for m in methods}
    rows = {m: row for m, row in rows.items() if row is not None}
    if not rows:
        return []
    good = [m for m, row in rows.items() if row["mean"] >= FAITHFUL]
    against = [m for m, row in rows.items() if row["high"] < 0]
    text = f"Areas are ranked as replacing them does (mean ρ ≥ {FAITHFUL}) by: {_list(good)}."
    if against:
        text += f" Ranked the other way round (interval below 0): {_list(against)}."
    return [text]


def _others(table: pd.DataFrame, methods: list[str]) -> list[str]:
    found = []
    for measure, text in (
        ("deletion", "Deletion by the most relevant blocks hurts the score more than by any control's for: {}."),
        ("infidelity", "The score's changes are predicted better than by any control for: {}."),
    ):
        rows = {m: row_of(table, measure, get_measure(measure).main.name, m) for m in methods}
        if any(row is not None for row in rows.values()):
            found.append(
                text.format(_list([m for m, row in rows.items() if row is not None and row["beats"] == "all"]))
            )
    for measure, quantity, text in (
        ("stability", "noise", "Most stable under noise: {}; least: {}."),
        ("reproducibility", "icc", "Most reproducible over retrained networks (ICC of areas): {}; least: {}."),
    ):
        rows = [(m, row_of(table, measure, quantity, m)) for m in methods]
        rows = [(m, row["mean"]) for m, row in rows if row is not None]
        if len(rows) > 1:
            rows.sort(key=lambda pair: pair[1] if measure == "stability" else -pair[1])
            ends = [f"{label_of(m)} ({value:.2f})" for m, value in (rows[0], rows[-1])]
            found.append(text.format(*ends))
    return found


def literature(table: pd.DataFrame) -> list[str]:
    """Where results agree with, or go against, what was published."""
    found = []
    row = row_of(table, "randomisation", "excess", "guided_backprop")
    if row is not None:
        passed = passes_randomisation(row)
        said = {False: "so it does here", True: "here it PASSES, against that", None: "here it cannot be told"}[passed]
        found.append(f"Adebayo et al. 2018: guided backpropagation fails randomisation; {said}.")
    methods = _methods(table)
    scores = {m: row_of(table, "localisation", "auprc_read", m) for m in methods}
    order = sorted((m for m, row in scores.items() if row is not None), key=lambda m: -scores[m]["mean"])
    if len(order) > 1:
        smooth = next((m for m in order if m.startswith("smoothgrad")), None)
        if smooth is not None:
            found.append(
                "Siegel et al. 2025: SmoothGrad is most consistent on known signals; here it is number "
                f"{order.index(smooth) + 1} of {len(order)} by AUPRC"
                + ("." if order[0] == smooth else f", {label_of(order[0])} comes first.")
            )
        if "grad_cam" in order:
            place = order.index("grad_cam") + 1
            agrees = "as here" if place == len(order) else f"here it is number {place} of {len(order)} by AUPRC"
            found.append(f"Siegel et al. 2025: Grad-CAM is worst on known signals; {agrees}.")
    return found


def findings(table: pd.DataFrame) -> list[str]:
    """What a benchmark showed, a sentence each.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    """
    methods = _methods(table)
    found = [
        *_localisation(table, methods),
        *_randomisation(table, methods),
        *_regional(table, methods),
        *_others(table, methods),
        *literature(table),
    ]
    return found + _few(table)


def _few(table: pd.DataFrame) -> list[str]:
    """Measures, and methods within them, that fewer than four subjects stand behind."""
    found = []
    people = table[(table["n"] > 0) & (table["measure"] != "group_effect")]
    for measure, rows in people.groupby("measure", sort=False):
        label, most = get_measure(measure).label.lower(), rows.groupby("method")["n"].max()
        few = [method for method, n in most.items() if n < FEW]
        if len(few) == len(most):
            found.append(f"Fewer than four subjects stand behind: {label}.")
        elif few:
            found.append(f"Fewer than four subjects stand behind {label} of: {_list(few)}.")
    return found
