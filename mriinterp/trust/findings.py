"""Describe the results of a benchmark in sentences made from its numbers."""

from __future__ import annotations

import pandas as pd

from mriinterp.base.numerals import decimals
from mriinterp.methods import Expectation, get_method, method_names
from mriinterp.trust.agreement import SAME
from mriinterp.trust.explainers import parse_explainer
from mriinterp.trust.measure_registry import get_measure, measure_names
from mriinterp.trust.summary import LEVEL
from mriinterp.trust.words import label_of, listed, randomised_words, rows_of

__all__ = ["correction_findings", "findings", "literature", "measure_findings"]

FEW = 4  # fewer subjects are noted
P_VALUES = ("p_holm", "p_max_t")


def _methods(table: pd.DataFrame) -> list[str]:
    return [name for name in dict.fromkeys(table["method"]) if not name.startswith("null_")]


def measure_findings(table: pd.DataFrame, name: str) -> list[str]:
    """Return what a measure showed: its own findings, or which methods beat the null maps, or come first and last."""
    measure, methods = get_measure(name), _methods(table)
    if measure.findings is not None:
        return measure.findings(table, methods)
    rows, found = rows_of(table, measure.name, measure.main.name, methods), []
    if not rows:
        return []
    if measure.against_null_maps:
        beats = measure.beats or f"{measure.label}: better than all null maps: {{}}."
        found.append(beats.format(listed([m for m, row in rows.items() if row["beats"] == "all"])))
    worse = [m for m, row in rows.items() if measure.below_zero and row["high"] < 0]
    if worse:
        found.append((measure.worse or f"{measure.label}, interval below 0: {{}}.").format(listed(worse)))
    if not measure.against_null_maps and len(rows) > 1 and measure.main.better:
        order = sorted(rows, key=lambda m: rows[m]["mean"], reverse=measure.main.better == "higher")
        ends = [f"{label_of(m)} ({decimals(rows[m]['mean'], 2)})" for m in (order[0], order[-1])]
        found.append((measure.ends or f"{measure.label}: best: {{}}; last: {{}}.").format(*ends))
    return found


def _verdict_of(table: pd.DataFrame, expected: Expectation, method: str) -> str:
    """Return a published verdict beside the one that was found here; "" where nothing was measured."""
    row = randomised_words(table, method)
    if row is None:
        return ""
    words = {"fails": "it fails here, too", "passes": "it passes here", "alike": "it passes here only in part"}
    return (
        f"{expected.claim}; {words.get(row.state, 'undecided here')} ({row.reason}). Our criterion is another "
        "one (similarity to a random network's map beyond that of two subjects): this is no test of theirs."
    )


def _place_of(table: pd.DataFrame, expected: Expectation, method: str) -> str:
    """Return a published place among methods beside the one that was found here; "" where nothing was measured."""
    scores = rows_of(table, expected.measure, expected.quantity, _methods(table))
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
    """Return where results agree with, or go against, what was published of a method."""
    found = []
    for method in method_names():
        for expected in get_method(method).expected:
            compare = _place_of if expected.quantity else _verdict_of
            found.append(compare(table, expected, method))
    return [text for text in [*found, _spread(table)] if text]


def _spread(table: pd.DataFrame) -> str:
    """Return how far methods differ on one network, beside what was published of lesions laid over real scans."""
    scores = rows_of(table, "atrophy", "auprc_field", _methods(table))
    if len(scores) < 2:
        return ""
    last, first = (pick(scores, key=lambda m: scores[m]["mean"]) for pick in (min, max))
    ends = [f"{decimals(scores[m]['mean'], 2)} ({label_of(m)})" for m in (last, first)]
    return (
        "Oliveira et al. 2024 (lesions laid over real scans): methods differ vastly on one and the same network; here the "
        f"AUPRC of the atrophy runs from {ends[0]} to {ends[1]}."
    )


def findings(table: pd.DataFrame) -> list[str]:
    """Describe what a benchmark showed, a sentence each.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    """
    found = [sentence for name in measure_names() for sentence in measure_findings(table, name)]
    return [*correction_findings(table), *found, *literature(table), *_few(table)]


def correction_findings(table: pd.DataFrame) -> list[str]:
    """Return how many verdicts hold after correction for all of them, and which methods draw one map."""
    family = table[table["p_max_t"].notna() & (table["same_as"] == "")]
    if family.empty:
        return []
    alone = int(family["beats"].isin(["all", "uncorrected"]).sum())
    holm, max_t = (int((family["beats"].isin(["all", "uncorrected"]) & (family[p] < LEVEL)).sum()) for p in P_VALUES)
    found = [
        f"Of {len(family)} comparisons of a method with all null maps {alone} hold one by one; {holm} after Holm's correction "
        f"and {max_t} after max-T over all of them, which the stars stand for."
    ]
    twins = table[table["same_as"] != ""].drop_duplicates("method")
    found += [
        f"{label_of(own)} and {label_of(first)} draw the same map on this network (mean ρ at least {SAME}): one result, "
        f"counted once."
        for own, first in zip(twins["method"], twins["same_as"], strict=True)
    ]
    return found


def _few(table: pd.DataFrame) -> list[str]:
    """Return measures, and methods within them, that fewer than four subjects stand behind."""
    found = []
    of_groups = table["measure"].map(lambda name: get_measure(name).of_groups)
    people = table[(table["n"] > 0) & ~of_groups]
    for measure, rows in people.groupby("measure", sort=False):
        label, most = get_measure(measure).label.lower(), rows.groupby("method")["n"].max()
        few = [method for method, n in most.items() if n < FEW]
        if len(few) == len(most):
            found.append(f"Fewer than four subjects stand behind: {label}.")
        elif few:
            found.append(f"Fewer than four subjects stand behind {label} of: {listed(few)}.")
    return found
