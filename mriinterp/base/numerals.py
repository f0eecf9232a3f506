"""Numbers as people read them: a true minus sign, a dash where there is none."""

from __future__ import annotations

import math

__all__ = ["NONE", "bytes_words", "decimals", "format_value", "percent"]

NONE = "–"


def decimals(value: float, digits: int = 0, *, plus: bool = False) -> str:
    """Return a number with so many decimals; what rounds to zero has no sign, and what is no number is a dash.

    Examples
    --------
    >>> decimals(-1.26, 1), decimals(-0.04, 1), decimals(2, 1, plus=True), decimals(float("nan"))
    ('−1.3', '0.0', '+2.0', '–')
    """
    if not math.isfinite(value):
        return NONE
    return f"{value:{'+' if plus else ''}z.{digits}f}".replace("-", "−")


def format_value(value: float) -> str:
    """Return a number with three digits, and with powers of ten where needed.

    Examples
    --------
    >>> format_value(-0.02754), format_value(1.5e-7), format_value(0.0)
    ('−0.0275', '1.5e−7', '0')
    """
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    digits, e, power = f"{value:.3g}".partition("e")
    return (f"{digits}e{int(power)}" if e else digits).replace("-", "−")


def percent(share: float, digits: int = 0) -> str:
    """Return a share in percent, with a space before the sign.

    Examples
    --------
    >>> percent(0.958, 1)
    '95.8 %'
    """
    return f"{share:.{digits}%}".replace("%", " %")


def bytes_words(size: float) -> str:
    """Return a number of bytes in kB, MB or GB, with three digits.

    Examples
    --------
    >>> bytes_words(89_000), bytes_words(153_400_000), bytes_words(2.5e9)
    ('89 kB', '153 MB', '2.5 GB')
    """
    unit, scale = next((one for one in (("GB", 1e9), ("MB", 1e6)) if size >= one[1]), ("kB", 1e3))
    return f"{size / scale:.3g} {unit}"
