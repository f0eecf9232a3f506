"""Before a training begins: what was checked, how its sets are made up, what it costs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import streamlit as st
from cachetools import LRUCache

from mriinterp.base.numerals import bytes_words
from mriinterp.base.progress import describe_seconds
from mriinterp.crossval.curves import sets_figure
from mriinterp.crossval.process import TrainRequest
from mriinterp.crossval.train_check import TrainCheck, check_training
from mriinterp.study.check import check_study
from mriinterp.study.consent import recipes_of
from mriinterp.subjects.table_report import Finding, Report
from mriinterp.ui.base.jobs import current_job, start_job, watch, work_card
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.shell.page import Header
from mriinterp.ui.sources.consent import check_code, current_permission
from mriinterp.ui.sources.resources import study_of
from mriinterp.ui.train.choose import OUTLIVES, TRY, Trainings, begin, show_other, try_demo

__all__ = ["checked", "offer_demo", "show_answer", "show_check", "start_button"]

SLOT = "train_check"
ICONS = {"error": ":material/error:", "warning": ":material/warning:", "info": ":material/info:"}
MOST_NAMES = 8

_studies: LRUCache[str, Report] = LRUCache(8)  # what was found in a study file, as it was opened
_found: LRUCache[str, TrainCheck] = LRUCache(16)


def checked(request: TrainRequest, out: Path) -> TrainCheck | None:
    """Return what is known of a training that has not begun; None while it is checked in the background."""
    study = study_of(request.study)
    check_code(recipes_of(study), request.study)
    key = hashlib.sha256(f"{request} {out} {study.opened} {_marks(out)}".encode()).hexdigest()
    if key not in _found:
        job = current_job(SLOT)
        ended = job is not None and job.key == key and job.ended_early
        if not ended or st.button("Check again", icon=":material/replay:", key="check_again"):
            start_job(SLOT, "Checking", key, _work(request, out, study.opened, key), shared=True)
    with work_card():
        working = watch(SLOT, key)
    if not working and key in _found and current_job(SLOT) is not None:
        st.rerun()
    return None if working else _found.get(key)


def _marks(out: Path) -> str:
    """Return what decides whether a folder may be used."""
    try:
        return ",".join(sorted(path.name for path in out.iterdir()))
    except OSError as error:
        return type(error).__name__


def _work(request: TrainRequest, out: Path, opened: str, key: str):
    permission = current_permission()

    def of_study(path, **options) -> Report:
        known = f"{path} {opened} {sorted(permission)}"
        if known not in _studies:
            _studies[known] = check_study(path, **options)
        return _studies[known]

    def work(progress, cancel) -> None:
        _found[key] = check_training(
            request, out, trust_code=permission, of_study=of_study, progress=progress, cancel=cancel
        )

    return work


def show_answer(header: Header, request: TrainRequest, check: TrainCheck | None) -> None:
    """Show in the page's first line what the training costs, or that it cannot begin."""
    networks = "one network" if request.folds == 1 else f"{request.folds} networks"
    if check is None:
        header.answer(f"**{networks.capitalize()} of your own cohort**, each measured on patients it has not seen.")
    elif check.seconds is None or not check.ok:
        header.answer(f"**{networks.capitalize()} cannot be trained yet**: the reasons are below.")
    else:
        device = {"cpu": "the processor"}.get(check.device, "the graphics card")
        header.answer(
            f"**Takes at most {describe_seconds(max(1.0, check.seconds))}** to train {networks}, each measured on patients it has not "
            f"seen; writes at most {bytes_words(check.bytes)}, computes on {device}."
        )


def show_check(check: TrainCheck) -> None:
    """Show what was found: what stops the training first, then the sets as a picture beside the risks."""
    for finding in check.report.errors:
        st.error(escape_markdown(finding.text(MOST_NAMES)), icon=ICONS["error"])
    left, right = st.columns([3, 2], gap="large")
    warnings, infos = check.report.of("warning"), check.report.of("info")
    if not check.sets.empty:
        with left:
            st.plotly_chart(sets_figure(check.sets), key="sets", config={"displayModeBar": False})
            st.caption(
                "Scans in each set: every network learns from one, chooses its epoch on the next, is measured on the last."
            )
            with st.expander("As a table", icon=":material/table:"):
                st.dataframe(check.sets, width="stretch")
    with right if not check.sets.empty else left:
        if warnings:
            st.warning(_list(warnings), icon=ICONS["warning"])
        if infos:
            with st.expander(f"Checked as well ({len(infos)})", icon=ICONS["info"]):
                st.markdown(_list(infos))


def _list(findings: Iterable[Finding]) -> str:
    return "\n".join(f"- {escape_markdown(finding.text(MOST_NAMES))}" for finding in findings)


def start_button(request: TrainRequest, out: Path, check: TrainCheck | None, trainings: Trainings) -> None:
    """Offer to start; not before all is checked, and not beside another training."""
    other = trainings.elsewhere(out)
    st.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        key="start_training",
        disabled=check is None or not check.ok or other is not None,
        on_click=begin,
        args=(request, out),
    )
    show_other(other)
    if other is None:
        st.caption(OUTLIVES)


def offer_demo(trainings: Trainings) -> None:
    """Offer the small training of the demo study."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Try it on the demo study",
            icon=":material/science:",
            key="try_demo",
            on_click=try_demo,
            disabled=trainings.elsewhere() is not None,
        )
        st.caption(
            f"{TRY['scans']} simulated scans, {TRY['folds']} folds, {TRY['epochs']} epochs: a minute or two. It shows how "
            "training works, not what a network can learn."
        )
