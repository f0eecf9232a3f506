"""Networks of a study's own scans: checked, trained in a process of their own, measured, used."""

import streamlit as st

from mriinterp.crossval.process import training_state
from mriinterp.ui.shell.page import current_study, page_header, readable_errors
from mriinterp.ui.train.check import checked, offer_demo, show_answer, show_check, start_button
from mriinterp.ui.train.choose import choose_settings, choose_training, read_trainings, show_problem
from mriinterp.ui.train.report import open_used, show_report
from mriinterp.ui.train.run import show_run

open_used()
header = page_header("Train", "A network of your own cohort, measured on patients it has not seen.")
name = current_study()
show_problem()
with readable_errors(), st.sidebar:
    trainings = read_trainings(name)
    folder = choose_training(trainings)
    place = st.container()

if folder is None:
    with readable_errors(), place:
        request, out = choose_settings(name, trainings)
    shown = st.container()
    offer_demo(trainings)
    with shown, readable_errors():
        check = checked(request, out)
        show_answer(header, request, check)
        if check is not None:
            show_check(check)
    with place:
        start_button(request, out, check, trainings)
else:
    with readable_errors():
        state = training_state(folder)
        if state.state == "finished":
            show_report(header, folder, state)
        else:
            show_run(header, folder, state, trainings)
