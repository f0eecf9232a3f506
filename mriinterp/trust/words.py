"""What the numbers mean, in words; made from the numbers alone, whichever way they fall."""

from __future__ import annotations

import math

import pandas as pd

from mriinterp.trust.explainers import parse_explainer
from mriinterp.trust.registry import get_measure

__all__ = [
    "CAVEAT",
    "judgement",
    "label_of",
    "passes_randomisation",
    "row_of",
    "verdict",
    "verdicts",
]

CAVEAT = (
    "These figures hold for this network, these scans and these settings. A good figure does not make a map right, "
    "and none of them says that the network itself is right."
)


def label_of(method: str) -> str:
    """A method's name for people."""
    try:
        return parse_explainer(method).label
    except (KeyError, ValueError):
        return method


def row_of(table: pd.DataFrame, measure: str, quantity: str, method: str) -> pd.Series | None:
    """The row of a summary; None if it is not there or has no number."""
    found = table[(table["measure"] == measure) & (table["quantity"] == quantity) & (table["method"] == method)]
    return None if found.empty or not math.isfinite(found.iloc[0]["mean"]) else found.iloc[0]


def _number(row: pd.Series) -> str:
    text = f"{row['mean']:.2g}" if abs(row["mean"]) < 0.1 else f"{row['mean']:.2f}"
    if math.isfinite(row["low"]):
        text += f" (95 % CI {row['low']:.2f} to {row['high']:.2f}, n = {row['n']})"
    else:
        text += f" (n = {row['n']}: no interval)"
    return text


def passes_randomisation(row: pd.Series) -> bool | None:
    """What a row of ``excess`` says. True: clearly below what two subjects share. False: clearly not below. None: cannot be told."""
    if not math.isfinite(row["low"]):
        return None
    if row["high"] < 0:
        return True
    return False if row["low"] > 0 else None


def judgement(table: pd.DataFrame, measure: str, method: str) -> str:
    """What one measure says of one method, without the numbers; "" where there is none.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    """
    about = get_measure(measure)
    row = row_of(table, measure, about.main.name, method)
    if row is None:
        return ""
    if measure == "randomisation":
        return {
            None: "Cannot be told apart: a random network's map is about as similar as another subject's",
            True: "Passes: a random network gives a map less similar than that of another subject",
            False: "Fails: a random network gives a map more similar than that of another subject",
        }[passes_randomisation(row)]
    if row["control"] or not about.against_controls or not row["beats"]:
        return ""
    if row["beats"] == "all":
        return "Better than all controls"
    lost = [label_of(name).removeprefix("Control: ") for name in str(row["not_beaten"]).split(", ") if name]
    return f"Not shown to be better than {', '.join(lost)}"


def verdict(table: pd.DataFrame, measure: str, method: str) -> str:
    """One sentence on one method by one measure; "" where there is no number.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`.
    """
    about = get_measure(measure)
    row = row_of(table, measure, about.main.name, method)
    if row is None:
        return ""
    said = judgement(table, measure, method)
    if measure == "randomisation":
        random, between = (row_of(table, measure, name, method) for name in ("rho_random", "rho_subjects"))
        shared = "" if random is None or between is None else f" (ρ {random['mean']:.2f} against {between['mean']:.2f})"
        return f"{said}{shared}."
    if measure == "group_effect":
        return f"Areas of the disease are told from others with AUC {row['mean']:.2f} by |Hedges' g|."
    return f"{said or about.main.label}: {_number(row)}."


def verdicts(table: pd.DataFrame, method: str) -> dict[str, str]:
    """`verdict` by every measure that has a number for the method."""
    found = {name: verdict(table, name, method) for name in dict.fromkeys(table["measure"])}
    return {name: text for name, text in found.items() if text}
