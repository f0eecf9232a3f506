"""Which scan a page is about: a subject of the study, or an uploaded file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import streamlit as st

from mriinterp.base.numerals import decimals, percent
from mriinterp.cohort.choose import TRAIN
from mriinterp.cohort.targets import positive_output
from mriinterp.image.volume import Volume
from mriinterp.models import Model, Prediction
from mriinterp.prepare import Prepared
from mriinterp.study import PreparedScan, Study
from mriinterp.ui.base.address import end_page, entry_number, not_found
from mriinterp.ui.base.linked import linked, linked_value
from mriinterp.ui.base.words import Remedied
from mriinterp.ui.scan.own import own_scan
from mriinterp.ui.scan.preparation import (
    choose_registration,
    offer_preparation,
    offer_study_preparation,
    show_preparation,
)
from mriinterp.ui.session.keys import KNOWN, OWN, Key
from mriinterp.ui.sources.resources import known_predictions, preparation_of, scan_of, study_of, truth_of
from mriinterp.ui.sources.scans import Preparation, Upload

__all__ = [
    "Subject",
    "blind_target",
    "choose_subject",
    "first_subject",
    "known_subject",
    "subject_label",
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

    @property
    def in_study(self) -> str | None:
        """Its id in the study; None for an uploaded scan."""
        return None if self.uploaded else self.name

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


def first_subject(study: Study) -> str:
    """Return the subject that pages begin with."""
    return study.example or str(study.subjects.index[0])


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
    link = linked(key, first_subject(study), options=ids, always=True)
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
        upload = own_scan(key)
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
        f"This address shows an uploaded scan, {name}. The scan itself is not in the address: upload its file at "
        "the left, under “Explain my own scan”, or go back to the study there.",
    )
    end_page()


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
