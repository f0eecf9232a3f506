"""Before a training begins: what was checked, how its sets are made up, what it costs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import streamlit as st
from cachetools import LRUCache

from mriinterp.base.progress import describe_seconds
from mriinterp.crossval.check import TrainCheck, check_training
from mriinterp.crossval.process import TrainRequest
from mriinterp.study.check import check_study
from mriinterp.study.consent import recipes_of
from mriinterp.subjects.table_report import Finding, Report
from mriinterp.ui.consent import check_code, current_leave
from mriinterp.ui.jobs import current_job, start_job, watch
from mriinterp.ui.resources import study_of
from mriinterp.ui.train import OUTLIVES, TRY, begin, show_other, try_demo, working_elsewhere
from mriinterp.ui.words import escape_markdown

__all__ = ["checked", "offer_demo", "show_check", "start_button"]

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
    leave = current_leave()

    def of_study(path, **options) -> Report:
        known = f"{path} {opened} {sorted(leave)}"
        if known not in _studies:
            _studies[known] = check_study(path, **options)
        return _studies[known]

    def work(progress, cancel) -> None:
        _found[key] = check_training(
            request, out, trust_code=leave, of_study=of_study, progress=progress, cancel=cancel
        )

    return work


def show_check(check: TrainCheck) -> None:
    """Show what was found: what stops the training first, then risks, sets, cost."""
    for finding in check.report.errors:
        st.error(escape_markdown(finding.text(MOST_NAMES)), icon=ICONS["error"])
    if check.seconds is not None:
        time, disk, device = st.columns(3)
        time.metric("Takes at most", describe_seconds(check.seconds), help="From one step, measured just now.")
        disk.metric("Writes at most", f"{check.bytes / 1e9:.2g} GB", help="Half of it or more is removed at the end.")
        device.metric("Computes on", {"cpu": "Processor"}.get(check.device, "Graphics card"))
    if warnings := check.report.of("warning"):
        st.warning(_list(warnings), icon=ICONS["warning"])
    if not check.sets.empty:
        st.markdown("##### Scans in each set")
        st.dataframe(check.sets, width="stretch")
    infos = check.report.of("info")
    if infos:
        with st.expander(f"Checked as well ({len(infos)})", icon=ICONS["info"]):
            st.markdown(_list(infos))


def _list(findings: Iterable[Finding]) -> str:
    return "\n".join(f"- {escape_markdown(finding.text(MOST_NAMES))}" for finding in findings)


def start_button(request: TrainRequest, out: Path, check: TrainCheck | None) -> None:
    """Offer to start; not before all is checked, and not beside another training."""
    other = working_elsewhere(out)
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


def offer_demo() -> None:
    """Offer the small training of the demo study."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Try it on the demo study",
            icon=":material/science:",
            key="try_demo",
            on_click=try_demo,
            disabled=working_elsewhere() is not None,
        )
        st.caption(
            f"{TRY['scans']} simulated scans, {TRY['folds']} folds, {TRY['epochs']} epochs: a minute or two. It shows how "
            "training works, not what a network can learn."
        )
