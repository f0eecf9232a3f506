"""Text from files and errors, as a page may show it."""

from __future__ import annotations

from mriinterp.markdown import escape_markdown

__all__ = ["escape_markdown", "words_of"]


def words_of(error: Exception) -> str:
    """What an error says, without the quotes that a KeyError puts around it."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text or type(error).__name__
