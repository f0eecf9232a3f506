"""The badge beside a map: what was measured of its method, and the way to the Trust page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from mriinterp.methods import get_method
from mriinterp.trust.badge import UNMEASURED, badge_words, measured_as
from mriinterp.trust.words import label_of
from mriinterp.ui.trust_data import badge_table, measured, plan_of
from mriinterp.ui.words import escape_markdown

__all__ = ["badge_text", "trust_badge", "trust_badges"]

PAGE = "pages/trust.py"
ICON = ":material/verified_user:"


def badge_text(
    study: str, method: str, params: Mapping[str, Any] | None = None, model: str | None = None
) -> tuple[str, str]:
    """What the badge says, and what shows under the pointer.

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
    """
    folder = measured(study)
    if folder is None:
        return f"Trust: {UNMEASURED} for this study", "The Trust page measures it on this computer."
    plan, table = plan_of(folder), badge_table(folder)
    if model is not None and plan.get("model", {}).get("sha256", model) != model:
        return f"Trust: {UNMEASURED} for this network", "The figures of this study are those of another network."
    name, same = measured_as(table["method"].tolist(), method, params)
    if name is None:
        return f"Trust: {UNMEASURED} for this method", "It was not part of this study's benchmark."
    about = "" if same else " (at other settings)"
    people = f"n = {table[table['method'] == name]['n'].max()} subjects"
    scans = "simulated scans" if plan.get("simulated") else "scans of this study"
    return (
        f"Trust{about}: {badge_words(table, name)}",
        f"Measured for {label_of(name)} on {scans}, {people}. It judges the method, not this map: "
        "a good figure does not make a map right. Click for all figures.",
    )


def trust_badge(
    study: str,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    subject: str | None = None,
    model: str | None = None,
    named: bool = False,
) -> None:
    """A line that says how far maps of a method can be believed, and opens the Trust page on it.

    Parameters
    ----------
    subject : str, optional
        Subject of the study that the Trust page opens with.
    named : bool
        Put the method's name in front: for several badges side by side.

    Other parameters as in `badge_text`.
    """
    said, more = badge_text(study, method, params, model)
    if named:
        said = f"{get_method(method).label}: {said.removeprefix('Trust: ')}"
    query = {"method": method, **({"subject": subject} if subject else {})}
    if study != "demo":
        query["study"] = study
    st.page_link(
        Path(PAGE),
        label=escape_markdown(said),
        icon=ICON,
        help=escape_markdown(more),
        query_params=query,
        width="content",
    )


def trust_badges(study: str, entries: Iterable[Any]) -> None:
    """One badge a method and network among the compare page's columns, in a line."""
    with st.container(horizontal=True, gap="small"):
        seen = set()
        for entry in entries:
            place = entry.column.method, entry.column.params, entry.model.digest
            if place in seen:
                continue
            seen.add(place)
            trust_badge(
                study,
                entry.column.method,
                dict(entry.column.params),
                subject=entry.column.subject or None,
                model=entry.model.digest,
                named=True,
            )
