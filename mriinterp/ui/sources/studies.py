"""Which studies the app knows: the demo study, and study files opened here before."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import streamlit as st

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.base.names import on_disk
from mriinterp.results.home import default_folder, try_to_keep
from mriinterp.study import DemoStudy, StudyFolders, load_study
from mriinterp.ui.base.linked import linked
from mriinterp.ui.base.words import escape_markdown, words_of
from mriinterp.ui.session.keys import STUDY, STUDY_PROBLEM
from mriinterp.ui.sources.publications import fetched_studies, just_fetched, offer_publications

__all__ = ["choose_study", "current_study", "remember_study"]

KEPT = 12

logger = logging.getLogger(__name__)

_unkept: list[str] = []  # study files that are offered until the server ends, where the home cannot be written


def current_study() -> str:
    """Return the chosen study: a name, or the path of a study file."""
    return STUDY.get() or DemoStudy.name


def choose_study(title_of) -> None:
    """Show a select box of the known studies, and a way to open a study file or to fetch a published network."""
    if study := just_fetched():
        STUDY.put(study)
    given = _given_files()
    studies = [DemoStudy.name, *_known_files()]
    first = given[0] if given and given[0] in studies else DemoStudy.name
    titles = {study: title_of(study) for study in studies}
    twice = [title for title in titles.values() if list(titles.values()).count(title) > 1]
    st.selectbox(
        "Study",
        studies,
        key=linked(
            STUDY, first, options=studies, shows=titles.__getitem__, always=bool(given)
        ),  # a link must not depend on it
        format_func=lambda study: f"{titles[study]} ({study})" if titles[study] in twice else titles[study],
        persist_state="session",
    )
    with st.popover("Open a study file", icon=":material/folder_open:", type="tertiary"):
        path = st.text_input("Path of the study file (.toml) on this computer", key="study_path")
        st.caption("`mriinterp study init` writes one from a table, a folder of scans and weights.")
        st.button("Open", key="study_open", disabled=not path, on_click=_open, args=(path,))
        if problem := STUDY_PROBLEM.take():
            st.error(escape_markdown(problem))
    offer_publications()


def _open(path: str) -> None:
    """Choose a study file; runs before the page, so that the select box may change."""
    file = on_disk(Path(path.strip().strip('"')).expanduser().resolve())
    try:
        load_study(file)
    except (ValueError, OSError, KeyError) as error:
        STUDY_PROBLEM.put(words_of(error))
        return
    remember_study(str(file))
    STUDY.put(str(file))


def _list_file() -> Path:
    return default_folder() / "studies.json"


def _given_files() -> list[str]:
    """Return study files of ``streamlit run app.py -- FILE.toml``."""
    return [str(Path(argument).resolve()) for argument in sys.argv[1:] if argument.lower().endswith(".toml")]


def _known_files() -> list[str]:
    """Return study files that the server was started with, or opened in earlier sessions, and that are still there."""
    try:
        entries = read_json(_list_file())
    except FileNotFoundError:
        entries = []
    except (OSError, ValueError) as error:
        logger.warning("the list of known studies cannot be read and starts anew: %s", error)
        entries = []
    known = [entry for entry in entries if isinstance(entry, str)] if isinstance(entries, list) else []
    allowed = StudyFolders.of_server()
    every = dict.fromkeys([*_given_files(), *_unkept, *known, *fetched_studies()])
    return [path for path in every if allowed.allow(path) and Path(path).is_file()]


def remember_study(path: str) -> None:
    """Offer a study file in this and later sessions, the latest first."""
    kept = [path, *(known for known in _known_files() if known != path)][:KEPT]
    text = json.dumps(kept, indent=1)
    on_disk = try_to_keep(default_folder(), "the list of studies", lambda: write_text(_list_file(), text))
    _unkept[:] = [] if on_disk else kept
