"""How far the maps can be believed."""

import streamlit as st

from mriinterp.methods import get_method
from mriinterp.trust import get_measure, measure_names
from mriinterp.trust.measure import ASPECTS
from mriinterp.trust.words import label_of
from mriinterp.ui.base.address import end_page, moved
from mriinterp.ui.base.jobs import start_job, watch, work_card
from mriinterp.ui.base.linked import linked
from mriinterp.ui.scan.subject import first_subject, subject_label
from mriinterp.ui.shell.page import page_header, readable_errors
from mriinterp.ui.sources.measured import measured, results_folder, table_or_empty
from mriinterp.ui.sources.resources import model_of, study_of
from mriinterp.ui.sources.studies import current_study
from mriinterp.ui.trust.card import show_card, show_origin
from mriinterp.ui.trust.chosen import choose
from mriinterp.ui.trust.first import show_answer, show_first, show_grad_cam, show_help, show_null_maps
from mriinterp.ui.trust.tabs import (
    explainers_of,
    methods_of,
    offer_series,
    run_quick,
    show_agreement,
    show_measure,
    show_overview,
    show_shortcuts,
)

header = page_header("Trust", "What was measured, not what looks convincing.")
name = current_study()
with readable_errors():
    study = study_of(name)
    network = model_of(name).digest
    folder = measured(name, network)
    table = table_or_empty(folder)

with st.sidebar:
    methods = methods_of(table)
    method = st.selectbox(
        "Method",
        methods,
        format_func=lambda n: get_method(n).label,
        key=linked("method", methods[0], options=methods, always=True, shows=lambda n: get_method(n).label),
        persist_state="session",
    )
    explainers = explainers_of(table, method)
    explainer = explainers[0]
    if len(explainers) > 1:
        explainer = st.selectbox(
            "Settings it was measured with",
            explainers,
            format_func=lambda e: label_of(e).removeprefix(get_method(method).label).strip(" ()") or "defaults",
            key=linked("measured_as", explainer, options=explainers),
        )
    ids = study.subjects.index.tolist()
    subject = st.selectbox(
        "Subject",
        ids,
        format_func=lambda s: subject_label(study, s),
        key=linked("subject", first_subject(study), options=ids, always=True),
        persist_state="session",
    )
    run = st.button("Measure this study", icon=":material/science:", width="stretch", key="run_trust")
    st.caption(
        "The quick benchmark on this computer: 4 subjects, 6 methods, a few minutes; it goes on where it was stopped."
    )

if run:
    start_job(
        "trust",
        "Quick benchmark",
        f"trust {name} {network}",
        lambda progress, cancel: run_quick(study, results_folder(name, network), progress, cancel),
        kept="Finished measures are kept: **Measure this study** goes on where it was.",
        shared=True,
    )
card = work_card()
with card:
    watch("trust", f"trust {name} {network}")

with readable_errors():
    chosen = choose(name, study, folder, explainer, subject, network)
    show_answer(header, chosen)
    show_origin(chosen, only_warning=True)
    show_first(chosen, card)
if table.empty:
    with readable_errors():
        show_card(chosen, card)
    end_page()

measures = [get_measure(measure) for measure in measure_names()]
EACH = {
    **{
        measure.tab: (f"{words}: {measure.tab}", measure.name)
        for aspect, words in ASPECTS.items()
        for measure in measures
        if measure.aspect == aspect and not measure.of_groups
    },
    "Agreement": ("Other methods: Agreement", "agreement"),
    **{measure.tab: (f"Many people: {measure.tab}", measure.name) for measure in measures if measure.of_groups},
}


def show_each() -> None:
    """Show one measure of all methods."""
    left, right = st.columns(2)
    tab = left.selectbox(
        "Measure",
        list(EACH),
        format_func=lambda one: EACH[one][0],
        key=linked("each", next(iter(EACH)), options=list(EACH), what="measure"),
        persist_state="session",
    )
    measure = EACH[tab][1]
    if measure == "agreement":
        show_agreement(chosen)
    else:
        show_measure(chosen, measure, right)
        offer_series(name, subject, explainer, measure, card)


def show_this() -> None:
    """Show every measure of one method."""
    show_origin(chosen)
    show_card(chosen, card)


SHOWS = {
    "All methods": lambda: show_overview(chosen),
    "This method": show_this,
    "Each measure": show_each,
    "Null maps": lambda: show_null_maps(chosen, card),
    "Shortcuts": lambda: show_shortcuts(name),
    "Why Grad-CAM failed": lambda: show_grad_cam(chosen, card),
    "Help": show_help,
}
moved("measure", EACH, "each", "Each measure")
tabs = st.tabs(list(SHOWS), key=linked("measure", "All methods", options=list(SHOWS)), on_change="rerun")
for tab, show in zip(tabs, SHOWS.values(), strict=True):
    if tab.open:
        with tab, readable_errors():
            show()
