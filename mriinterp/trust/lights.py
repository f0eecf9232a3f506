"""Three questions about a method's maps, each answered by a light and a sentence made from the figures alone."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mriinterp.base.numerals import decimals, percent
from mriinterp.trust.measure_registry import get_measure, table_heads
from mriinterp.trust.words import label_of, randomised_words, row_of

__all__ = ["LIGHTS", "Light", "Number", "best_words", "lights_of", "ranked_methods", "short_heads", "ten_numbers"]

LIGHTS = {"yes": "●", "partly": "◐", "no": "○", "unknown": "–"}
ANSWERS = {"yes": "yes", "partly": "in part", "no": "no", "unknown": "not known"}
STATES = {
    "all": "yes",
    "uncorrected": "partly",
    "some": "partly",
    "none": "no",
    "": "unknown",
}  # by the null maps that are beaten
NEXT = 3  # methods that a sentence names
MOST = 5  # rows of two numbers
SHORT = {
    ("atrophy", "auprc_field"): "Finding the tissue that was lost, average precision",
    ("localisation", "mass_accuracy_read"): "Relevance in voxels that changed, share",
    ("deletion", "abpc"): "Hiding most before least, logits",
    ("counterfactual", "captured"): "Effect of undoing the disease held by the first ten areas, share",
    ("stability", "noise"): "Largest change under small noise, share of the map",
}  # what stands on the page's first screen


@dataclass(frozen=True)
class Light:
    """One question and its answer.

    Parameters
    ----------
    question : str
    state : {"yes", "partly", "no", "unknown"}
    sentence : str
    more : str
        What a reader may want to know besides.
    """

    question: str
    state: str
    sentence: str
    more: str = ""

    @property
    def answer(self) -> str:
        """The answer in a word or two."""
        return ANSWERS[self.state]


def _best_null(table: pd.DataFrame, measure: str, quantity: str) -> pd.Series | None:
    """Return the row of the null map that does best; None without one."""
    rows = table[table["measure"].eq(measure) & table["quantity"].eq(quantity) & table["null_map"].astype(bool)]
    rows = rows[rows["mean"].notna()]
    if rows.empty:
        return None
    lower = get_measure(measure).quantity(quantity).better == "lower"
    return rows.sort_values("mean", ascending=lower, kind="stable").iloc[0]


def _null_name(row: pd.Series) -> str:
    return label_of(row["method"]).removeprefix("Null map: ")


def _place(table: pd.DataFrame, method: str) -> Light:
    question, name = "Points at the disease", "mass_accuracy_read"
    if (table["measure"] == "atrophy").any():
        return _lost_tissue(table, method, question)
    if not (table["measure"] == "localisation").any():
        return Light(question, "unknown", "Where the disease is in these brains is not known: it cannot be measured.")
    row, null = row_of(table, "localisation", name, method), _best_null(table, "localisation", name)
    if row is None or null is None:
        return Light(question, "unknown", "It was not measured for this method.")
    sentence = (
        f"{percent(row['mean'])} of its relevance lies in diseased tissue; the best map without a network "
        f"({_null_name(null)}) gets {percent(null['mean'])}."
    )
    return Light(question, STATES[row["beats"]], sentence)


def _lost_tissue(table: pd.DataFrame, method: str, question: str) -> Light:
    """Return how well a method finds the tissue that the disease took, where the field of the atrophy is known.

    The answer is that over all voxels; the figure among voxels of like edges stands beside it and does not change it.
    """
    row, null = row_of(table, "atrophy", "auprc_field", method), _best_null(table, "atrophy", "auprc_field")
    chance = row_of(table, "atrophy", "chance_field", method)
    if row is None or null is None:
        return Light(question, "unknown", "It was not measured for this method.")
    beside = "" if chance is None else f", chance {percent(chance['mean'])}"
    sentence = (
        f"It finds the tissue that was lost with a precision of {percent(row['mean'])}; the best map without a network "
        f"({_null_name(null)}) has {percent(null['mean'])}{beside}."
    )
    alike, other = row_of(table, "atrophy", "auc_edges", method), _best_null(table, "atrophy", "auc_edges")
    if alike is None or other is None:
        return Light(question, STATES[row["beats"]], sentence)
    more = f"Among voxels of like edges: AUC {decimals(alike['mean'], 2)}, {_null_name(other)} {decimals(other['mean'], 2)}, chance 0.5."
    return Light(question, STATES[row["beats"]], sentence, more)


def _hiding(table: pd.DataFrame, method: str) -> Light:
    question, main = "Hiding what it marks changes the answer", get_measure("deletion").main
    row, null = row_of(table, "deletion", main.name, method), _best_null(table, "deletion", main.name)
    if row is None or null is None:
        return Light(question, "unknown", "It was not measured for this method.")
    if row["high"] < 0:
        words = f"Hiding what it marks most changes less than hiding what it marks least ({decimals(row['mean'], 2)} {main.unit})."
        return Light(question, "no", words)
    sentence = (
        f"Hiding the most relevant before the least changes the answer by {decimals(row['mean'], 2)} {main.unit}; by the best "
        f"map without a network ({_null_name(null)}) it is {decimals(null['mean'], 2)}."
    )
    return Light(question, STATES[row["beats"]], sentence)


def _learned(table: pd.DataFrame, method: str) -> Light:
    question, found = "Depends on what the network learned", randomised_words(table, method)
    if found is None:
        return Light(question, "unknown", "It was not measured for this method.")
    states = {"passes": "yes", "fails": "no", "alike": "partly"}
    endings = {
        "passes": "The map of a network with random weights is another one",
        "fails": "A network with random weights gives much the same map",
        "alike": "The map of a network with random weights is similar, though less than another subject's",
        "undecided": "The measurements do not decide it",
        "empty": "Maps of some subjects are empty, which says nothing",
    }
    reason = f": {found.reason}" if found.state != "empty" else ""
    more = f"{found.ssim}." if found.ssim else ""
    return Light(question, states.get(found.state, "unknown"), f"{endings[found.state]}{reason}.", more)


def lights_of(table: pd.DataFrame, method: str) -> tuple[Light, Light, Light]:
    """Return the three lights of a method.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    method : str
        As it was measured.
    """
    return _place(table, method), _hiding(table, method), _learned(table, method)


def ranked_methods(table: pd.DataFrame) -> list[tuple[str, int]]:
    """Return the measured methods and how many of their lights say yes: most first, then by deletion and by name."""
    methods = list(dict.fromkeys(table.loc[~table["null_map"].astype(bool), "method"]))
    main = get_measure("deletion").main.name

    found = []
    for method in methods:
        row, states = row_of(table, "deletion", main, method), [light.state for light in lights_of(table, method)]
        points = sum({"yes": 1.0, "partly": 0.5}.get(state, 0.0) for state in states)
        place = -points, -float("-inf" if row is None else row["mean"]), method
        found.append((place, (method, states.count("yes"))))
    return [ranked for _, ranked in sorted(found)]


def best_words(table: pd.DataFrame, method: str, ranked: list[tuple[str, int]]) -> str:
    """Return which of the ranked methods do best on this network, and where one stands, in a sentence or two."""
    if not ranked:
        return ""
    names = [name for name, _ in ranked]
    twins = set(table.loc[table["same_as"] != "", "method"])
    best = "; ".join(f"{label_of(name)} ({n} of 3)" for name, n in [r for r in ranked if r[0] not in twins][:NEXT])
    words = f"Best for this network, by the answers that are yes: {best}."
    if method in names:
        words += f" This method is number {names.index(method) + 1} of {len(names)}."
    return words


def short_heads() -> dict[tuple[str, str], str]:
    """Return the few most important columns of the table of all measures: those of `ten_numbers`, and randomisation."""
    random = ("randomisation", get_measure("randomisation").main.name)
    return {place: head for place, head in table_heads().items() if place in SHORT or place == random}


@dataclass(frozen=True)
class Number:
    """A row of the short table.

    Parameters
    ----------
    what : str
    value, beside : str
        Of the method, and what stands beside it.
    of : str
        What `beside` is of.
    """

    what: str
    value: str
    beside: str
    of: str


def ten_numbers(table: pd.DataFrame, method: str) -> list[Number]:
    """Return at most five rows of two numbers: a method's figure, and what must stand beside it."""
    rows = []
    for (measure, quantity), what in SHORT.items():
        row, null = row_of(table, measure, quantity, method), _best_null(table, measure, quantity)
        if row is not None and null is not None:
            rows.append(
                Number(what, decimals(row["mean"], 2), decimals(null["mean"], 2), f"best null map, {_null_name(null)}")
            )
    random, other = (row_of(table, "randomisation", name, method) for name in ("rho_random", "rho_subjects"))
    if random is not None and other is not None:
        what = "Similarity to the map of a random network, ρ"
        rows.insert(
            2, Number(what, decimals(random["mean"], 2), decimals(other["mean"], 2), "the map of another subject")
        )
    return rows[:MOST]
