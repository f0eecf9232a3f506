"""The badge of a map that explains a scan which made its network: it says nothing of new patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from mriinterp.models import Model
from mriinterp.study.seen import unseeing_folds, what_it_was
from mriinterp.ui.compare import Entry
from mriinterp.ui.resources import on_grid_of, study_of
from mriinterp.ui.subject import Subject
from mriinterp.ui.words import escape_markdown

__all__ = ["show_seen", "show_seen_columns", "with_mean_of_folds"]

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


def _of(study_name: str, model: Model, subject: Subject) -> str:
    return "" if subject.uploaded else what_it_was(study_of(study_name), model.card, subject.name)


def show_seen(study_name: str, model: Model, subject: Subject) -> None:
    """Show whether the network was made with this scan, and which fold never saw its patient; nothing if it was not."""
    what = _of(study_name, model, subject)
    if what not in WORDS:
        return
    unseen = unseeing_folds(study_of(study_name), subject.name)
    more = f" Never seen by {escape_markdown(', '.join(unseen))}: see Compare." if unseen else ""
    st.markdown(f"{BADGES[what]} {WORDS[what]}: answer and map say nothing of new patients.{more}")


def show_seen_columns(study_name: str, entries: Sequence[Entry]) -> None:
    """Show, a column each, whether its network was made with its scan; nothing where no card says so."""
    found = [(entry, _of(study_name, entry.model, entry.subject)) for entry in entries]
    if not any(what in WORDS for _, what in found):
        return
    parts = dict.fromkeys(f"{escape_markdown(entry.label)} {BADGES[what]}" for entry, what in found if what)
    st.markdown(" &nbsp;·&nbsp; ".join(parts))


def with_mean_of_folds(study_name: str, entries: Sequence[Entry]) -> list[Entry]:
    """Return the columns and, where several folds explain one output of one scan by one method, their mean as well."""
    folds = study_of(study_name).folds
    first: dict[tuple, list[Entry]] = {}
    for entry in entries:
        if entry.column.model in folds and entry.known is not None:
            column = entry.column
            first.setdefault((column.subject, column.method, column.params, entry.relevance.target), []).append(entry)
    means = [_mean(alike) for alike in first.values() if len(alike) > 1]
    return [*entries, *means] if len(means) == 1 else list(entries)


def _mean(entries: Sequence[Entry]) -> Entry:
    """Return the mean of signed maps as a column."""
    one = entries[0]
    volumes = [on_grid_of(entry.relevance.volume, one.relevance.volume) for entry in entries]
    mean = np.asarray(np.mean([volume.data for volume in volumes], axis=0, dtype=np.float64), np.float32)
    relevance = replace(one.relevance, volume=one.relevance.volume.with_data(mean))
    label = f"Mean of {len(entries)} folds"
    return replace(one, label=label, key="+".join(entry.key for entry in entries), known=relevance)
