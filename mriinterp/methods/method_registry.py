"""Relevance methods by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from mriinterp.methods.method import LISTS, Method

__all__ = [
    "get_method",
    "listed_methods",
    "method_names",
    "preset_names",
    "register_method",
    "unregister_method",
]

_METHODS: dict[str, Method] = {}


def _kind_of(function: Callable) -> str:
    """Return the kind that a function's arguments show: it hides areas of an atlas, or boxes, or neither."""
    arguments = inspect.signature(function).parameters.keys()
    return "areas" if "labels" in arguments else "boxes" if {"size", "stride"} <= arguments else "gradient"


def register_method(name: str, *, label: str, reference: str, kind: str | None = None, **about: Any):
    """Decorator: make a function a relevance method. One file, one method.

    Parameters
    ----------
    name, label, reference : str
    kind : str, optional
        By default as the arguments show: ``labels``: ``"areas"``; ``size``
        and ``stride``: ``"boxes"``; else ``"gradient"``.
    **about
        Further fields of `Method`.
    """

    def decorate(function: Callable) -> Callable:
        known = _METHODS.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            raise ValueError(f"expected a new method name, got {name!r}, which is registered already")
        _METHODS[name] = Method(name, label, reference, function, kind or _kind_of(function), **about)
        return function

    return decorate


def unregister_method(name: str) -> None:
    """Forget a method; KeyError if there is none of this name."""
    del _METHODS[get_method(name).name]


def method_names() -> list[str]:
    """Return the names of all registered methods, in their order."""
    return sorted(_METHODS, key=lambda name: (_METHODS[name].order, name))


def listed_methods(entry: str) -> list[str]:
    """Return the names of the methods in one of the `LISTS`, in their order."""
    if entry not in LISTS:
        raise KeyError(f"expected a list of methods, got {entry!r}; available: {', '.join(LISTS)}")
    return [name for name in method_names() if entry in _METHODS[name].lists]


def preset_names() -> list[str]:
    """Return the names of all presets of any method."""
    return sorted({preset for method in _METHODS.values() for preset in method.presets})


def get_method(name: str) -> Method:
    """Return a method by name; KeyError with the names there are."""
    if name not in _METHODS:
        raise KeyError(f"expected a relevance method, got {name!r}; available: {', '.join(method_names())}")
    return _METHODS[name]
