"""Text from files and errors, as a page may show it."""

from __future__ import annotations

from mriinterp.base.errors import words_of
from mriinterp.base.markdown import escape_markdown

__all__ = ["escape_markdown", "words_of"]
