"""Figure 1 of Rieke et al. 2018, for any groups and methods, as PNG and PDF."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mriinterp.base.atomic import replacing
from mriinterp.base.numerals import format_value
from mriinterp.figures import colours, planes
from mriinterp.figures.colours import Scale, map_scale
from mriinterp.image.volume import Volume, resample
from mriinterp.methods import get_method, listed_methods, method_names
from mriinterp.methods.meaning import Meaning

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PAPER_SLICES_MM", "figure_1", "figure_rows", "label_of", "reading_of", "save_figure"]

PAPER_SLICES_MM = (-52.0, -18.0, 17.0)
FORMATS = ("png", "pdf", "svg")
LETTERS_AN_INCH = 15  # of the note below figure 1


def figure_rows(methods: Sequence[str]) -> list[str]:
    """Return those of the methods that the published figure shows, or all where it shows none of them."""
    return [method for method in listed_methods("figure_1") if method in methods] or list(methods)


def label_of(method: str) -> str:
    """Return a method's name for people; names that are no method stay as they are."""
    return get_method(method).label if method in method_names() else method


def reading_of(method: str, relevance: Any = None) -> str | None:
    """Return how a method's maps are read; None, as the map has it, for names that are no method."""
    known = get_method(method).reading if method in method_names() else None
    return getattr(relevance, "reading", None) or known


def figure_1(
    means: Mapping[str, Mapping[str, Any]],
    background: Volume,
    *,
    slices_mm: Sequence[float] = PAPER_SLICES_MM,
    counts: Mapping[str, int] | None = None,
    palette: str = "",
    units: Mapping[str, str] | None = None,
    radiological: bool = False,
    title: str = "",
    note: str = "",
    part: str = "both",
) -> Figure:
    """Draw the mean relevance of each group in coronal slices: a row a method, columns of slices a group.

    Parameters
    ----------
    means : mapping of group to mapping of method to RelevanceMap or Volume
        All on one grid. Signed maps are read as their method reads them.
    background : Volume
        Drawn in grey: the mean training scan, or the template.
    slices_mm : sequence of float
        y of the coronal slices; the nearest voxels are shown.
    counts : mapping of group to int, optional
        Number of subjects, for the titles.
    palette : str
        A key of `mriinterp.figures.colours.PALETTES`; "red" is the published
        transparent to red.
    units : mapping of method to str, optional
        What a value means; None: the method's own words.
    radiological : bool
        Patient's left on the screen's right.
    title, note : str
        Above and below.
    part : {"both", "supports", "against"}
        The sign of the values that maps read as "signed" hold: of one sign,
        colours are that half of the whole scale.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot. A method's groups share one scale, from
        its smallest value to the 99.9th percentile (gradients) or the maximum.
    """
    groups = list(means)
    methods = list(dict.fromkeys(method for maps in means.values() for method in maps))
    if not methods:
        raise ValueError("expected mean maps of at least one group and method, got none")
    columns = len(groups) * len(slices_mm)
    width = 1.24 * columns + 3.1
    words = f"Colour scales are shared by groups, not by methods. {_side(radiological)}. {note}".strip()
    lines = textwrap.wrap(words, int(LETTERS_AN_INCH * width))
    top, bottom = 0.75 if title else 0.5, 0.22 + 0.13 * len(lines)
    height = 1.25 * len(methods) + top + bottom + 0.05
    from matplotlib.figure import Figure  # takes half a second, and pages only name methods as the figure does

    figure = Figure(figsize=(width, height), facecolor="white")
    grid = figure.add_gridspec(
        len(methods), columns + 1, width_ratios=[1] * columns + [0.09], left=1.35 / width, right=1 - 1.55 / width,
        top=1 - top / height, bottom=bottom / height, wspace=0.03, hspace=0.05,
    )  # fmt: skip
    for row, method in enumerate(methods):
        maps = {group: means[group][method] for group in groups if method in means[group]}
        reading = reading_of(method, next(iter(maps.values())))
        unit = (units or {}).get(method, _unit(method))
        first, *others = maps.values()
        scale = map_scale(first, reading, like=others, unit=unit, from_minimum=True, palette=palette)
        if reading == "signed" and part != "both":
            low, high = (0.0, scale.end) if part == "supports" else (-scale.end, 0.0)
            scale = replace(scale, low=low, high=high, signed=True, palette=palette)
        for n, group in enumerate(groups):
            for m, mm in enumerate(slices_mm):
                axes = figure.add_subplot(grid[row, n * len(slices_mm) + m])
                _slice(axes, maps.get(group), background, scale, reading, mm, radiological, first=row == 0)
                if row == 0 and m == len(slices_mm) // 2:
                    count = f" (n = {counts[group]})" if counts and group in counts else ""
                    axes.set_title(f"{group}{count}", fontsize=11, pad=14)
                if n == m == 0:
                    axes.text(-0.08, 0.5, _broken(label_of(method)), transform=axes.transAxes, ha="right", va="center",
                              fontsize=9)  # fmt: skip
        _bar(figure.add_subplot(grid[row, columns]), scale)
    figure.suptitle(title, y=1 - 0.08 / height, va="top", fontsize=12)
    figure.text(0.15 / width, 0.1 / height, "\n".join(lines), fontsize=7.5, color="#4b5563", va="bottom")
    return figure


def _side(radiological: bool) -> str:
    return planes.convention(radiological)


def _unit(method: str) -> str:
    if method not in method_names():
        return "relevance"
    entry = get_method(method)
    return colours.describe_unit(Meaning(entry, "probability").unit, entry.reading)


def _broken(label: str) -> str:
    """Break a label into lines of at most about 14 letters."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > 14:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _slice(axes, relevance, background: Volume, scale: Scale, reading, mm: float, radiological: bool, *, first: bool):
    axes.set_axis_off()
    background = background.canonical()
    volume = None
    if relevance is not None:
        volume, _ = colours.shown(relevance, reading)
        background = resample(background, volume.grid, order=1)
    index = planes.nearest_index(background, "y", mm)
    grey = planes.slice_of(background.data, "y", index, radiological=radiological)
    values = None if volume is None else planes.slice_of(volume.data, "y", index, radiological=radiological)
    picture = colours.overlay(grey, values, scale, colours.window(background.data))
    sizes = background.grid.voxel_sizes
    rows, columns = _bounds(background, 2), _bounds(background, 0)
    left, right = (picture.shape[1] - columns[1], picture.shape[1] - columns[0]) if radiological else columns
    picture = picture[picture.shape[0] - rows[1] : picture.shape[0] - rows[0], left:right]
    axes.imshow(picture, interpolation="nearest", aspect=sizes[2] / sizes[0])
    ends = planes.letters("y", radiological=radiological)
    look = {"transform": axes.transAxes, "color": "white", "fontsize": 6.5}
    axes.text(0.02, 0.02, ends[0], ha="left", va="bottom", **look)
    axes.text(0.98, 0.02, ends[1], ha="right", va="bottom", **look)
    if first:
        place = planes.place_text("y", planes.position(background, "y", index)) + " mm"
        axes.text(0.5, 1.02, place, transform=axes.transAxes, ha="center", va="bottom", fontsize=7.5)


def _bounds(volume: Volume, axis: int) -> tuple[int, int]:
    """Return first and last slice of the head along an axis, a little room around it."""
    other = tuple(a for a in range(3) if a != axis)
    filled = np.flatnonzero((volume.data != volume.data[0, 0, 0]).any(axis=other))
    if filled.size == 0:
        return 0, volume.data.shape[axis]
    return max(0, int(filled[0]) - 3), min(volume.data.shape[axis], int(filled[-1]) + 4)


def _bar(axes, scale: Scale) -> None:
    axes.imshow(scale.bar()[::-1, None], aspect="auto", extent=(0, 1, 0, 1))
    box = axes.get_position()
    axes.set_position([box.x0, box.y0 + 0.1 * box.height, box.width, 0.8 * box.height])
    axes.set_xticks([])
    ticks = scale.ticks()
    at = [(value - scale.low) / (scale.high - scale.low) for value in ticks]
    axes.set_yticks(at, [format_value(value) for value in ticks], fontsize=7)
    axes.yaxis.tick_right()
    axes.text(6.6, 0.5, _lines(scale.unit), rotation=90, ha="left", va="center", fontsize=6)


def _lines(text: str, width: int = 26) -> str:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def save_figure(figure: Figure, path: str | os.PathLike, *, dpi: int = 300) -> Path:
    """Write a Matplotlib figure as PNG, PDF or SVG, by the path's ending; whole or not at all."""
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise ValueError(f"expected a path ending in {', '.join(FORMATS)}, got {path.name}")
    stamp = {
        "png": {"Software": "mriinterp"},
        "pdf": {"Creator": "mriinterp", "CreationDate": None},
        "svg": {"Date": None},
    }
    with replacing(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=dpi, metadata=stamp[kind])
    return path
