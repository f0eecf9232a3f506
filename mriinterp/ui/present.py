"""Present: a page as a picture, a sentence and a colour bar in large type; keys step through subjects or methods."""

from __future__ import annotations

import streamlit as st

from mriinterp.methods import listed_methods
from mriinterp.ui.address import flag, linked
from mriinterp.ui.resources import study_of
from mriinterp.ui.studies import current_study

__all__ = ["offer_present", "plane_height", "show_present", "steps_of"]

KEY, BY = "present", "present_by"  # in the address
PLANE_PX = 460
PAGES = {"single_scan": ("subject", "method"), "": ("subject", "method"), "cohort": ("cohort_method",)}
WORDS = {"subject": "subjects", "method": "methods", "cohort_method": "methods"}
STYLE = """<style>
[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stSidebarCollapsedControl"], .stTabs, .st-key-tour_bar,
[data-testid="stMain"] :is(.stDownloadButton, [data-testid="stPlotlyChart"], .stExpander, [data-testid="stCaptionContainer"]),
.st-key-link { display: none; }
.st-key-research_use { position: static !important; }
[data-testid="stMainBlockContainer"] { padding: 1rem 2.5rem; max-width: none; }
[data-testid="stMain"] [data-testid="stMarkdownContainer"] p { font-size: 1.5rem; line-height: 1.35; }
.st-key-present_keys { position: fixed; right: 1rem; bottom: .6rem; z-index: 9; width: auto; opacity: .35; }
.st-key-present_keys:is(:hover, :focus-within) { opacity: 1; }
.st-key-present_keys p { font-size: 1rem !important; }
</style>"""


def steps_of(what: str) -> list[str]:
    """Return what the keys step through: subjects of the study, or the methods that are recommended for a cohort."""
    return (
        study_of(current_study()).subjects.index.astype(str).tolist() if what == "subject" else listed_methods("cohort")
    )


def plane_height(usual: int) -> int:
    """Return how high planes are: as usual, or large where the page is presented."""
    return PLANE_PX if st.session_state.get(KEY) else usual


def offer_present(page: str) -> None:
    """Show the button that begins to present a page, where it can be presented."""
    if page in PAGES and not st.session_state.get(KEY):
        st.button(
            "Present", icon=":material/present_to_all:", key="begin_present", type="tertiary", on_click=_begin,
            help="Large type, nothing but picture, sentence and colour bar. The arrow keys left and right step, Escape leaves; F11 fills "
            "the screen.",
        )  # fmt: skip


def show_present(page: str) -> None:
    """Show a page alone if the address says so: the rest is hidden, buttons and keys step through subjects or methods."""
    if page not in PAGES:
        return
    key = linked(KEY, False, cast=flag)
    what = linked(BY, PAGES[page][0], options=PAGES[page], shows=WORDS.get)
    if not st.session_state[key]:
        return
    chosen = st.session_state[what]
    st.html(STYLE)
    with st.container(horizontal=True, gap="small", key="present_keys"):
        for name, step, shortcut, icon in (
            ("Back", -1, "Left", "arrow_back"),
            ("Next", 1, "Right", "arrow_forward"),
        ):
            st.button(
                name, key=f"present_{name.lower()}", shortcut=shortcut, icon=f":material/{icon}:", on_click=_step,
                args=(chosen, step),
            )  # fmt: skip
        for other in PAGES[page]:
            if other != chosen:
                st.button(f"By {WORDS[other]}", key="present_other", shortcut="B", on_click=_by, args=(other,))
        st.button("Leave", key="present_leave", shortcut="Escape", icon=":material/close:", on_click=_leave)


def _begin() -> None:
    st.session_state[KEY] = True


def _leave() -> None:
    st.session_state[KEY] = False


def _by(what: str) -> None:
    st.session_state[BY] = what


def _step(what: str, step: int) -> None:
    """Show the next subject or method, round and round."""
    known = steps_of(what)
    now = st.session_state.get(what)
    place = known.index(now) + step if now in known else 0
    st.session_state[what] = known[place % len(known)]
