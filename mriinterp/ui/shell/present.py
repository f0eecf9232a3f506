"""Present: a page as a picture, a sentence and a colour bar in large type; keys step through subjects or methods."""

from __future__ import annotations

from importlib.resources import as_file, files

import streamlit as st

from mriinterp.methods import listed_methods
from mriinterp.ui.base.linked import flag, linked
from mriinterp.ui.session.keys import PRESENT, PRESENT_BY, Key
from mriinterp.ui.sources.resources import study_of
from mriinterp.ui.sources.studies import current_study

__all__ = ["offer_present", "show_present", "steps_of"]

PAGES = {"single_scan": ("subject", "method"), "": ("subject", "method"), "cohort": ("cohort_method",)}
WORDS = {"subject": "subjects", "method": "methods", "cohort_method": "methods"}


def steps_of(what: str) -> list[str]:
    """Return what the keys step through: subjects of the study, or the methods that are recommended for a cohort."""
    return (
        study_of(current_study()).subjects.index.astype(str).tolist() if what == "subject" else listed_methods("cohort")
    )


def offer_present(page: str) -> None:
    """Show the button that begins to present a page, where it can be presented."""
    if page in PAGES and not PRESENT.get():
        st.button(
            "Present", icon=":material/present_to_all:", key="begin_present", type="tertiary", on_click=PRESENT.put, args=(True,),
            help="Large type, nothing but picture, sentence and colour bar. The arrow keys left and right step, Escape leaves; F11 fills "
            "the screen.",
        )  # fmt: skip


def show_present(page: str) -> None:
    """Show a page alone if the address says so: the rest is hidden, buttons and keys step through subjects or methods."""
    if page not in PAGES:
        return
    presented = linked(PRESENT, False, cast=flag).value
    what = linked(PRESENT_BY, PAGES[page][0], options=PAGES[page], shows=WORDS.__getitem__)
    if not presented:
        return
    chosen = what.value
    with as_file(files("mriinterp.ui").joinpath("assets/present.css")) as style:
        st.html(style)
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
                st.button(
                    f"By {WORDS[other]}", key="present_other", shortcut="B", on_click=PRESENT_BY.put, args=(other,)
                )
        st.button(
            "Leave",
            key="present_leave",
            shortcut="Escape",
            icon=":material/close:",
            on_click=PRESENT.put,
            args=(False,),
        )


def _step(what: str, step: int) -> None:
    """Show the next subject or method; after the last one, the first."""
    known = steps_of(what)
    key: Key[str] = Key(what)
    now = key.get()
    place = known.index(now) + step if now in known else 0
    key.put(known[place % len(known)])
