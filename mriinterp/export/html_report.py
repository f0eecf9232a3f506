"""Self-contained HTML reports, which open offline."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from mriinterp.base.atomic import write_text
from mriinterp.base.notices import RESEARCH_USE
from mriinterp.base.numerals import format_value

__all__ = ["SIMULATED", "Report"]

SIMULATED = "Simulated data: these brains were made by a program. Nothing here says anything about a person."

POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; font-src data:; "
    "script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
)
STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2937; max-width: 1100px; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
h1 { font-size: 1.6rem; margin: 1rem 0 .2rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
.note { border-left: 5px solid #0072b2; background: #eef6fc; padding: .5rem .8rem; margin: .5rem 0; }
.warning { border-left-color: #d55e00; background: #fdf1e8; font-weight: 600; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #e2e8f0; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; }
td.code { font-family: ui-monospace, monospace; font-size: .85em; overflow-wrap: anywhere; }
img { max-width: 100%; height: auto; } .wide { overflow-x: auto; } .caption { color: #4b5563; font-size: .9rem; }
details { border-top: 1px solid #e2e8f0; padding: .3rem 0; } summary { cursor: pointer; font-weight: 600; }
.print { display: none; }
@page { size: A4; margin: 11mm 13mm; }
@media print {
  body { font-size: 7.5pt; line-height: 1.25; max-width: none; padding: 0; }
  h1 { font-size: 14pt; margin: 0; } h2 { font-size: 10.5pt; margin: 2.5mm 0 1mm; break-after: avoid; }
  p, table { margin: .8mm 0; } .note { padding: .6mm 2mm; margin: .8mm 0; font-size: 7.5pt; }
  th, td { padding: .2mm 1.5mm; font-size: 7pt; } tr, img { break-inside: avoid; }
  .wide { overflow: visible; } .caption { font-size: 7.5pt; }
  .screen, details { display: none; } .print { display: block; columns: 2; column-gap: 6mm; }
  .page { break-before: page; }
  img { display: block; max-height: 165mm; margin: 0 auto; }
  .facts { columns: 2; column-gap: 6mm; } .facts th, .facts td { font-size: 6pt; padding: .2mm 1mm; line-height: 1.2; }
}
"""
FEW_FACTS = 8  # more are printed small, in two columns
WHEN = {"always": "", "screen": "screen", "print": "print"}
UNFOLD = """
for (const one of document.querySelectorAll("details"))
  one.addEventListener("toggle", () => window.dispatchEvent(new Event("resize")));
"""  # figures in what was folded learn their width


class Report:
    """Sections in order, each added by a method; all text is escaped.

    Parameters
    ----------
    title : str
    subtitle : str
    simulated : bool
        Say at the top that the data are simulated.

    Examples
    --------
    >>> page = Report("A < B").facts("Prediction", {"AD": "93%"}).html()
    >>> "A &lt; B" in page, "Research use only" in page
    (True, True)
    """

    def __init__(self, title: str, subtitle: str = "", *, simulated: bool = False):
        self.title = str(title)
        self._parts = [f"<h1>{escape(self.title)}</h1>"]
        if subtitle:
            self._parts.append(f'<p class="caption">{escape(str(subtitle))}</p>')
        self._parts.append(f'<p class="note">{escape(RESEARCH_USE)}</p>')
        if simulated:
            self._parts.append(f'<p class="note warning">{escape(SIMULATED)}</p>')
        self._figures = 0

    @contextmanager
    def only(self, when: str) -> Iterator[None]:
        """Show what is added inside only on the screen, or only in print: ``"screen"`` or ``"print"``."""
        if when not in WHEN:
            raise ValueError(f"expected a place, got {when!r}; available: {', '.join(WHEN)}")
        self._parts.append(f'<div class="{WHEN[when]}">')
        yield
        self._parts.append("</div>")

    @contextmanager
    def folded(self, heading: str) -> Iterator[None]:
        """Fold what is added inside under a line that opens it; it is not printed."""
        self._parts.append(f"<details><summary>{escape(str(heading))}</summary>")
        yield
        self._parts.append("</details>")

    def new_page(self) -> Report:
        """Start a new page in print."""
        self._parts.append('<div class="page"></div>')
        return self

    def text(self, heading: str, *paragraphs: str, warning: bool = False) -> Report:
        """Add a heading and paragraphs."""
        self._heading(heading)
        kind = ' class="note warning"' if warning else ""
        self._parts += [f"<p{kind}>{escape(str(paragraph))}</p>" for paragraph in paragraphs]
        return self

    def facts(self, heading: str, entries: Mapping[str, Any]) -> Report:
        """Add names and values; mappings inside become lines of their own."""
        self._heading(heading)
        rows = "".join(
            f'<tr><th>{escape(str(name))}</th><td class="code">{escape(_plain(value))}</td></tr>'
            for name, value in _flat(entries)
        )
        kind = ' class="facts"' if rows.count("<tr>") > FEW_FACTS else ""
        self._parts.append(f"<div{kind}><table>{rows}</table></div>")
        return self

    def table(self, heading: str, table: pd.DataFrame, caption: str = "", *, index: bool = False) -> Report:
        """Add a data frame; numbers with three digits."""
        self._heading(heading)
        frame = table.reset_index() if index else table
        numeric = [pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
        classes = [' class="number"' if number else "" for number in numeric]
        head = "".join(f"<th{c}>{escape(str(name))}</th>" for name, c in zip(frame.columns, classes, strict=True))
        body = "".join(
            "<tr>" + "".join(f"<td{c}>{escape(_plain(v))}</td>" for v, c in zip(row, classes, strict=True)) + "</tr>"
            for row in frame.itertuples(index=False)
        )
        self._parts.append(f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>')
        self._caption(caption)
        return self

    def picture(self, heading: str, png: bytes, caption: str = "", alt: str = "") -> Report:
        """Add a PNG, kept inside the page."""
        if not png.startswith(b"\x89PNG"):
            raise ValueError("expected the bytes of a PNG image")
        self._heading(heading)
        data = base64.b64encode(png).decode()
        self._parts.append(f'<img src="data:image/png;base64,{data}" alt="{escape(alt or heading or caption)}">')
        self._caption(caption)
        return self

    def figure(self, heading: str, figure: go.Figure, caption: str = "") -> Report:
        """Add a Plotly figure that stays interactive."""
        self._heading(heading)
        self._figures += 1
        figure = go.Figure(figure)
        figure.update_layout(template="plotly_white")
        html = figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            div_id=f"figure-{self._figures}",
            config={"displaylogo": False, "responsive": True, "plotlyServerURL": "", "showSendToCloud": False},
        )
        self._parts.append(f'<div class="plot">{html}</div>')
        self._caption(caption)
        return self

    def html(self) -> str:
        """Return the whole page."""
        script = f"<script>{get_plotlyjs()}</script>" if self._figures else ""
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{STYLE}</style>{script}</head><body>"
            + "\n".join(self._parts)
            + (f"<script>{UNFOLD}</script>" if self._figures else "")
            + "</body></html>\n"
        )

    def write(self, path: str | os.PathLike) -> Path:
        """Write the page; the file appears whole or not at all."""
        write_text(path, self.html())
        return Path(path)

    def _heading(self, heading: str) -> None:
        if heading:
            self._parts.append(f"<h2>{escape(str(heading))}</h2>")

    def _caption(self, caption: str) -> None:
        if caption:
            self._parts.append(f'<p class="caption">{escape(str(caption))}</p>')


def _flat(entries: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in entries.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name} · ")
        else:
            yield f"{before}{name}", value


def _plain(value: Any) -> str:
    """Return a value as text of a cell."""
    if value is None or value is pd.NA:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return ", ".join(_plain(v) for v in value)
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "yes" if value else "no"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if math.isnan(number):
        return "–"
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else format_value(number)
