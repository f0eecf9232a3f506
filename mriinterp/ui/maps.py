"""Where maps are kept: those of a study's subjects on disk, those of an uploaded scan in the session only."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mriinterp.cost import map_seconds
from mriinterp.explain import RelevanceMap
from mriinterp.methods import Method
from mriinterp.models import Model
from mriinterp.results.store import Maps, MemoryMaps
from mriinterp.study import Study
from mriinterp.ui.resources import known_map, store
from mriinterp.ui.session import current_session
from mriinterp.ui.subject import Subject

__all__ = ["cheap_enough", "known_map_of", "maps_of"]

UNASKED_SECONDS = 20.0  # of work that a link may start without a click


def cheap_enough(model: Model, method: Method, params: dict[str, Any], study: Study) -> bool:
    """Return whether a page that is opened may make a map without being asked: a few seconds of work."""
    if params == method.resolve({}) and not (method.hides and not method.incremental):
        return True  # not worth a measurement, which takes about a second
    return map_seconds(model, method.name, method.resolve(params), study.atlas()) < UNASKED_SECONDS


def maps_of(subject: Subject) -> Maps:
    """Return where the maps of a scan are kept."""
    if not subject.uploaded:
        return store()
    if "_own_maps" not in st.session_state:
        maps = st.session_state["_own_maps"] = MemoryMaps()
        current_session().at_end(maps.clear)
    return st.session_state["_own_maps"]


def known_map_of(subject: Subject, key: str) -> RelevanceMap | None:
    """Return a map of a scan made before, or None; one that was made of another scan is none."""
    found = maps_of(subject).get(key) if subject.uploaded else known_map(key)
    return found if found is not None and found.digests.get("scan") == subject.scan.digest else None
