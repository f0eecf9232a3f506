"""Which scan a page is about: a subject of the study, or an uploaded file."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from mriinterp.cohort.choose import TRAIN
from mriinterp.cohort.targets import positive_output
from mriinterp.image.nifti import read_volume_bytes
from mriinterp.image.space import check_mni_space, check_skull_stripped
from mriinterp.image.volume import Volume
from mriinterp.models import Model, Prediction
from mriinterp.study import Study
from mriinterp.ui.address import linked
from mriinterp.ui.resources import known_predictions, scan_of, study_of, truth_of
from mriinterp.ui.words import escape_markdown, words_of

__all__ = [
    "Subject",
    "blind_target",
    "choose_subject",
    "forget_upload",
    "known_subject",
    "subject_label",
    "uploaded_name",
]

NEEDED = (
    "What is needed: a T1-weighted scan of the whole brain in MNI space{stripped}, as fMRIPrep, CAT12, SPM, FSL or ANTs "
    "write it, in a file .nii, .nii.gz or .mgz. To go back to the study, remove the file from the list at the left."
)
UPLOAD = "_upload"  # in the session: name and scan of an uploaded file
IMAGE_TYPES = ["nii", "nii.gz", "mgz", "mgh"]


@dataclass(frozen=True, eq=False)
class Subject:
    """A chosen scan.

    Parameters
    ----------
    name : str
        Id in the study, or the name of an uploaded file.
    scan : Volume
    group : str or None
        None: nobody told.
    truth : Volume or None
        Known place of the disease (bool).
    uploaded : bool
    simulated : bool
        A scan of a simulated study.
    """

    name: str
    scan: Volume
    group: str | None = None
    truth: Volume | None = None
    uploaded: bool = False
    simulated: bool = False

    def diagnosed_by(self, model: Model) -> bool:
        """Whether what a network says may be told: not of a real scan, if it was trained on simulated ones only."""
        return self.simulated or not model.card.simulated


def blind_target(study: Study, model: Model, subject: Subject) -> str | None:
    """The output to explain where no diagnosis may be told: always the same, as the predicted one would tell it.

    None where the prediction may be told, and for a scale, which has one output.
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
        parts.append(_said(prediction, str(row["group"])))
    return " · ".join(parts)


def _said(prediction: Prediction, group: str) -> str:
    """The prediction in a few signs: "→ AD 93 % ✓"."""
    said = prediction.predicted
    if said not in prediction.probabilities:
        return f"→ {said} {prediction.outputs[said]:.2f}"
    verdict = "" if group not in prediction.probabilities else " ✓" if said == group else " ✗"
    return f"→ {said} {prediction.probabilities[said]:.0%}{verdict}"


def choose_subject(study_name: str, model: Model, key: str = "subject") -> Subject:
    """Pick a subject of the study, or upload a scan.

    Raises
    ------
    ValueError, OSError
        If a scan cannot be read or is unfit; for an upload with a note on what is needed. A
        page tells it in its main area, where it is seen.
    """
    study = study_of(study_name)
    ids = study.subjects.index.tolist()
    known = known_predictions(study_name) if study.simulated or not model.card.simulated else {}
    upload = uploaded_name() or st.session_state.get(f"{key}_file")
    chosen = st.selectbox(
        "Subject",
        ids,
        format_func=lambda s: subject_label(study, s, known.get(s)),
        key=linked(key, study.example or ids[0], options=ids),
        persist_state="session",
        disabled=upload is not None,
        help="Type to search by id, group, sex, age or prediction. ✓ right, ✗ wrong; nothing: not predicted yet.",
    )
    with st.expander("Explain my own scan", icon=":material/upload_file:", expanded=upload is not None):
        file = st.file_uploader(
            "T1 scan in MNI space",
            type=IMAGE_TYPES,
            key=f"{key}_file",
            on_change=forget_upload,
            help="Any grid and orientation. The file and its maps stay on this computer and in this session.",
        )
        if file is None and uploaded_name():  # the page was left and the widget has forgotten; the session has not
            st.caption(f"Explaining {escape_markdown(uploaded_name())}.")
            st.button("Back to the study", icon=":material/close:", key=f"{key}_back", on_click=forget_upload)
    if file is not None or uploaded_name():
        return _uploaded(file, model)
    return known_subject(study_name, chosen)


def uploaded_name() -> str:
    """Name of the scan that this session has uploaded and not taken back; "" if there is none."""
    return st.session_state.get(UPLOAD, {}).get("name", "")


def forget_upload() -> None:
    """Back to the study's subjects."""
    st.session_state.pop(UPLOAD, None)


def known_subject(study_name: str, subject: str) -> Subject:
    """A subject of a study with its scan."""
    study = study_of(study_name)
    scan, truth = scan_of(study_name, subject), truth_of(study_name, subject)
    return Subject(subject, scan, study.group_of(subject), truth, simulated=study.simulated)


def _uploaded(file, model: Model) -> Subject:
    """The uploaded scan, read and checked once a file; a page that the file was not given to finds it in the session."""
    memory = st.session_state.get(UPLOAD)
    if memory is None:
        with st.spinner("Checking the scan …"):
            scan = _checked(file, model)
        st.session_state[UPLOAD] = {"name": file.name, "scan": scan}
        st.rerun()  # the page's header speaks of the scan, too
    return Subject(memory["name"], memory["scan"], uploaded=True)


def _checked(file, model: Model) -> Volume:
    """The scan in an uploaded file, if the network can be asked about it."""
    try:
        scan = read_volume_bytes(file.getvalue(), file.name)
        check_mni_space(scan, "it")
        if model.card.skull_stripped:
            check_skull_stripped(scan, "it")
    except (ValueError, OSError) as error:
        unfit = ValueError(
            f"{file.name} cannot be explained: {words_of(error).removeprefix(f'{file.name}: ').rstrip('.')}."
        )
        unfit.add_note(NEEDED.format(stripped=", skull-stripped" if model.card.skull_stripped else ""))
        raise unfit from error
    return scan
