"""A choice among a few words that stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from mriinterp.ui.base.linked import linked

__all__ = ["segments"]


def segments(
    label: str,
    key: str,
    words: Mapping[str, str],
    first: str = "",
    *,
    what: str = "",
    named: bool = False,
    list_px: int | None = None,
    **more: Any,
) -> str:
    """Choose one of several values; the choice is in the address.

    Parameters
    ----------
    label : str
        Of the choice, for screen readers; `named`: it is seen as well.
    key : str
        Of the widget, and its name in the address.
    words : mapping of str to str
        What a reader sees, by value.
    first : str
        Value that is chosen at first; default: the first of all.
    what : str
        What the key stands for, where a link asks for a value that is not there.
    list_px : int, optional
        Width of a list, where there is no room for the words beside each other.
    **more
        Of `streamlit.segmented_control`, as far as a list has it.
    """
    form = "row" if list_px is None else "list"
    held = linked(key, first or next(iter(words)), options=list(words), what=what, shows=words.__getitem__, form=form)
    common: dict[str, Any] = {
        "format_func": words.__getitem__,
        "key": held,
        "persist_state": "session",
        "label_visibility": "visible" if named else "collapsed",
        **more,
    }
    if list_px is None:
        st.segmented_control(label, list(words), required=True, **common)
    else:
        st.selectbox(label, list(words), width=list_px, **common)
    return held.value
