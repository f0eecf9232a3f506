"""Declaration of a relevance method: kind, cost, unit, reading, defaults and documentation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mriinterp.base.reading import READINGS
from mriinterp.incremental import BoxGrid
from mriinterp.methods.parameters import INJECTED, Parameter, parameters_of, validate

__all__ = ["KINDS", "LISTS", "Docs", "Expectation", "Method"]

KINDS = {
    "gradient": "{passes}",
    "activation": "1 forward pass, and the gradient of the last layers",
    "propagation": "1 forward pass, and relevance propagated back layer by layer",
    "boxes": "{regions} boxes",
    "areas": "{regions} areas",
}
"""Kinds of methods: what a map takes, in words."""

LISTS = {
    "single": "what the Single scan page begins with",
    "cohort": "what the Cohort page begins with",
    "one_map": "what comparisons of subjects and of networks begin with",
    "compare": "what a comparison of methods begins with",
    "quick": "the short trust benchmark",
    "figure_1": "rows of Figure 1 of Rieke et al. 2018",
}
"""Lists that a method may be in, and what each is for."""

LAST = 1000


@dataclass(frozen=True)
class Docs:
    """The section of the documentation on a method, but for what its other fields say.

    Parameters
    ----------
    answers : str
        The question that its map answers.
    formula, source, failures : str
        How a value is computed; the publication with its identifier; where
        it is known to fail.
    cost : str
        What a reader may want to know of the cost beside the passes.
    """

    answers: str = ""
    formula: str = ""
    source: str = ""
    failures: str = ""
    cost: str = ""


@dataclass(frozen=True)
class Expectation:
    """Result of a publication on a method by a measure of trust, compared with the benchmark's.

    Parameters
    ----------
    measure : str
    outcome : {"fails", "best", "worst"}
        Of the measure's verdict, or of the order of methods by it.
    claim : str
        The publication and its finding, e.g. ``"Siegel et al. 2025: … is worst on known signals"``.
    quantity, by : str
        Of the measure, and its short name; "" is the measure's verdict.
    """

    measure: str
    outcome: str
    claim: str
    quantity: str = ""
    by: str = ""


@dataclass(frozen=True, eq=False)
class Method:
    """A relevance method and all that is known about it.

    Parameters
    ----------
    name, label, reference : str
    function : callable
        ``function(model, x, target, *, …) -> Tensor``; `x` is (1, C,
        *spatial), the result (1, C, *spatial) or (1, 1, *spatial).
    kind : str
        A key of `KINDS`. Methods of kind ``"boxes"`` and ``"areas"`` hide one
        region after the other.
    order : int
        Its place in lists of methods.
    reading : str
        How its maps are read where a sign is not wanted: ``"absolute"``
        (gradients), ``"positive"`` (occlusion, class activation), or
        ``"signed"``.
    signed : bool
        Whether values below 0, which speak against the score, are to be
        expected.
    unit : str
        What a value of the map is, in words, with ``{score}`` for the score.
    per_unit : bool
        Whether a value is a change of the score per unit of intensity (a
        gradient), and not a share of the score.
    directional : bool
        Whether its sign is that of a gradient: above 0 the score rises where
        the image gets brighter. True of whatever is `per_unit`.
    caution : str
        What it cannot tell, in a sentence.
    docs : Docs
    passes : float
        Time of a map in forward and backward passes; where `counted` names a
        parameter, of each that it counts. Not for boxes and areas.
    counted : str
        The parameter that counts passes.
    incremental : bool
        Of boxes and areas: whether they are run by the incremental engine,
        as `mriinterp.methods.windows.score_drops` does, and not as one whole
        pass each.
    boxes : callable, optional
        ``boxes(shape, params) -> BoxGrid``; by default those of parameters
        ``size`` and ``stride``.
    presets : dict of str to dict
        Parameter values by preset name. A map made under a preset is stored
        after `reading`, as the publication did.
    recommended : dict
        Parameters that pages open with, where settings other than the
        defaults were measured to be better.
    cohort : dict
        Parameters of a cohort's maps where they differ from a single scan's.
    benchmark : dict
        Parameters in the trust benchmark where the defaults take too long.
    variants : tuple of dict
        Further settings that the trust benchmark measures.
    lists : tuple of str
        Keys of `LISTS`.
    expected : tuple of Expectation
    original : str
        Its name in the published file of mean maps; "" if it is not there.
    """

    name: str
    label: str
    reference: str
    function: Callable[..., Any]
    kind: str
    order: int = LAST
    reading: str = "absolute"
    signed: bool = True
    unit: str = ""
    per_unit: bool = False
    directional: bool = False
    caution: str = ""
    docs: Docs = Docs()
    passes: float = 1.0
    counted: str = ""
    incremental: bool = False
    boxes: Callable[[Sequence[int], Mapping[str, Any]], BoxGrid] | None = None
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recommended: Mapping[str, Any] = field(default_factory=dict)
    cohort: Mapping[str, Any] = field(default_factory=dict)
    benchmark: Mapping[str, Any] = field(default_factory=dict)
    variants: tuple[Mapping[str, Any], ...] = ()
    lists: tuple[str, ...] = ()
    expected: tuple[Expectation, ...] = ()
    original: str = ""

    def __post_init__(self):
        for what, known, got in (("kind", KINDS, self.kind), ("reading", READINGS, self.reading)):
            if got not in known:
                raise ValueError(f"{self.name}: expected a {what} of {', '.join(known)}, got {got!r}")
        if unknown := [entry for entry in self.lists if entry not in LISTS]:
            raise ValueError(f"{self.name}: expected lists of {', '.join(LISTS)}, got {', '.join(unknown)}")
        if self.counted and self.counted not in self.parameters:
            raise ValueError(f"{self.name}: expected a parameter that counts passes, got {self.counted!r}")
        if self.kind == "boxes" and self.boxes is None and not {"size", "stride"} <= self.parameters.keys():
            raise ValueError(f"{self.name}: expected parameters size and stride, or boxes=…, of a method of boxes")
        for values in (self.recommended, self.cohort, self.benchmark, *self.variants):
            self.resolve(values)
        for preset in self.presets:
            self.resolve({}, preset)

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Parameters by name, from the function's signature."""
        return parameters_of(self.function)

    @cached_property
    def injected(self) -> frozenset[str]:
        """Which of progress, cancel, labels, reference, note the function takes."""
        return frozenset(INJECTED) & inspect.signature(self.function).parameters.keys()

    @property
    def summary(self) -> str:
        """First line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def pass_count(self, params: Mapping[str, Any]) -> float:
        """Return the time of a map in forward and backward passes; for methods that hide nothing."""
        return self.passes * float(params[self.counted] if self.counted else 1)

    @property
    def cost_words(self) -> str:
        """What a map takes, in passes: F forward, B forward and backward."""
        if self.hides:
            return f"one {'partial ' if self.incremental else ''}F {'a box' if self.kind == 'boxes' else 'an area'}"
        if self.kind == "activation":
            return "1 F, and the backward pass of the last layers"
        passes = self.pass_count({name: parameter.default for name, parameter in self.parameters.items()})
        about = "" if passes == round(passes) else "about "
        return f"{about}{passes:g} B{' by default' if self.counted else ''}"

    def entries(self) -> dict[str, str]:
        """Return the method's section of the documentation, by heading; what `docs` leaves out follows from other fields."""
        cost = ": ".join(filter(None, [self.cost_words, self.docs.cost]))
        found = {
            "Answers": self.docs.answers or self.summary,
            "Formula": self.docs.formula,
            "Source": self.docs.source or self.reference,
            "Cost": cost,
            "Known failures": self.docs.failures or self.caution,
        }
        return {heading: text if text.endswith((".", "?")) else f"{text}." for heading, text in found.items() if text}

    @property
    def hides(self) -> bool:
        """Whether it hides one region of the scan after the other."""
        return self.kind in ("boxes", "areas")

    def boxes_on(self, shape: Sequence[int], params: Mapping[str, Any]) -> BoxGrid | None:
        """Return boxes that are hidden on an image of a shape; None for methods of another kind."""
        if self.kind != "boxes":
            return None
        if self.boxes is not None:
            return self.boxes(shape, params)
        return BoxGrid(tuple(shape), params["size"], params["stride"])

    def warning(self, shape: Sequence[int], params: Mapping[str, Any]) -> str:
        """Return what is wrong with the parameters on an image of a shape, in a sentence; "" if nothing is."""
        boxes = self.boxes_on(shape, params)
        return "" if boxes is None else boxes.warning

    def resolve(self, values: Mapping[str, Any], preset: str | None = None) -> dict[str, Any]:
        """Return checked values of all parameters: given, else of the preset, else default."""
        if preset is not None and preset not in self.presets:
            raise ValueError(
                f"expected a preset of {self.name!r}, got {preset!r}; available: {', '.join(self.presets) or 'none'}"
            )
        return validate(self.parameters, {**self.presets.get(preset or "", {}), **values}, self.name)
