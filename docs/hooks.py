"""What the documentation is made of beside its pages: the sections of all methods that are registered."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def on_page_markdown(markdown: str, page, **_) -> str | None:
    """Fill the page on methods; the others stay as they are."""
    if page.file.src_uri != "methods.md":
        return None
    spec = importlib.util.spec_from_file_location("fill", Path(__file__).parent / "trust" / "fill.py")
    fill = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = fill  # its data classes look their module up
    spec.loader.exec_module(fill)
    return fill.filled(markdown, fill.figures_of(fill.SHIPPED))
