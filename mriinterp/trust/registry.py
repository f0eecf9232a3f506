"""Measures of trust by name, as relevance methods are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["NEEDS", "Measure", "Outcome", "Quantity", "get_measure", "measure_names", "register_measure"]

NEEDS = {
    "truth": "a study that knows where the disease is",
    "subjects": "scans of other subjects",
    "models": "networks retrained from other seeds",
    "cohort": "maps of both groups",
}


@dataclass(frozen=True)
class Quantity:
    """One number that a measure gives.

    Parameters
    ----------
    name, label : str
    better : {"higher", "lower", ""}
        Which direction speaks for a map; "" for context.
    unit : str
        What the number is, or a share of.
    """

    name: str
    label: str
    better: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a measure found for one map.

    Parameters
    ----------
    values : dict of str to float
        By the names of the measure's quantities; NaN where a number has no
        meaning for this map.
    details : dict
        Curves and tables behind the numbers, ready for JSON.
    """

    values: dict[str, float]
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Measure:
    """A measure of trust and what is known about it.

    Parameters
    ----------
    name, label : str
    question : str
        What it answers, in a sentence.
    function : callable
        ``function(case, explainer, relevance, *, progress, cancel, …) ->
        Outcome``; measures that need a cohort take a `Cohort` first and no map.
    quantities : tuple of Quantity
        The first one decides the verdict.
    reference : str
        Publication.
    needs : frozenset of str
        Keys of `NEEDS`.
    cost : {"cheap", "costly"}
        Cheap: the network is run on changed scans. Costly: maps are made anew.
    against_controls : bool
        Whether it means something to beat the controls. A map that never
        changes is perfectly stable, and no better for it.
    """

    name: str
    label: str
    question: str
    function: Callable[..., Outcome]
    quantities: tuple[Quantity, ...]
    reference: str = ""
    needs: frozenset[str] = frozenset()
    cost: str = "cheap"
    against_controls: bool = True

    @property
    def main(self) -> Quantity:
        """The quantity that decides the verdict."""
        return self.quantities[0]

    def quantity(self, name: str) -> Quantity:
        """A quantity by name; KeyError with those there are."""
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity
        raise KeyError(
            f"expected a quantity of {self.name!r}, got {name!r}; available: "
            f"{', '.join(quantity.name for quantity in self.quantities)}"
        )

    def missing(self, case: Any) -> str:
        """What the case lacks for this measure, in words; "" if nothing."""
        lacking = [text for key, text in NEEDS.items() if key in self.needs and not case.offers(key)]
        return f"needs {' and '.join(lacking)}" if lacking else ""

    def run(self, case: Any, explainer: Any, relevance: Any = None, *, progress=None, cancel=None, **settings: Any):
        """Measure one map, made first unless it is given.

        Parameters
        ----------
        case : Case, or Cohort for measures that need a cohort
        explainer : Explainer
        relevance : array of the grid's shape, optional
            Signed map on the model's grid, if there is one already.
        progress, cancel : callable, optional
        **settings
            Of the measure's function.

        Raises
        ------
        ValueError
            If the case lacks what the measure needs.
        """
        if lacking := self.missing(case):
            raise ValueError(f"{self.name}: {lacking}, got none")
        if "cohort" in self.needs:
            return self.function(case, progress=progress, cancel=cancel, **settings)
        if relevance is None:
            relevance = explainer(case, cancel=cancel)
        return self.function(case, explainer, relevance, progress=progress, cancel=cancel, **settings)


_MEASURES: dict[str, Measure] = {}


def register_measure(
    name: str, *, label: str, question: str, quantities: tuple[Quantity, ...], needs: tuple[str, ...] = (), **about: Any
):
    """Decorator: make a function a measure of trust. One file, one measure."""
    unknown = set(needs) - NEEDS.keys()
    if unknown:
        raise ValueError(f"expected needs of {', '.join(NEEDS)}, got {', '.join(sorted(unknown))}")

    def decorate(function: Callable) -> Callable:
        known = _MEASURES.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise ValueError(f"expected a new measure name, got {name!r}, which is registered already")
        _MEASURES[name] = Measure(name, label, question, function, quantities, needs=frozenset(needs), **about)
        return function

    return decorate


def measure_names() -> list[str]:
    """Names of all registered measures, in the order of registration."""
    return list(_MEASURES)


def get_measure(name: str) -> Measure:
    """Measure by name; KeyError with the names there are."""
    if name not in _MEASURES:
        raise KeyError(f"expected a measure of trust, got {name!r}; available: {', '.join(measure_names())}")
    return _MEASURES[name]
