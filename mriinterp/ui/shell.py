"""What every page shows: the study, its honesty line, and errors as words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from mriinterp.sidecar import RESEARCH_USE
from mriinterp.ui.address import linked, write_address
from mriinterp.ui.resources import study_of

__all__ = ["ICON", "current_study", "escape_markdown", "page_header", "readable_errors", "sidebar"]

STUDIES = ("demo",)
ICON = str(Path(__file__).parent / "assets" / "icon.png")  # a file: symbols and emoji would be fetched from the web
STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding: 1.6rem 2rem 3rem; }
[data-testid="stMainBlockContainer"] h1 { font-size: 1.6rem; padding: 0; }
[data-testid="stHeader"] { height: 1.5rem; min-height: 1.5rem; }
</style>"""


def sidebar() -> None:
    """The top of the shared sidebar: which study."""
    with st.sidebar:
        st.selectbox(
            "Study",
            STUDIES,
            key=linked("study", STUDIES[0], options=STUDIES),
            format_func=_title,
            persist_state="session",
        )
    write_address("study")


def _title(name: str) -> str:
    return study_of(name).title


def current_study() -> str:
    """Name of the chosen study."""
    return st.session_state.get("study") or STUDIES[0]


def page_header(title: str, caption: str) -> None:
    """Title of a page, what it is for, and what its data and use are worth."""
    st.html(STYLE)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title(title, anchor=False, width="content")
        st.caption(caption, width="stretch")
        simulated = ":orange-badge[:material/science: Simulated data] " if study_of(current_study()).simulated else ""
        st.markdown(f"{simulated}:gray-badge[{RESEARCH_USE}]", width="content")


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


def escape_markdown(text: str) -> str:
    """Text from files or names as plain text in Markdown."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>$:~])", r"\\\1", text)
