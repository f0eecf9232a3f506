"""Which network the page is about: the study's own, one of its folds, or a file that was opened here."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mriinterp.base.names import on_disk
from mriinterp.models import Model
from mriinterp.study import ModelRecipe
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.session.keys import NETWORK, NETWORK_FILES, NETWORK_PROBLEM
from mriinterp.ui.sources.resources import network_at, network_of, recipe_at, study_of

__all__ = ["choose_network", "model_chosen", "recipe_chosen"]


def choose_network(study_name: str) -> str:
    """Let the reader choose the study's network (""), one of its folds, or a file that was opened here (its path)."""
    folds = list(study_of(study_name).folds)
    files = [path for path in NETWORK_FILES.get([]) if path not in folds]
    names = {"": "The study’s own", **{fold: fold for fold in folds}, **{path: Path(path).name for path in files}}
    chosen = st.selectbox(
        "Network",
        list(names),
        format_func=lambda name: names[name] if list(names.values()).count(names[name]) == 1 else name,
        key=linked(NETWORK, "", options=list(names), shows=names.__getitem__),
        persist_state="session",
    )
    with st.popover("Open a network file", icon=":material/folder_open:", type="tertiary"):
        path = st.text_input(
            "Path of a model card (.json) or an exported program (.pt2) on this computer", key="network_path"
        )
        st.caption('A network whose class is in a Python file is opened by a study file, with `code = "my_net.py"`.')
        st.button("Open", key="network_open", disabled=not path, on_click=_open, args=(path,))
        if problem := NETWORK_PROBLEM.take():
            st.error(escape_markdown(problem))
    return chosen


def _open(path: str) -> None:
    """Choose a network file; runs before the page, so that the select box may change."""
    file = str(on_disk(Path(path.strip().strip('"')).expanduser().absolute()))
    try:
        recipe_at(file)
    except (ValueError, OSError, KeyError) as error:
        NETWORK_PROBLEM.put(str(error))
        return
    NETWORK_FILES.put(list(dict.fromkeys([file, *NETWORK_FILES.get([])]))[:8])
    NETWORK.put(file)


def _is_file(chosen: str) -> bool:
    return chosen in NETWORK_FILES.get(())


def recipe_chosen(study_name: str, chosen: str) -> ModelRecipe:
    """Return how the network of `choose_network` is loaded."""
    if _is_file(chosen):
        return recipe_at(chosen)
    study = study_of(study_name)
    return study.folds[chosen] if chosen else study.model_recipe


def model_chosen(study_name: str, chosen: str) -> Model:
    """Return the network of `choose_network`; errors as of `network_of` and `network_at`."""
    return network_at(chosen, study_name) if _is_file(chosen) else network_of(study_name, chosen)
