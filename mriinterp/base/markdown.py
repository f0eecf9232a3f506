"""Escape text from files and names for Markdown."""

from __future__ import annotations

import re

__all__ = ["escape_markdown"]

WORD_JOINER = "\u2060"  # takes no room and breaks no line
LINKS = r"(?i)(?<=www)(?=\.)|(?<=:)(?=//)|(?=@)"


def escape_markdown(text: str) -> str:
    """Escape text from files or names for Markdown: no markup, no links, no pictures from elsewhere.

    GitHub-flavoured Markdown makes links of ``www.x.org``, ``http://x.org``
    and ``a@x.org`` after it has read the escapes, so that a backslash does not
    prevent it: an unseen character inside does.
    """
    return re.sub(LINKS, WORD_JOINER, re.sub(r"([\\`*_{}\[\]()#!|<>$:~])", r"\\\1", text))
