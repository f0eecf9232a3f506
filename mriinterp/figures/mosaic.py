"""Seven slices along every axis in one picture, as in the original's figures."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mriinterp.base.numerals import format_value
from mriinterp.figures import colours, planes
from mriinterp.figures.colours import Scale
from mriinterp.image.volume import Volume, resample

__all__ = ["draw_bar", "draw_marks", "mosaic", "mosaic_png", "on_one_grid", "tile"]

INK = {"dark": ((0, 0, 0), (235, 235, 235)), "light": ((255, 255, 255), (30, 30, 30))}
GAP = 4


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans as Matplotlib ships it: the same on every system, with all signs used here."""
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


def on_one_grid(scan: Volume, relevance: Any, reading: str | None) -> tuple[Volume, Volume | None, str | None]:
    """Return the scan on the map's grid, and the map as it is read, both in RAS+ order."""
    if relevance is None:
        return scan.canonical(), None, None
    volume, reading = colours.shown(relevance, reading)
    return resample(scan.canonical(), volume.grid, order=1), volume, reading


def tile(
    scan: Volume,
    volume: Volume | None,
    scale: Scale | None,
    axis: int,
    index: int,
    *,
    window: tuple[float, float],
    pixels_per_mm: float,
    radiological: bool = False,
) -> np.ndarray:
    """Draw one slice with its overlay, shape (height, width, 3), uint8, without letters; pixels are square in mm."""
    grey = planes.slice_of(scan.data, axis, index, radiological=radiological)
    values = None if volume is None else planes.slice_of(volume.data, axis, index, radiological=radiological)
    picture = colours.overlay(grey, values, scale, window)
    at = planes.plane(axis)
    sizes = scan.grid.voxel_sizes
    height = max(1, round(scan.data.shape[at.up] * sizes[at.up] * pixels_per_mm))
    width = max(1, round(scan.data.shape[at.across] * sizes[at.across] * pixels_per_mm))
    rows = np.arange(height) * picture.shape[0] // height  # nearest: every pixel is a voxel's own colour
    columns = np.arange(width) * picture.shape[1] // width
    return picture[rows][:, columns]


def mosaic(
    scan: Volume,
    relevance: Any = None,
    *,
    scale: Scale | None = None,
    reading: str | None = None,
    slices: int = 7,
    radiological: bool = False,
    title: str = "",
    note: str = "",
    theme: str = "dark",
    pixels_per_mm: float = 1.0,
) -> np.ndarray:
    """Draw equally spaced slices along x, y and z, with letters, positions, colour bar and title.

    Parameters
    ----------
    scan : Volume
        Brought to the map's grid.
    relevance : RelevanceMap or Volume, optional
    scale : Scale, optional
        None: `mriinterp.figures.colours.map_scale`.
    reading : {"absolute", "positive", "signed"}, optional
        None: the method's own.
    slices : int
        Along each axis, at round(interval / 2 + n · interval) voxels.
    radiological : bool
        Patient's left on the screen's right; flips pictures and letters.
    title, note : str
        Above, and below the pictures.
    theme : {"dark", "light"}
    pixels_per_mm : float

    Returns
    -------
    array, shape (height, width, 4), uint8
        RGBA.
    """
    if theme not in INK:
        raise ValueError(f"expected a theme, got {theme!r}; available: {', '.join(INK)}")
    if relevance is not None and scale is None:
        scale = colours.map_scale(relevance, reading)
    scan, volume, _ = on_one_grid(scan, relevance, reading)
    look: dict[str, Any] = {
        "window": colours.window(scan.data),
        "pixels_per_mm": pixels_per_mm,
        "radiological": radiological,
    }
    rows = [
        [(n, tile(scan, volume, scale, axis, n, **look)) for n in planes.slice_indices(scan.data.shape[axis], slices)]
        for axis in range(3)
    ]
    column = max(picture.shape[1] for row in rows for _, picture in row) + GAP
    heights = [max(picture.shape[0] for _, picture in row) + GAP for row in rows]
    unit = max(11, round(13 * pixels_per_mm))  # letter size
    side = round(9 * unit) if scale is not None else GAP
    paper, ink = INK[theme]
    wide = slices * column + GAP + side - 12
    title = _lines(title, wide, round(1.15 * unit))
    words = _lines(" · ".join(part for part in (planes.convention(radiological), note) if part), wide, unit)
    head = round((0.8 + 1.4 * (1 + title.count("\n"))) * unit) if title else GAP
    foot = round((0.6 + 1.2 * (1 + words.count("\n"))) * unit)
    image = Image.new("RGB", (slices * column + GAP + side, head + sum(heights) + foot), paper)
    draw = ImageDraw.Draw(image)
    if title:
        draw.multiline_text((GAP + 4, head / 2), title, fill=ink, font=font(round(1.15 * unit)), anchor="lm")
    top = head
    for axis, row in enumerate(rows):
        for n, (index, picture) in enumerate(row):
            left = GAP + n * column
            width, height = column - GAP, heights[axis] - GAP
            image.paste((0, 0, 0), (left, top, left + width, top + height))
            x, y = left + (width - picture.shape[1]) // 2, top + (height - picture.shape[0]) // 2
            image.paste(Image.fromarray(picture), (x, y))
            draw_marks(
                draw, (left, top, left + width, top + height), scan, axis, index, radiological, unit, first=n == 0
            )
        top += heights[axis]
    draw.multiline_text((GAP + 4, top + foot / 2), words, fill=ink, font=font(unit), anchor="lm")
    if scale is not None:
        draw_bar(image, draw, scale, (slices * column + GAP, head, image.width, top - GAP), ink, unit)
    return np.dstack([np.asarray(image), np.full((image.height, image.width), 255, np.uint8)])


def draw_marks(draw, box, scan: Volume, axis: int, index: int, radiological: bool, unit: int, *, first: bool) -> None:
    left, top, right, bottom = box
    ink = (255, 255, 255)
    place = planes.place_text(axis, planes.position(scan, axis, index))
    draw.text((left + 3, top + 2), place + (" mm" if first else ""), fill=ink, font=font(unit), anchor="la")
    marks = planes.letters(axis, radiological=radiological)
    draw.text((left + 3, bottom - 2), marks[0], fill=ink, font=font(unit), anchor="ld")
    draw.text((right - 3, bottom - 2), marks[1], fill=ink, font=font(unit), anchor="rd")
    if first:
        middle = (left + right) / 2
        draw.text((max(middle, left + 7.5 * unit), top + 2), marks[2], fill=ink, font=font(unit), anchor="ma")
        draw.text((middle, bottom - 2), marks[3], fill=ink, font=font(unit), anchor="md")


def draw_bar(image: Image.Image, draw, scale: Scale, box, ink, unit: int) -> None:
    """Draw the colour bar: values beside it, what they mean along it."""
    left, top, right, bottom = box
    height = round(0.8 * (bottom - top))
    top += (bottom - top - height) // 2
    x, width = left + unit, round(1.2 * unit)
    below, above = (_lines(words, right - left - 6, unit) for words in scale.end_words())
    draw.multiline_text((left + 4, top - 6), above, fill=ink, font=font(unit), anchor="ld")
    draw.multiline_text((left + 4, top + height + 6), below, fill=ink, font=font(unit), anchor="la")
    image.paste(Image.fromarray(np.repeat(scale.bar(height)[::-1, None], width, axis=1)), (x, top))
    draw.rectangle((x - 1, top - 1, x + width, top + height), outline=ink)
    for value in scale.ticks():
        y = top + height * (1 - (value - scale.low) / (scale.high - scale.low))
        draw.line((x + width, y, x + width + 4, y), fill=ink)
        draw.text((x + width + 7, y), format_value(value), fill=ink, font=font(unit), anchor="lm")
    text = scale.unit or "relevance"
    longest = int(draw.textlength(text, font=font(unit))) + 4
    label = Image.new("L", (longest, round(1.6 * unit)), 0)
    ImageDraw.Draw(label).text((2, label.height / 2), text, fill=255, font=font(unit), anchor="lm")
    shrink = min(1.0, (bottom - box[1]) / longest)
    label = label.resize((max(1, int(longest * shrink)), label.height)) if shrink < 1 else label
    label = label.rotate(90, expand=True)
    at = (right - label.width - 2, top + (height - label.height) // 2)
    image.paste(Image.new("RGB", label.size, ink), at, label)


def _lines(text: str, width: float, unit: int) -> str:
    """Break a text into lines of words that fit a width in pixels."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(unit).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def mosaic_png(scan: Volume, relevance: Any = None, **options: Any) -> bytes:
    """Return a PNG of `mosaic`, which takes the options."""
    stream = BytesIO()
    Image.fromarray(mosaic(scan, relevance, **options)).save(stream, "PNG", optimize=True)
    return stream.getvalue()
