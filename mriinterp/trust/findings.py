"""What a whole benchmark showed, in sentences made from its numbers alone, whichever way they fall."""

from __future__ import annotations

import math

import pandas as pd

from mriinterp.methods import Expectation, get_method, method_names
from mriinterp.trust.badge import DELETION
from mriinterp.trust.explainers import parse_explainer
from mriinterp.trust.registry import get_measure
from mriinterp.trust.words import ALIKE, Randomised, label_of, randomised_words, row_of

__all__ = ["findings", "literature"]

FEW = 4  # subjects below which it is said so
FAITHFUL = 0.5  # Spearman's ρ from which on areas count as ranked as replacing them does


def _methods(table: pd.DataFrame) -> list[str]:
    return [name for name in dict.fromkeys(table["method"]) if not name.startswith("control_")]


def _rows(table: pd.DataFrame, measure: str, quantity: str, methods: list[str]) -> dict[str, pd.Series]:
    """Rows of the methods that have a number."""
    found = {method: row_of(table, measure, quantity, method) for method in methods}
    return {method: row for method, row in found.items() if row is not None}


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
        rows = _rows(table, "localisation", quantity, methods)
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


def _with_rho(rows: dict[str, Randomised], state: str) -> str:
    """Methods of a state, each with the ρ of the random network's map, and where SSIM says otherwise."""
    found = []
    for method, row in rows.items():
        if row.state == state:
            rho = "" if math.isnan(row.rho) else f" (ρ {row.rho:.2f}{'; SSIM says otherwise' if row.ssim else ''})"
            found.append(label_of(method) + rho)
    return "; ".join(found) or "none"


def _randomisation(table: pd.DataFrame, methods: list[str]) -> list[str]:
    rows = {m: randomised_words(table, m) for m in methods}
    rows = {m: row for m, row in rows.items() if row is not None}
    if not rows:
        return []
    states = {row.state for row in rows.values()}
    found = [
        "Randomisation (one random network was drawn; ρ of each map with its map) is failed, the random network's map "
        f"being more alike than another subject's, by: {_with_rho(rows, 'fails')}. It is passed (less alike than "
        f"another subject's, and ρ below {ALIKE}) by: {_with_rho(rows, 'passes')}."
    ]
    if "alike" in states:
        found.append(f"Less alike than another subject's, and alike all the same: {_with_rho(rows, 'alike')}.")
    if "undecided" in states:
        found.append(f"It cannot be told for: {_with_rho(rows, 'undecided')}.")
    if "empty" in states:
        empty = [f"{label_of(m)} ({row.reason})" for m, row in rows.items() if row.state == "empty"]
        found.append(f"It cannot be told where there is no map to compare with: {'; '.join(empty)}.")
    return found


def _regional(table: pd.DataFrame, methods: list[str]) -> list[str]:
    rows = _rows(table, "regional", "rho", methods)
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
        rows = _rows(table, measure, get_measure(measure).main.name, methods)
        if rows:
            found.append(text.format(_list([m for m, row in rows.items() if row["beats"] == "all"])))
    worse = [m for m, row in _rows(table, *DELETION, methods).items() if row["high"] < 0]
    if worse:
        found.append(
            "Worse than chance on deletion (interval below 0: hiding what they mark most hurts the score less than "
            f"hiding what they mark least): {_list(worse)}."
        )
    for measure, quantity, text in (
        ("stability", "noise", "Most stable under noise: {}; least: {}."),
        ("reproducibility", "icc", "Most reproducible over retrained networks (ICC of areas): {}; least: {}."),
    ):
        rows = [(m, row["mean"]) for m, row in _rows(table, measure, quantity, methods).items()]
        if len(rows) > 1:
            rows.sort(key=lambda pair: pair[1] if measure == "stability" else -pair[1])
            ends = [f"{label_of(m)} ({value:.2f})" for m, value in (rows[0], rows[-1])]
            found.append(text.format(*ends))
    return found


def _groups(table: pd.DataFrame, methods: list[str]) -> list[str]:
    """Says so where the groups' difference finds the disease no better with a network than without."""
    rows = table[(table["measure"] == "group_effect") & (table["quantity"] == "auc_truth") & table["mean"].notna()]
    of_methods = rows[rows["method"].isin(methods)].sort_values("mean", ascending=False)
    controls = rows[rows["control"].astype(bool)].sort_values("mean", ascending=False)
    if of_methods.empty or controls.empty:
        return []
    best = of_methods.iloc[0]
    above = controls[controls["mean"] > best["mean"]]
    if above.empty:
        return []
    names = ", ".join(
        f"{label_of(m).removeprefix('Control: ')} ({v:.2f})"
        for m, v in zip(above["method"], above["mean"], strict=True)
    )
    return [
        f"Group effect: which areas are the disease's is told better by controls, which know no network, than by every "
        f"method: {names}; the best method is {label_of(best['method'])} ({best['mean']:.2f}; 0.5 is chance)."
    ]


def _verdict_of(table: pd.DataFrame, expected: Expectation, method: str) -> str:
    """A published verdict beside the one that was found here; "" where nothing was measured."""
    row = randomised_words(table, method)
    if row is None:
        return ""
    words = {"fails": "it fails here, too", "passes": "it passes here", "alike": "it passes here only in part"}
    return (
        f"{expected.claim}; {words.get(row.state, 'here it cannot be told')} ({row.reason}). Our criterion is another "
        "one (similarity to a random network's map beyond that of two subjects): this is no test of theirs."
    )


def _place_of(table: pd.DataFrame, expected: Expectation, method: str) -> str:
    """A published place among methods beside the one that was found here; "" where nothing was measured."""
    scores = _rows(table, expected.measure, expected.quantity, _methods(table))
    order = sorted(scores, key=lambda m: -scores[m]["mean"])
    own = next((m for m in order if parse_explainer(m).method == method), None)
    if own is None or len(order) < 2:
        return ""
    place = order.index(own) + 1
    by = f"number {place} of {len(order)} by {expected.by}"
    if expected.outcome == "worst":
        return f"{expected.claim}; {'as here' if place == len(order) else f'here it is {by}'}."
    first = "." if place == 1 else f", {label_of(order[0])} comes first."
    return f"{expected.claim}; here it is {by}{first}"


def literature(table: pd.DataFrame) -> list[str]:
    """Where results agree with, or go against, what was published of a method."""
    found = []
    for method in method_names():
        for expected in get_method(method).expected:
            compare = _place_of if expected.quantity else _verdict_of
            found.append(compare(table, expected, method))
    return [text for text in found if text]


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
        *_groups(table, methods),
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
