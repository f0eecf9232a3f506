"""Packages whose public names are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["import_on_first_use"]


def import_on_first_use(package: str, homes: Mapping[str, Sequence[str]]) -> None:
    """Let a package have names that are imported when they are first used.

    Parameters
    ----------
    package : str
        Its ``__name__``; its ``__init__`` calls this, and imports the names
        for type checkers alone.
    homes : mapping
        Its modules, by their names within the package, and the public names of each.
    """
    module = sys.modules[package]
    module.__dict__["_homes"] = {name: f"{package}.{home}" for home, names in homes.items() for name in names}
    module.__class__ = _Package


class _Package(ModuleType):
    """A package; a public name is never the module of that name.

    The import system binds every submodule to its package under its own
    name. Where a function is called as its module is (`mriinterp.explain`),
    the function wins; ``from mriinterp.explain import …`` finds the module.
    """

    _homes: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        if name not in self._homes:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(self._homes[name]), name)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in self._homes and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self._homes})
