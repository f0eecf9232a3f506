"""Numbers as people read them."""

from __future__ import annotations

__all__ = ["percent"]


def percent(share: float, digits: int = 0) -> str:
    """Return a share in percent, with a space before the sign.

    Examples
    --------
    >>> percent(0.958, 1)
    '95.8 %'
    """
    return f"{share:.{digits}%}".replace("%", " %")
