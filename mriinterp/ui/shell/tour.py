"""The tour: six stops on the real pages, each one sentence and one action; it can be left at any point."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from mriinterp.study import DemoStudy
from mriinterp.ui.base.address import enter_anew
from mriinterp.ui.base.linked import linked
from mriinterp.ui.session.keys import TOUR, Key

__all__ = ["STOPS", "Stop", "offer_tour", "show_stop"]


@dataclass(frozen=True)
class Stop:
    """One stop.

    Parameters
    ----------
    name, page, sentence, action : str
        `action`: what the reader is asked to do, on a button.
    view, done : dict of str to str
        Addresses of the page: when the stop opens, and after its action.
    """

    name: str
    page: str
    sentence: str
    action: str
    view: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)


STOPS = (
    Stop(
        "Pick",
        "single_scan",
        "A network says what it sees in a brain; the map marks where a small change would change its answer.",
        "Pick a control",
        {"subject": "sim-003", "method": "sensitivity"},
        {"subject": "sim-004", "method": "sensitivity"},
    ),
    Stop(
        "Hide",
        "single_scan",
        "Hiding an area and asking again shows what the answer needs: the fall of the answer is the map.",
        "Hide every area",
        {"subject": "sim-003", "method": "sensitivity"},
        {"subject": "sim-003", "method": "area_occlusion"},
    ),
    Stop(
        "Compare",
        "compare",
        "Methods draw different maps of one brain; where they disagree, the picture is the method’s and not the brain’s.",
        "Put two methods side by side",
        {"by": "methods", "subject": "sim-003", "methods": "sensitivity,area_occlusion"},
        {"by": "methods", "subject": "sim-003", "methods": "sensitivity,area_occlusion", "show": "pair"},
    ),
    Stop(
        "Groups",
        "cohort",
        "Maps of many people are averaged and compared, area by area, beside what a map without a network finds.",
        "Show Brain-area occlusion",
        {},
        {"cohort_method": "area_occlusion"},
    ),
    Stop(
        "Trust",
        "trust",
        "A method is worth what it was measured to be: three questions, each beside maps made without the network.",
        "Ask them of Grad-CAM",
        {"method": "integrated_gradients"},
        {"method": "grad_cam"},
    ),
    Stop(
        "Own scan",
        "single_scan",
        "Your own scan: choose “Explain my own scan” at the left and drop a NIfTI or DICOM file; it stays on this computer.",
        "Back to the first map",
        {"subject": "sim-003", "method": "sensitivity"},
        {"subject": "sim-003", "method": "sensitivity"},
    ),
)


def offer_tour() -> None:
    """Show the button that begins the tour."""
    if st.button("Tour", icon=":material/tour:", key="begin_tour", type="tertiary", help="Six stops, three minutes"):
        _go(1)


def show_stop() -> None:
    """Show the stop that the address names, above a page: sentence, action, ways on, back and out (D, N, B, Escape)."""
    number = linked(TOUR, 0, cast=int, valid=lambda n: 0 <= n <= len(STOPS), what="stop of the tour").value
    if not number:
        return
    stop = STOPS[number - 1]
    with st.container(key="tour_bar"):
        st.markdown(f"**{number} of {len(STOPS)} · {stop.name}.** {stop.sentence}")
        with st.container(horizontal=True, gap="small"):
            if st.button(stop.action, type="primary", key="tour_do", icon=":material/touch_app:", shortcut="D"):
                _go(number, done=True)
            if st.button("Back", key="tour_back", disabled=number == 1, shortcut="B"):
                _go(number - 1)
            if number < len(STOPS) and st.button("Next", key="tour_next", shortcut="N"):
                _go(number + 1)
            st.button(
                "Leave the tour",
                key="tour_leave",
                icon=":material/close:",
                shortcut="Escape",
                on_click=TOUR.put,
                args=(0,),
            )


def _go(number: int, *, done: bool = False) -> None:
    """Open the page of a stop with its address."""
    stop = STOPS[number - 1]
    address = {TOUR: str(number), "study": DemoStudy.name, **(stop.done if done else stop.view)}
    for name in address.keys() - {"study"}:  # its widget stands above: the address changes it in the next run
        Key(name).take()  # the address, not what the page showed before
    enter_anew()
    st.switch_page(f"pages/{stop.page}.py", query_params=address)
