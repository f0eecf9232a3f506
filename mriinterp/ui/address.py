"""What a page shows is in its address, always: a copied link, a reload and the browser's Back open the same view.

Streamlit's own ``bind="query-params"`` writes the labels people see; links
here carry stable names (``?subject=sim-003&method=occlusion``) that survive
a change of wording. Every widget and setting that shapes the view claims its
name while a page runs; at the end of the run the address is made of these
claims. An address is read when a session begins, when a page is entered by a
link, and on Back and Forward; otherwise the session knows better.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mriinterp.ui.keys import ADDRESS, Key
from mriinterp.ui.link import link_button
from mriinterp.ui.words import escape_markdown

__all__ = [
    "address_of_page",
    "asked",
    "end_page",
    "enter_anew",
    "entry_number",
    "flag",
    "found",
    "kept_value",
    "linked",
    "linked_list",
    "linked_value",
    "listed",
    "moved",
    "not_found",
    "place_link",
    "renamed",
    "retired",
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
class _Claim:
    """What a name stands for in this run: its text, and whether it is in the address although it is the usual one."""

    text: list[str]
    always: bool


@dataclass
class _Note:
    """A link asked for something that is not there."""

    sentence: str
    value: Any


@dataclass
class _Address:
    """The address of one session."""

    page: str | None = None
    entry: int = 0  # counts pages entered and steps in the history
    run: object = None  # the latest run of a page; an earlier one may still be on its way to where it stops
    back: bool = False  # whether the last entry was such a step
    fresh: bool = True  # no run of this session has ended yet
    asked: dict[str, list[str]] = field(default_factory=dict)  # by a link, and not yet taken up
    claims: dict[str, _Claim] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)  # of every name that was ever claimed by a widget
    kept: dict[str, Any] = field(default_factory=dict)  # values, also of widgets of other pages
    notes: dict[str, _Note] = field(default_factory=dict)
    seen: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    places: dict[str, Any] = field(default_factory=dict)


_inside: ContextVar[bool] = ContextVar("inside", default=False)  # of a page, below `address_of_page`, in this thread


def _address() -> _Address:
    return ADDRESS.begin(_Address())


@contextmanager
def address_of_page(page: str) -> Iterator[None]:
    """Run a page: read the address before it if that counts, write it however the page ends.

    Parameters
    ----------
    page : str
        Name of the page.
    """
    state = _address()
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
    _address().page = None


def end_page() -> NoReturn:
    """End the page here. After ``st.stop`` nothing more could be shown, and no address written."""
    if not _inside.get():
        st.stop()
    raise _PageEnd


def _enter(state: _Address, page: str) -> None:
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


def _leave(state: _Address) -> None:
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
    state.places = {}


def place_link(link: Any, notes: Any) -> None:
    """Set the containers of the button that copies the address, and of notes on the link."""
    _address().places = {"link": link, "notes": notes}


def _show_notes(state: _Address) -> None:
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
    _address().notes[key] = _Note(sentence, value)


def entry_number() -> int:
    """Return a number that changes when a page is entered, and on Back and Forward."""
    return _address().entry


def found(key: str) -> None:
    """Take back a note: what a link asks for is there now."""
    _address().notes.pop(key, None)


def went_back() -> bool:
    """Return whether the page was entered by Back or Forward: what the address leaves out has its usual value."""
    return _address().back


def asked(key: str) -> list[str]:
    """Return what a link asks for under a name, and count it as taken up; empty if it asks for nothing."""
    return _address().asked.pop(key, [])


def retired(*keys: str) -> None:
    """Take names that older links hold from the address: what they asked for is shown in any case, or no more."""
    for key in keys:
        _address().asked.pop(key, None)


def renamed(old: str, new: str) -> None:
    """Take what an older link asks for under another name as asked for under this one."""
    asked = _address().asked
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
    asked = _address().asked
    if asked.get(old, [""])[-1] in values:
        asked.setdefault(new, asked[old])
        asked[old] = [instead]


def linked(
    key: str,
    default: Any,
    *,
    options: Collection | None = None,
    cast: Callable[[str], Any] = str,
    valid: Callable[[Any], bool] = lambda value: True,
    what: str = "",
    shows: Callable[[Any], str] = str,
    text: Callable[[Any], str] = str,
    always: bool = False,
    shapes: bool = True,
) -> Key[Any]:
    """Give a widget's key its first value, from the address if that is valid, else the default; and claim its name.

    Call it just before the widget, and make the widget without a value of
    its own.

    Parameters
    ----------
    key : str
        Of the widget, and its name in the address.
    default : any
    options : collection, optional
        Values there are.
    cast : callable
        From text; ValueError for nonsense.
    valid : callable
        Whether a value may be shown.
    what, shows : str, callable
        What the key stands for, and a value as people read it: for the note on
        a value that was not found.
    text : callable
        A value as the address says it.
    always : bool
        The address says the value although it is the default.
    shapes : bool
        Whether the value shapes what is shown; otherwise no address holds it.

    Returns
    -------
    Key
        The key, to be passed on to the widget.
    """

    def fits(value: Any) -> bool:
        return (options is None or value in options) and valid(value)

    def parse(raw: str) -> Any:
        value = cast(raw)
        if not fits(value):
            raise ValueError(raw)
        return value

    held = _take_up(key, default, fits)
    for raw in asked(key)[-1:]:
        try:
            held.put(parse(raw))
        except ValueError:
            held.put(default)
            name = what or key.rpartition(".")[2].replace("_", " ")
            not_found(key, f"{name[:1].upper()}{name[1:]} {raw} was not found: {shows(default)} is shown.", default)
    _claim(held, text(held.value), shapes and (always or held.value != default))
    return held


def linked_list(
    key: str, default: list[str], options: Collection[str], *, what: str = "", shows: Callable[[str], str] = str
) -> Key[list[str]]:
    """Link a widget that takes several values with the address, as `linked` does: ``?key=one,two``."""
    held: Key[list[str]] = _take_up(
        key, default, lambda chosen: any(value in options for value in chosen) or not chosen
    )
    if missing := [value for value in held.value if value not in options]:
        held.put([value for value in held.value if value not in missing] or default)
    for raw in asked(key)[-1:]:
        wanted = list(dict.fromkeys(unquote(part) for part in raw.split(","))) if raw else []
        known = [value for value in wanted if value in options] or (default if wanted else [])
        held.put(known)
        if missing := [value for value in wanted if value not in options]:
            name = what or key.replace("_", " ")
            instead = ", ".join(map(shows, known))
            not_found(
                key,
                f"{name[:1].upper()}{name[1:]}: {', '.join(missing)} was not found; shown: {instead or 'none'}.",
                known,
            )
    chosen = list(held.value)
    _claim(held, listed(chosen), chosen != default)
    return held


def listed(values: Collection[str]) -> str:
    """Return several values as one text of an address."""
    return ",".join(quote(value, safe="") for value in values)


def linked_value(key: str, value: str | list[str] | None) -> None:
    """Claim a name for something that is no widget; None: it has its usual value."""
    texts = [] if value is None else [value] if isinstance(value, str) else list(value)
    state = _address()
    state.asked.pop(key, None)
    state.claims[key] = _Claim(texts, bool(texts))


def kept_value(key: str) -> Any:
    """Return the value of a widget of this page or another, as it was last shown; None if it never was."""
    return _address().kept.get(key)


def flag(raw: str) -> bool:
    """Return a yes or no from the address; ValueError for anything else."""
    if raw not in ("True", "False"):
        raise ValueError(f"expected True or False, got {raw!r}")
    return raw == "True"


def _claim(key: Key[Any], text: str, always: bool) -> None:
    state = _address()
    state.claims[key] = _Claim([text], always)
    state.kept[key] = key.value


def _take_up(name: str, default: Any, fits: Callable[[Any], bool]) -> Key[Any]:
    """Let the key of that name go on with its value: of the session, of the same key on another page, or the default."""
    state, key = _address(), Key[Any](name)
    state.defaults[key] = default
    here = (state.page, state.entry)
    if not key.kept or not fits(key.value):
        # Streamlit forgets a value with its widget, and when the words of the options change.
        key.put(state.kept[key] if key in state.kept and fits(state.kept[key]) else default)
    elif state.seen.get(key) != here:  # a widget of another page has this key: Streamlit takes this one for a new one
        key.put(key.value)
    state.seen[key] = here
    return key
