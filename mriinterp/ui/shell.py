"""What every page shows: the study, its honesty line, and errors as words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from mriinterp.sidecar import RESEARCH_USE
from mriinterp.ui.resources import study_of

__all__ = ["current_study", "page_header", "readable_errors", "sidebar"]

STUDIES = ("demo",)


def sidebar() -> None:
    """The shared sidebar: which study, and what it is worth."""
    with st.sidebar:
        st.selectbox("Study", STUDIES, key="study", format_func=_title, bind="query-params", persist_state="session")
        study = study_of(current_study())
        if study.simulated:
            st.warning(
                "**Simulated data.** Template anatomy with known, artificial atrophy; no real patient.", icon="🧪"
            )
        st.caption(f"**{RESEARCH_USE}**")


def _title(name: str) -> str:
    return study_of(name).title


def current_study() -> str:
    """Name of the chosen study."""
    return st.session_state.get("study") or STUDIES[0]


def page_header(title: str, caption: str) -> None:
    """Title of a page and what it is for."""
    st.title(title, anchor=False)
    st.caption(caption)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Errors of the core as a message on the page, which then ends; it stays usable."""
    try:
        yield
    except (ValueError, KeyError, OSError) as error:
        st.error(
            str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error), icon=":material/error:"
        )
        st.stop()
