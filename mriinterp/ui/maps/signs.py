"""Which sign of a map a page shows: chosen once, followed by planes, planes in space, areas, files and links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import streamlit as st

from mriinterp.base.map_parts import PARTS, part_of, part_shares
from mriinterp.figures.colours import Scale
from mriinterp.figures.shown_part import shown_part
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import Meaning, percent, shared_name
from mriinterp.relevance_map import RelevanceMap
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.session.keys import SIGN
from mriinterp.ui.session.life import forgotten_with_uploads
from mriinterp.ui.viewer import Layer

__all__ = ["choose_part", "part_layer", "part_scale", "part_volume", "share_density", "shares_of", "signed_layer"]

PERCENT, MM3_PER_CM3 = 100.0, 1000.0
SIGNS: dict[str, Literal["both", "positive", "negative"]] = {
    "both": "both",
    "supports": "positive",
    "against": "negative",
}


def choose_part(
    meanings: Sequence[Meaning], shares: Mapping[str, float] | None = None, *, of: str = "", list_px: int | None = None
) -> str:
    """Choose whether both signs of the maps on a page are shown or one; maps of one sign leave no choice.

    Parameters
    ----------
    meanings : sequence of Meaning
    shares : mapping of part to float, optional
        Of the relevance, where it is one map's.
    of : str
        What shares are of, if not of one map's absolute relevance.
    list_px : int, optional
        See `segments`.
    """
    signed = [meaning for meaning in meanings if meaning.signed]
    if not signed:
        return "both"

    def label(part: str) -> str:
        share = f" · {percent(shares[part])}" if shares and part != "both" else ""
        return escape_markdown(shared_name(signed, part) + share)

    return segments(
        "Signs",
        SIGN,
        {part: label(part) for part in PARTS},
        "both",
        what="part",
        list_px=list_px,
        help="Planes, planes in space, areas and files show the same. Shares are those of "
        f"{of or 'the map’s absolute relevance'}.",
    )


def share_density(volume: Volume, sizes: np.ndarray) -> Volume:
    """Return sizes as shares of their sum, in percent per cm³, so that maps of any unit and grid can be compared."""
    total = float(sizes.sum(dtype=np.float64)) * float(np.prod(volume.grid.voxel_sizes)) / MM3_PER_CM3
    return volume.with_data((sizes * (PERCENT / total) if total > 0 else sizes).astype(np.float32))


def shares_of(relevance: RelevanceMap) -> dict[str, float]:
    """Return the share of each part of a map."""
    return _shares(relevance.volume.digest, relevance.volume)


@forgotten_with_uploads
@st.cache_data(max_entries=64, show_spinner=False)
def _shares(digest: str, _volume: Volume) -> dict[str, float]:
    return part_shares(_volume.data)


@forgotten_with_uploads
@st.cache_resource(max_entries=24, show_spinner=False)
def _volume(digest: str, part: str, _whole: Volume) -> Volume:
    return _whole.with_data(part_of(_whole.data, part))


def part_volume(volume: Volume, part: str) -> Volume:
    """Return the values of one sign of a map, made once."""
    return volume if part == "both" else _volume(volume.digest, part, volume)


@forgotten_with_uploads
@st.cache_resource(max_entries=12, show_spinner=False)
def _scale(digest: str, part: str, _relevance: RelevanceMap) -> tuple[Volume, Scale]:
    return shown_part(_relevance, part)


def part_scale(relevance: RelevanceMap, part: str) -> tuple[Volume, Scale]:
    """Return the shown values of a map and the colours that figures draw them with."""
    return _scale(f"{relevance.volume.digest} {relevance.method} {relevance.score} {relevance.target}", part, relevance)


def part_layer(name: str, relevance: RelevanceMap, part: str, volume: Volume | None = None, **more) -> Layer:
    """Return a viewer's layer of one map; `volume`: the map on another grid."""
    shown = part_volume(relevance.volume if volume is None else volume, part)
    return signed_layer(name, shown, Meaning.of(relevance), part, **more)


def signed_layer(name: str, shown: Volume, meaning: Meaning, part: str, *, unit: str = "", **more) -> Layer:
    """Return a viewer's layer of values that are those of a part already; `unit`: another than the meaning's."""
    ends = meaning.ends if meaning.signed else None
    return Layer(name, shown, unit or meaning.unit, signed=meaning.signed, part=SIGNS[part], ends=ends, **more)
