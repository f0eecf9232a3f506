"""Colour scales: one for a map, used by every figure of it.

No scale sets red against green. Signed maps diverge about 0, the others grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mriinterp.base.reading import apply_reading
from mriinterp.image.volume import Volume

__all__ = [
    "GROUP_COLOURS",
    "HIDDEN_GREY",
    "PALETTES",
    "Scale",
    "map_scale",
    "overlay",
    "shown",
    "window",
]

PALETTES = {
    "blue-red": (
        "#1f6fff", "#3f93f5", "#6fb6ea", "#b9d4e3", "#d8d8d8", "#f2cfa0", "#fba94f", "#fb6a20", "#f02000",
    ),
    "blue-black-red": (
        "#c4f3ff", "#5cb8ff", "#2378f0", "#1a3fae", "#12121c", "#9c1616", "#e23c1e", "#ff8a26", "#ffeaa6",
    ),
    "blue-white-red": (
        "#053061", "#2166ac", "#4393c3", "#92c5de", "#f7f7f7", "#f4a582", "#d6604d", "#b2182b", "#67001f",
    ),
    "purple-orange": (
        "#e6daff", "#b193ff", "#7b4be0", "#4a2a9c", "#16141a", "#8a4204", "#cc6a08", "#ffa63c", "#ffe6b8",
    ),
    "orange-red": (
        "#f2cfa0", "#fba94f", "#fb6a20", "#f02000",
    ),
    "inferno": (
        "#160b39", "#420a68", "#6a176e", "#932667", "#bc3754", "#dd513a", "#f37819", "#fca50a", "#f6d746", "#fcffa4",
    ),
    "hot": (
        "#4a0000", "#a00000", "#f01000", "#ff7000", "#ffc000", "#ffff60", "#ffffe8",
    ),
    "viridis": (
        "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
    ),
    "red": ("#cc0000", "#cc0000"),
}  # fmt: skip
"""Colours by name, those of the viewer. "red" with fading is the published transparent-to-red."""

SIGNED_PALETTES = ("blue-red", "blue-black-red", "blue-white-red", "purple-orange")
UNSIGNED_PALETTE = "orange-red"  # of maps of one sign, where none is asked for
HIDDEN_GREY = (118, 118, 122)
LEAST_APART = 0.08  # of a scale, between two of its numbers
FADE = 0.6  # exponent of the opacity: weak relevance stays visible, none stays clear

# Okabe and Ito: distinct for people with any colour vision.
GROUP_COLOURS = ("#D55E00", "#0072B2", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#7F7F7F")

GRADIENT_PERCENTILE = 99.9


@dataclass(frozen=True, eq=False)
class Scale:
    """Colours of the values of one map.

    Parameters
    ----------
    low, high : float
        Values at the two ends of the colours; beyond them the end colour.
    signed : bool
        Diverging about 0 (low = −high, or one end is 0 and only the colours
        of the other side are used), else sequential.
    unit : str
        What a value is, in words; stands at the colour bar.
    threshold : float
        Values whose size is below it are not drawn and grey on the bar.
    palette : str
        A key of `PALETTES`.
    opacity : float
        Of the strongest colour over a scan, 0 to 1.
    fade : bool
        Weaker values are more transparent.
    ends : (str, str), optional
        What values below and above 0 mean; stands at the ends of the bar.
    """

    low: float
    high: float
    signed: bool = False
    unit: str = ""
    threshold: float = 0.0
    palette: str = ""
    opacity: float = 0.9
    fade: bool = True
    ends: tuple[str, str] | None = None
    _table: np.ndarray = field(init=False, repr=False)

    def __post_init__(self):
        if not (np.isfinite([self.low, self.high]).all() and self.high > self.low):
            raise ValueError(f"expected finite ends with low < high, got {self.low} and {self.high}")
        name = self.palette or (SIGNED_PALETTES[0] if self.signed else UNSIGNED_PALETTE)
        if name not in PALETTES:
            raise KeyError(f"expected a palette, got {name!r}; available: {', '.join(PALETTES)}")
        object.__setattr__(self, "palette", name)
        colours = PALETTES[name]
        if self.signed and (self.low == 0 or self.high == 0):
            middle = len(colours) // 2
            colours = colours[middle:] if self.low == 0 else colours[: middle + 1]
        stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], float)
        at = np.linspace(0, len(stops) - 1, 256)
        table = np.stack([np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=1)
        object.__setattr__(self, "_table", np.round(table).astype(np.uint8))

    @property
    def end(self) -> float:
        """The largest size of a value on the scale."""
        return max(abs(self.low), abs(self.high))

    def end_words(self) -> list[str]:
        """Return what the lower and the upper end of the bar mean; "" where that is 0, or it has no meaning."""
        if self.ends is None:
            return ["", ""]
        return [words if end else "" for words, end in zip(self.ends, (self.low, self.high), strict=True)]

    def hidden(self, values) -> np.ndarray:
        """Return where values are not drawn: 0, not a number, or below the threshold; bool, their shape."""
        values = np.asarray(values)
        size = np.abs(values) if self.signed else values
        with np.errstate(invalid="ignore"):
            return ~(size >= self.threshold) | ~(size > (0 if self.low <= 0 else -np.inf))

    def rgb(self, values) -> np.ndarray:
        """Return colours without opacity, shape (..., 3), uint8."""
        share = (np.nan_to_num(np.asarray(values, np.float64)) - self.low) / (self.high - self.low)
        return self._table[np.round(255 * np.clip(share, 0, 1)).astype(np.intp)]

    def alpha(self, values) -> np.ndarray:
        """Return opacity, 0 to 1, 0 where a value is hidden."""
        values = np.nan_to_num(np.asarray(values, np.float64))
        if self.signed:
            strength = np.abs(values) / self.end
        else:
            strength = (values - self.low) / (self.high - self.low)
        strength = np.clip(strength, 0, 1) ** FADE if self.fade else 1.0
        return np.where(self.hidden(values), 0.0, self.opacity * strength)

    def bar(self, steps: int = 256) -> np.ndarray:
        """Return the colours of the bar from low to high, hidden values grey, shape (steps, 3), uint8."""
        values = self.low + (np.arange(steps) + 0.5) / steps * (self.high - self.low)
        colours = self.rgb(values)
        if np.ptp(self._table, axis=0).max() == 0:  # one colour: only its opacity distinguishes values
            alpha = self.alpha(values)[:, None]
            colours = np.round(255 * (1 - alpha) + colours * alpha).astype(np.uint8)
        return np.where(self.hidden(values)[:, None], np.array(HIDDEN_GREY, np.uint8), colours)

    def plotly(self, steps: int = 64) -> list[list]:
        """Return the bar as a Plotly colour scale."""
        bar = self.bar(steps)
        edges = np.repeat(np.arange(steps + 1) / steps, 2)[1:-1]
        colours = [f"rgb({r},{g},{b})" for r, g, b in bar.tolist()]
        return [[float(at), colours[n // 2]] for n, at in enumerate(edges)]

    def ticks(self) -> list[float]:
        """Return values worth a number at the bar: the ends, 0 of a signed map, the threshold."""
        if self.signed:
            apart = LEAST_APART * self.end < self.threshold < self.end
            inner = [-self.threshold, self.threshold] if apart else []
            return sorted({self.low, 0.0, self.high, *(v for v in inner if self.low < v < self.high)})
        inner = [self.threshold] if self.low < self.threshold < self.high else []
        return [self.low, *inner, self.high]


def shown(relevance: Any, reading: str | None = None) -> tuple[Volume, str]:
    """Return a map as it is shown, and how it was read.

    Parameters
    ----------
    relevance : RelevanceMap or Volume
    reading : {"absolute", "positive", "signed"}, optional
        None: the method's own; for a plain Volume "signed" where it has
        values below 0, else as it is.
    """
    volume = relevance if isinstance(relevance, Volume) else relevance.volume
    volume = volume.canonical()
    data = volume.data.astype(np.float32, copy=False)
    reading = reading or getattr(relevance, "reading", None) or ("signed" if (data < 0).any() else "positive")
    return Volume(apply_reading(data, reading), volume.affine, volume.source), reading


def map_scale(
    relevance: Any,
    reading: str | None = None,
    *,
    percentile: float | None = None,
    threshold: float = 0.0,
    unit: str | None = None,
    like: Iterable[Any] = (),
    from_minimum: bool = False,
    **look: Any,
) -> Scale:
    """Return the colours of a map, by the display rule of Rieke et al. 2018.

    Parameters
    ----------
    relevance : RelevanceMap or Volume
    reading : {"absolute", "positive", "signed"}, optional
        See `shown`.
    percentile : float, optional
        Of the size of all values, for the end of the scale; None: 99.9 for
        maps read by absolute value (gradients), whose largest voxels would
        hide all others, the maximum (100) for the rest.
    threshold : float
        In the map's unit.
    unit : str, optional
        None: the map's own.
    like : iterable of RelevanceMap or Volume
        More maps that share the scale.
    from_minimum : bool
        Sequential scales start at the smallest value, as published, not at 0.
    **look
        `palette`, `opacity`, `fade` of `Scale`.

    Returns
    -------
    Scale
        Of a map that is 0 everywhere: from 0 (or −1) to 1.
    """
    volume, read = shown(relevance, reading)
    if percentile is None:
        percentile = GRADIENT_PERCENTILE if read == "absolute" else 100.0
    if not 0 < percentile <= 100:
        raise ValueError(f"expected a percentile above 0 and up to 100, got {percentile}")
    datas = [volume.data, *(shown(other, read)[0].data for other in like)]
    high = max(_end(data, percentile) for data in datas)
    signed = read == "signed" and any((data < 0).any() for data in datas)
    low = -high if signed else 0.0
    if from_minimum and not signed:
        low = min(float(data.min()) for data in datas)
        high = high if high > low else low + 1.0
    if unit is None:
        unit = describe_unit(getattr(relevance, "unit", ""), read)
    return Scale(low, high, signed, unit, threshold, **look)


def describe_unit(unit: str, reading: str) -> str:
    """Return what a colour means, in words, with the reading where it matters."""
    unit = unit or "relevance"
    return f"{unit} (absolute value)" if reading == "absolute" else unit


def _end(data: np.ndarray, percentile: float) -> float:
    size = np.abs(data)
    end = float(size.max() if percentile == 100 else np.percentile(size, percentile))
    if end <= 0:
        end = float(size.max())  # a map that is 0 nearly everywhere
    return end if np.isfinite(end) and end > 0 else 1.0


def window(scan: np.ndarray, percentiles: tuple[float, float] = (1.0, 99.0)) -> tuple[float, float]:
    """Return the values drawn black and white: percentiles of what differs from the corner, i.e. of the head."""
    values = np.asarray(scan)
    inside = values[(values != values[0, 0, 0]) & np.isfinite(values)]
    if inside.size < 0.01 * values.size:
        inside = values[np.isfinite(values)]
    if inside.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(inside, percentiles))
    return low, high if high > low else low + 1.0


def grey(values: np.ndarray, black_white: tuple[float, float]) -> np.ndarray:
    """Return grey levels 0 to 255, uint8, shape of `values`; NaN is black."""
    black, white = black_white
    share = (np.nan_to_num(np.asarray(values, np.float64), nan=black) - black) / (white - black)
    return np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)


def overlay(scan: np.ndarray, relevance: np.ndarray | None, scale: Scale | None, black_white) -> np.ndarray:
    """Return a scan in grey with a map in colour over it, shape (..., 3), uint8."""
    picture = np.repeat(grey(scan, black_white)[..., None], 3, axis=-1)
    if relevance is None or scale is None:
        return picture
    alpha = scale.alpha(relevance)[..., None]
    return np.round(picture * (1 - alpha) + scale.rgb(relevance) * alpha).astype(np.uint8)
