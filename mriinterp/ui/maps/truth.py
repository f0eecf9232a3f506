"""Where the disease of a simulated scan is, as an outline on its map.

The viewer names an outline below the planes and has a switch for it among its
display settings, which the address holds. What the disease changed lies
scattered along the surfaces of tissue: drawn voxel by voxel it would hide the
map, so the outline is drawn around where it is dense.
"""

from __future__ import annotations

import streamlit as st

from mriinterp.image.dense import dense_part
from mriinterp.image.volume import Volume
from mriinterp.study.first_map import first_place
from mriinterp.ui.sources.resources import on_grid_of
from mriinterp.ui.viewer import Contour

__all__ = ["scan_place", "scan_truth"]

CHANGED = "where the simulated disease changed most tissue"


@st.cache_data(max_entries=16, show_spinner=False)
def _place(digest: str, _truth: Volume) -> Volume:
    known = first_place(digest)
    return dense_part(_truth) if known is None else known


def scan_place(truth: Volume | None, like: Volume) -> Volume | None:
    """Return where the disease of one scan changed most tissue, bool, on the grid of a map; None where that is not known."""
    if truth is None or not truth.data.any():
        return None
    return on_grid_of(_place(truth.digest, truth), like, order=0)


def scan_truth(truth: Volume | None, like: Volume) -> list[Contour]:
    """Return the outline of the known place of the disease of one scan, on the grid of a map; none where none is known."""
    place = scan_place(truth, like)
    return [] if place is None else [Contour(CHANGED, Volume(place.data.astype("f4"), place.affine))]
