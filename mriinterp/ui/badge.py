"""The badge beside a map: what was measured of its method, and the way to the Trust page."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from mriinterp.study import DemoStudy
from mriinterp.trust.badge import KEY, UNMEASURED, badge_marks, badge_words, measured_as
from mriinterp.trust.words import label_of
from mriinterp.ui.trust_data import BROKEN, badge_table, measured, of_network, plan_of
from mriinterp.ui.words import escape_markdown

__all__ = ["Badge", "badge_of", "trust_badge", "trust_badges"]

logger = logging.getLogger(__name__)

PAGE = "pages/trust.py"
ICON = ":material/verified_user:"
STYLE = """<style>
[data-testid="stPageLink-NavLink"] { padding-left: 0; height: auto; }
[data-testid="stPageLink-NavLink"] * { white-space: normal; overflow: visible; }
</style>"""  # in a narrow column the words go on in the next line, instead of being cut


@dataclass(frozen=True)
class Badge:
    """What a badge says in words and in marks, and what shows under the pointer."""

    words: str
    marks: str
    more: str


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
    return Badge(f"Trust{about}{where}: {words}", badge_marks(table, name) + about, more)


def _unmeasured(what: str, more: str) -> Badge:
    text = f"Trust: {UNMEASURED} {what}".rstrip()
    return Badge(text, text, more)


def trust_badge(
    study: str,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    subject: str | None = None,
    model: str | None = None,
    uploaded: bool = False,
    short: bool = False,
    label: str = "",
) -> None:
    """Show a line on how far maps of a method can be believed, which opens the Trust page on it.

    Parameters
    ----------
    subject : str, optional
        Subject of the study that the Trust page opens with.
    short : bool
        Marks instead of words: for narrow columns.
    label : str
        Of the map, put before the badge where several stand side by side.

    Other parameters as in `badge_of`.
    """
    st.html(STYLE)
    badge = badge_of(study, method, params, model, uploaded=uploaded)
    text = badge.marks if short else badge.words
    query = {"method": method, **({"subject": subject} if subject else {})}
    if study != DemoStudy.name:
        query["study"] = study
    st.page_link(
        Path(PAGE),
        label=escape_markdown(f"{label}: {text}" if label else text),
        icon=ICON,
        help=escape_markdown(badge.more),
        query_params=query,
        width="content",
    )


def trust_badges(study: str, entries: Sequence[Any], columns: int | None = None) -> None:
    """Show one badge a column of the compare page, over that column and with its name; below, what the marks mean.

    Parameters
    ----------
    columns : int, optional
        How many there are; the last ones (a difference) get none.
    """
    for place, entry in zip(st.columns(columns or len(entries)), entries, strict=False):
        with place:
            trust_badge(
                study,
                entry.column.method,
                dict(entry.column.params),
                subject=entry.column.subject or None,
                model=entry.model.digest,
                uploaded=entry.subject.uploaded,
                short=len(entries) > 1,
                label=entry.label if len(entries) > 1 else "",
            )
    if len(entries) > 1:
        only = " Its scans only: an own scan was no part of it." if any(e.subject.uploaded for e in entries) else ""
        st.caption(f"How the methods did in the study's trust benchmark: {KEY}.{only}")
