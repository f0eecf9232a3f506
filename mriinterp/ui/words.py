"""Text from files and errors, as a page may show it."""

from __future__ import annotations

from collections.abc import Callable

from mriinterp.base.errors import as_sentence, capital, words_of
from mriinterp.base.markdown import escape_markdown

__all__ = ["Remedied", "as_sentence", "capital", "escape_markdown", "words_of"]


class Remedied(ValueError):
    """An error that the page can help with.

    Parameters
    ----------
    words : str
    remedy : callable
        Draws the way out below the message.
    """

    def __init__(self, words: str, remedy: Callable[[], None]):
        super().__init__(words)
        self.remedy = remedy
