"""The shortest honest thing to say of a method: a line for pages that show its maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mriinterp.methods import get_method
from mriinterp.trust.explainers import parse_explainer
from mriinterp.trust.words import passes_randomisation, row_of

__all__ = ["BADGE", "UNMEASURED", "badge_marks", "badge_words", "measured_as", "variants"]

LOCALISATION = ("localisation", "mass_accuracy_read")
RANDOMISATION = ("randomisation", "excess")
BADGE = (LOCALISATION, RANDOMISATION)  # the quantities a badge is made of
UNMEASURED = "not measured"
FREE = ("score",)  # measured by the logit margin whatever a page explains


def variants(names: Sequence[str], method: str) -> list[str]:
    """Measured explainers of a method, the plain one first: ``occlusion``, ``occlusion[size=20,stride=12]``."""
    found = [name for name in dict.fromkeys(names) if name.partition("[")[0] == method]
    return sorted(found, key=lambda name: name != method)


def measured_as(names: Sequence[str], method: str, params: Mapping[str, Any] | None = None) -> tuple[str | None, bool]:
    """Which of the measured explainers stands for a map, and whether it had the map's parameters.

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


PLACE = {  # what a comparison with the controls is called, and its mark
    "all": ("beats all controls on localisation", "✓"),
    "some": ("beats some controls on localisation", "~"),
    "none": ("beats no control on localisation", "✗"),
    "": ("localisation not compared with controls", "?"),
}
RANDOM = {
    True: ("passes randomisation", "✓"),
    False: ("fails randomisation", "✗"),
    None: ("randomisation undecided", "?"),
}


def _states(table: pd.DataFrame, method: str) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """Words and mark of localisation and of randomisation; None where neither was measured."""
    place, random = row_of(table, *LOCALISATION, method), row_of(table, *RANDOMISATION, method)
    if place is None and random is None:
        return None
    known = (table["measure"] == LOCALISATION[0]).any()
    absent = ("localisation not measured" if known else "no ground truth", "–")
    return (
        absent if place is None else PLACE[place["beats"]],
        ("randomisation not measured", "–") if random is None else RANDOM[passes_randomisation(random)],
    )


def badge_words(table: pd.DataFrame, method: str) -> str:
    """``"beats all controls on localisation · fails randomisation"``, from the figures alone.

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
    """The same in marks, for narrow places: ``"localisation ✓ · randomisation ✗"``."""
    states = _states(table, method)
    if states is None:
        return UNMEASURED
    return f"localisation {states[0][1]} · randomisation {states[1][1]}"
