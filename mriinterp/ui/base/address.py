"""What a page shows is in its address, always: a copied link, a reload and the browser's Back open the same view.

Streamlit's own ``bind="query-params"`` writes the labels people see; links
here carry stable names (``?subject=sim-003&method=occlusion``) that survive
a change of wording. Every widget and setting that shapes the view claims its
name while a page runs; at the end of the run the address is made of these
claims. An address is read when a session begins, when a page is entered by a
link, and on Back and Forward; otherwise the session knows better.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mriinterp.ui.base.link import link_button
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.session.keys import ADDRESS, Key

__all__ = [
    "Claim",
    "SessionAddress",
    "address_of_page",
    "asked",
    "end_page",
    "enter_anew",
    "entry_number",
    "found",
    "moved",
    "not_found",
    "place_link",
    "renamed",
    "retired",
    "session_address",
    "went_back",
]

# Names whose change is an entry of the browser's history: what every address of a page holds, and what may be left out.
ALWAYS = ("subject", "own", "method", "by", "cohort_method")
OTHERS = (
    "study", "methods", "subjects", "networks", "target", "own_target", "c", "show", "a", "b", "maps", "pair",
    "averages", "sign", "measured_as", "network",
)  # fmt: skip


class _PageEnd(BaseException):
    """Ends a page, and is no error."""


@dataclass
class Claim:
    """What a name stands for in this run: its text, and whether it is in the address although it is the usual one."""

    text: list[str]
    always: bool


@dataclass
class _Note:
    """A link asked for something that is not there."""

    sentence: str
    value: Any


@dataclass
class SessionAddress:
    """The address of one session."""

    page: str | None = None
    entry: int = 0  # counts pages entered and steps in the history
    run: object = None  # the latest run of a page; an earlier one may still be on its way to where it stops
    back: bool = False  # whether the last entry was such a step
    fresh: bool = True  # no run of this session has ended yet
    asked: dict[str, list[str]] = field(default_factory=dict)  # by a link, and not yet taken up
    claims: dict[str, Claim] = field(default_factory=dict)
    before: frozenset[str] = frozenset()  # names claimed by the last run that reached its end
    defaults: dict[str, Any] = field(default_factory=dict)  # of every name that was ever claimed by a widget
    kept: dict[str, Any] = field(default_factory=dict)  # values, also of widgets of other pages
    notes: dict[str, _Note] = field(default_factory=dict)
    seen: dict[str, tuple[str | None, int, str]] = field(default_factory=dict)
    places: dict[str, Any] = field(default_factory=dict)


_inside: ContextVar[bool] = ContextVar("inside", default=False)  # of a page, below `address_of_page`, in this thread


def session_address() -> SessionAddress:
    """Return the address of this session; empty at first."""
    return ADDRESS.begin(SessionAddress())


@contextmanager
def address_of_page(page: str) -> Iterator[None]:
    """Run a page: read the address before it if that counts, write it however the page ends.

    Parameters
    ----------
    page : str
        Name of the page.
    """
    state = session_address()
    run = state.run = object()
    _enter(state, page)
    inside = _inside.set(True)
    try:
        with suppress(_PageEnd):
            yield
        if state.run is run:
            _leave(state)
    finally:
        _inside.reset(inside)


def enter_anew() -> None:
    """Read the address that a switch of pages brings, also where it leads to the page that is open."""
    session_address().page = None


def end_page() -> NoReturn:
    """End the page here. After ``st.stop`` nothing more could be shown, and no address written."""
    if not _inside.get():
        st.stop()
    raise _PageEnd


def _enter(state: SessionAddress, page: str) -> None:
    back = bool(getattr(get_script_run_ctx(), "is_history_navigation", False))
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    if state.page != page or back:
        state.asked = query
        state.notes.clear()
        state.entry, state.back = state.entry + 1, back
    if back:  # what this address leaves out has its usual value, whatever was chosen since
        for key in state.defaults:
            Key(key).take()
        state.kept.clear()
    state.page = page
    state.claims, state.places = {}, {}


def _leave(state: SessionAddress) -> None:
    state.kept |= {key: key.value for key in map(Key[Any], state.defaults) if key.kept}
    query = {key: claim.text for key, claim in state.claims.items() if claim.always}
    query |= {key: text for key, text in state.asked.items() if key not in query}
    now = {key: st.query_params.get_all(key) for key in st.query_params}
    # The first address is written by the browser itself: Streamlit's way would add an entry to the history.
    if query != now and not state.fresh:
        st.query_params.from_dict(query)
    if "notes" in state.places:
        _show_notes(state)
    with state.places["link"] if "link" in state.places else st.container():
        link_button(urlencode(query, doseq=True), first=state.fresh, always=ALWAYS, others=OTHERS)
    state.fresh = False
    state.before = frozenset(state.claims)
    state.places = {}


def place_link(link: Any, notes: Any) -> None:
    """Set the containers of the button that copies the address, and of notes on the link."""
    session_address().places = {"link": link, "notes": notes}


def _show_notes(state: SessionAddress) -> None:
    """Show what a link asked for in vain, until the reader chooses otherwise."""
    for key, note in list(state.notes.items()):
        if note.value is not None and state.kept.get(key, note.value) != note.value:
            del state.notes[key]
    if state.notes:
        lines = [escape_markdown(note.sentence) for note in state.notes.values()]
        state.places["notes"].warning("  \n".join(lines), icon=":material/link_off:")


def not_found(key: str, sentence: str, value: Any = None) -> None:
    """Note that a link asks for something that is not there.

    Parameters
    ----------
    key : str
        Name in the address.
    sentence : str
        What was not found, and what is shown.
    value : any, optional
        Of the widget now: as soon as it has another one, the note goes.
    """
    session_address().notes[key] = _Note(sentence, value)


def entry_number() -> int:
    """Return a number that changes when a page is entered, and on Back and Forward."""
    return session_address().entry


def found(key: str) -> None:
    """Take back a note: what a link asks for is there now."""
    session_address().notes.pop(key, None)


def went_back() -> bool:
    """Return whether the page was entered by Back or Forward: what the address leaves out has its usual value."""
    return session_address().back


def asked(key: str) -> list[str]:
    """Return what a link asks for under a name, and count it as taken up; empty if it asks for nothing."""
    return session_address().asked.pop(key, [])


def retired(*keys: str) -> None:
    """Take names that older links hold from the address: what they asked for is shown in any case, or no more."""
    for key in keys:
        session_address().asked.pop(key, None)


def renamed(old: str, new: str) -> None:
    """Take what an older link asks for under another name as asked for under this one."""
    asked = session_address().asked
    if old in asked:
        values = asked.pop(old)
        asked.setdefault(new, values)


def moved(old: str, values: Collection[str], new: str, instead: str) -> None:
    """Take values that an older link asks for under one name as asked for under another.

    Parameters
    ----------
    old : str
        The name in the link.
    values : collection of str
        That stand under the new name now.
    new, instead : str
        The new name, and what is asked for under the old one.
    """
    asked = session_address().asked
    if asked.get(old, [""])[-1] in values:
        asked.setdefault(new, asked[old])
        asked[old] = [instead]
