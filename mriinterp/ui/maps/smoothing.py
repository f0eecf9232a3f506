"""Gradient maps after a Gaussian filter that the reader chose: stated on the map, in files and in links."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy
import streamlit as st

from mriinterp.image.volume import Volume
from mriinterp.relevance_map import RelevanceMap
from mriinterp.ui.base.linked import linked
from mriinterp.ui.session.keys import SMOOTHING
from mriinterp.ui.session.life import forgotten_with_uploads

__all__ = ["SMOOTHING", "choose_smoothing"]

WIDTHS = (0, 4, 8)  # full width at half maximum, mm
FWHM = 2 * np.sqrt(2 * np.log(2))  # of a Gaussian, in standard deviations


def choose_smoothing(relevance: RelevanceMap) -> RelevanceMap:
    """Offer to smooth a gradient map; return the map that is shown. Other maps leave no choice."""
    if relevance.reading != "absolute":
        return relevance
    st.selectbox(
        "Smoothing",
        WIDTHS,
        format_func=lambda mm: f"Smoothed, {mm} mm" if mm else "Not smoothed",
        key=linked(SMOOTHING, 0, options=WIDTHS, cast=int),
        persist_state="session",
        label_visibility="collapsed",
        width=170,
        help="Gaussian filter, full width at half maximum, of the signed values: neighbours of opposite sign cancel. "
        "Planes, planes in space, areas and files show the same.",
    )
    mm = SMOOTHING.value
    if not mm:
        return relevance
    words = f"Gaussian, {mm} mm full width at half maximum, chosen by the reader"
    volume = _smoothed(relevance.volume.digest, mm, relevance.volume)
    return replace(relevance, volume=volume, chosen={**relevance.chosen, SMOOTHING: words})


@forgotten_with_uploads
@st.cache_resource(max_entries=6, show_spinner=False)
def _smoothed(digest: str, mm: int, _volume: Volume) -> Volume:
    sigma = [mm / FWHM / edge for edge in _volume.grid.voxel_sizes]
    return _volume.with_data(scipy.ndimage.gaussian_filter(_volume.data.astype(np.float32), sigma))
