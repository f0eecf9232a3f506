"""Which scan a page is about: a subject of the study, or an uploaded file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import streamlit as st

from mriinterp.base.numerals import decimals, percent
from mriinterp.cohort.choose import TRAIN
from mriinterp.cohort.targets import positive_output
from mriinterp.image.volume import Volume
from mriinterp.models import Model, Prediction
from mriinterp.prepare import Prepared
from mriinterp.prepare.source import FileBytes
from mriinterp.study import PreparedScan, Study
from mriinterp.ui.address import end_page, entry_number, found, not_found
from mriinterp.ui.keys import KNOWN, OWN, OWN_NAME, UPLOAD, Key
from mriinterp.ui.linked import linked, linked_value
from mriinterp.ui.preparation import choose_registration, offer_preparation, offer_study_preparation, show_preparation
from mriinterp.ui.resources import known_predictions, preparation_of, scan_of, study_of, truth_of
from mriinterp.ui.scan_names import LONGEST_NAME, NEUTRAL_NAME, name_of_upload, plain_name, safe_name
from mriinterp.ui.scans import Preparation, Upload
from mriinterp.ui.session import current_session
from mriinterp.ui.words import Remedied, escape_markdown

__all__ = [
    "Subject",
    "blind_target",
    "choose_subject",
    "forget_upload",
    "known_subject",
    "subject_label",
    "uploaded_name",
]

RAW = "{} comes as it was scanned: it does not lie in MNI space, or still shows the skull."


@dataclass(frozen=True, eq=False)
class Subject:
    """A chosen scan.

    Parameters
    ----------
    name : str
        Id in the study, or what an uploaded scan is called.
    scan : Volume
        As the study's network reads it, if it was uploaded: see `scan_for`.
    group : str or None
        None if that is unknown.
    truth : Volume or None
        Known place of the disease (bool).
    upload : Upload or None
        Where the scan comes from, if it is none of the study's.
    simulated : bool
        A scan of a simulated study.
    preparation : Preparation or None
        If the scan was prepared here: how well, and the way back to it as it
        came.
    """

    name: str
    scan: Volume
    group: str | None = None
    truth: Volume | None = None
    upload: Upload | None = None
    simulated: bool = False
    preparation: Preparation | None = None

    @property
    def prepared(self) -> Prepared | None:
        """The scan as it came and the way there, if it was prepared here."""
        return None if self.preparation is None else self.preparation.made

    @property
    def uploaded(self) -> bool:
        """Whether the scan was uploaded."""
        return self.upload is not None

    def scan_for(self, model: Model) -> Volume:
        """Return the scan for a network of any grid; ValueError if an uploaded file cannot be read for it."""
        return self.scan if self.upload is None else self.upload.on(model)

    def diagnosed_by(self, model: Model) -> bool:
        """Return whether predictions may be shown: not of a real scan if the network was trained on simulated ones only."""
        return self.simulated or not model.card.simulated


def blind_target(study: Study, model: Model, subject: Subject) -> str | None:
    """Return the output to explain where no diagnosis may be shown: a fixed one, as the predicted one would show it.

    None where the prediction may be shown, and for a scale, which has one output.
    """
    if subject.diagnosed_by(model) or model.heads[0].kind == "scale":
        return None
    return positive_output(study, model, strict=False)


def subject_label(study: Study, subject: str, prediction: Prediction | None = None) -> str:
    """Return id, group, sex, age, whether the scan trained the network, and its prediction if it is known, on a line."""
    row = study.subjects.loc[subject]
    parts = [subject, str(row["group"])]
    if str(row.get("sex") or ""):
        parts.append(str(row["sex"]))
    if row.get("age") == row.get("age") and row.get("age") is not None:
        parts.append(f"{row['age']:.0f} y")
    if row.get("split") == TRAIN:
        parts.append("training scan")
    if prediction is not None:
        parts.append(_answer_of(prediction, str(row["group"])))
    return " · ".join(parts)


def _answer_of(prediction: Prediction, group: str) -> str:
    """Return the prediction in a few signs: "→ AD 93% ✓"."""
    predicted = prediction.predicted
    if predicted not in prediction.probabilities:
        return f"→ {predicted} {decimals(prediction.outputs[predicted], 2)}"
    verdict = "" if group not in prediction.probabilities else " ✓" if predicted == group else " ✗"
    return f"→ {predicted} {percent(prediction.probabilities[predicted])}{verdict}"


def _predictions_when_chosen(study_name: str, key: str) -> dict[str, Prediction]:
    """Return the answers of the network for subjects as far as they were known when the present one was chosen.

    Words of options that change while the reader chooses lose the choice: to Streamlit it is another widget.
    """
    choice: Key[str] = Key(key)
    moment = (study_name, entry_number(), choice.value)
    kept = KNOWN.get()
    if kept is None or kept[0] != moment:
        kept = moment, known_predictions(study_name)
        KNOWN.put(kept)
        choice.put(choice.value)  # the words may be others: the choice holds for the new widget
    return kept[1]


def choose_subject(study_name: str, model: Model, key: str = "subject", predictions: bool = True) -> Subject:
    """Pick a subject of the study, or upload a scan.

    Parameters
    ----------
    study_name, model, key : str, Model, str
    predictions : bool
        Whether the list says what the study's network predicts.

    Raises
    ------
    ValueError, OSError
        If a scan cannot be read or is unfit; for an upload with a note on what is needed. A
        page shows it in its main area.
    """
    study = study_of(study_name)
    ids = study.subjects.index.tolist()
    own = linked(OWN, "").value
    link = linked(key, study.example or ids[0], options=ids, always=True)
    visible = predictions and (study.simulated or not model.card.simulated)
    known = _predictions_when_chosen(study_name, key) if visible else {}
    chosen = st.selectbox(
        "Subject",
        ids,
        format_func=lambda s: subject_label(study, s, known.get(s)),
        key=link,
        persist_state="session",
        disabled=bool(own),
        help="Type to search by id, group, sex, age or prediction. ✓ right, ✗ wrong; nothing: not predicted yet.",
    )
    with st.expander("Explain my own scan", icon=":material/upload_file:", expanded=bool(own)):
        upload = _own_scan(key)
    own = OWN.value
    if not own:
        return known_subject(study_name, chosen)
    linked_value(key, None)  # the address names the scan that is shown
    linked_value(OWN, own)
    if upload is None:
        _ask_for_scan(own)
    return _uploaded(upload, model)


def _ask_for_scan(name: str) -> NoReturn:
    """End the page with the request for a file that only its owner has."""
    not_found(
        OWN,
        f"This address shows a scan of one’s own, {name}. The scan is not in the address: give the page that file at "
        "the left, under “Explain my own scan”, or go back to the study there.",
    )
    end_page()


def _own_scan(key: str) -> Upload | None:
    """Show the widgets around an uploaded file; return the upload, if there is one."""
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
                "The scan was let go while the connection was lost. Upload it again.", icon=":material/upload_file:"
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
    """Let the scan of another file go. Where there was none, what the address asks for stands."""
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


def known_subject(study_name: str, subject: str) -> Subject:
    """Return a subject of a study with its scan."""
    study = study_of(study_name)
    source, preparation = study.source(subject), None
    if isinstance(source, PreparedScan):
        if not source.is_ready():
            raise Remedied(RAW.format(subject), partial(offer_study_preparation, subject, source))
        preparation = preparation_of(study_name, subject)
    scan, truth = scan_of(study_name, subject), truth_of(study_name, subject)
    return Subject(subject, scan, study.group_of(subject), truth, simulated=study.simulated, preparation=preparation)


def _uploaded(upload: Upload, model: Model) -> Subject:
    """Return the uploaded scan for the study's network; a page without the file finds it in the session."""
    first, chosen = not upload.accepted, upload.raw
    if chosen:
        upload.kind = choose_registration(model)
    try:
        with st.spinner("Checking the scan …"):
            scan = upload.on(model)
    except ValueError:
        if upload.can_prepare(model):
            if not chosen:
                upload.kind = choose_registration(model)
            raise Remedied(RAW.format(upload.called), partial(offer_preparation, upload, model)) from None
        raise
    show_preparation(upload.preparation(model))
    if first:
        st.rerun()  # the page's header speaks of the scan, too
    return Subject(upload.name, scan, upload=upload, preparation=upload.preparation(model))
