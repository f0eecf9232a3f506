"""The badge of a map that explains a scan which made its network: it says nothing of new patients."""

from __future__ import annotations

import streamlit as st

from mriinterp.models import Model
from mriinterp.study.seen import unseeing_folds, what_it_was
from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.scan.subject import Subject
from mriinterp.ui.sources.resources import study_of

__all__ = ["BADGES", "WORDS", "show_seen", "what_it_was_to"]

BADGES = {
    "train": ":orange-badge[:material/school: Seen in training]",
    "validation": ":orange-badge[:material/school: Seen in validation]",
    "patient": ":orange-badge[:material/school: Patient seen in training]",
    "test": ":gray-badge[:material/visibility_off: Not seen in training]",
}
WORDS = {
    "train": "This network was trained on this scan",
    "validation": "The epoch of this network was chosen on this scan",
    "patient": "This network was made with another scan of this patient",
}


def what_it_was_to(study_name: str, model: Model, subject: Subject) -> str:
    """Return what a scan was to the making of a network; an empty text for an uploaded scan."""
    return "" if subject.uploaded else what_it_was(study_of(study_name), model.card, subject.name)


def show_seen(study_name: str, model: Model, subject: Subject) -> None:
    """Show whether the network was made with this scan, and which fold never saw its patient; nothing if it was not."""
    what = what_it_was_to(study_name, model, subject)
    if what not in WORDS:
        return
    unseen = unseeing_folds(study_of(study_name), subject.name)
    more = f" Never seen by {escape_markdown(', '.join(unseen))}: see Compare." if unseen else ""
    st.markdown(f"{BADGES[what]} {WORDS[what]}: answer and map say nothing of new patients.{more}")
