"""Maps side by side: methods, subjects, networks."""

import streamlit as st

from mriinterp.ui.base.address import end_page
from mriinterp.ui.base.jobs import work_card
from mriinterp.ui.compare.columns import choose_columns, compares_own_scan, compares_people
from mriinterp.ui.compare.entries import columns_before, compute_missing, cost_lines, keep_columns, resolve_columns
from mriinterp.ui.compare.matrix import show_matrix
from mriinterp.ui.compare.predictions import show_predictions
from mriinterp.ui.compare.seen import show_seen_columns, with_mean_of_folds
from mriinterp.ui.compare.view import (
    choose_pair,
    choose_scale,
    choose_shown_place,
    choose_signs,
    show_area_chart,
    show_columns,
)
from mriinterp.ui.maps.badge import trust_lights
from mriinterp.ui.maps.kept import ask_to_explain, asked_to_explain, show_before
from mriinterp.ui.maps.result import show_prediction
from mriinterp.ui.maps.target import choose_target
from mriinterp.ui.shell.page import current_study, page_header, readable_errors
from mriinterp.ui.sources.resources import model_of, prediction_of, study_of

header = page_header("Compare", "Where do methods, people and networks agree?", own_scan=compares_own_scan())
name = current_study()
with readable_errors():
    study, model = study_of(name), model_of(name)

with readable_errors(), st.sidebar:
    choice = choose_columns(name, model)
    target = choose_target(study, model, choice.single, several=compares_people())
    run = st.empty()
    cost = st.empty()

if len(choice.columns) < 2:
    st.info("Choose two to six columns in the sidebar.", icon=":material/view_column:")
    end_page()
with readable_errors():
    entries = resolve_columns(name, choice, target)
missing = [entry for entry in entries if entry.known is None]
known = [entry for entry in entries if entry.known is not None]
asked = bool(missing) and run.button(
    f"Compute {len(missing)} map{'s' if len(missing) > 1 else ''}",
    type="primary",
    icon=":material/play_arrow:",
    width="stretch",
    key="compute",
)

if choice.single is not None and not any(column.model for column in choice.columns):
    subject = choice.single
    asked_of = subject.in_study
    show_prediction(model, prediction_of(name, subject.scan.digest, subject.scan, asked_of), subject, header=header)
else:
    show_predictions(entries, header)
show_seen_columns(name, entries)


def show_cost() -> None:
    """Show what the missing maps will cost; last, as it is measured, and the page need not wait for it."""
    with readable_errors():
        cost.caption("  \n".join(cost_lines(name, missing)))


with work_card():
    working = compute_missing(missing, asked or asked_to_explain())
    if missing and not working:
        ask_to_explain(f"{len(missing)} of {len(entries)} maps are not made yet.", "Compute")
stale = not known
with readable_errors():
    shown = with_mean_of_folds(name, known) or columns_before(name, target)
with st.container(key="view_row"):
    if shown:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            pair = choose_pair(shown) if len(shown) > 1 else None
            narrow = pair is not None  # its two lists leave less room for the rest
            scale = choose_scale(narrow=narrow)
            part = choose_signs(shown, narrow=narrow)
            place = choose_shown_place(shown)
if not shown:
    if not working:
        show_cost()
    end_page()
if not stale:
    keep_columns(known)
with readable_errors():
    show_columns(name, shown, pair, scale, part, place, columns=len(entries), stale=stale)
    trust_lights(name, shown)
    if len(shown) > 1:
        with st.container(key="view_charts"):
            left, right = st.columns(2, gap="large")
            with left:
                show_matrix(name, shown, part, place)
            with right:
                show_area_chart(name, shown, part, place)
            show_before(stale)
if missing and not working:
    show_cost()
