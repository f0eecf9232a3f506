"""Relevance methods by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mriinterp.base.reading import READINGS
from mriinterp.incremental import BoxGrid
from mriinterp.methods.parameters import INJECTED, Parameter, parameters_of, validate

__all__ = ["Method", "get_method", "method_names", "preset_names", "register_method"]


@dataclass(frozen=True, eq=False)
class Method:
    """A relevance method and what is known about it.

    Parameters
    ----------
    name, label, reference : str
    function : callable
        ``function(model, x, target, *, …) -> Tensor``; `x` is (1, C,
        *spatial), the result (1, C, *spatial) or (1, 1, *spatial).
    reading : str
        How its maps are read where a sign is not wanted: ``"absolute"``
        (gradients), ``"positive"`` (occlusion, class activation), or
        ``"signed"``.
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
    presets : dict of str to dict
        Parameter values by preset name. A map made under a preset is stored
        after `reading`, as the publication did.
    boxes : callable, optional
        ``boxes(shape, params) -> BoxGrid``: what a method hides that moves a
        box over the image.
    """

    name: str
    label: str
    reference: str
    function: Callable[..., Any]
    reading: str
    unit: str = ""
    caution: str = ""
    per_unit: bool = False
    directional: bool = False
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)
    boxes: Callable[[Sequence[int], Mapping[str, Any]], BoxGrid] | None = None

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

    def boxes_on(self, shape: Sequence[int], params: Mapping[str, Any]) -> BoxGrid | None:
        """Boxes that are hidden on an image of a shape; None for methods without boxes."""
        return None if self.boxes is None else self.boxes(shape, params)

    def warning(self, shape: Sequence[int], params: Mapping[str, Any]) -> str:
        """What is wrong with the parameters on an image of a shape, in a sentence; "" if nothing is."""
        boxes = self.boxes_on(shape, params)
        return "" if boxes is None else boxes.warning

    def resolve(self, values: dict[str, Any], preset: str | None = None) -> dict[str, Any]:
        """Checked values of all parameters: given, else of the preset, else default."""
        if preset is not None and preset not in self.presets:
            raise ValueError(
                f"expected a preset of {self.name!r}, got {preset!r}; available: {', '.join(self.presets) or 'none'}"
            )
        return validate(self.parameters, {**self.presets.get(preset, {}), **values}, self.name)


_METHODS: dict[str, Method] = {}


def register_method(name: str, *, label: str, reference: str, reading: str = "absolute", **about: Any):
    """Decorator: make a function a relevance method. One file, one method."""
    if reading not in READINGS:
        raise ValueError(f"expected a reading of {', '.join(READINGS)}, got {reading!r}")

    def decorate(function: Callable) -> Callable:
        known = _METHODS.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise ValueError(f"expected a new method name, got {name!r}, which is registered already")
        method = Method(name, label, reference, function, reading, **about)
        _ = method.parameters  # a malformed signature fails here, not when the page draws its widgets
        _METHODS[name] = method
        return function

    return decorate


def method_names() -> list[str]:
    """Names of all registered methods, in the order of registration."""
    return list(_METHODS)


def preset_names() -> list[str]:
    """Names of all presets of any method."""
    return sorted({preset for method in _METHODS.values() for preset in method.presets})


def get_method(name: str) -> Method:
    """Method by name; KeyError with the names there are."""
    if name not in _METHODS:
        raise KeyError(f"expected a relevance method, got {name!r}; available: {', '.join(method_names())}")
    return _METHODS[name]
