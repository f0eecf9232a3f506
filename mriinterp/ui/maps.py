"""Where maps are kept: those of a study's subjects on disk, those of an uploaded scan in the session only."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import streamlit as st

from mriinterp.cost import map_seconds
from mriinterp.explain import RelevanceMap
from mriinterp.methods import Method
from mriinterp.models import Model
from mriinterp.results.store import Maps, Store
from mriinterp.study import Study
from mriinterp.ui.resources import known_map, store
from mriinterp.ui.subject import Subject

__all__ = ["SessionMaps", "cheap_enough", "known_map_of", "maps_of"]

UNASKED_SECONDS = 20.0  # of work that a link may start without a click

KEPT = 12  # maps of uploaded scans, about 7 MB each


class SessionMaps(Maps):
    """Maps in memory, the latest few; nothing reaches the disk, and they go with the session."""

    def __init__(self) -> None:
        self._maps: OrderedDict[str, RelevanceMap] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._maps

    def get(self, key: str) -> RelevanceMap | None:
        """The map of a key, or None."""
        return self._maps.get(key)

    def keep(self, key: str, relevance: RelevanceMap) -> None:
        """Keep a map; the oldest goes."""
        self._maps[key] = relevance
        while len(self._maps) > KEPT:
            self._maps.popitem(last=False)


def cheap_enough(model: Model, method: Method, params: dict[str, Any], study: Study) -> bool:
    """Whether a page that is opened may make a map without being asked: defaults, or a few seconds of work."""
    if params == method.resolve({}):
        return True
    return map_seconds(model, method.name, method.resolve(params), study.atlas()) < UNASKED_SECONDS


def maps_of(subject: Subject) -> Store | SessionMaps:
    """Where the maps of a scan are kept."""
    return st.session_state.setdefault("_own_maps", SessionMaps()) if subject.uploaded else store()


def known_map_of(subject: Subject, key: str) -> RelevanceMap | None:
    """A map of a scan made before, or None."""
    return maps_of(subject).get(key) if subject.uploaded else known_map(key)
