"""What part of a scan a network sees, in words."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mriinterp.base.allocator import give_back
from mriinterp.base.numerals import percent
from mriinterp.image.template import brain_mask
from mriinterp.methods.cells import field_of_view
from mriinterp.models import Model

__all__ = ["field_words", "unread_words"]

LEAST_UNREAD = 0.01  # share of a scan that is worth a sentence


@st.cache_data(max_entries=8, show_spinner=False)
def _field_of_view(digest: str, _model: Model) -> tuple[tuple[int, int], ...] | None:
    box = field_of_view(_model.module, _model.grid.shape, _model.card.channels)
    give_back()
    return None if box is None else tuple((one.start, one.stop) for one in box)


def field_words(model: Model) -> str:
    """Return a network's field of view beside its grid; "" where its layers do not tell."""
    box = _field_of_view(model.digest, model)
    if box is None:
        return ""
    size = "×".join(str(stop - start) for start, stop in box)
    return f"{size} of {'×'.join(map(str, model.grid.shape))} voxels"


def unread_words(model: Model) -> str:
    """Return how much of a scan, and of the brain, cannot change the output; "" of less than a hundredth."""
    box = _field_of_view(model.digest, model)
    if box is None:
        return ""
    seen = np.zeros(model.grid.shape, bool)
    seen[tuple(slice(*ends) for ends in box)] = True
    if seen.mean() > 1 - LEAST_UNREAD:
        return ""
    brain = ""
    if model.card.space.startswith("MNI"):
        inside = brain_mask(model.grid).data > 0
        brain = f", and **{percent(1 - seen[inside].mean())} of the brain**"
    return (
        f"**{percent(1 - seen.mean())} of a scan**{brain}, cannot change what this network says: it reads "
        f"{field_words(model)}, as its poolings drop what does not fill a last window. There a map says nothing of the network."
    )
