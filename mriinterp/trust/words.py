"""What the numbers mean, in words; made from the numbers alone, whichever way they fall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mriinterp.base.numerals import decimals
from mriinterp.trust.explainers import parse_explainer
from mriinterp.trust.measure_registry import get_measure

__all__ = [
    "ALIKE",
    "CAVEAT",
    "GROUP_NOTE",
    "Randomised",
    "beside_null_maps",
    "judgement",
    "label_of",
    "listed",
    "randomised_words",
    "row_of",
    "rows_of",
]

ALIKE = 0.5  # Spearman's ρ, or SSIM, with a random network's map from which on a map counts as like it
RANDOMISED = ("excess", "rho_random", "rho_subjects", "ssim_random", "ssim_subjects", "networks", "rho_spread", "empty")
CAVEAT = (
    "These figures hold for this network, these scans and these settings. A good figure does not make a map right, "
    "and none of them says that the network itself is right."
)


GROUP_NOTE = (
    "Group effect: one comparison of two groups; its interval is a percentile bootstrap of subjects within the groups. "
    "Drawing subjects anew adds noise to |g|, which pulls that interval towards 0.5: the value may lie near its edge."
)


def label_of(method: str) -> str:
    """Return a method's name for people."""
    try:
        return parse_explainer(method).label
    except (KeyError, ValueError):
        return method


def row_of(table: pd.DataFrame, measure: str, quantity: str, method: str) -> pd.Series | None:
    """Return the row of a summary; None if it is not there or has no number."""
    wanted = {"measure": measure, "quantity": quantity, "method": method}
    same = np.logical_and.reduce([table[column].to_numpy(object) == value for column, value in wanted.items()])
    if not same.any():
        return None
    row = table.iloc[int(same.argmax())]
    return row if math.isfinite(row["mean"]) else None


def rows_of(table: pd.DataFrame, measure: str, quantity: str, methods: Sequence[str]) -> dict[str, pd.Series]:
    """Return the rows of those methods that have a number."""
    found = {method: row_of(table, measure, quantity, method) for method in methods}
    return {method: row for method, row in found.items() if row is not None}


def listed(names: Sequence[str]) -> str:
    """List methods by their names for people, in a sentence."""
    return "; ".join(label_of(name) for name in names) if names else "none"


BEATS = {  # what a comparison with the null maps is called, and its mark
    "all": ("beats all null maps on {}", "✓"),
    "uncorrected": ("beats all null maps on {}, not after correction", "~"),
    "some": ("beats some null maps on {}", "~"),
    "none": ("beats no null map on {}", "✗"),
    "": ("{} not compared with null maps", "?"),
}


def beside_null_maps(table: pd.DataFrame, measure: str, method: str) -> tuple[str, str] | None:
    """Return words and mark of a comparison with the null maps; None where the method was not measured."""
    row = row_of(table, measure, get_measure(measure).main.name, method)
    if row is None:
        return None
    words, mark = BEATS[row["beats"]]
    return words.format(measure), mark


@dataclass(frozen=True)
class Randomised:
    """What the recorded numbers say of a method's map and the map of a random network.

    Parameters
    ----------
    state : {"passes", "fails", "alike", "undecided", "empty"}
        passes: less similar than the maps of two subjects (interval of the
        excess below 0), and not similar in absolute terms either (mean ρ
        below `ALIKE`). fails: more similar than the maps of two subjects.
        alike: less than those, but similar all the same. undecided: the
        interval holds 0. empty: the subject's own map, or the maps of all
        random networks, have no value in some subject, so that their
        similarity means nothing.
    reason : str
        The numbers behind it, always with the ρ of the random network's map.
    ssim : str
        That SSIM says otherwise, with its numbers; "" where it does not.
    rho : float
        Mean over subjects and random networks.
    networks : int
        How many random networks were drawn.
    """

    state: str
    reason: str
    ssim: str = ""
    rho: float = math.nan
    networks: int = 1

    @property
    def short(self) -> str:
        """The least that must stand beside the state."""
        if self.state == "empty":
            return "a map is empty"
        parts = [] if math.isnan(self.rho) else [f"ρ {decimals(self.rho, 2)}"]
        return "; ".join([*parts, *(["SSIM disagrees"] if self.ssim else [])])


def randomised_words(table: pd.DataFrame, method: str) -> Randomised | None:
    """Return how a method stands by randomisation; None where it was not measured.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    """
    row, rho, other, alike, between, drawn, spread, own = (
        row_of(table, "randomisation", name, method) for name in RANDOMISED
    )
    lost = 0 if own is None else round(own["mean"] * own["n"])
    networks = 1 if drawn is None else round(drawn["mean"])
    maps = "the random network's map" if networks == 1 else f"the maps of {networks} random networks"
    if rho is None:
        reason = f"ρ with {maps} not recorded"
    else:
        reason = f"ρ {decimals(rho['mean'], 2)} with {maps}"
        reason += "" if spread is None else f" (SD {decimals(spread['mean'], 2)})"
        reason += "" if other is None else f", {decimals(other['mean'], 2)} with another subject's"
    value = math.nan if rho is None else float(rho["mean"])
    if own is not None and lost:
        reason = "" if rho is None else f"; {reason}"
        words = f"its own map is empty in {lost} of {own['n']} subjects{reason}"
        return Randomised("empty", words, "", value, networks)
    if row is None:
        return None
    empty = 0 if rho is None else int(rho["zeros"] if alike is None else min(rho["zeros"], alike["zeros"]))
    if empty:
        whose = "the random network's map is" if networks == 1 else f"the maps of all {networks} random networks are"
        return Randomised("empty", f"{whose} empty in {empty} of {row['n']} subjects; {reason}", "", value, networks)
    if not math.isfinite(row["low"]) or row["low"] <= 0 <= row["high"] or rho is None:
        return Randomised("undecided", reason, "", value, networks)
    state = "fails" if row["low"] > 0 else "passes" if value < ALIKE else "alike"
    ssim = ""
    if alike is not None and between is not None and math.isfinite(alike["mean"]):
        passes = alike["mean"] < min(between["mean"], ALIKE)
        if passes != (state == "passes"):
            ssim = f"SSIM says otherwise: {decimals(alike['mean'], 2)}, {decimals(between['mean'], 2)} with another subject's"
    return Randomised(state, reason, ssim, value, networks)


def judgement(table: pd.DataFrame, measure: str, method: str) -> str:
    """Describe the result of one measure for one method; "" where there is none.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    """
    about = get_measure(measure)
    if about.verdict is not None:
        return about.verdict(table, method)
    row = row_of(table, measure, about.main.name, method)
    if row is None:
        return ""
    if about.below_zero and row["high"] < 0 and not row["null_map"]:
        return about.below_zero
    if row["null_map"] or not about.against_null_maps or not row["beats"]:
        return ""
    if row["beats"] == "all":
        return "Better than all null maps"
    if row["beats"] == "uncorrected":
        return (
            f"Better than all null maps one by one; not after correction for all comparisons (p = {row['p_max_t']:.2f})"
        )
    lost = [label_of(name).removeprefix("Null map: ") for name in str(row["not_beaten"]).split(", ") if name]
    return f"Not shown to be better than {', '.join(lost)}"
