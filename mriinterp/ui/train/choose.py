"""The train page's sidebar: which training is shown, or the settings of a new one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
import torch

from mriinterp.base.errors import words_of
from mriinterp.crossval import PRESETS
from mriinterp.crossval.process import TrainRequest, known_trainings, start_training, training_state
from mriinterp.crossval.state import TrainState
from mriinterp.crossval.train_check import check_folder
from mriinterp.models import architecture_names
from mriinterp.study import DemoStudy, Study
from mriinterp.study.demo_files import FEWEST, demo_scans
from mriinterp.study.folders import own_networks
from mriinterp.subjects import Report
from mriinterp.ui.base.linked import flag, linked, linked_list
from mriinterp.ui.base.words import capital, escape_markdown
from mriinterp.ui.session.keys import STUDY, TRAIN_PROBLEM, TRAINING
from mriinterp.ui.sources.allowance import code_allowed
from mriinterp.ui.sources.resources import study_of

__all__ = [
    "NEW", "OUTLIVES", "TRY", "Trainings", "begin", "choose_settings", "choose_training", "new_folder", "read_trainings",
    "show_other", "show_problem", "try_demo",
]  # fmt: skip

NEW = ""  # of the trainings to choose from
TRY: dict[str, Any] = {"folds": 2, "epochs": 3, "scans": 20}
OUTLIVES = "It runs in a process of its own: close this page or the browser, and it goes on."
MOST_FOLDS, MOST_EPOCHS = 20, 1000


def _first_folder(name: str) -> Path:
    study = study_of(name)
    return own_networks() / study.name if study.output is None else study.output / "networks"


@dataclass(frozen=True, eq=False)
class Trainings:
    """The trainings that are known in one run of the page, each read once.

    Attributes
    ----------
    of_study : list of Path
        Folders of a study's trainings, the latest first: started here, or found where they usually go.
    under_way : list of (Path, str)
        Folder and study of all that work now.
    states : dict of Path to TrainState
    """

    of_study: list[Path]
    under_way: list[tuple[Path, str]]
    states: dict[Path, TrainState]

    def elsewhere(self, folder: Path | None = None) -> tuple[Path, str] | None:
        """Return folder and study of another training that is under way on this server."""
        return next((one for one in self.under_way if one[0] != folder), None)


def read_trainings(name: str) -> Trainings:
    """Return the trainings that are known now; `name`: of the study."""
    known = known_trainings()
    started = [folder for folder, study in known if name in (study, str(folder / "study.toml"))]
    usual = [_first_folder(name), *([] if name == DemoStudy.name else [Path(name).parent])]
    states = {path: training_state(path) for path in dict.fromkeys([*(path for path, _ in known), *usual])}
    found = [*started, *(path for path in usual if states[path].state != "none")]
    return Trainings(list(dict.fromkeys(found)), [one for one in known if states[one[0]].works], states)


def new_folder(name: str) -> Path:
    """Return a folder for a new training of a study."""
    first = _first_folder(name)
    for number in range(1, 1000):
        folder = first if number == 1 else first.with_name(f"{first.name}-{number}")
        if not folder.is_dir() or not any(folder.iterdir()):
            return folder
    return first


def choose_training(trainings: Trainings) -> Path | None:
    """Return the folder of the training that is shown; None for a new one."""
    folders = trainings.of_study
    options = [*map(str, folders), NEW]

    def label(text: str) -> str:
        if text == NEW:
            return "A new training"
        same = [folder for folder in folders if folder.name == Path(text).name]
        return text if len(same) > 1 else Path(text).name

    chosen = st.selectbox(
        "Training",
        options,
        format_func=label,
        key=linked(TRAINING, options[0], options=options, shows=label, always=True),
        persist_state="session",
    )
    return None if chosen == NEW else Path(chosen)


def choose_settings(name: str, trainings: Trainings) -> tuple[TrainRequest, Path]:
    """Show the settings of a new training; return them and its folder."""
    demo = name == DemoStudy.name
    scans = None
    if demo:
        most = demo_scans()
        scans = int(
            st.number_input(
                "Scans",
                FEWEST,
                most,
                key=linked("scans", TRY["scans"], cast=int, valid=lambda v: FEWEST <= v <= most),
                persist_state="session",
                help="Simulated scans of the demo study, half of them of ill subjects.",
            )
        )
    preset = st.selectbox(
        "Protocol",
        list(PRESETS),
        format_func={"recommended": "Recommended", "rieke2018": "Rieke et al. 2018"}.__getitem__,
        key=linked("preset", "recommended", options=list(PRESETS)),
        persist_state="session",
        help="  \n".join(f"**{one.name}**: {one.label}." for one in PRESETS.values()),
    )
    left, right = st.columns(2)
    with left:
        folds = st.number_input(
            "Folds",
            2,
            MOST_FOLDS,
            key=linked("n_folds", TRY["folds"] if demo else 5, cast=int, valid=lambda v: 2 <= v <= MOST_FOLDS),
            persist_state="session",
            help="One network a fold, each measured on patients that it has not seen.",
        )
    usual = TRY["epochs"] if demo else PRESETS[preset].fitting.epochs
    with right:
        epochs = st.number_input(
            "Epochs",
            1,
            MOST_EPOCHS,
            key=linked("epochs", usual, cast=int, valid=lambda v: 1 <= v <= MOST_EPOCHS),
            persist_state="session",
            help="At most: the recommended protocol stops early.",
        )
    with st.expander("More", icon=":material/tune:"):
        architecture, device, stratify, leakage = _choose_more(study_of(name))
    out = _choose_folder(name, trainings)
    return TrainRequest(
        name, int(folds), preset, architecture, int(epochs), device, tuple(stratify), leakage, scans
    ), out  # fmt: skip


def _choose_more(study: Study) -> tuple[str, str, list[str], bool]:
    names = ["", *architecture_names()]
    architecture = st.selectbox(
        "Architecture",
        names,
        format_func=lambda one: one or "That of the study’s network",
        key=linked("architecture", "", options=names),
        persist_state="session",
    )
    devices = ["auto", "cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    device = st.selectbox(
        "Device",
        devices,
        format_func={"auto": "The fastest there is", "cpu": "Processor", "cuda": "Graphics card"}.__getitem__,
        key=linked("device", "auto", options=devices),
        persist_state="session",
    )
    columns = [column for column in ("sex", "age", "site") if column in study.subjects and _varies(study, column)]
    stratify = st.multiselect(
        "Spread evenly over folds",
        columns,
        format_func=capital,
        key=linked_list("stratify", [], columns),
        persist_state="session",
        help="Besides the diagnosis.",
    )
    leakage = st.toggle(
        "Train on permuted labels too",
        key=linked("leakage", False, cast=flag),
        persist_state="session",
        help="These networks must fall to chance; if they do not, something leaks between folds. Takes as long again.",
    )
    return architecture, device, stratify, leakage


def _varies(study: Study, column: str) -> bool:
    return study.subjects[column].replace("", None).dropna().nunique() > 1


def _choose_folder(name: str, trainings: Trainings) -> Path:
    taken = set(map(str, trainings.of_study))
    text = st.text_input(
        "Output folder on this computer",
        key=linked("out", str(new_folder(name)), valid=lambda value: value not in taken),
        persist_state="session",
    )
    return Path(text.strip().strip('"')).expanduser()


def show_other(other: tuple[Path, str] | None) -> None:
    """Show which other training is under way, so that none can be started; nothing without one."""
    if other is not None:
        st.caption(f"Another training is under way in `{other[0]}`: one at a time.")


def begin(request: TrainRequest, out: Path) -> None:
    """Start a training, or go on with it, and show it; runs before the page does."""
    try:
        if other := read_trainings(request.study).elsewhere(out):
            raise ValueError(
                f"expected one training at a time on this computer, got another under way in {other[0]}; stop it first"
            )
        start_training(request, out, agreed_code=code_allowed())
    except (OSError, ValueError) as error:
        TRAIN_PROBLEM.put(words_of(error))
        return
    TRAINING.put(str(out.absolute()))


def try_demo() -> None:
    """Start the small training of the demo study and show it; runs before the page does."""
    out, report = new_folder(DemoStudy.name), Report()
    check_folder(out, report)
    if report.errors:
        TRAIN_PROBLEM.put(report.errors[0].message)
        return
    begin(TrainRequest(DemoStudy.name, **TRY), out)
    if not TRAIN_PROBLEM.kept:
        STUDY.put(DemoStudy.name)


def show_problem() -> None:
    """Show why a training could not be started, once."""
    if problem := TRAIN_PROBLEM.take():
        st.error(escape_markdown(problem), icon=":material/error:")
