"""The registry of trust measures: each is one file, and is known by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mriinterp.trust.measure import Measure, Quantity

__all__ = ["get_measure", "measure_names", "register_measure", "settings_of", "table_heads", "unregister_measure"]

_MEASURES: dict[str, Measure] = {}


def register_measure(
    name: str, *, label: str, question: str, quantities: tuple[Quantity, ...], needs: tuple[str, ...] = (), **about: Any
):
    """Decorator: make a function a measure of trust. One file, one measure; `about` are further fields of `Measure`."""

    def decorate(function: Callable) -> Callable:
        known = _MEASURES.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise ValueError(f"expected a new measure name, got {name!r}, which is registered already")
        about.setdefault("tab", label)
        _MEASURES[name] = Measure(name, label, question, function, quantities, needs=frozenset(needs), **about)
        return function

    return decorate


def unregister_measure(name: str) -> None:
    """Forget a measure; KeyError if there is none of this name."""
    del _MEASURES[get_measure(name).name]


def measure_names() -> list[str]:
    """Return the names of all registered measures, in their order."""
    return sorted(_MEASURES, key=lambda name: (_MEASURES[name].order, name))


def settings_of(scale: str) -> dict[str, dict[str, Any]]:
    """Return the settings of all measures in a ``"full"`` or ``"quick"`` benchmark."""
    return {
        name: dict(_MEASURES[name].settings[scale]) for name in measure_names() if scale in _MEASURES[name].settings
    }


def table_heads(aspect: str = "") -> dict[tuple[str, str], str]:
    """Return the columns of the table of all measures, by (measure, quantity); those of one of `ASPECTS` alone."""
    names = [name for name in measure_names() if aspect in ("", _MEASURES[name].aspect)]
    return {(name, q.name): q.head for name in names for q in _MEASURES[name].quantities if q.head}


def get_measure(name: str) -> Measure:
    """Measure by name; KeyError with the names there are."""
    if name not in _MEASURES:
        raise KeyError(f"expected a measure of trust, got {name!r}; available: {', '.join(measure_names())}")
    return _MEASURES[name]
