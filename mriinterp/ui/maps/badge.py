"""The badge beside a map: what was measured of its method, and the way to the Trust page."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from mriinterp.methods import get_method
from mriinterp.study import DemoStudy
from mriinterp.trust.badge import (
    KEY,
    UNMEASURED,
    badge_light,
    badge_marks,
    badge_words,
    measured_as,
)
from mriinterp.trust.words import label_of
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.sources.measured import BROKEN, badge_table, measured, of_network, plan_of, signs_of

__all__ = ["Badge", "badge_of", "method_signs", "trust_light", "trust_lights"]

logger = logging.getLogger(__name__)

PAGE = "pages/trust.py"
LIGHTS = {
    "good": ("Trust: good", ":material/check_circle:"),
    "mixed": ("Trust: mixed", ":material/contrast:"),
    "poor": ("Trust: poor", ":material/cancel:"),
    "unmeasured": ("Trust: not measured", ":material/help:"),
}


@dataclass(frozen=True)
class Badge:
    """What a badge says in words and in marks, and what shows under the pointer."""

    words: str
    marks: str
    more: str
    light: str = "unmeasured"


def badge_of(
    study: str,
    method: str,
    params: Mapping[str, Any] | None = None,
    model: str | None = None,
    *,
    uploaded: bool = False,
) -> Badge:
    """Return the badge of a map.

    Parameters
    ----------
    study : str
        Name or study file.
    method : str
        A registered method.
    params : mapping, optional
        Of the map: figures taken with other parameters say so.
    model : str, optional
        Digest of the network that made the map; figures of another network
        are not shown for it.
    uploaded : bool
        Whether the map is one of a scan from outside the study, of whose like
        nothing was measured.
    """
    try:
        return _badge_of(study, method, params, model, uploaded)
    except BROKEN as error:  # a badge is the least of a page: it must not take the rest with it
        logger.warning("no badge of %s for %s: %s", method, study, error)
        return _unmeasured("", "The figures of this study cannot be read.")


def _badge_of(study: str, method: str, params: Mapping[str, Any] | None, model: str | None, uploaded: bool) -> Badge:
    folder = measured(study, model or "")
    if folder is None:
        return _unmeasured("for this study", "The Trust page measures it on this computer.")
    plan, table = plan_of(folder), badge_table(folder)
    if not of_network(plan, model):
        return _unmeasured("with this network", "The figures of this study were measured with another network.")
    name, same = measured_as(table["method"].tolist(), method, params)
    if name is None:
        return _unmeasured("for this method", "It was not part of this study's benchmark.")
    about = "" if same else " (at other settings)"
    where = ""
    if uploaded:
        where = f" (measured on {'simulated' if plan.get('simulated') else 'the study’s'} scans only)"
    people = f"n = {table[table['method'] == name]['n'].max()} subjects"
    scans = "simulated scans" if plan.get("simulated") else "scans of this study"
    words = badge_words(table, name)
    more = (
        f"{label_of(name)}: {words}. Measured on {scans}, {people}. It judges the method, not this map: "
        "a good figure does not make a map right. Click for all figures."
    )
    return Badge(f"Trust{about}{where}: {words}", badge_marks(table, name) + about, more, badge_light(table, name))


def _unmeasured(what: str, more: str) -> Badge:
    text = f"Trust: {UNMEASURED} {what}".rstrip()
    return Badge(text, text, more)


def trust_light(
    study: str,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    subject: str | None = None,
    model: str | None = None,
    uploaded: bool = False,
    label: str = "",
) -> None:
    """Show in two words how far maps of a method can be believed, the rest under the pointer; a link to the Trust page.

    Parameters
    ----------
    subject : str, optional
        Subject of the study that the Trust page opens with.
    label : str
        Of the map, where several stand side by side.

    Other parameters as in `badge_of`.
    """
    badge = badge_of(study, method, params, model, uploaded=uploaded)
    words, icon = LIGHTS[badge.light]
    about = f"{label}: {badge.marks} ({KEY}). " if label else f"{badge.words}. "
    with st.container(key=f"trust_light_{badge.light}{f'_{label}' if label else ''}", width="content"):
        _link(study, method, subject, words, icon, about + badge.more)


def method_signs(study: str, methods: Sequence[str], model: str) -> dict[str, str]:
    """Return the marks of methods' findings in the study's benchmark; "" for one that was not measured.

    Parameters
    ----------
    methods : sequence of str
        Each with its recommended settings.
    model : str
        Digest of the network.
    """
    signs = dict.fromkeys(methods, "")
    try:
        folder = measured(study, model)
        if folder is None or not of_network(plan_of(folder), model):
            return signs
        known = badge_table(folder)["method"].tolist()
        for method in methods:
            name, _ = measured_as(known, method, get_method(method).recommended)
            signs[method] = "" if name is None else signs_of(folder, name)
    except BROKEN as error:  # marks are the least of a list of methods
        logger.warning("no marks of methods for %s: %s", study, error)
        return dict.fromkeys(methods, "")
    return signs


def _link(study: str, method: str, subject: str | None, label: str, icon: str, more: str) -> None:
    """Show a link to the Trust page of a method and subject."""
    query = {"method": method, **({"subject": subject} if subject else {})}
    if study != DemoStudy.name:
        query["study"] = study
    st.page_link(Path(PAGE), label=label, icon=icon, help=escape_markdown(more), query_params=query, width="content")


def trust_lights(study: str, entries: Sequence[Any]) -> None:
    """Show the light of each column of the compare page, below that column and with its name under the pointer."""
    with st.container(key="columns_trust"):
        places = st.columns(len(entries))
    for place, entry in zip(places, entries, strict=True):
        with place:
            trust_light(
                study,
                entry.column.method,
                dict(entry.column.params),
                subject=entry.column.subject or None,
                model=entry.model.digest,
                uploaded=entry.subject.uploaded,
                label=entry.label,
            )
