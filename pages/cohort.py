"""Groups of scans: averages, areas, distances, statistics, and the run that makes them."""

import streamlit as st

from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.ui.base.address import end_page
from mriinterp.ui.cohort.areas import choose_covariates, show_areas
from mriinterp.ui.cohort.choose import choose_method, choose_view, group_words, open_tabs
from mriinterp.ui.cohort.distances import show_distances
from mriinterp.ui.cohort.files import show_files
from mriinterp.ui.cohort.first import origin_words, place_of_worth, show_answer, show_summary, show_worth
from mriinterp.ui.cohort.folds import show_agreement
from mriinterp.ui.cohort.numbers import show_numbers
from mriinterp.ui.cohort.planes import choose_shown, show_planes
from mriinterp.ui.cohort.run import compute_drawer, compute_panel, other_notes, run_notes, watch_run
from mriinterp.ui.cohort.subjects import open_asked_subject, show_subjects
from mriinterp.ui.cohort.voxels import show_voxels
from mriinterp.ui.session.keys import NPZ_FILE
from mriinterp.ui.shell.page import SIMULATED_BADGE, current_study, page_header, readable_errors
from mriinterp.ui.sources.resources import model_of, study_of

from_file = NPZ_FILE.get() is not None
header = page_header("Cohort", "Where do groups of maps agree and differ?", from_file=from_file)
name = current_study()
with readable_errors():
    study = study_of(name)

working = watch_run(name)
with st.sidebar:
    place = st.empty()
    with readable_errors():
        view = choose_view(name)
    averages, choices = st.container(), st.container()
    if view is not None and not from_file:
        compute_drawer(name)
if view is None:
    now = "they are being made." if working else "choose methods and scans, and compute them."
    header.answer(f"**There are no averages of this study yet**: {now}")
    with readable_errors():
        compute_panel(name)
    end_page()

open_asked_subject(name, view)
with place:
    method = choose_method(view)
with choices:
    covariates = choose_covariates(view, method)
if from_file and view.simulated:
    st.markdown(SIMULATED_BADGE)
if origin := origin_words(view):
    header.trust.markdown(origin, width="content")
notes, worth = st.container(), place_of_worth(name, view)
with readable_errors():
    shown = choose_shown(view, method, averages)
    view = shown.view
    show_answer(header, view, method, covariates)
    with st.container(key="cohort_view"):
        colours = show_planes(name, shown, method)
    show_summary(name, view, method, covariates)
    if colours:
        st.caption(colours)
st.caption("  \n".join(filter(None, [group_words(view, method), other_notes(view, method)])))
with readable_errors():  # the network is opened after the pictures, which need none
    model = model_of(name)
with notes, readable_errors():
    if model.card.simulated and not study.simulated and not from_file:
        st.warning(SIMULATED_ONLY, icon=":material/block:")
    run_notes(name, view, model, method)
with worth, readable_errors():
    show_worth(name, view, method, covariates)
    show_agreement(study, view, method)

shows = {
    "Areas": lambda: show_areas(name, view, method, covariates),
    "Distances": lambda: show_distances(name, view),
    "Numbers": lambda: show_numbers(name, view, method),
    "Scans": lambda: show_subjects(view, method),
    "Voxels": lambda: show_voxels(name, view, method, covariates),
    "Files": lambda: show_files(name, view, method),
}
for title, tab in open_tabs(list(shows)).items():
    if tab.open:
        with tab, readable_errors():
            shows[title]()
