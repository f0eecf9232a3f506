"""The findings on a method in one line: a line for pages that show its maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mriinterp.methods import get_method
from mriinterp.trust.explainers import parse_explainer
from mriinterp.trust.measure import Badge, Measure
from mriinterp.trust.measure_registry import get_measure, measure_names
from mriinterp.trust.words import beside_null_maps

__all__ = [
    "KEY",
    "UNMEASURED",
    "badge_light",
    "badge_marks",
    "badge_quantities",
    "badge_signs",
    "badge_words",
    "measured_as",
    "variants",
]

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


KEY = "✓ yes · ~ in part · ✗ no · ? undecided · – not measured"


def _parts() -> list[tuple[Measure, Badge]]:
    """Return the measures with a part in the badge, in the order of their parts."""
    measures = [get_measure(name) for name in measure_names()]
    parts = [(measure, measure.badge) for measure in measures if measure.badge is not None]
    return sorted(parts, key=lambda part: part[1].order)


def badge_quantities() -> set[tuple[str, str]]:
    """Return the (measure, quantity) pairs that a badge is made of."""
    return {(m.name, quantity) for m, badge in _parts() for quantity in badge.reads or (m.main.name,)}


def _states(table: pd.DataFrame, method: str) -> list[tuple[str, str, str]] | None:
    """Return name, words and mark of each measure's part; None where none was measured."""
    found, measured = [], False
    for measure, badge in _parts():
        part = badge.words(table, method) if badge.words else beside_null_maps(table, measure.name, method)
        measured |= part is not None
        absent = measure.absent if measure.absent and not (table["measure"] == measure.name).any() else ""
        words, mark = part or (absent or f"{measure.name} {UNMEASURED}", "–")
        found.append((badge.name, words, mark))
    return found if measured else None


def badge_words(table: pd.DataFrame, method: str) -> str:
    """Describe the findings: ``"… · beats all null maps on deletion · fails randomisation (ρ 0.56)"``.

    Parameters
    ----------
    table : DataFrame
        From `mriinterp.trust.summary`; the rows of `badge_quantities` are enough.
    method : str
        As in the table.
    """
    states = _states(table, method)
    return UNMEASURED if states is None else " · ".join(words for _, words, _ in states)


def badge_marks(table: pd.DataFrame, method: str) -> str:
    """Return the findings in marks, for narrow places: ``"localisation ✓ · faithfulness ✓ · randomisation ✗"``."""
    states = _states(table, method)
    if states is None:
        return UNMEASURED
    return " · ".join(f"{name} {mark}" for name, _, mark in states)


def badge_signs(table: pd.DataFrame, method: str) -> str:
    """Return the marks alone, in the order of the measures: ``"✓✓✗"``; "" where nothing was measured."""
    return "".join(mark for *_, mark in _states(table, method) or ())


def badge_light(table: pd.DataFrame, method: str) -> str:
    """Return the findings in one word.

    Returns
    -------
    {"good", "mixed", "poor", "unmeasured"}
        good: every finding is a yes. poor: at least half of those that were
        measured are a no. mixed: anything between.
    """
    marks = [mark for mark in badge_signs(table, method) if mark != "–"]
    if not marks:
        return "unmeasured"
    if set(marks) == {"✓"}:
        return "good"
    return "poor" if 2 * marks.count("✗") >= len(marks) else "mixed"
