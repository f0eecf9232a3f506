"""The network of a study: its card, its code, and which methods work on it."""

import streamlit as st

from mriinterp.ui.address import end_page
from mriinterp.ui.consent import show_agreed_code
from mriinterp.ui.network import (
    choose_network,
    known_check,
    model_chosen,
    recipes_chosen,
    run_check,
    show_card,
    show_check,
    watch_check,
)
from mriinterp.ui.shell import current_study, page_header, readable_errors
from mriinterp.ui.subject import choose_subject, uploaded_name
from mriinterp.ui.words import escape_markdown

page_header("Network", "What is it, and which methods work on it?", own_scan=bool(uploaded_name()))
name = current_study()
with readable_errors(), st.sidebar:
    chosen = choose_network(name)
with readable_errors():
    model = model_chosen(name, chosen)
    recipes = recipes_chosen(name, chosen)
    show_card(model, recipes)
    show_agreed_code(recipes)

with readable_errors(), st.sidebar:
    subject = choose_subject(name, model)
    asked = st.button(
        "Check this network", type="primary", icon=":material/checklist:", width="stretch", key="check_network"
    )
    st.caption("Tries every method on this scan: what works, how long it takes, and why not. A minute or two.")

st.markdown(f"##### Methods on {escape_markdown(subject.name)}")
if asked:
    with readable_errors():
        run_check(model, subject)
working = watch_check(model, subject)
found = known_check(model, subject)
if found is None:
    if not working:
        st.info("Nothing was checked yet on this scan. Press **Check this network**.", icon=":material/checklist:")
    end_page()
show_check(found, subject)
