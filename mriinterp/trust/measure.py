"""A measure of trust: what it gives, and what it declares about its table, tab, words and cost."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mriinterp.trust.measure_fields import LAST, Badge, Curves, Outcome, Quantity, Series, Work

__all__ = ["ASPECTS", "NEEDS", "SCALES", "Badge", "Curves", "Measure", "Outcome", "Quantity", "Series", "Work"]

NEEDS = {
    "truth": "scans in which the place of the disease is known",
    "atrophy": "scans in which the change of every voxel by the disease is known",
    "twin": "the same scan without the disease",
    "areas": "known areas that the disease shrinks",
    "subjects": "scans of other subjects",
    "models": "networks retrained from other seeds",
    "cohort": "maps of both groups",
    "severity": "a known severity of the disease of each patient",
}

ASPECTS = {"disease": "The disease", "effect": "What hiding changes", "network": "Network and noise"}
"""Groups of the columns of the table of all methods, in words."""

SCALES = ("full", "quick")


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
    needs, wishes : frozenset of str
        Keys of `NEEDS`: without one of its needs it cannot be taken; what it wishes for it uses where it is known.
    cost : {"cheap", "costly"}
        Cheap: the network is run on changed scans. Costly: maps are made anew.
    against_null_maps : bool
        Whether it means something to beat the null maps. A map that never
        changes is perfectly stable, and no better for it.
    order : int
        Its place in tables, tabs and lists.
    tab : str
        Of the Trust page; default its label.
    aspect : str
        Key of `ASPECTS`: the group of the table of all methods that it belongs to.
    computed : str
        What is computed, for the guide.
    note : str
        What a reader of its figures must know.
    settings : mapping of scale to settings
        Of its function in a ``"full"`` and a ``"quick"`` benchmark, where
        they are not the defaults.
    work : callable, optional
        ``work(settings, areas, plan) -> Work``; default: none worth a word.
    detailed : bool
        Whether a report keeps the details behind its numbers.
    curves : Curves, optional
        Drawn from those details.
    series : Series, optional
        Maps that it compares.
    badge : Badge, optional
        Its part of the line beside every map.
    beats : str
        A sentence with ``{}`` for the methods that beat all null maps.
    ends : str
        A sentence with two ``{}``, for the best and the worst method.
    below_zero, worse : str
        What it means if the interval of the main quantity lies below 0, of
        one method; a sentence with ``{}`` for all of them.
    absent : str
        Words where no method could be measured at all.
    unbeaten : str
        Words where nothing can be beaten.
    findings : callable, optional
        ``findings(table, methods) -> list of str``: what a benchmark showed,
        where it is more than `beats` and `ends`.
    verdict : callable, optional
        ``verdict(table, method) -> str``: what it says of one method, where
        it is more than which null maps are beaten.
    revision : int
        Raise it when its numbers change: results of an earlier one are computed again, those of other measures are kept.
    """

    name: str
    label: str
    question: str
    function: Callable[..., Outcome]
    quantities: tuple[Quantity, ...]
    reference: str = ""
    needs: frozenset[str] = frozenset()
    wishes: frozenset[str] = frozenset()
    cost: str = "cheap"
    against_null_maps: bool = True
    order: int = LAST
    tab: str = ""
    aspect: str = "effect"
    computed: str = ""
    note: str = ""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    work: Callable[[Mapping[str, Any], int, Any], Work] | None = None
    detailed: bool = False
    curves: Curves | None = None
    series: Series | None = None
    badge: Badge | None = None
    beats: str = ""
    ends: str = ""
    below_zero: str = ""
    worse: str = ""
    absent: str = ""
    unbeaten: str = "Nothing to beat: a map that never changes is perfect here"
    findings: Callable[[Any, list[str]], list[str]] | None = None
    verdict: Callable[[Any, str], str] | None = None
    revision: int = 1

    def __post_init__(self):
        if unknown := sorted((self.needs | self.wishes) - NEEDS.keys()):
            raise ValueError(f"{self.name}: expected needs of {', '.join(NEEDS)}, got {', '.join(unknown)}")
        if self.aspect not in ASPECTS:
            raise ValueError(f"{self.name}: expected an aspect of {', '.join(ASPECTS)}, got {self.aspect!r}")
        if unknown := sorted(self.settings.keys() - set(SCALES)):
            raise ValueError(f"{self.name}: expected settings of {', '.join(SCALES)}, got {', '.join(unknown)}")
        for values in self.settings.values():
            if strange := sorted(values.keys() - self.defaults.keys()):
                raise ValueError(
                    f"{self.name}: expected settings of {', '.join(self.defaults) or 'none'}, got {', '.join(strange)}"
                )

    @property
    def defaults(self) -> dict[str, Any]:
        """Settings of its function, with their defaults."""
        found = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY and p.name not in ("progress", "cancel")}

    @property
    def of_groups(self) -> bool:
        """Whether it compares maps of two groups, and not one map with something."""
        return "cohort" in self.needs

    @property
    def main(self) -> Quantity:
        """The quantity that decides the verdict."""
        return self.quantities[0]

    def quantity(self, name: str) -> Quantity:
        """Return a quantity by name; KeyError with those there are."""
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity
        raise KeyError(
            f"expected a quantity of {self.name!r}, got {name!r}; available: "
            f"{', '.join(quantity.name for quantity in self.quantities)}"
        )

    def missing(self, case: Any) -> str:
        """Return what the case lacks for this measure, in words; "" if nothing."""
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
        if self.of_groups:
            return self.function(case, progress=progress, cancel=cancel, **settings)
        if relevance is None:
            relevance = explainer(case, cancel=cancel)
        return self.function(case, explainer, relevance, progress=progress, cancel=cancel, **settings)
