"""One picture to judge a preparation by: is the brain in place, and is the mask its outline?"""

from __future__ import annotations

import threading
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from mriinterp.figures.planes import letters, slice_of
from mriinterp.image.template import brain_mask, tissue
from mriinterp.image.volume import Grid, Volume

if TYPE_CHECKING:
    from mriinterp.prepare.pipeline import Prepared

__all__ = ["THUMBNAIL", "load_drawing_beside", "preparation_png", "thumbnail"]

VERDICTS = {"good": "Good", "look": "Look at it", "refuse": "Not usable"}
COLOURS = {"good": "#3fb27f", "look": "#e0a52c", "refuse": "#e0645c"}
GRID = Grid((121, 145, 121), np.array([[1.5, 0, 0, -90], [0, 1.5, 0, -126], [0, 0, 1.5, -72], [0, 0, 0, 1.0]]))
THUMBNAIL = (600, 184)
"""Width and height of a small picture, in pixels."""
SHARES = (0.36, 0.5, 0.64)  # where along each axis the slices lie


def load_drawing_beside() -> None:
    """Load what pictures are drawn with, on another core while a scan is prepared."""
    threading.Thread(target=_load_drawing, daemon=True).start()


def _load_drawing() -> None:
    from matplotlib.backends import backend_agg  # noqa: F401

    brain_mask(GRID)
    tissue("wm", GRID)


def preparation_png(prepared: Prepared, *, title: str = "") -> bytes:
    """Draw the prepared scan under the template's outline, and the raw scan under the mask's.

    Parameters
    ----------
    prepared : Prepared
    title : str
        Before the verdict.

    Returns
    -------
    bytes
        PNG, 1500 × 460 pixels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    brain = prepared.scan.with_data(np.where(prepared.mask.data, prepared.scan.data, 0).astype(np.float32))
    moved = prepared.transform.scan_on(brain, GRID)
    white = tissue("wm", GRID)
    prepared_scan = _around(prepared.mask, prepared.scan)
    rows = (
        (
            "In template space, with the template's outline",
            moved,
            [brain_mask(GRID), white.with_data(white.data > 0.5)],
        ),
        ("As scanned, with the brain mask's outline", prepared_scan, [_around(prepared.mask, prepared.mask)]),
    )
    figure = Figure(figsize=(15, 4.6), dpi=100, facecolor="black")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 9, gridspec_kw={"left": 0.002, "right": 0.998, "bottom": 0.005, "top": 0.85, "wspace": 0.02, "hspace": 0.16})  # fmt: skip
    for (words, volume, outlines), places in zip(rows, axes, strict=True):
        low, high = np.percentile(volume.data[volume.data > 0], (1, 99.5)) if (volume.data > 0).any() else (0, 1)
        for number, place in enumerate(places):
            axis, share = divmod(number, 3)
            _draw(place, volume, outlines, axis, SHARES[share], (float(low), float(high)))
        places[0].set_title(words, color="0.8", fontsize=11, loc="left", pad=4)
    verdict = prepared.qc.verdict
    sentence = (
        prepared.qc.findings[0].text
        if prepared.qc.findings
        else f"Correlation with the template {prepared.qc.correlation:.2f}."
    )
    figure.text(0.004, 0.955, f"{VERDICTS[verdict]}", color=COLOURS[verdict], fontsize=15, weight="bold", va="center")
    figure.text(
        0.09, 0.955, " ".join(part for part in (title, sentence) if part), color="0.9", fontsize=11, va="center"
    )
    stream = BytesIO()
    figure.savefig(stream, format="png", facecolor="black")
    return stream.getvalue()


def thumbnail(png: bytes) -> bytes:
    """Return a picture of `preparation_png` as a small JPEG, for a page of many."""
    from PIL import Image

    stream = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").resize(THUMBNAIL, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=80)
    return stream.getvalue()


def _around(mask: Volume, volume: Volume) -> Volume:
    """Return a volume cut to the box of a mask and a fifth more on each side."""
    cuts = []
    for axis, length in enumerate(mask.data.shape):
        filled = np.flatnonzero(mask.data.any(axis=tuple(other for other in range(3) if other != axis)))
        first, last = (int(filled[0]), int(filled[-1]) + 1) if filled.size else (0, length)
        margin = (last - first) // 5
        cuts.append(slice(max(0, first - margin), min(length, last + margin)))
    shift = np.eye(4)
    shift[:3, 3] = [cut.start for cut in cuts]
    return Volume(volume.data[tuple(cuts)], volume.affine @ shift)


def _draw(place, volume: Volume, outlines: list[Volume], axis: int, share: float, window: tuple[float, float]) -> None:
    index = round(share * (volume.data.shape[axis] - 1))
    sizes = [size for other, size in enumerate(volume.grid.voxel_sizes) if other != axis]
    picture = slice_of(volume.data, axis, index)
    place.imshow(
        picture, cmap="gray", vmin=window[0], vmax=window[1], aspect=sizes[1] / sizes[0], interpolation="bilinear"
    )
    for outline, colour in zip(outlines, ("#ffb000", "#4fc3ff"), strict=False):
        mask = slice_of(outline.data, axis, index)
        if mask.any() and not mask.all():
            place.contour(mask.astype(float), levels=[0.5], colors=[colour], linewidths=0.8)
    left, right = letters(axis)[:2]
    for x, letter, align in ((0.02, left, "left"), (0.98, right, "right")):
        place.text(x, 0.02, letter, transform=place.transAxes, color="white", fontsize=9, ha=align, va="bottom")
    place.set_axis_off()
