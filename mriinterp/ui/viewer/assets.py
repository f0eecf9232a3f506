"""The viewer's JavaScript and style, put together from small files."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["store_script", "viewer_script", "viewer_style"]

# One module is made of these, in this order; each file holds one idea and declares only functions, classes, constants.
_VIEWER = (
    "store", "dom", "numbers", "colors", "geometry", "measure", "volumes", "slice",
    "outline", "patch", "pane", "profile", "colorbar", "mosaic", "view", "layout", "toolbar", "picture",
    "status", "viewer", "main",
)  # fmt: skip
_STORE = ("store", "store_main")


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join(f"// {name}.js\n{_read(f'js/{name}.js')}" for name in names)


@cache
def viewer_script() -> str:
    """The module of the viewer."""
    return _joined(_VIEWER)


@cache
def store_script() -> str:
    """The module that takes volumes from the wire and keeps them for viewers."""
    return _joined(_STORE)


@cache
def viewer_style() -> str:
    """The viewer's style sheet."""
    return _read("viewer.css")
