"""Parts of every page: the study, what its data are, and readable errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from mriinterp.base.notices import RESEARCH_USE
from mriinterp.base.scripts import page_scripts
from mriinterp.results.home import why_not_kept
from mriinterp.ui.base.address import address_of_page, end_page, place_link
from mriinterp.ui.base.words import Remedied, escape_markdown, words_of
from mriinterp.ui.session.keys import SHELL
from mriinterp.ui.session.life import current_session
from mriinterp.ui.shell.present import offer_present, show_present
from mriinterp.ui.shell.tour import offer_tour, show_stop
from mriinterp.ui.sources.resources import study_of
from mriinterp.ui.sources.studies import choose_study, current_study

__all__ = [
    "ICON",
    "SIMULATED_BADGE",
    "Header",
    "current_study",
    "escape_markdown",
    "page_header",
    "readable_errors",
    "run_page",
]

LINK_PX = 92  # of the button that copies the address
ICON = str(Path(__file__).parents[1] / "assets" / "icon.png")  # a file: symbols and emoji would be fetched from the web
SIMULATED_BADGE = ":orange-badge[:material/science: Simulated data]"
REAL_BADGE = ":blue-badge[:material/group: Real scans]"


def run_page(page: StreamlitPage) -> None:
    """Run a page below the sidebar that all share, and keep its address."""
    SHELL.put(True)
    with address_of_page(page.url_path):
        with st.sidebar:
            choose_study(_title)
            with st.container(horizontal=True, gap="small"):
                offer_tour()
                offer_present(page.url_path)
        show_stop()
        show_present(page.url_path)
        page.run()


def _title(name: str) -> str:
    try:
        return study_of(name).title
    except (ValueError, KeyError, OSError):  # moved or broken since: the page says so when it is chosen
        return Path(name).name


def _enter_through_app() -> None:
    """Run app.py first.

    Where a link to a page is the first that a server ever opens, Streamlit
    takes ``pages/`` for an app of its older kind and runs the page without
    app.py: without layout, sidebar and navigation. Naming the pages once
    prevents that.
    """
    if not SHELL.kept:
        front = st.Page(lambda: None, title="mriinterp", url_path="front", default=True)
        st.navigation([front, *(st.Page(script) for script in page_scripts())], position="hidden")
        st.rerun()


@dataclass(frozen=True, eq=False)
class Header:
    """The first line of a page, for what is known later in its run."""

    place: DeltaGenerator
    trust: DeltaGenerator

    def answer(self, words: str) -> None:
        """Put the page's answer (Markdown) where its title was."""
        self.place.markdown(words)


def page_header(title: str, caption: str, *, own_scan: bool = False, from_file: bool = False) -> Header:
    """Show the title of a page, what it is for, and what its data and use are worth.

    `own_scan`: the page is about an uploaded scan, `from_file`: about averages
    from a file, so that the study's data are not what is shown.
    """
    _enter_through_app()
    current_session()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="page_header"):
        st.title(title, anchor=False, width="content")
        with st.container(width="stretch", gap=None, key="page_line"):
            with st.container(key="page_caption"):  # until there is an answer, which stays until the next one is there
                st.caption(caption)
            answer = st.container(key="page_answer")
        trust = st.container(width="content", key="page_trust")
        with readable_errors():
            data = SIMULATED_BADGE if study_of(current_study()).simulated else REAL_BADGE
        if own_scan:
            data = ":blue-badge[:material/upload_file: Own scan]"
        elif from_file:
            data = ":blue-badge[:material/upload_file: Averages from a file]"
        st.markdown(data, width="content")
        with st.container(key="research_use", width="content"):
            st.markdown(f":gray-badge[{RESEARCH_USE}]", width="content")
        link = st.container(width=LINK_PX)
    place_link(link, st.empty())
    if problem := why_not_kept():
        st.warning(
            f"Maps are not kept on disk: {escape_markdown(problem)}. They stay in memory until the server ends.",
            icon=":material/save:",
        )
    return Header(answer, trust)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Show errors of the core, and notes on what to do, as a message on the page, which then ends."""
    try:
        yield
    except Remedied as error:
        st.warning(escape_markdown(str(error)), icon=":material/info:")
        error.remedy()
        end_page()
    except (ValueError, KeyError, OSError) as error:
        st.error(escape_markdown(words_of(error)), icon=":material/error:")
        for note in getattr(error, "__notes__", ()):
            st.markdown(escape_markdown(note))
        end_page()
