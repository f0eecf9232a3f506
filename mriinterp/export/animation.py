"""Animate the slices of a map as GIF or MP4."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mriinterp.base.atomic import replacing
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.figures import colours, planes
from mriinterp.figures.colours import Scale
from mriinterp.figures.mosaic import draw_bar, draw_marks, font, on_one_grid, tile
from mriinterp.image.volume import Volume

__all__ = ["frames", "write_gif", "write_mp4"]

UNIT = 14  # letter size, pixels
LINE = 11  # of the words below the slice


def frames(
    scan: Volume,
    relevance: Any = None,
    axis: int | str = "coronal",
    *,
    scale: Scale | None = None,
    reading: str | None = None,
    radiological: bool = False,
    reverse: bool = False,
    step: int = 1,
    trim: bool = True,
    title: str = "",
    pixels_per_mm: float = 2.0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Iterator[np.ndarray]:
    """Yield slices along an axis with overlay, letters, position and colour bar.

    Parameters
    ----------
    scan : Volume
        Brought to the map's grid.
    relevance : RelevanceMap or Volume, optional
    axis : int or str
        0, 1, 2, or sagittal, coronal, axial, or x, y, z.
    scale, reading : optional
        As in `mriinterp.figures.mosaic.mosaic`.
    radiological : bool
        Patient's left on the screen's right.
    reverse : bool
        From right to left, front to back, top to bottom.
    step : int
        Every `step`-th slice.
    trim : bool
        Leave out slices before and after the head.
    title : str
        Below the slice and the words of the convention.
    progress, cancel : callable, optional

    Yields
    ------
    array, shape (height, width, 3), uint8
        Height and width are even, as video needs.
    """
    if step < 1:
        raise ValueError(f"expected a step of at least 1 slice, got {step}")
    at = planes.plane(axis)
    if relevance is not None and scale is None:
        scale = colours.map_scale(relevance, reading)
    scan, volume, _ = on_one_grid(scan, relevance, reading)
    window = colours.window(scan.data)
    indices = _indices(scan.data, at.axis, trim)[::step]
    indices = indices[::-1] if reverse else indices
    for done, index in enumerate(indices):
        check_cancel(cancel)
        look: dict[str, Any] = {"window": window, "pixels_per_mm": pixels_per_mm, "radiological": radiological}
        picture = tile(scan, volume, scale, at.axis, index, **look)
        yield _frame(picture, scan, at.axis, index, scale, radiological, title)
        tell(progress, done + 1, len(indices))


def _indices(data: np.ndarray, axis: int, trim: bool) -> list[int]:
    everything = list(range(data.shape[axis]))
    if not trim:
        return everything
    other = tuple(a for a in range(3) if a != axis)
    filled = np.flatnonzero((data != data[0, 0, 0]).any(axis=other))
    return everything[filled[0] : filled[-1] + 1] if filled.size else everything


def _frame(picture, scan: Volume, axis: int, index: int, scale: Scale | None, radiological: bool, title: str):
    high, wide = picture.shape[:2]
    side = 9 * UNIT if scale is not None else 0
    lines = [line for text in (planes.convention(radiological), title) for line in _wrapped(text, wide + side - 8)]
    foot = round((0.8 + 1.1 * len(lines)) * UNIT)
    width, height = wide + side, high + foot
    image = Image.new("RGB", (width + width % 2, height + height % 2))
    image.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(image)
    draw_marks(draw, (0, 0, wide, high), scan, axis, index, radiological, UNIT, first=True)
    for n, line in enumerate(lines):
        draw.text((4, high + (0.95 + 1.1 * n) * UNIT), line, fill=(235,) * 3, font=font(LINE), anchor="lm")
    if scale is not None:
        draw_bar(image, draw, scale, (wide, 0, width, high), (235,) * 3, 12)
    return np.asarray(image)


def _wrapped(text: str, width: float) -> list[str]:
    """Break words into lines that fit a width in pixels; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(LINE).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def write_gif(
    path: str | os.PathLike,
    scan: Volume,
    relevance: Any = None,
    axis: int | str = "coronal",
    *,
    fps: float = 12,
    **options: Any,
) -> Path:
    """Write an animated GIF that repeats for ever; takes the options of `frames`.

    One palette of 256 colours serves all frames, so that colours do not flicker.
    """
    pictures = [Image.fromarray(frame) for frame in frames(scan, relevance, axis, **options)]
    palette = _palette(pictures)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    with replacing(path) as temporary:
        flat[0].save(
            temporary, "GIF", save_all=True, append_images=flat[1:], duration=round(1000 / fps), loop=0, optimize=False
        )
    return Path(path)


def _palette(pictures: list[Image.Image]) -> Image.Image:
    """Return 256 colours for all frames, from nine of them spread over the walk."""
    chosen = pictures[:: max(1, len(pictures) // 9)]
    width, height = chosen[0].size
    sheet = Image.new("RGB", (width, height * len(chosen)))
    for n, picture in enumerate(chosen):
        sheet.paste(picture, (0, n * height))
    return sheet.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def write_mp4(
    path: str | os.PathLike,
    scan: Volume,
    relevance: Any = None,
    axis: int | str = "coronal",
    *,
    fps: float = 12,
    **options: Any,
) -> Path:
    """Write an H.264 film that plays everywhere; takes the options of `frames`."""
    from imageio_ffmpeg import write_frames

    stream = frames(scan, relevance, axis, **options)
    with replacing(path) as temporary:
        writer = None
        try:
            for frame in stream:
                if writer is None:
                    size = (frame.shape[1], frame.shape[0])
                    writer = write_frames(
                        str(temporary), size, fps=fps, codec="libx264", pix_fmt_in="rgb24", pix_fmt_out="yuv420p",
                        macro_block_size=1, quality=7, output_params=["-f", "mp4", "-movflags", "+faststart"],
                        ffmpeg_log_level="error",
                    )  # fmt: skip
                    writer.send(None)
                writer.send(np.ascontiguousarray(frame))
        finally:
            if writer is not None:
                writer.close()
    return Path(path)
