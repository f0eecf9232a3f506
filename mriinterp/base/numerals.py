"""Numbers as people read them: a true minus sign, a dash where there is none."""

from __future__ import annotations

import math
import re

__all__ = ["NONE", "bytes_words", "decimals", "format_value", "percent", "scientific", "with_minus"]

NONE = "–"
LEAST_POWER, MOST_POWER = -3, 4  # of numbers that need no power of ten
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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


def format_value(value: float, digits: int = 3) -> str:
    """Return a number with so many digits, and with powers of ten where needed.

    Examples
    --------
    >>> format_value(-0.02754), format_value(1.5e-7), format_value(0.0)
    ('−0.0275', '1.5e−7', '0')
    """
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    return _with_short_power(f"{value:.{digits}g}")


def scientific(value: float, digits: int = 1) -> str:
    """Return a number as one digit, so many decimals and a power of ten; what is read as easily without one has none.

    Examples
    --------
    >>> scientific(-0.02754, 2), scientific(1.5e-7), scientific(0.0), scientific(-3.28, 2)
    ('−0.0275', '1.5×10⁻⁷', '0', '−3.28')
    """
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    number, _, power = f"{value:.{digits}e}".partition("e")
    if LEAST_POWER <= int(power) < MOST_POWER:
        return decimals(value, max(digits - int(power), 0))
    return f"{number}×10{str(int(power)).translate(RAISED)}".replace("-", "−")


def _with_short_power(text: str) -> str:
    """Return a number as Python writes it with a true minus sign, and its power of ten without padding."""
    number, e, power = text.partition("e")
    return (f"{number}e{int(power)}" if e else number).replace("-", "−")


def percent(share: float, digits: int = 0) -> str:
    """Return a share in percent, without a space before the sign: none can tear it from its number at a line's end.

    Examples
    --------
    >>> percent(0.958, 1), percent(-0.12), percent(float("nan"))
    ('95.8%', '−12%', '–')
    """
    return f"{decimals(100 * share, digits)}%" if math.isfinite(share) else NONE


def with_minus(text: str) -> str:
    """Return words in which the hyphens before numbers are minus signs; ranges, names and dates keep theirs.

    Examples
    --------
    >>> with_minus("origin (-84, -120.5, -.5), sim-003, 2-3")
    'origin (−84, −120.5, −.5), sim-003, 2-3'
    """
    return re.sub(r"(?<![^\s(\[,=])-(?=\.?\d)", "−", text)


def bytes_words(size: float) -> str:
    """Return a number of bytes in kB, MB or GB, with three digits.

    Examples
    --------
    >>> bytes_words(89_000), bytes_words(153_400_000), bytes_words(2.5e9)
    ('89 kB', '153 MB', '2.5 GB')
    """
    unit, scale = next((one for one in (("GB", 1e9), ("MB", 1e6)) if size >= one[1]), ("kB", 1e3))
    return f"{size / scale:.3g} {unit}"
