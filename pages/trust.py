"""How far the maps can be believed."""

import streamlit as st

from mriinterp.methods import get_method
from mriinterp.ui.address import follow_link, linked, write_address
from mriinterp.ui.jobs import start_job, watch
from mriinterp.ui.resources import study_of
from mriinterp.ui.shell import page_header, readable_errors
from mriinterp.ui.studies import current_study
from mriinterp.ui.subject import subject_label
from mriinterp.ui.trust import (
    card,
    measured,
    methods_of,
    offer_cascade,
    results_folder,
    run_quick,
    show_measure,
    show_overview,
    table_of,
)

PARTS_KEPT = "Finished measures are kept: **Measure on this computer** goes on where it was."

page_header("Trust", "What was measured, not what looks convincing.")
name = current_study()
follow_link("method", "subject")
with readable_errors():
    study = study_of(name)
    folder = measured(name)
    table = None if folder is None else table_of(folder)

with st.sidebar:
    methods = methods_of(table)
    method = st.selectbox(
        "Method",
        methods,
        format_func=lambda n: get_method(n).label,
        key=linked("method", methods[0], options=methods),
        persist_state="session",
    )
    ids = study.subjects.index.tolist()
    subject = st.selectbox(
        "Subject",
        ids,
        format_func=lambda s: subject_label(study, s),
        key=linked("subject", study.example or ids[0], options=ids),
        persist_state="session",
        help="For the row of maps under Randomisation",
    )
    run = st.button("Measure on this computer", icon=":material/science:", width="stretch", key="run_trust")
    st.caption("The quick benchmark: 4 subjects, 6 methods, a few minutes; it goes on where it was stopped.")
write_address("method", "subject")

if run:
    start_job(
        "trust",
        "Quick benchmark",
        f"trust {name}",
        lambda p, c: run_quick(study, results_folder(name), p, c),
        kept=PARTS_KEPT,
    )
watch("trust")

if table is None or table.empty:
    st.info(
        "Nothing was measured for this study yet. **Measure on this computer** takes the quick benchmark.",
        icon=":material/science:",
    )
    st.stop()

card(study, table, method)
TABS = {
    "All methods": None,
    "Localisation": "localisation",
    "Faithfulness": "deletion",
    "Areas": "regional",
    "Infidelity": "infidelity",
    "Randomisation": "randomisation",
    "Stability": "stability",
    "Reproducibility": "reproducibility",
    "Groups": "group_effect",
}
for tab, measure in zip(st.tabs(list(TABS), key="trust_part", on_change="rerun"), TABS.values(), strict=True):
    if not tab.open:
        continue
    with tab, readable_errors():
        if measure is None:
            show_overview(folder, table)
        else:
            show_measure(folder, table, measure, method)
        if measure == "randomisation":
            offer_cascade(name, subject, method)
