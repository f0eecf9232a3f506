"""The button that copies the address, and the browser's history: see ``viewer/js/history.js``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import streamlit as st

from mriinterp.ui.viewer.assets import link_script

__all__ = ["link_button"]

_LINK = st.components.v2.component(
    "mriinterp_link", js=link_script(), css=files(__package__).joinpath("link.css").read_text(encoding="utf-8")
)


def link_button(query: str, *, first: bool, always: Sequence[str], others: Sequence[str]) -> None:
    """Show the button.

    Parameters
    ----------
    query : str
        Of the address of what is shown.
    first : bool
        Whether the browser takes the address from here and not from
        Streamlit, which would add an entry to the history.
    always, others : sequence of str
        Names in the address whose change is an entry of the history: those
        that every address holds, and those left out at their usual value.
    """
    _LINK(
        data={"query": query, "first": first, "choices": {"always": list(always), "others": list(others)}}, key="link"
    )
