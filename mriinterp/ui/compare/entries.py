"""Several maps beside each other: making the missing ones, showing them, comparing them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from mriinterp.base.map_parts import SIZES
from mriinterp.base.progress import Cancel, Cancelled, Progress, check_cancel, tell
from mriinterp.base.reading import apply_reading
from mriinterp.cost import describe_cost, map_seconds
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method
from mriinterp.models import Model
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.maps import request_key
from mriinterp.ui.base.jobs import current_job, forget_job, start_job, watch
from mriinterp.ui.base.words import escape_markdown, words_of
from mriinterp.ui.compare.column import Column, column_labels
from mriinterp.ui.compare.columns import Choice
from mriinterp.ui.maps.kept import QUICK_SECONDS, known_map_of, maps_of
from mriinterp.ui.maps.signs import share_density
from mriinterp.ui.scan.subject import Subject, blind_target, known_subject
from mriinterp.ui.session.keys import COLUMNS_BEFORE, COMPARE_FAILED, COMPARE_STARTED
from mriinterp.ui.session.life import forgotten_with_uploads
from mriinterp.ui.sources.resources import atlas_of, cost_of, network_of, reference_of, study_of

__all__ = [
    "Entry",
    "columns_before",
    "compute_missing",
    "cost_lines",
    "keep_columns",
    "raw_difference",
    "readable_map",
    "resolve_columns",
    "share_difference",
    "share_map",
]

PARTS = 1000  # steps of the progress bar

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Entry:
    """A column with everything that is needed to make and to show it.

    Parameters
    ----------
    column : Column
    label : str
        Tells it from the other columns.
    subject : Subject
    model : Model
    request : dict
        What `mriinterp.explain.explain` takes beside model, scan and method.
    key : str
        Of its map in the store.
    known : RelevanceMap or None
        Its map; None: not computed yet.
    """

    column: Column
    label: str
    subject: Subject
    model: Model
    request: dict[str, Any]
    key: str
    known: RelevanceMap | None = None

    @property
    def relevance(self) -> RelevanceMap:
        """The map; ValueError while it is not known."""
        if self.known is None:
            raise ValueError(f"expected a column whose map is known, got {self.label}")
        return self.known

    @property
    def scan(self) -> Volume:
        """The scan, as the network needs it."""
        return self.subject.scan_for(self.model)


def resolve_columns(study_name: str, choice: Choice, target: str | None) -> list[Entry]:
    """Return columns with their scans, networks and the maps that are known.

    Parameters
    ----------
    target : str or None
        Output to explain; None: what the network predicts for each scan.
    """
    atlas = atlas_of(study_name)
    entries = []
    for column, label in zip(choice.columns, column_labels(choice.columns, study_of(study_name)), strict=True):
        model = network_of(study_name, column.model)
        subject = choice.subjects[column.subject]
        wanted = target or blind_target(study_of(study_name), model, subject)
        request = {"atlas": atlas, **dict(column.params)} | ({"target": wanted} if wanted else {})
        if "reference" in request.values():
            request["reference"] = reference_of(study_name)
        key = request_key(model, subject.scan_for(model), column.method, **request)
        entries.append(Entry(column, label, subject, model, request, key, known_map_of(subject, key)))
    return entries


def keep_columns(entries: Sequence[Entry]) -> None:
    """Keep in mind which columns are shown, for when others are asked for; none of an uploaded scan."""
    COLUMNS_BEFORE.put([entry.column for entry in entries if entry.column.subject])


def columns_before(study_name: str, target: str | None) -> list[Entry]:
    """Return the columns shown last whose maps are known, as far as their scans and networks can still be read."""
    columns = COLUMNS_BEFORE.get([])
    try:
        subjects = {column.subject: known_subject(study_name, column.subject) for column in columns}
        entries = resolve_columns(study_name, Choice(columns, subjects), target)
    except (KeyError, ValueError, OSError):  # of another study, or gone since
        return []
    return [entry for entry in entries if entry.known is not None]


def cost_lines(study_name: str, entries: Sequence[Entry]) -> list[str]:
    """Return what each map that is not known will cost."""
    lines = []
    for entry in entries:
        params = get_method(entry.column.method).resolve(dict(entry.column.params))
        if entry.column.model:
            cost = describe_cost(entry.model, entry.column.method, params, atlas_of(study_name))
        else:
            cost = cost_of(study_name, entry.model.digest, entry.column.method, params)
        lines.append(f"{entry.label}: {cost.partition(';')[0]}")
    return lines


def _seconds(entry: Entry) -> float:
    """Estimate how long the map of a column takes: its share of the progress bar."""
    params = get_method(entry.column.method).resolve(dict(entry.column.params))
    return map_seconds(entry.model, entry.column.method, params, entry.request.get("atlas"))


def _quick(entries: Sequence[Entry]) -> bool:
    """Return whether maps take so little time that they are made whenever a setting changes."""
    job = current_job("compare")
    cancelled = job is not None and job.ended_early and any(entry.key in job.makes for entry in entries)
    return not cancelled and sum(map(_seconds, entries)) < QUICK_SECONDS


def run_all(entries: Sequence[Entry], explain, progress: Progress | None, cancel: Cancel | None) -> dict[str, str]:
    """Make maps one after the other; a crash in one does not take the others along.

    Returns
    -------
    dict of str to str
        Keys of the maps that failed, and why.
    """
    weights = [_seconds(entry) for entry in entries]
    failed = {}
    for n, entry in enumerate(entries):
        check_cancel(cancel)
        before, weight = sum(weights[:n]), weights[n]

        def part(done: int, total: int, before=before, weight=weight) -> None:
            tell(progress, int(PARTS * (before + weight * done / max(total, 1)) / sum(weights)), PARTS)

        try:
            explain(entry.model, entry.scan, entry.column.method, progress=part, cancel=cancel, **entry.request)
        except Cancelled:
            raise
        except Exception as error:  # any: the page names it and shows the other maps
            logger.exception("%s failed", entry.label)
            failed[entry.key] = words_of(error)
        part(1, 1)
    return failed


def compute_missing(missing: Sequence[Entry], asked: bool) -> bool:
    """Start the missing maps when asked (the first view asks by itself), and watch them.

    Returns
    -------
    bool
        Whether work is going on.
    """
    failed = COMPARE_FAILED.begin({})
    job = current_job("compare")
    if job is not None and not job.running and isinstance(job.result, dict):
        failed.update(job.result)
    fresh = [entry for entry in missing if entry.key not in failed]
    first = not COMPARE_STARTED.kept
    COMPARE_STARTED.put(True)
    if missing and (asked or (fresh and (first or _quick(fresh)))):
        for entry in missing:
            failed.pop(entry.key, None)
        maps = f"{len(missing)} map{'s' if len(missing) > 1 else ''}"
        key = hashlib.sha256("".join(entry.key for entry in missing).encode()).hexdigest()
        work, places = list(missing), {entry.scan.digest: maps_of(entry.subject) for entry in missing}

        def explain(model, scan, method, **request):
            return places[scan.digest].explain(model, scan, method, **request)

        start_job(
            "compare",
            maps,
            key,
            lambda tell_page, stop: run_all(work, explain, tell_page, stop),
            percent=True,
            shared=not any(entry.subject.uploaded for entry in missing),
            makes=[entry.key for entry in missing],
        )
    working = watch("compare", wanted=[entry.key for entry in missing if not entry.subject.uploaded])
    if not missing and not working:
        forget_job("compare")  # how the last work ended is no longer of interest
    if not working and any(known_map_of(entry.subject, entry.key) is not None for entry in missing):
        st.rerun()  # the work ended while this run was under way
    for entry in missing:
        if not working and entry.key in failed:
            words = escape_markdown(f"{entry.label} could not be computed: {failed[entry.key]}")
            st.error(words, icon=":material/error:")
    return working


def readable_map(volume: Volume, part: str) -> Volume:
    """Return the size of the shown part of a map, without negative values."""
    return volume.with_data(apply_reading(volume.data, SIZES[part]))


@forgotten_with_uploads
@st.cache_resource(max_entries=12, show_spinner=False)
def _shares(digest: str, reading: str, _volume: Volume) -> Volume:
    return share_density(_volume, apply_reading(_volume.data.astype(np.float64), reading))


def share_map(volume: Volume, part: str) -> Volume:
    """Return the size of a map's part as shares of its sum, in percent per cm³."""
    return _shares(volume.digest, SIZES[part], volume)


def share_difference(a: Volume, b: Volume, part: str) -> Volume:
    """Return A − B of the two maps' shares, in percent per cm³."""
    one, two = share_map(a, part), share_map(b, part)
    return one.with_data(one.data - two.data)


def raw_difference(a: Volume, b: Volume) -> Volume:
    """Return A − B of signed raw values."""
    return a.with_data(a.data - b.data)
