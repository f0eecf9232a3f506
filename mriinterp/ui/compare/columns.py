"""Choose the columns of the compare page: any subject, network, method and parameters beside any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from mriinterp.methods import get_method, listed_methods
from mriinterp.models import Model
from mriinterp.study import Study
from mriinterp.ui.base.address import asked, entry_number, not_found
from mriinterp.ui.base.linked import kept_value, linked, linked_list, linked_value
from mriinterp.ui.compare.column import Column, column_labels, make_column, read_column, write_column
from mriinterp.ui.compare.networks import first_networks, network_label, networks_of, shortcut_of
from mriinterp.ui.maps.parameters import choose_method, grouped_methods, parameter_widgets
from mriinterp.ui.scan.own import uploaded_name
from mriinterp.ui.scan.subject import Subject, choose_subject, known_subject, subject_label
from mriinterp.ui.session.keys import BROUGHT, BY, COLUMNS, COLUMNS_FIRST, METHODS
from mriinterp.ui.sources.resources import study_of

__all__ = [
    "MOST",
    "Choice",
    "choose_columns",
    "compares_own_scan",
    "compares_people",
]

MOST = 6
MODES = {
    "methods": "Methods on one scan",
    "subjects": "Subjects or visits",
    "networks": "Networks on one scan",
    "any": "Any columns",
}


@dataclass(frozen=True, eq=False)
class Choice:
    """Columns, their scans by subject, and the one subject they share, if there is one."""

    columns: list[Column]
    subjects: dict[str, Subject]
    single: Subject | None = None


def compares_people() -> bool:
    """Return whether the columns are of several people, by the mode that is chosen."""
    return BY.get() == "subjects"


def compares_own_scan() -> bool:
    """Return whether the columns show an uploaded scan; the others are of the study's subjects."""
    return bool(uploaded_name()) and BY.get("methods") in ("methods", "networks")


def _note_shortcuts(columns: Sequence[Column]) -> None:
    """Show a note on networks that were made to mislead."""
    for name in dict.fromkeys(column.model for column in columns):
        if shortcut_of(name):
            st.caption(f":material/warning: **{name} learned a shortcut.** {shortcut_of(name)}")


def choose_columns(study_name: str, model: Model) -> Choice:
    """Show the widgets that choose the columns, in the sidebar; everything chosen is in the address."""
    study = study_of(study_name)
    modes = [mode for mode in MODES if mode != "networks" or len(networks_of(study)) > 1]
    mode = st.selectbox(
        "Compare",
        modes,
        format_func=MODES.__getitem__,
        key=linked(BY, "methods", options=modes, what="comparison", shows=MODES.__getitem__, always=True),
        persist_state="session",
    )
    if mode == "any":
        choice = _any_columns(study_name, model)
        _note_shortcuts(choice.columns)
        return choice
    choice = {"methods": _methods, "subjects": _subjects, "networks": _networks}[mode](study_name, model)
    _note_shortcuts(choice.columns)
    COLUMNS_FIRST.put([write_column(column) for column in choice.columns if column.subject])
    return choice


def _methods(study_name: str, model: Model) -> Choice:
    subject = choose_subject(study_name, model)
    names = grouped_methods()
    _bring_method(names)
    methods = st.multiselect(
        "Methods",
        names,
        format_func=lambda name: get_method(name).label,
        key=linked_list(METHODS, listed_methods("compare"), names),
        max_selections=MOST,
        persist_state="session",
    )
    columns = []
    with st.expander("Parameters", icon=":material/tune:"):
        for name in methods:
            st.markdown(f"**{get_method(name).label}**")
            values = parameter_widgets(get_method(name), model)
            columns.append(make_column(subject.in_study or "", name, values))
    return Choice(columns, {subject.in_study or "": subject}, subject)


def _bring_method(names: Sequence[str]) -> None:
    """Let the method that was chosen on another page be among those compared here, where the address names none."""
    entry, known = entry_number(), METHODS.get() or listed_methods("compare")
    new = BROUGHT.get() != entry
    BROUGHT.put(entry)
    method = kept_value("method")
    if new and "methods" not in st.query_params and method in names and method not in known:
        METHODS.put([method, *known][:MOST])


def _subjects(study_name: str, model: Model) -> Choice:
    study = study_of(study_name)
    ids = study.subjects.index.tolist()
    groups = study.subjects["group"].astype(str)
    first = [groups.index[groups == group][0] for group in study.groups if (groups == group).any()][::-1]
    chosen = st.multiselect(
        "Subjects or visits",
        ids,
        format_func=lambda subject: subject_label(study, subject),
        key=linked_list("subjects", first[:MOST], ids),
        max_selections=MOST,
        persist_state="session",
    )
    method = choose_method(first="one_map", study=study_name, model=model)
    values = parameter_widgets(method, model)
    columns = [make_column(subject, method.name, values) for subject in chosen]
    return Choice(columns, {subject: known_subject(study_name, subject) for subject in chosen})


def _networks(study_name: str, model: Model) -> Choice:
    subject = choose_subject(study_name, model)
    study = study_of(study_name)
    names = networks_of(study)
    chosen = st.multiselect(
        "Networks",
        names,
        format_func=network_label,
        key=linked_list("networks", first_networks(study)[:MOST], names),
        max_selections=MOST,
        persist_state="session",
    )
    method = choose_method(first="one_map", study=study_name, model=model)
    values = parameter_widgets(method, model)
    place = subject.in_study or ""
    return Choice([make_column(place, method.name, values, name) for name in chosen], {place: subject}, subject)


def _valid(texts: Sequence[str], study: Study) -> list[str]:
    """Return those of the texts that are columns of this study, each once."""
    found = []
    for text in texts:
        try:
            column = read_column(text)
        except (KeyError, ValueError):
            continue  # an old or mistyped link: the other columns are shown
        if column.subject in study.subjects.index and column.model in networks_of(study):
            found.append(write_column(column))
    return list(dict.fromkeys(found))[:MOST]


def _any_columns(study_name: str, model: Model) -> Choice:
    study = study_of(study_name)
    wanted = asked("c")
    if (known := _valid(wanted, study)) or wanted == [""]:  # all columns were taken away
        COLUMNS.put(known)
    if missing := [text for text in dict.fromkeys(wanted) if text and not _valid([text], study)]:
        instead = "the other columns are shown" if known else "columns of the study are shown"
        not_found("c", f"{', '.join(missing)} was not found: {instead}.")
    if not COLUMNS.kept:
        first = study.subjects.index[0]
        seed = _valid(COLUMNS_FIRST.get([]), study)
        COLUMNS.put(seed or [f"{first}:{method}" for method in listed_methods("compare")[::2]])
    texts = _valid(COLUMNS.value, study)
    COLUMNS.put(texts)
    names = dict(zip(texts, column_labels([read_column(text) for text in texts], study), strict=True))
    chosen = st.multiselect("Columns", texts, format_func=names.__getitem__, key=COLUMNS, persist_state="session")
    with st.expander("Add a column", icon=":material/add_column_right:", expanded=len(chosen) < 2):
        subject = st.selectbox("Subject", study.subjects.index.tolist(), key="new_subject",
                               format_func=lambda one: subject_label(study, one))  # fmt: skip
        networks = networks_of(study)
        network = ""
        if len(networks) > 1:
            network = st.selectbox("Network", networks, key="new_network",
                                   format_func=network_label)  # fmt: skip
        method = choose_method("new_method")
        values = parameter_widgets(method, model, prefix="new.")
        new = write_column(make_column(subject, method.name, values, network))
        st.button("Add", icon=":material/add:", key="add_column", on_click=_add, args=(new,), width="stretch",
                  disabled=new in chosen or len(chosen) >= MOST)  # fmt: skip
    linked_value("c", chosen or "")
    columns = [read_column(text) for text in chosen]
    return Choice(columns, {c.subject: known_subject(study_name, c.subject) for c in columns})


def _add(text: str) -> None:
    COLUMNS.put([*COLUMNS.value, text])
