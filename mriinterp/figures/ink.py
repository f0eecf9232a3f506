"""Numbers on coloured cells: black or white, whichever is read on the cell's colour."""

from __future__ import annotations

from functools import cache

import numpy as np
from plotly.colors import get_colorscale, sample_colorscale, unlabel_rgb

__all__ = ["contrast", "ink_on"]

DARK, LIGHT = (0.0, 0.0, 0.0), (255.0, 255.0, 255.0)
INKS = {DARK: "#000000", LIGHT: "#ffffff"}
STEPS = 256  # of a colour scale


def _luminance(colour: tuple[float, float, float]) -> float:
    """Return the relative luminance of WCAG 2 of red, green and blue from 0 to 255: 0 of black, 1 of white."""
    parts = np.asarray(colour, float) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: tuple[float, float, float], two: tuple[float, float, float]) -> float:
    """Return the contrast of two colours by WCAG 2: 1 to 21; text needs 4.5."""
    dark, light = sorted((_luminance(one), _luminance(two)))
    return (light + 0.05) / (dark + 0.05)


@cache
def _inks(scale: str) -> tuple[str, ...]:
    """Return black or white at each step of a colour scale of Plotly."""
    colours = sample_colorscale(get_colorscale(scale), np.linspace(0, 1, STEPS).tolist())
    return tuple(INKS[max(INKS, key=lambda ink: contrast(ink, unlabel_rgb(colour)))] for colour in colours)


def ink_on(scale: str, place: float) -> str:
    """Return the colour in which a number is read best on a cell.

    Parameters
    ----------
    scale : str
        Name of a colour scale of Plotly.
    place : float
        Of the cell's colour there, 0 to 1.
    """
    return _inks(scale)[round(min(max(place, 0.0), 1.0) * (STEPS - 1))]
