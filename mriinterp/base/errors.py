"""Messages of errors and words of labels, ready to be shown."""

from __future__ import annotations

__all__ = ["as_sentence", "capital", "words_of", "words_with_kind"]

OURS = (ValueError, OSError, KeyError)  # their words stand for themselves


def as_sentence(text: str) -> str:
    """Return a message with a capital letter and a full stop.

    Examples
    --------
    >>> as_sentence("the air is 10, expected 0")
    'The air is 10, expected 0.'
    """
    return f"{capital(text.rstrip('.'))}."


def capital(words: str) -> str:
    """Return words for a label: their first letter is a capital, the others stay.

    Examples
    --------
    >>> capital("logit of AD")
    'Logit of AD'
    """
    return f"{words[:1].upper()}{words[1:]}"


def words_of(error: BaseException) -> str:
    """Return the message of an error, without the quotes of a KeyError; its kind if there is no message."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text or type(error).__name__


def words_with_kind(error: BaseException) -> str:
    """Return the message on one line, after the kind of error where that helps: out of memory, and bugs.

    Examples
    --------
    >>> words_with_kind(ValueError("no such area"))
    'no such area'
    >>> words_with_kind(IndexError("out of range"))
    'IndexError: out of range'
    >>> words_with_kind(MemoryError())
    'MemoryError'
    """
    text, kind = " ".join(words_of(error).split()), type(error).__name__
    return text if isinstance(error, OURS) or text == kind else f"{kind}: {text}"
