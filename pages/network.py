"""The network of a study: its card, its code, and which methods work on it."""

import streamlit as st

from mriinterp.ui.base.address import end_page
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.network.card import show_card
from mriinterp.ui.network.check import known_check, run_check, show_answer, show_check, watch_check
from mriinterp.ui.network.choose import choose_network, model_chosen, recipe_chosen
from mriinterp.ui.network.guess import choose_scan, guessed_model
from mriinterp.ui.scan.own import uploaded_name
from mriinterp.ui.scan.subject import choose_subject
from mriinterp.ui.shell.page import current_study, page_header, readable_errors
from mriinterp.ui.sources.consent import show_agreed_code

header = page_header("Network", "What is it, and which methods work on it?", own_scan=bool(uploaded_name()))
name = current_study()
with readable_errors(), st.sidebar:
    chosen = choose_network(name)
with readable_errors():
    recipe = recipe_chosen(name, chosen)
    model = None if recipe.lacks_card() else model_chosen(name, chosen)
with readable_errors(), st.sidebar:
    subject = choose_scan(name) if model is None else choose_subject(name, model, predictions=not chosen)
    asked = st.button(
        "Check this network", type="primary", icon=":material/checklist:", width="stretch", key="check_network"
    )
    st.caption("Tries every method on this scan: what works, how long it takes, and why not. A minute or two.")
with readable_errors():
    if model is None:
        model = guessed_model(recipe, name, subject)
    show_answer(header, model, known_check(model, subject))
    show_card(model, recipe)
    show_agreed_code([recipe])

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
