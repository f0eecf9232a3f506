"""The upload of a reader's own scan: given, named, released, shown again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import streamlit as st

from mriinterp.prepare.source import FileBytes
from mriinterp.ui.base.address import found, not_found
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.session.keys import OWN, OWN_NAME, UPLOAD
from mriinterp.ui.session.life import current_session
from mriinterp.ui.sources.scan_names import LONGEST_NAME, NEUTRAL_NAME, name_of_upload, plain_name, safe_name
from mriinterp.ui.sources.scans import Upload

__all__ = ["forget_upload", "own_scan", "uploaded_name"]


def own_scan(key: str) -> Upload | None:
    """Show the widgets around an uploaded file, below keys that begin with `key`; return the upload, if there is one."""
    given = st.file_uploader(
        "T1 scan, raw or in MNI space",
        accept_multiple_files=True,
        key=f"{key}_file",
        on_change=_file_changed,
        help="One file .nii, .nii.gz, .mgz or .mgh of any grid and orientation; or all DICOM images of a scan, as files or in a "
        ".zip. Files and maps stay on this computer and in this session.",
    )
    file = _as_one(given)
    upload: Upload | None = UPLOAD.get()
    if upload is not None and upload.released:
        upload = None  # the connection was lost for a while
        forget_upload()
        if file is None:
            st.info(
                "The scan was removed from memory while the connection was lost. Upload it again.",
                icon=":material/upload_file:",
            )
    if upload is None and file is not None:
        upload = Upload(*file)
        UPLOAD.put(upload)
        wanted = OWN.value
        OWN_NAME.put(upload.name)
        found(OWN)
        if wanted not in ("", upload.name):
            not_found(OWN, f"The address names the scan {wanted}; the file given is {upload.name}.", upload.name)
        OWN.put(upload.name)
        session = current_session()
        session.holds_scan = True
        session.at_end(upload.release)
    if upload is None:
        if OWN.value:
            st.button("Back to the study", icon=":material/close:", key=f"{key}_back", on_click=forget_upload)
        return None
    if not OWN.value:  # the reader went back to a subject of the study
        st.button(f"Explain {escape_markdown(upload.name)} again", key=f"{key}_again", on_click=_show_upload)
        return None
    _choose_name(upload)
    OWN.put(upload.name)
    if file is None:  # the page was left and the widget has forgotten; the session has not
        st.caption(f"Explaining {escape_markdown(upload.name)}.")
        st.button("Back to the study", icon=":material/close:", key=f"{key}_back", on_click=forget_upload)
    return upload


def _as_one(given: Sequence[Any]) -> tuple[str, str, list[FileBytes]] | None:
    """Return what was uploaded as one: its id, what messages call it, and its files; None if there is nothing."""
    if not given:
        return None
    files = [(file.name, file.getvalue()) for file in given]
    return " ".join(sorted(file.file_id for file in given)), name_of_upload(files), files


def _file_changed() -> None:
    """Release the scan of the file before. Where there was none, what the address asks for stands."""
    asked_for = "" if UPLOAD.kept else OWN.get("")
    forget_upload()
    OWN.put(asked_for)


def _show_upload() -> None:
    """Show the uploaded scan again."""
    OWN.put(UPLOAD.value.name)


def _choose_name(upload: Upload) -> None:
    """Choose what the scan is called where others may see it."""
    if not upload.several and safe_name(upload.file_name) == NEUTRAL_NAME != plain_name(upload.file_name):
        st.warning(
            f"The file’s name may name a person. Pages, downloads and links say **{NEUTRAL_NAME}** unless you choose "
            "another name here.",
            icon=":material/person_alert:",
        )
    OWN_NAME.begin(upload.name)
    chosen = st.text_input("Name on pages, in files and links", key=OWN_NAME, max_chars=LONGEST_NAME)
    upload.name = re.sub(r"[^\w.-]+", "-", chosen).strip("-.") or safe_name(upload.file_name)


def uploaded_name() -> str:
    """Return what the scan is called that this session has uploaded and not taken back; "" if there is none."""
    upload = UPLOAD.get()
    return upload.name if OWN.get() and upload is not None and upload.accepted else ""


def forget_upload() -> None:
    """Go back to the study's subjects."""
    upload = UPLOAD.take()
    if upload is not None:
        upload.release()
    OWN_NAME.take()
    OWN.put("")
    found(OWN)
