"""Prepare an uploaded raw scan: the offer, the work, and how well it went."""

from __future__ import annotations

import streamlit as st

from mriinterp.image.preparation import KINDS
from mriinterp.models import Model
from mriinterp.study import PreparedScan
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.jobs import current_job, start_job, watch
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.sources.scans import Preparation, Upload

__all__ = ["choose_registration", "offer_preparation", "offer_study_preparation", "show_preparation", "show_quality"]

SLOT = "prepare"
REGISTRATIONS = {"linear": "Affine", "nonlinear": "Warped"}
VERDICTS = {
    "good": ("The brain lies in place.", ":material/check_circle:"),
    "look": ("Look at the preparation before you believe a map.", ":material/visibility:"),
    "refuse": ("The scan could not be brought into place.", ":material/error:"),
}
OFFER = (
    "It can be prepared here: the brain is found, registered to the MNI template, and written on the network's grid. That "
    "takes about half a minute; nothing leaves this computer. Left and right are taken from the file's header."
)


def choose_registration(model: Model) -> str:
    """Choose how a raw scan is registered: "linear" or "nonlinear"; at first as the network expects it."""
    expected = model.card.preparation
    default = "linear" if expected is None else expected.kind
    return segments(
        "Registration",
        "registration",
        REGISTRATIONS,
        default,
        named=True,
        help="Affine keeps the brain’s shape. Warped onto the template suits networks that were trained on such scans; it takes "
        "about three times as long, and removes part of an atrophy. "
        + (
            "This network’s card does not say which it expects."
            if expected is None
            else f"This network expects scans {KINDS[expected.kind]}."
        ),
    )


def offer_preparation(upload: Upload, model: Model) -> None:
    """Offer to prepare a scan that was refused as it came; show the work, and a result that is in doubt."""
    key = f"prepare {upload.file_id} {model.digest} {upload.kind}"
    found = upload.preparation(model)
    if found is None:
        job = current_job(SLOT)
        working = job is not None and job.running and job.key == key
        st.markdown(OFFER)
        ready = _choose_series(upload)
        st.button(
            "Prepare this scan",
            type="primary",
            icon=":material/auto_fix_high:",
            key="prepare_scan",
            disabled=working or not ready,
            on_click=_start,
            args=(upload, model, key),
        )
        watch(SLOT, key)
        return
    show_quality(found)
    if found.qc.verdict == "look":
        st.button(
            "Use it all the same",
            key="prepare_take",
            icon=":material/check:",
            on_click=upload.take_prepared,
            args=(model,),
        )


def _choose_series(upload: Upload) -> bool:
    """Show which series were found and let the reader choose where several may be meant; whether one is chosen."""
    if upload.found:
        st.markdown(f"**Found:** {escape_markdown(upload.found)}")
    if not upload.series:
        return True
    if len(upload.series) == 1:
        question = "It does not look like a T1-weighted scan. Take it only if you know that it is one."
    else:
        question = "Several may be the T1 scan. Which one is meant?"
    labels = {series.uid: str(series) for series in upload.series}
    upload.chosen = st.radio(
        question, list(labels), format_func=lambda uid: escape_markdown(labels[uid]), index=None, key="prepare_series"
    )
    return upload.chosen is not None


def _start(upload: Upload, model: Model, key: str) -> None:
    start_job(
        SLOT, "Preparing the scan", key, lambda progress, cancel: upload.prepare(model, progress, cancel), percent=True
    )


def offer_study_preparation(subject: str, source: PreparedScan) -> None:
    """Offer to prepare a raw scan of a study, and show the work."""
    key = f"prepare {source.fingerprint()}"
    job = current_job(SLOT)
    working = job is not None and job.running and job.key == key
    st.markdown(f"{OFFER} It is kept for the study; a cohort run prepares all its scans.")

    def start() -> None:
        start_job(SLOT, f"Preparing {subject}", key, source.job.run, percent=True, shared=True)

    st.button(
        "Prepare this scan",
        type="primary",
        icon=":material/auto_fix_high:",
        key="prepare_scan",
        disabled=working,
        on_click=start,
    )
    watch(SLOT, key)


def show_preparation(found: Preparation | None) -> None:
    """Show that a scan was prepared here, and how well; nothing for a scan that came prepared."""
    if found is not None:
        colour = {"good": "green", "look": "orange", "refuse": "red"}[found.qc.verdict]
        st.markdown(f":{colour}-badge[{VERDICTS[found.qc.verdict][1]} Prepared here: {found.qc.verdict}]")


def show_quality(found: Preparation) -> None:
    """Show how well a preparation went: verdict, findings, picture, figures."""
    words, icon = VERDICTS[found.qc.verdict]
    draw = {"good": st.success, "look": st.warning, "refuse": st.error}[found.qc.verdict]
    draw(" ".join([words, *(escape_markdown(finding.text) for finding in found.qc.findings)]), icon=icon)
    st.image(found.picture, width="stretch")
    st.caption(
        f"{escape_markdown(found.found)} Correlation with the template {found.qc.correlation:.2f}; brain "
        f"{found.qc.volume_ml:.0f} ml. Orange: outline of the template, or of the brain mask; blue: the template's white "
        "matter."
    )
