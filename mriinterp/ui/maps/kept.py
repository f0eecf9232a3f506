"""Where maps are kept: those of a study's subjects on disk, those of an uploaded scan in the session only."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mriinterp.methods import Method
from mriinterp.models import Model
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.maps import Maps, MemoryMaps
from mriinterp.study import Study
from mriinterp.ui.base.jobs import current_job
from mriinterp.ui.scan.subject import Subject
from mriinterp.ui.session.keys import ASKED, FIRST_MAP, MAP_BEFORE, OWN_MAPS, PRESENT, STARTED
from mriinterp.ui.session.life import current_session
from mriinterp.ui.sources.resources import known_map, store

__all__ = [
    "QUICK_SECONDS",
    "ask_to_explain",
    "asked_to_explain",
    "cheap_enough",
    "keep_before",
    "known_map_of",
    "map_before",
    "maps_of",
    "runs_unasked",
    "show_before",
]

UNASKED_SECONDS = 20.0  # of work that a link may start without a click
QUICK_SECONDS = 2.0  # of work that every change of a setting may start


def _seconds(model: Model, method: Method, params: dict[str, Any], study: Study) -> float:
    """Estimate how long a map takes; PyTorch is imported for that, so it is asked last."""
    from mriinterp.cost import map_seconds

    return map_seconds(model, method.name, method.resolve(params), study.atlas())


def cheap_enough(model: Model, method: Method, params: dict[str, Any], study: Study) -> bool:
    """Return whether a page that is opened may make a map without being asked: a few seconds of work."""
    if params in (method.resolve({}), method.resolve(method.recommended)) and not (
        method.hides and not method.incremental
    ):
        return True  # not worth a measurement, which takes about a second
    return _seconds(model, method, params, study) < UNASKED_SECONDS


def runs_unasked(slot: str, model: Model, method: Method, params: dict[str, Any], study: Study, key: str) -> bool:
    """Return whether a map is made without a click: of the first view, where a page is presented, and within two seconds.

    Not after its work has failed or was cancelled in the page's slot.
    """
    job = current_job(slot)
    if job is not None and job.ended_early and key in job.makes:
        return False
    first = FIRST_MAP.begin(key) == key and not STARTED.kept
    STARTED.put(True)
    if first or PRESENT.get():
        return cheap_enough(model, method, params, study)
    return _seconds(model, method, params, study) < QUICK_SECONDS


def ask_to_explain(words: str = "This map is not known yet.", button: str = "Explain") -> None:
    """Show that maps are not there, beside the button that makes them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/touch_app: {words}", width="content")
        st.button(
            button,
            type="primary",
            icon=":material/play_arrow:",
            key="explain_here",
            on_click=ASKED.put,
            args=(True,),
        )


def asked_to_explain() -> bool:
    """Return whether the button of `ask_to_explain` was pressed, once."""
    return bool(ASKED.take())


def keep_before(subject: Subject, model: Model, key: str) -> None:
    """Keep in mind which map is shown, for when a setting changes."""
    MAP_BEFORE.put((subject.scan.digest, model.digest, key))


def map_before(subject: Subject, model: Model) -> RelevanceMap | None:
    """Return the map of the same scan and network that was shown last, if there is one."""
    scan, network, key = MAP_BEFORE.get(("", "", ""))
    return known_map_of(subject, key) if (scan, network) == (subject.scan.digest, model.digest) else None


def show_before(before: bool) -> None:
    """Show, where `before`, that what the container shows is of the map before; the style then draws it faintly.

    To be called last in the container, so that nothing in it is drawn anew when it comes and goes.
    """
    if before:
        with st.container(key="view_before"):
            st.caption("Of the map before.")


def maps_of(subject: Subject) -> Maps:
    """Return where the maps of a scan are kept."""
    if not subject.uploaded:
        return store()
    if not OWN_MAPS.kept:
        maps = MemoryMaps()
        OWN_MAPS.put(maps)
        current_session().at_end(maps.clear)
    return OWN_MAPS.value


def known_map_of(subject: Subject, key: str) -> RelevanceMap | None:
    """Return a map of a scan made before, or None; one that was made of another scan is none."""
    found = maps_of(subject).get(key) if subject.uploaded else known_map(key)
    return found if found is not None and found.digests.get("scan") == subject.scan.digest else None
