"""Commands as people type them."""

from __future__ import annotations

import os
import re
import shlex

__all__ = ["quoted"]

_PLAIN = re.compile(r"[\w./:\\~@%+=,-]+", re.ASCII)


def quoted(path: object, windows: bool = os.name == "nt") -> str:
    """Return a path as one types it: in quotes where a shell would read it otherwise.

    Examples
    --------
    >>> quoted("adni.toml", windows=False), quoted("my study.toml", windows=False)
    ('adni.toml', '"my study.toml"')
    >>> quoted("it's $5.toml", windows=False)
    '\\'it\\'"\\'"\\'s $5.toml\\''
    >>> quoted("C:\\\\my data\\\\a&b.toml", windows=True)
    '"C:\\\\my data\\\\a&b.toml"'
    """
    text = str(path)
    if windows:  # a name there holds no quotes
        return text if _PLAIN.fullmatch(text) and "%" not in text else f'"{text}"'
    if _PLAIN.fullmatch(text) and "\\" not in text and not text.startswith("~"):
        return text
    return shlex.quote(text) if re.search(r"[\"$`\\!'\x00-\x1f]", text) else f'"{text}"'
