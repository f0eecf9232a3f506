"""Text from files and names inside Markdown."""

from __future__ import annotations

import re

__all__ = ["escape_markdown"]


def escape_markdown(text: str) -> str:
    """Text from files or names as plain text in Markdown: no markup, no pictures from elsewhere."""
    return re.sub(r"([\\`*_{}\[\]()#!|<>$:~])", r"\\\1", text)
