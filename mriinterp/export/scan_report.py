"""The HTML report on one map of one scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.part_table import part_table
from mriinterp.areas.table import outside_shares, top_areas
from mriinterp.base.errors import as_sentence
from mriinterp.base.numerals import decimals, percent
from mriinterp.export.html_report import Report
from mriinterp.figures import planes
from mriinterp.figures.area_bars import area_bars
from mriinterp.figures.mosaic import mosaic_png
from mriinterp.figures.shown_part import shown_part
from mriinterp.figures.slices3d import slices_figure
from mriinterp.figures.theme import area_label
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method
from mriinterp.methods.meaning import Meaning
from mriinterp.results.sidecar import to_sidecar

__all__ = ["scan_report"]


def scan_report(
    relevance: Any,
    scan: Volume,
    atlas: Atlas,
    *,
    title: str = "",
    subject: Mapping[str, Any] | None = None,
    simulated: bool = False,
    notes: tuple[str, ...] = (),
    brain: Volume | None = None,
    part: str = "both",
    radiological: bool = False,
    planes3d: bool = True,
    areas: int = 15,
    prediction: bool = True,
    own: tuple[Volume, Volume] | None = None,
) -> Report:
    """Return prediction, pictures, areas and provenance of a relevance map as a page.

    Parameters
    ----------
    relevance : RelevanceMap
    scan : Volume
    atlas : Atlas
    title : str
        Default: the method and the target.
    subject : mapping, optional
        What may be shown of the subject (id, group, age …): the caller
        decides; nothing is taken from a file's header.
    simulated : bool
    notes : tuple of str
        Cautions, shown near the top.
    brain : Volume, optional
        Brain mask, for the relevance outside it and for its surface.
    part : {"both", "supports", "against"}
        The sign of the values that pictures and areas show; the share of what
        is hidden is stated.
    radiological : bool
    planes3d : bool
        With the interactive planes in space.
    areas : int
        Rows of the table of areas.
    prediction : bool
        With what the network says: not of a real scan, if it knows simulated ones only.
    own : (Volume, Volume), optional
        The scan as it came, and the shown part of the map on it: for the
        slices, instead of those in template space.

    Returns
    -------
    Report
        ``.html()`` or ``.write(path)``.
    """
    method, meaning = get_method(relevance.method), Meaning.of(relevance)
    shown, scale = shown_part(relevance, part)
    hidden = meaning.hidden(part, relevance.volume.data)
    page = Report(
        title or f"{method.label}: relevance for {relevance.target}",
        f"{method.label} ({method.reference}), explained output {relevance.target}: {meaning.words(part)}",
        simulated=simulated,
    )
    for note in (*notes, *map(as_sentence, (*relevance.warnings, *relevance.notes))):
        page.text("", note, warning=True)
    if subject:
        page.facts("Subject", subject)
    if prediction:
        page.table("Prediction", _prediction(relevance.prediction))
    words = f"{planes.convention(radiological)}. {hidden}".strip()
    look: dict[str, Any] = {"scale": scale, "reading": "signed", "radiological": radiological, "theme": "light"}
    if own is not None:
        words = f"On the scan as it was taken. {words}"
    page.picture("Relevance map", mosaic_png(*(own or (scan, shown)), **look), words, alt="slices along x, y and z")
    if planes3d:
        figure = slices_figure(scan, shown, **look, atlas=atlas, brain=brain)
        with page.only("screen"):
            page.figure(
                "Planes in space", figure, "Turn with the mouse; the slider moves the surface of equal relevance."
            )
    page.new_page()
    table = part_table(relevance, atlas, part)
    ends = meaning.ends if meaning.signed else None
    if table["share"].notna().any():
        words = f"{atlas.name} atlas. {_area_words(relevance, atlas, brain)}".strip()
        page.table("Areas", _areas(table, areas, ends), words)
        with page.folded("Areas as bars"):
            page.figure("", area_bars(table, ends=ends))
    else:
        page.text("Areas", "The map holds no relevance in any area: there are no shares to show.")
    if method.caution:
        page.text("What this method cannot tell", method.caution)
    facts = to_sidecar(relevance, with_prediction=False, shown=meaning.name(part))
    return page.facts(
        "Provenance", {name: fact for name, fact in facts.items() if name != "note"}
    )  # it stands at the top


def _prediction(prediction: Any) -> pd.DataFrame:
    rows = [
        {
            "output": name,
            "raw value": value,
            "probability / %": 100 * prediction.probabilities[name] if name in prediction.probabilities else None,
            "predicted": "yes" if name == prediction.predicted else "",
        }
        for name, value in prediction.outputs.items()
    ]
    return pd.DataFrame(rows)


def _areas(table: pd.DataFrame, n: int, ends: tuple[str, str] | None) -> pd.DataFrame:
    rows = top_areas(table, n)
    sides = zip(("against", "supports"), ends or (), strict=False)
    place = [
        "–" if pd.isna(x) else f"({decimals(x)},\N{NO-BREAK SPACE}{decimals(y)},\N{NO-BREAK SPACE}{decimals(z)})"
        for x, y, z in rows[["peak_x", "peak_y", "peak_z"]].itertuples(index=False)
    ]
    return pd.DataFrame(
        {
            "area": [area_label(name) for name in rows["area"]],
            "share of relevance / %": 100 * rows["share"].to_numpy(),
            **{f"{words} / %": 100 * rows[side].to_numpy() for side, words in sides if side in rows},
            "size / cm³": rows["size_mm3"].to_numpy() / 1000,
            "asymmetry (L − R) / (|L| + |R|)": rows["asymmetry"].to_numpy(),
            "peak / mm": place,
        }
    )


def _area_words(relevance: Any, atlas: Atlas, brain: Volume | None) -> str:
    if brain is None:
        return ""
    shares = outside_shares(relevance, atlas, brain)
    return (
        f"Of the absolute relevance {percent(shares['outside_brain'], 1)} lies outside the brain and "
        f"{percent(shares['outside_areas'], 1)} outside all areas of the atlas."
    )
