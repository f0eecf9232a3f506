"""The viewer's JavaScript, bundled from the modules of ``js/`` by ``npm run build``, and its style sheet."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["link_script", "viewer_script", "viewer_style", "volume_script"]


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def viewer_script() -> str:
    """Return the module of the viewer."""
    return _read("bundle/viewer.js")


@cache
def volume_script() -> str:
    """Return the module that takes volumes from the wire and keeps them for viewers."""
    return _read("bundle/volume.js")


@cache
def link_script() -> str:
    """Return the module of the button that copies the address."""
    return _read("bundle/link.js")


@cache
def viewer_style() -> str:
    """Return the viewer's style sheet."""
    return _read("viewer.css")
