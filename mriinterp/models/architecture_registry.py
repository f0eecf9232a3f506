"""Architectures by name: how weights become a network."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mriinterp.base.discover import run_files
from mriinterp.models.code import Code
from mriinterp.models.imports import read_code
from mriinterp.models.permission import TrustCode, check_permission
from mriinterp.models.run_code import DIGEST, OWNER, run_code

if TYPE_CHECKING:
    from torch import nn

    from mriinterp.models.weights import StateDict

__all__ = [
    "Architecture",
    "architecture_names",
    "get_architecture",
    "load_code",
    "own_architectures",
    "register_architecture",
]

Build = Callable[["Sequence[StateDict]"], "tuple[nn.Module, StateDict]"]
DefaultCard = Callable[["Sequence[StateDict]"], dict]


@dataclass(frozen=True)
class Architecture:
    """A network class and what is known of it without a card.

    Parameters
    ----------
    name, label : str
    build : callable
        From the state dicts of all weights files: the module, sized to fit,
        and one state dict in the module's own names.
    default_card : callable or None
        From the same state dicts: the entries of a model card, for published
        weights that come without one. None: a card is required.
    code : str
        SHA-256 of the user's code that registered it; part of the digest of
        its models. Empty for the architectures of this package.
    owner : str
        The user's file or the module that registered it, and may do so again.
    """

    name: str
    label: str
    build: Build
    default_card: DefaultCard | None = None
    code: str = ""
    owner: str = ""

    @property
    def has_digest(self) -> bool:
        """Whether name and `code` determine what it computes: not for code registered from anywhere."""
        return bool(self.code) or self.build.__module__.startswith("mriinterp.")


_ARCHITECTURES: dict[str, Architecture] = {}
_own: ContextVar[dict[str, Architecture] | None] = ContextVar("own architectures", default=None)


@cache
def _find_packaged() -> None:
    """Run the files of this folder that register an architecture, once: PyTorch comes with them."""
    own = _own.set(None)
    try:
        run_files(Path(__file__).parent, "mriinterp.models", holding="\n@register_architecture(")
    finally:
        _own.reset(own)


def register_architecture(name: str, *, label: str = "", default_card: DefaultCard | None = None):
    """Decorator: register an `nn.Module` class or function without arguments, or a builder.

    A builder is given the weights, a list of state dicts, so that it can size
    the network by them; it returns the network, or the network and its weights.

    Examples
    --------
    In a Python file given with ``--trust-code``::

        @register_architecture("my_net", label="Our network")
        class MyNet(nn.Module): ...
    """

    def decorate(builder):
        if not builder.__module__.startswith("mriinterp."):
            _find_packaged()  # whose names are taken
        module = sys.modules.get(builder.__module__)
        code, owner = getattr(module, DIGEST, ""), _owner(module) or builder.__module__
        own = _own.get()
        known = (own or {}).get(name) or _ARCHITECTURES.get(name)
        if own is not None and known is not None and known.code and name not in own:
            known = None  # of another user's file: known elsewhere, and not in this block
        if known is not None and known.owner != owner:
            raise ValueError(f"expected a new architecture name, got {name!r}, which is registered already")
        build = _from_class(builder) if isinstance(builder, type) else _from_function(builder)
        entry = Architecture(name, label or name, build, default_card, code, owner)
        (_ARCHITECTURES if own is None else own)[name] = entry
        return builder

    return decorate


def _owner(module: ModuleType | None) -> str:
    """Return the file of a module, the same whether it was run as a user's code or imported; "" without one."""
    path = getattr(module, "__file__", None)
    return getattr(module, OWNER, "") or (str(Path(path).resolve()) if path else "")


def _from_class(module_class: type[nn.Module]) -> Build:
    def build(states: Sequence[StateDict]) -> tuple[nn.Module, StateDict]:
        if needed := _needed_arguments(module_class):
            named = module_class.__name__
            raise ValueError(
                f"expected a class that is made without arguments, got {named}, which needs {', '.join(needed)}; "
                "register a function that makes it:\n"
                f'    @register_architecture("…")\n    def build(states):\n        return {named}('
                f"{', '.join(f'{name}=…' for name in needed)}), states[0]"
            )
        return module_class(), {key: value for state in states for key, value in state.items()}

    build.__module__ = module_class.__module__
    return build


def _from_function(builder: Callable) -> Build:
    """Return a builder; wrap a function without arguments, which returns the network alone."""
    try:
        alone = not inspect.signature(builder).parameters
    except (TypeError, ValueError):
        alone = False
    if not alone:
        return builder

    def build(states: Sequence[StateDict]) -> tuple[nn.Module, StateDict]:
        return builder(), {key: value for state in states for key, value in state.items()}

    build.__module__ = builder.__module__
    return build


def _needed_arguments(module_class: type[nn.Module]) -> list[str]:
    """Return the arguments of a class that have no default."""
    try:
        arguments = inspect.signature(module_class).parameters.values()
    except (TypeError, ValueError):
        return []
    fixed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [a.name for a in arguments if a.default is inspect.Parameter.empty and a.kind not in fixed]


def architecture_names() -> list[str]:
    """Return the names of all registered architectures."""
    _find_packaged()
    return sorted({**_ARCHITECTURES, **(_own.get() or {})})


def get_architecture(name: str) -> Architecture:
    """Return an architecture by name; KeyError with the names there are."""
    _find_packaged()
    found = (_own.get() or {}).get(name) or _ARCHITECTURES.get(name)
    if found is None:
        raise KeyError(f"expected a known architecture, got {name!r}; available: {', '.join(architecture_names())}")
    return found


def load_code(path: Path | str, *, trust_code: TrustCode = True) -> Code:
    """Run a user's Python file, so that it can register its architectures.

    This executes the file and every module beside it that it imports: call it
    only on the user's explicit word (``--trust-code``). Running the same file
    again replaces what it registered.

    Parameters
    ----------
    path : path
    trust_code : bool or collection of str
        Digests of the code that may run; default: any.

    Returns
    -------
    Code
        What ran.

    Raises
    ------
    CodeRefused
        For code that is not among the digests.
    FileNotFoundError, ValueError
        If there is no such file, or it is not Python that runs.
    """
    code = read_code(path)
    check_permission(trust_code, code.digest, f"to run {code.path.name}")
    run_code(code)
    return code


@contextmanager
def own_architectures() -> Iterator[None]:
    """Keep what is registered inside the block known there alone, so that two networks of one name do not meet."""
    token = _own.set({})
    try:
        yield
    finally:
        _own.reset(token)
