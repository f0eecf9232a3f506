"""Where the disease of a group of simulated scans is, as an outline on their average map."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mriinterp.cohort.packed import packed_truth
from mriinterp.image.dense import dense_part
from mriinterp.image.volume import Volume
from mriinterp.ui.cohort.averages import StudyView
from mriinterp.ui.cohort.data import View
from mriinterp.ui.sources.resources import on_grid_of, study_of, truth_of
from mriinterp.ui.viewer import Contour

__all__ = ["group_truth"]

GROUP = "simulated disease in half or more of {} scans"
MOST_SCANS = 12  # of a group, in which it is looked up: about 0.1 s each
LEAST_SHARE = 0.5  # of these scans


def group_truth(name: str, view: View) -> list[Contour]:
    """Return the outline of where the disease changed most tissue in at least half of the positive group's scans."""
    study = study_of(name)
    if not isinstance(view, StudyView) or not view.simulated or not study.simulated or not view.positive:
        return []
    if (
        view.chosen is None
        and view.positive == study.positive
        and (known := _packed_place(view.scans_key, view)) is not None
    ):
        place, scans = known
        return [Contour(GROUP.format(f"{scans} {view.positive}"), place)]
    ids = [i for i in view.ids(view.methods[0], view.positive) if i in study.subjects.index]
    if not ids:
        return []
    chosen = [ids[n] for n in np.unique(np.linspace(0, len(ids) - 1, min(MOST_SCANS, len(ids))).astype(int))]
    place = _group_place(name, study.opened, view.scans_key, tuple(chosen), view)
    if not place.data.any():
        return []
    return [Contour(GROUP.format(f"{len(chosen)} {view.positive}"), place)]


@st.cache_resource(max_entries=8, show_spinner="Looking up where the disease is …")
def _group_place(name: str, opened: str, key: str, ids: tuple[str, ...], _view: StudyView) -> Volume:
    like = Volume(np.broadcast_to(np.float32(0), _view.grid.shape), _view.grid.affine)
    share = np.zeros(_view.grid.shape, np.float32)
    for subject in ids:
        truth = truth_of(name, subject)
        if truth is not None:
            share += on_grid_of(truth, like, order=0).data.astype(np.float32) / len(ids)
    return _outlined(Volume(share >= LEAST_SHARE - 1e-6, _view.grid.affine))


@st.cache_resource(max_entries=4, show_spinner=False)
def _packed_place(key: str, _view: StudyView) -> tuple[Volume, int] | None:
    known = packed_truth(_view.result)
    if known is None:
        return None
    count, scans = known
    return _outlined(count.with_data(count.data >= LEAST_SHARE * scans)), scans


def _outlined(place: Volume) -> Volume:
    """Return where a place is dense, as the outline of a single scan is drawn."""
    return Volume(dense_part(place).data.astype(np.float32), place.affine)
