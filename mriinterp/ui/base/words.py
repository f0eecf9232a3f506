"""Text from files and errors, as a page may show it."""

from __future__ import annotations

from collections.abc import Callable

from mriinterp.base.errors import as_sentence, capital, words_of
from mriinterp.base.markdown import escape_markdown

__all__ = ["Remedied", "as_sentence", "capital", "choice_words", "escape_markdown", "words_of"]

WORDS = {"margin": "Logit margin"}  # of values whose names say less than the glossary


def choice_words(value: str) -> str:
    """Return a value of a setting as a list of choices shows it: ``scan_mean`` is "Scan mean"."""
    return WORDS.get(str(value)) or capital(str(value).replace("_", " "))


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
