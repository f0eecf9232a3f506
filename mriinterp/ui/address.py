"""Choices in the address: a copied link opens the same view.

Streamlit's own ``bind="query-params"`` writes the labels people see; links
here carry stable names (``?subject=sim-003&method=occlusion``) that survive
a change of wording.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import streamlit as st

if TYPE_CHECKING:
    from mriinterp.ui.viewer import ViewerState

__all__ = [
    "enter_page",
    "flag",
    "follow_link",
    "linked",
    "linked_list",
    "linked_value",
    "read_view",
    "write_address",
    "write_view",
]

_DEFAULTS = "_address_defaults"
_PAGE, _SEEN = "_page", "_linked_on"
_SETTINGS: dict[str, Any] = {  # of the viewer, with the values it starts with
    "view": "ortho",
    "layout": "auto",
    "convention": "radiological",
    "threshold": 90.0,
    "threshold_mode": "percentile",
    "cluster": 1,
    "opacity": 0.8,
    "outlines": "off",
}
_WORDS = {
    "view": ("ortho", "mosaic"),
    "layout": ("auto", "rows", "columns"),
    "convention": ("radiological", "neurological"),
    "threshold_mode": ("value", "percentile"),
    "outlines": ("off", "area", "all"),
}


def linked(
    key: str,
    default: Any,
    *,
    options: Collection | None = None,
    cast: Callable[[str], Any] = str,
    valid: Callable[[Any], bool] = lambda value: True,
) -> str:
    """Give a widget's key its first value: from the address if that is valid, else the default.

    Call it just before the widget, and make the widget without a value of
    its own. A value in the address that no longer exists is ignored.

    Returns
    -------
    str
        The key, to be passed on to the widget.
    """
    st.session_state.setdefault(_DEFAULTS, {})[key] = default
    _carry(key)
    if key not in st.session_state or (options is not None and st.session_state[key] not in options):
        st.session_state[key] = _from_address(key, default, options, cast, valid)
    return key


def flag(raw: str) -> bool:
    """A yes or no from the address; ValueError for anything else."""
    if raw not in ("True", "False"):
        raise ValueError(f"expected True or False, got {raw!r}")
    return raw == "True"


def enter_page(name: str) -> None:
    """Say which page runs; to be called before its widgets."""
    st.session_state[_PAGE] = name


def _carry(key: str) -> None:
    """Hand a value on to the widget of the same key on another page, which Streamlit takes for a new one."""
    seen, page = st.session_state.setdefault(_SEEN, {}), st.session_state.get(_PAGE)
    if seen.get(key) != page and key in st.session_state:
        st.session_state[key] = st.session_state[key]
    seen[key] = page


def follow_link(*keys: str) -> None:
    """Let the address win over what the session remembers, once, as a page is entered by a link inside the app.

    Call it before the widgets of the page. Without it a choice carried over
    from another page would hide what the link asks for; moving between pages
    by the navigation clears the address, so that the choice is kept there.
    """
    seen, page = st.session_state.setdefault(_SEEN, {}), st.session_state.get(_PAGE)
    for key in keys:
        if seen.get(key) != page and key in st.query_params:
            st.session_state.pop(key, None)


def linked_list(key: str, default: list[str], options: Collection[str]) -> str:
    """`linked` for a widget that takes several values: ``?key=one,two``."""
    st.session_state.setdefault(_DEFAULTS, {})[key] = default
    _carry(key)
    raw = st.query_params.get(key)
    asked = default if raw is None else [unquote(part) for part in raw.split(",")]
    chosen = st.session_state.get(key, asked)
    known = [value for value in dict.fromkeys(chosen) if value in options]
    if key not in st.session_state or known != chosen:
        st.session_state[key] = known or default
    return key


def linked_value(key: str, value: str | None) -> None:
    """Put something that is no widget into the address (None: take it out)."""
    if value is None:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != value:
        st.query_params[key] = value


def _from_address(key: str, default: Any, options, cast, valid) -> Any:
    raw = st.query_params.get(key)
    if raw is None:
        return default
    try:
        value = cast(raw)
    except ValueError:
        return default
    return value if (options is None or value in options) and valid(value) else default


def write_address(*keys: str) -> None:
    """Write the values of these keys into the address, leaving out defaults."""
    defaults = st.session_state.get(_DEFAULTS, {})
    for key in keys:
        value = st.session_state.get(key, defaults.get(key))
        linked_value(key, None if value == defaults.get(key) else _text(value))


def _text(value: Any) -> str:
    return ",".join(quote(one, safe="") for one in value) if isinstance(value, list) else str(value)


def write_view(state: ViewerState) -> None:
    """Put crosshair and, once they are reported, settings of a viewer into the address."""
    if state.cursor_mm is not None:
        linked_value("mm", ",".join(f"{v:g}" for v in state.cursor_mm))
    for name, default in _SETTINGS.items():
        if name in state.settings:
            value = state.settings[name]
            linked_value(name, None if value == default else str(value))


def read_view() -> dict[str, Any]:
    """Crosshair (``cursor_mm``) and ``settings`` that the address names, as far as they are valid."""
    found: dict[str, Any] = {"settings": {}}
    try:
        mm = tuple(float(v) for v in st.query_params.get("mm", "").split(","))
        if len(mm) == 3 and all(abs(v) < 1000 for v in mm):
            found["cursor_mm"] = mm
    except ValueError:
        pass  # no place, or nonsense: the viewer starts at the peak
    for name, default in _SETTINGS.items():
        raw = st.query_params.get(name)
        try:
            value = None if raw is None else type(default)(raw)
        except ValueError:
            continue
        if value is not None and value in _WORDS.get(name, (value,)) and value == value:
            found["settings"][name] = value
    return found
