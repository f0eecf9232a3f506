"""Text from files and errors, as a page may show it."""

from __future__ import annotations

from mriinterp.base.errors import as_sentence, words_of
from mriinterp.base.markdown import escape_markdown

__all__ = ["as_sentence", "escape_markdown", "words_of"]
