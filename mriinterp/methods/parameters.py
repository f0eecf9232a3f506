"""Parameters of a method, described by its keyword-only arguments alone.

Widgets of the page, options of the command line and the docs are made from
them: type, default, range and help stand in the signature alone::

    def occlusion(model, x, target, *, size: Annotated[int, Param("Edge of the box", minimum=1, unit="voxels")] = 40)
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

__all__ = ["INJECTED", "Note", "Param", "Parameter", "parameters_of", "validate"]

# Arguments that `explain` hands over; they are no choices of the user.
INJECTED = ("progress", "cancel", "labels", "reference", "note")
Note = Callable[[str, str], None]  # is given a name and what was chosen, for the map's description
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Param:
    """Annotation of a parameter: help, range, unit, source of its options.

    Parameters
    ----------
    help : str
    minimum, maximum : float, optional
    unit : str
    options : str
        What values there are depends on the network: ``"layers"``.
    """

    help: str
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    options: str = ""


@dataclass(frozen=True)
class Parameter:
    """A parameter as pages, command line and docs see it.

    Parameters
    ----------
    name : str
    type : type
        int, float, bool or str.
    default : object
    choices : tuple of str
        Empty unless the value is one of a few.
    param : Param
    """

    name: str
    type: type
    default: Any
    choices: tuple[str, ...]
    param: Param

    def check(self, value: Any) -> Any:
        """Return the value in the parameter's type; ValueError if it does not fit."""
        param, expected = self.param, self.describe()
        try:
            if self.type is bool:
                value = TRUTH[str(value).lower()]
            if self.type is int and float(value) != int(float(value)):
                raise ValueError
            cast = self.type(float(value)) if self.type is int else self.type(value)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise ValueError(f"expected {self.name} as {expected}, got {value!r}") from error
        low = -math.inf if param.minimum is None else param.minimum
        high = math.inf if param.maximum is None else param.maximum
        outside = self.type in (int, float) and not low <= cast <= high  # NaN is outside of any range
        if outside or (self.choices and cast not in self.choices):
            raise ValueError(f"expected {self.name} as {expected}, got {value!r}")
        return cast

    def describe(self) -> str:
        """Return the type and range in words, e.g. ``"int from 1 to 200 voxels"``."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        low, high, unit = self.param.minimum, self.param.maximum, self.param.unit
        parts = [{"int": "whole number", "float": "number", "bool": "true or false"}.get(self.type.__name__, "text")]
        parts += [f"from {low:g}"] if low is not None else []
        parts += [f"to {high:g}"] if high is not None else []
        return " ".join([*parts, unit] if unit else parts)


def parameters_of(function: Callable) -> dict[str, Parameter]:
    """Return the parameters of a method, by name, from its signature."""
    arguments = {
        name: argument
        for name, argument in inspect.signature(function).parameters.items()
        if argument.kind is argument.KEYWORD_ONLY and name not in INJECTED
    }
    hints = _types_of(function, arguments)
    found = {}
    for name, argument in arguments.items():
        kind, param = hints[name], Param("")
        choices: tuple[str, ...] = ()
        if hasattr(kind, "__metadata__"):
            param = next((m for m in kind.__metadata__ if isinstance(m, Param)), param)
            kind = kind.__origin__
        if get_origin(kind) is Literal:
            choices = get_args(kind)
            kind = type(choices[0])
        if argument.default is argument.empty or kind not in (int, float, bool, str):
            raise TypeError(f"{function.__name__}: expected {name} as int, float, bool, str or Literal with a default")
        found[name] = Parameter(name, kind, argument.default, choices, param)
    return found


def _types_of(function: Callable, names: Collection[str]) -> dict[str, Any]:
    """Return the annotations of some arguments; those of the others may name what is not imported."""

    def chosen() -> None: ...

    chosen.__annotations__ = {name: kind for name, kind in function.__annotations__.items() if name in names}
    names_known = inspect.unwrap(function).__globals__  # a decorator may come from another module
    return get_type_hints(chosen, names_known, include_extras=True)


def validate(parameters: dict[str, Parameter], values: dict[str, Any], method: str) -> dict[str, Any]:
    """Return all parameters of a method: the given values checked, defaults for the rest.

    Raises
    ------
    ValueError
        Unknown name, wrong type or out of range.
    """
    unknown = sorted(values.keys() - parameters.keys())
    if unknown:
        raise ValueError(
            f"expected parameters of {method!r}, got {', '.join(unknown)}; available: {', '.join(parameters) or 'none'}"
        )
    return {name: p.check(values[name]) if name in values else p.default for name, p in parameters.items()}
