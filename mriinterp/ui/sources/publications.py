"""Fetch an openly published network from the sidebar: licence first, then the files, then its study is chosen."""

from __future__ import annotations

from functools import partial

import streamlit as st

from mriinterp.fetch import Publication, fetch, fetched_study, fetched_variants, get_publication, publication_names
from mriinterp.ui.base.jobs import current_job, forget_job, start_job, watch
from mriinterp.ui.base.words import escape_markdown

__all__ = ["fetched_studies", "just_fetched", "offer_publications"]

SLOT = "fetch"


def fetched_studies() -> list[str]:
    """Return study files of the publications that have been fetched, the age-matched one of OASIS-1 among them."""
    names = publication_names()
    found = [path for name in names for path in (fetched_study(name), *fetched_variants(name)) if path is not None]
    return [str(path) for path in found]


def just_fetched() -> str | None:
    """Return the study file of a fetch that has ended well; None, and never twice."""
    job = current_job(SLOT)
    if job is None or job.running or job.result is None:
        return None
    forget_job(SLOT)
    return str(job.result)


def offer_publications() -> None:
    """Show a popover with what has not been fetched yet, and the fetch that is under way; nothing if all is there."""
    missing = [get_publication(name) for name in publication_names() if fetched_study(name) is None]
    if not missing:
        return
    with st.popover("Get a published network", icon=":material/download:", type="tertiary"):
        for publication in missing:
            _offer(publication)
    watch(SLOT)


def _offer(publication: Publication) -> None:
    """Show what it is, its licence, and the button that fetches it."""
    st.markdown(f"**{escape_markdown(publication.title)}**")
    st.caption(escape_markdown(publication.about))
    if publication.variants:
        st.caption(f"Brings several studies to choose from: all scans, {', '.join(publication.variants)}.")
    with st.expander(f"Licence: {publication.licence}"):
        st.text(publication.licence_text)
    accepted = st.checkbox("I accept this licence", key=f"licence_{publication.name}")
    st.button(
        f"Fetch ({publication.size_words})",
        key=f"fetch_{publication.name}",
        icon=":material/download:",
        type="primary",
        disabled=not accepted,
        on_click=_start,
        args=(publication,),
    )
    st.caption(
        "Requests for these files are all that is sent out, and only now. Without a connection: "
        f"`mriinterp fetch {publication.name} --from FOLDER`."
    )


def _start(publication: Publication) -> None:
    work = partial(fetch, publication.name, accept_licence=True)
    start_job(
        SLOT,
        f"Fetching {publication.title}",
        f"fetch {publication.name}",
        lambda progress, cancel: work(progress=progress, cancel=cancel),
        percent=True,
        kept="What has come is kept; fetching again goes on from there.",
        shared=True,
    )
