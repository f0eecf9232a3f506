"""A training that is under way, was stopped, or has failed: learning curves, time left, stop, go on."""

from __future__ import annotations

import math
from pathlib import Path

import streamlit as st

from mriinterp.base.errors import as_sentence
from mriinterp.base.numerals import format_value
from mriinterp.base.progress import describe_seconds
from mriinterp.crossval.curves import learning_figure
from mriinterp.crossval.process import forget_training, request_in, training_state
from mriinterp.crossval.state import LOG, WORK, TrainState, ask_to_stop
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.session.keys import TRAINING
from mriinterp.ui.shell.page import Header
from mriinterp.ui.train.choose import OUTLIVES, Trainings, begin, show_other

__all__ = ["show_run"]

POLL_SECONDS = 1.0
STILL = {"displayModeBar": False}
LOG_LINES = 40


def show_run(header: Header, folder: Path, state: TrainState, trainings: Trainings) -> None:
    """Show a training that has not finished; while it works, the page follows it."""
    settings = escape_markdown(_settings(folder))
    if state.works:
        header.answer(f"**Training** {settings}")
        with st.container():
            st.fragment(_follow, run_every=POLL_SECONDS)(folder, state.state)
        st.caption(f"{OUTLIVES} Everything is in `{folder}`.")
        return
    header.answer(f"**{'Failed' if state.state == 'failed' else 'Stopped'}{_share(state)}**: {settings}")
    _show_end(folder, state, trainings)
    _show_curves(folder, state)
    _show_log(folder)


def _share(state: TrainState) -> str:
    return f" at {state.done / state.total:.0%}" if state.total else ""


def _settings(folder: Path) -> str:
    request = request_in(folder)
    if request is None:
        return folder.name
    parts = [
        f"{request.folds} folds", f"protocol {request.preset}", f"{request.epochs} epochs" if request.epochs else "",
        request.architecture, f"{request.scans} scans of the demo study" if request.scans else "",
        f"spread by {', '.join(request.stratify)}" if request.stratify else "",
        "permuted labels too" if request.check_leakage else "",
    ]  # fmt: skip
    return " · ".join(filter(None, parts))


def _follow(folder: Path, shown: str) -> None:
    """Show how far a training is, and its learning curves; run the whole page anew when that changes it."""
    state = training_state(folder)
    if state.state != shown:
        st.rerun()
    bar, button = st.columns([6, 1], vertical_alignment="center")
    bar.progress(min(1.0, state.done / state.total) if state.total else 0.0, text=escape_markdown(_words(state)))
    button.button(
        "Stop",
        key="stop_training",
        icon=":material/stop_circle:",
        width="stretch",
        disabled=state.state == "stopping",
        on_click=ask_to_stop,
        args=(folder,),
    )
    _show_curves(folder, state)


def _words(state: TrainState) -> str:
    if state.state == "starting":
        return "Starting …" if not state.stage else f"{as_sentence(state.stage)[:-1]} is done, going on …"
    if state.state == "stopping":
        return "Stopping after this step …"
    share = f": {state.done / state.total:.0%}" if state.total else ""
    left = "" if state.left is None else f", {describe_seconds(state.left)} left"
    return f"{as_sentence(state.stage or 'starting')[:-1]}{share}{left}"


def _show_curves(folder: Path, state: TrainState) -> None:
    """Show the learning curves so far, and the last figures of each fold."""
    folds = {name: one for name, one in state.histories.items() if name.startswith("fold") and one.train_loss}
    if not folds:
        if state.works:
            st.caption("Learning curves appear after the first epoch.")
        return
    request = request_in(folder)
    named = {f"fold {name.removeprefix('fold')}": one for name, one in folds.items()}
    st.plotly_chart(learning_figure(named, request.epochs if request else None), key="learning", config=STILL)
    lines = []
    for name, one in named.items():
        auc = one.validation_auc[-1]
        words = "" if math.isnan(auc) else f", validation AUC {auc:.2f}"
        lines.append(
            f"{name}: epoch {len(one.train_loss)}, validation loss {format_value(one.validation_loss[-1])}{words}"
        )
    st.caption("Cross-entropy; dots: the epoch whose weights are kept.  \n" + "  \n".join(lines))


def _show_end(folder: Path, state: TrainState, trainings: Trainings) -> None:
    """Show how a training has ended, and the way to go on."""
    if state.state == "failed":
        st.error(escape_markdown(as_sentence(state.error)), icon=":material/error:")
    else:
        st.info(f"This training was stopped{_share(state)}. Finished epochs are kept.", icon=":material/pause_circle:")
    request, other = request_in(folder), trainings.elsewhere(folder)
    with st.container(horizontal=True, vertical_alignment="center"):
        if request is not None:
            st.button(
                "Try again" if state.state == "failed" else "Go on",
                type="primary",
                icon=":material/resume:",
                key="resume_training",
                disabled=other is not None,
                on_click=begin,
                args=(request, folder),
            )
        st.button(
            "Take off the list",
            type="tertiary",
            icon=":material/playlist_remove:",
            key="forget_training",
            on_click=_forget,
            args=(folder,),
            help="Its files stay where they are.",
        )
    show_other(other)
    if request is None:
        st.caption("It was begun from the command line: go on there, with the same command and `--resume`.")


def _forget(folder: Path) -> None:
    forget_training(folder)
    TRAINING.take()


def _show_log(folder: Path) -> None:
    try:
        lines = (folder / WORK / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    if lines:
        with st.expander("What the process has printed", icon=":material/terminal:"):
            st.code("\n".join(lines[-LOG_LINES:]), language=None, wrap_lines=True)
