"""The findings on a method in one line: a line for pages that show its maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mriinterp.methods import get_method
from mriinterp.trust.explainers import parse_explainer
from mriinterp.trust.words import RANDOMISED, randomised_words, row_of

__all__ = ["BADGE", "KEY", "UNMEASURED", "badge_marks", "badge_words", "measured_as", "variants"]

LOCALISATION = ("localisation", "mass_accuracy_read")
DELETION = ("deletion", "abpc")
BADGE = (LOCALISATION, DELETION, *(("randomisation", name) for name in RANDOMISED))  # the quantities a badge is made of
UNMEASURED = "not measured"
FREE = ("score",)  # measured by the logit margin whatever a page explains


def variants(names: Sequence[str], method: str) -> list[str]:
    """Return measured explainers of a method, the plain one first: ``occlusion``, ``occlusion[size=20,stride=12]``."""
    found = [name for name in dict.fromkeys(names) if name.partition("[")[0] == method]
    return sorted(found, key=lambda name: name != method)


def measured_as(names: Sequence[str], method: str, params: Mapping[str, Any] | None = None) -> tuple[str | None, bool]:
    """Return which of the measured explainers stands for a map, and whether it had the map's parameters.

    Parameters
    ----------
    names : sequence of str
        Measured explainers, as in a summary's column ``method``.
    params : mapping, optional
        Of the map; what is missing has its default. Default: no parameters
        are asked for, and the plain variant is taken.

    Returns
    -------
    (str or None, bool)
        None if the method was not measured.
    """
    found = variants(names, method)
    if not found:
        return None, False
    if params is None:
        return found[0], True
    entry = get_method(method)
    wanted = _settings(entry, params)
    same = [name for name in found if _settings(entry, parse_explainer(name).params) == wanted]
    return (same[0], True) if same else (found[0], False)


def _settings(entry, params: Mapping[str, Any]) -> dict[str, Any]:
    resolved = entry.resolve({name: value for name, value in params.items() if name in entry.parameters})
    return {name: value for name, value in resolved.items() if name not in FREE}


BEATS = {  # what a comparison with the null maps is called, and its mark
    "all": ("beats all null maps on {}", "✓"),
    "some": ("beats some null maps on {}", "~"),
    "none": ("beats no null map on {}", "✗"),
    "": ("{} not compared with null maps", "?"),
}
WORSE = ("worse than chance on deletion", "✗")
RANDOM = {
    "passes": ("passes randomisation", "✓"),
    "fails": ("fails randomisation", "✗"),
    "alike": ("passes randomisation only in part", "~"),
    "undecided": ("randomisation undecided", "?"),
    "empty": ("randomisation undecided", "?"),
}
KEY = "✓ yes · ~ in part · ✗ no · ? undecided · – not measured"
NAMES = ("localisation", "faithfulness", "randomisation")


def _states(table: pd.DataFrame, method: str) -> list[tuple[str, str]] | None:
    """Return words and mark of localisation, deletion and randomisation; None where none was measured."""
    place, deletion = row_of(table, *LOCALISATION, method), row_of(table, *DELETION, method)
    random = randomised_words(table, method)
    if place is None and deletion is None and random is None:
        return None
    found = [_beside_null_maps(place, "localisation"), _beside_null_maps(deletion, "deletion")]
    if place is None and not (table["measure"] == LOCALISATION[0]).any():
        found[0] = ("no ground truth", "–")
    if deletion is not None and deletion["high"] < 0:
        found[1] = WORSE
    if random is None:
        return [*found, ("randomisation not measured", "–")]
    words, mark = RANDOM[random.state]
    return [*found, (f"{words} ({random.short})" if random.short else words, mark)]


def _beside_null_maps(row: pd.Series | None, name: str) -> tuple[str, str]:
    """Return words and mark of a comparison with the null maps."""
    if row is None:
        return f"{name} not measured", "–"
    words, mark = BEATS[row["beats"]]
    return words.format(name), mark


def badge_words(table: pd.DataFrame, method: str) -> str:
    """Describe the findings: ``"… · beats all null maps on deletion · fails randomisation (ρ 0.56)"``.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`; the rows of `BADGE` are enough.
    method : str
        As in the table.
    """
    states = _states(table, method)
    return UNMEASURED if states is None else " · ".join(words for words, _ in states)


def badge_marks(table: pd.DataFrame, method: str) -> str:
    """Return the findings in marks, for narrow places: ``"localisation ✓ · faithfulness ✓ · randomisation ✗"``."""
    states = _states(table, method)
    if states is None:
        return UNMEASURED
    return " · ".join(f"{name} {mark}" for name, (_, mark) in zip(NAMES, states, strict=True))
