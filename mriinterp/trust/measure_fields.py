"""What a measure of trust declares and gives: quantities, work, curves, badge, outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["LAST", "Badge", "Curves", "Outcome", "Quantity", "Series", "Work"]

LAST = 1000
"""The place in every order of a measure that names none."""


@dataclass(frozen=True)
class Work:
    """What a measure takes.

    Parameters
    ----------
    passes : float
        Forward passes for each map.
    shared : float
        Forward passes for each scan, whatever the number of maps.
    maps : int
        Maps made anew for each map.
    """

    passes: float = 0.0
    shared: float = 0.0
    maps: int = 0


@dataclass(frozen=True)
class Curves:
    """A figure of what is behind a measure's numbers.

    Parameters
    ----------
    draw : callable
        ``draw(details, methods, *, subject, labels) -> Figure``.
    null_map : str
        The null map that is drawn beside the methods.
    caption : str
    """

    draw: Callable[..., Any]
    null_map: str
    caption: str = ""


@dataclass(frozen=True)
class Series:
    """A row of maps that a measure compares, which the page makes on demand.

    Parameters
    ----------
    make : callable
        ``make(case, explainer, relevance, *, steps, progress, cancel)``
        yields the name and the signed map of each.
    first : str
        Name of the map that they are compared with.
    title, caption : str
        Of the work, with ``{}`` for the method; and under the row.
    """

    make: Callable[..., Any]
    first: str
    title: str
    caption: str


@dataclass(frozen=True)
class Badge:
    """The part of a measure in the line that stands beside every map.

    Parameters
    ----------
    name : str
        In narrow places, before the mark.
    words : callable, optional
        ``words(table, method) -> (words, mark)``, or None where the method
        was not measured; default: the comparison with the null maps.
    reads : tuple of str
        Quantities it needs; default: the main one.
    order : int
        Its place in the line.
    """

    name: str
    words: Callable[[Any, str], tuple[str, str] | None] | None = None
    reads: tuple[str, ...] = ()
    order: int = LAST


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
    head : str
        Of its column in the table of all measures; "" if it has none.
    line : str
        Words before the number in a method's section of the guide; "" if it
        is not there.
    digits : int
        Decimals of the number in that section.
    ratio : bool
        Whether it is a ratio of two sizes: averaged by its logarithm, so that no interval reaches below 0.
    """

    name: str
    label: str
    better: str = ""
    unit: str = ""
    head: str = ""
    line: str = ""
    digits: int = 2
    ratio: bool = False


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
