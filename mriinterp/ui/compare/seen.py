"""What a network's folds say beside each other: which saw its scan in training, and the mean of their maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from mriinterp.ui.base.words import escape_markdown
from mriinterp.ui.compare.entries import Entry
from mriinterp.ui.maps.seen import BADGES, WORDS, what_it_was_to
from mriinterp.ui.sources.resources import on_grid_of, study_of

__all__ = ["show_seen_columns", "with_mean_of_folds"]


def show_seen_columns(study_name: str, entries: Sequence[Entry]) -> None:
    """Show, a column each, whether its network was made with its scan; nothing where no card says so."""
    found = [(entry, what_it_was_to(study_name, entry.model, entry.subject)) for entry in entries]
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
