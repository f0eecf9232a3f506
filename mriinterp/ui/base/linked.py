"""Widgets whose values stand in the address: each claims its name while a page runs, and begins with what a link asks for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import quote, unquote

from mriinterp.ui.base.address import Claim, asked, not_found, session_address
from mriinterp.ui.base.words import capital
from mriinterp.ui.session.keys import Key

__all__ = ["flag", "kept_value", "linked", "linked_list", "linked_value", "listed"]


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
    form: str = "",
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
    form : str
        Of the widget, where it takes one of several.

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

    held = _take_up(key, default, fits, form)
    for raw in asked(key)[-1:]:
        try:
            held.put(parse(raw))
        except ValueError:
            held.put(default)
            name = what or key.rpartition(".")[2].replace("_", " ")
            not_found(key, f"{capital(name)} {raw} was not found: {shows(default)} is shown.", default)
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
                f"{capital(name)}: {', '.join(missing)} was not found; shown: {instead or 'none'}.",
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
    state = session_address()
    state.asked.pop(key, None)
    state.claims[key] = Claim(texts, bool(texts))


def kept_value(key: str) -> Any:
    """Return the value of a widget of this page or another, as it was last shown; None if it never was."""
    return session_address().kept.get(key)


def flag(raw: str) -> bool:
    """Return a yes or no from the address; ValueError for anything else."""
    if raw not in ("True", "False"):
        raise ValueError(f"expected True or False, got {raw!r}")
    return raw == "True"


def _claim(key: Key[Any], text: str, always: bool) -> None:
    state = session_address()
    state.claims[key] = Claim([text], always)
    state.kept[key] = key.value


def _take_up(name: str, default: Any, fits: Callable[[Any], bool], form: str = "") -> Key[Any]:
    """Let the key of that name go on with its value: of the session, of the same key on another page, or the default."""
    state, key = session_address(), Key[Any](name)
    state.defaults[key] = default
    here = (state.page, state.entry, form)
    if not key.kept or not fits(key.value):
        # Streamlit forgets a value with its widget, and when the words of the options change.
        key.put(state.kept[key] if key in state.kept and fits(state.kept[key]) else default)
    elif state.seen.get(key) != here or key not in state.before:
        # A widget of another page or of another form has this key, or it was not there in the last run: the browser draws
        # it as a new one, without its value unless that is put here.
        key.put(key.value)
    state.seen[key] = here
    return key
