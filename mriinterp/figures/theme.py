"""Light, dark, or the page's own colours; and the colour bar every map shares."""

from __future__ import annotations

from html import escape
from typing import Any

import plotly.graph_objects as go

from mriinterp.base.errors import capital
from mriinterp.base.numerals import format_value
from mriinterp.figures.colours import Scale

__all__ = ["THEMES", "apply_theme", "area_label", "colour_bar", "plain", "plain_area"]

THEMES = {"light": "plotly_white", "dark": "plotly_dark"}


def apply_theme(figure: go.Figure, theme: str | None) -> go.Figure:
    """Give a figure a theme, and titles that begin with a capital letter; None leaves it to the page that shows it."""
    for place in (*figure.select_xaxes(), *figure.select_yaxes(), *(one.colorbar for one in figure.select_coloraxes())):
        if (title := place.title.text) and title[:2].isalpha():  # not a letter alone: p, t
            place.title.text = capital(title)
    if theme is not None:
        if theme not in THEMES:
            raise ValueError(f"expected a theme, got {theme!r}; available: {', '.join(THEMES)}")
        figure.update_layout(template=THEMES[theme])
    return figure


def colour_bar(scale: Scale, **bar: Any) -> dict[str, Any]:
    """Return the arguments of a marker or heat map that draw the scale's colour bar, with what its values mean."""
    ticks = scale.ticks()
    texts = [format_value(v) for v in ticks]
    below, above = (wrap(plain(words), 18) for words in scale.end_words())
    texts[0] += f"<br>{below}" if below else ""
    texts[-1] = (f"{above}<br>" if above else "") + texts[-1]
    title = {"text": wrap(plain(capital(scale.unit or "relevance")), 30), "side": "right"}
    return {
        "colorscale": scale.plotly(),
        "cmin": scale.low,
        "cmax": scale.high,
        "showscale": True,
        "colorbar": {"title": title, "tickvals": ticks, "ticktext": texts, "thickness": 16, "len": 0.8, **bar},
    }


def area_label(name: str) -> str:
    """Return an area's name for people: ``Temporal_Mid`` is "Temporal Mid"."""
    return str(name).replace("_", " ")


def plain(text: Any) -> str:
    """Escape text from files or names for a figure: Plotly would read ``<b>`` and ``<a>`` in it as markup."""
    return escape(str(text), quote=False)


def plain_area(name: str) -> str:
    """Return `area_label` for a figure."""
    return plain(area_label(name))


def wrap(text: str, width: int) -> str:
    """Break a text into lines of at most about `width` letters, for Plotly."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "<br>".join([*lines, line])
