"""Architectures by name: how weights become a network."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from mriinterp.base.files import check_file
from mriinterp.models.weights import StateDict

__all__ = ["Architecture", "architecture_names", "get_architecture", "load_code", "register_architecture"]

Build = Callable[[Sequence[StateDict]], tuple[nn.Module, StateDict]]
DefaultCard = Callable[[Sequence[StateDict]], dict]


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
        SHA-256 of the user's file that registered it; part of the digest of
        its models. Empty for the architectures of this package.
    """

    name: str
    label: str
    build: Build
    default_card: DefaultCard | None = None
    code: str = ""

    @property
    def has_digest(self) -> bool:
        """Whether name and `code` tell what it computes: not for code registered from anywhere."""
        return bool(self.code) or self.build.__module__.startswith("mriinterp.")


_DIGEST = "__mriinterp_digest__"  # set in the namespace of a user's file
_ARCHITECTURES: dict[str, Architecture] = {}


def register_architecture(name: str, *, label: str = "", default_card: DefaultCard | None = None):
    """Decorator: register a builder, or an `nn.Module` class without arguments.

    Examples
    --------
    In a Python file given with ``--trust-code``::

        @register_architecture("my_net", label="Our network")
        class MyNet(nn.Module): ...
    """

    def decorate(builder):
        if name in _ARCHITECTURES and _ARCHITECTURES[name].build.__module__ != builder.__module__:
            raise ValueError(f"expected a new architecture name, got {name!r}, which is registered already")
        build = _from_class(builder) if isinstance(builder, type) else builder
        code = getattr(sys.modules.get(builder.__module__), _DIGEST, "")
        _ARCHITECTURES[name] = Architecture(name, label or name, build, default_card, code)
        return builder

    return decorate


def _from_class(module_class: type[nn.Module]) -> Build:
    def build(states: Sequence[StateDict]) -> tuple[nn.Module, StateDict]:
        return module_class(), {key: value for state in states for key, value in state.items()}

    build.__module__ = module_class.__module__
    return build


def architecture_names() -> list[str]:
    """Names of all registered architectures."""
    return sorted(_ARCHITECTURES)


def get_architecture(name: str) -> Architecture:
    """Architecture by name; KeyError with the names there are."""
    if name not in _ARCHITECTURES:
        raise KeyError(f"expected a known architecture, got {name!r}; available: {', '.join(architecture_names())}")
    return _ARCHITECTURES[name]


def load_code(path: Path | str) -> None:
    """Run a user's Python file, so that it can register its architectures.

    This executes the file: call it only on the user's explicit word
    (``--trust-code``). Running the same file again replaces what it registered.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not Python that runs.
    """
    path = check_file(path, "a Python file")
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"mriinterp_user_{path.stem}_{place}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"expected a Python file (.py), got {path.name}")
    module = importlib.util.module_from_spec(spec)
    setattr(module, _DIGEST, hashlib.sha256(path.read_bytes()).hexdigest())
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's code raises is told as a fault of that file
        del sys.modules[name]
        raise ValueError(f"{path.name}: expected Python code that runs, got {type(error).__name__}: {error}") from error
