"""What the cohort page shows: averages of a run, or of some of its scans."""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import streamlit as st

from mriinterp.base.errors import as_sentence
from mriinterp.base.fingerprint import file_stamp
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.cohort import CohortResult, open_cohort
from mriinterp.figures.colours import describe_unit
from mriinterp.figures.paper import label_of, reading_of
from mriinterp.image.volume import Grid, Volume
from mriinterp.methods import get_method, method_names
from mriinterp.methods.meaning import Meaning, percent
from mriinterp.stats import hedges_g_from_moments
from mriinterp.ui.jobs import current_job, start_job, watch

__all__ = ["StudyView", "View", "averages_ready", "open_result"]

PLANES_WAIT = "_planes_wait"  # in the session: whether the planes of this run wait for averages
KEPT = 32  # averages of chosen scans held in memory: 14 MB each at 1.5 mm


class View(ABC):
    """Averages of groups, by method.

    Attributes
    ----------
    key : str
        Digest of what is averaged.
    title : str
    groups : tuple of str
        Reference group first.
    positive : str
        Group compared with the reference; "" if there is none.
    methods : tuple of str
    simulated : bool
    grid : Grid
        RAS+.
    kind : {"reading", "signed"}
    """

    key: str
    title: str
    groups: tuple[str, ...]
    positive: str
    methods: tuple[str, ...]
    simulated: bool
    grid: Grid
    kind: str

    @abstractmethod
    def n(self, method: str, group: str) -> int | None:
        """Maps in an average; None if it is not known."""

    @abstractmethod
    def mean(self, method: str, group: str) -> Volume:
        """Average map of a group that has one (`has`)."""

    @abstractmethod
    def explained_words(self, method: str) -> str:
        """Return which output the maps of a method explain, in words."""

    def caveats(self) -> tuple[str, ...]:
        """Return what a reader must know of these averages, in sentences."""
        return tuple(dict.fromkeys(as_sentence(w) for w in map(self.explained_words, self.methods)))

    @abstractmethod
    def why_no_test(self, method: str) -> str:
        """Return why the groups must not be compared by this method's maps; "" if they may."""

    def hidden_words(self, method: str) -> str:
        """Return which sign of the maps the averages leave out, and its share; "" if none, or if it is not known."""
        return ""

    def std(self, method: str, group: str) -> Volume | None:
        """Standard deviation over the maps of a group, if it is known."""
        return None

    def has(self, method: str, group: str) -> bool:
        """Whether a group has an average."""
        return self.n(method, group) != 0

    @property
    def reference(self) -> str:
        """The group others are compared with."""
        return self.groups[0]

    @property
    def pair(self) -> tuple[str, str] | None:
        """Positive and reference group, if there are two."""
        return (self.positive, self.reference) if self.positive and self.positive != self.reference else None

    def all_mean(self, method: str) -> Volume:
        """Average over all groups, every map counted once; every group once where their number is not known."""
        shown = [group for group in self.groups if self.has(method, group)]
        weights = np.array([self.n(method, group) or 1 for group in shown], float)
        data = sum(self.mean(method, g).data * float(w) for g, w in zip(shown, weights / weights.sum(), strict=True))
        return Volume(np.asarray(data, np.float32), self.grid.affine)

    def difference(self, method: str) -> Volume:
        """Return positive minus reference group; ValueError where they must not be compared (`why_no_test`)."""
        self._check_testable(method)
        a, b = (self.mean(method, group) for group in self.pair)
        return a.with_data(a.data - b.data)

    def effect(self, method: str) -> Volume | None:
        """Return Hedges' g of every voxel, 0 where nobody differs; None if a group has fewer than two maps.

        ValueError where groups must not be compared (`why_no_test`).
        """
        self._check_testable(method)
        sides = []
        for group in self.pair:
            n, std = self.n(method, group), self.std(method, group)
            if not n or n < 2 or std is None:
                return None
            sides += [self.mean(method, group).data.astype(np.float64), std.data.astype(np.float64) ** 2, n]
        g = np.nan_to_num(hedges_g_from_moments(*sides), nan=0.0, posinf=0.0, neginf=0.0)
        return Volume(g.astype(np.float32), self.grid.affine)

    def _check_testable(self, method: str) -> None:
        reason = self.why_no_test(method)
        if reason:
            raise ValueError(reason)

    def reading(self, method: str) -> str:
        """How an average is looked at where no sign is wanted."""
        return reading_of(method) or "absolute"

    def unit(self, method: str) -> str:
        """What a value of an average means."""
        if method not in method_names():
            return "mean relevance"
        reading = "signed" if self.kind == "signed" else self.reading(method)
        return "mean " + describe_unit(self.meaning(method).unit, reading)

    def meaning(self, method: str) -> Meaning:
        """Return words for the values of a registered method's maps."""
        return Meaning(get_method(method), "probability")

    def label(self, method: str) -> str:
        """A method's name for people."""
        return label_of(method)

    def means(self, group: str) -> dict[str, Volume]:
        """Averages of a group by method."""
        return {m: self.mean(m, group) for m in self.methods if self.has(m, group)}

    def all_means(self) -> dict[str, dict[str, Volume]]:
        """Averages of all groups that have some: positive group first, as in the paper."""
        order = sorted(self.groups, key=lambda group: group != self.positive)
        return {group: found for group in order if (found := self.means(group))}


class _Memory:
    """Averages of chosen scans: made once, the last few kept, shared by sessions."""

    def __init__(self):
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple, tuple[Volume, Volume]] = OrderedDict()

    def get(self, key: tuple) -> tuple[Volume, Volume] | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple, value: tuple[Volume, Volume], limit: int) -> None:
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > limit:
                self._kept.popitem(last=False)


@st.cache_resource(show_spinner=False)
def _memory() -> _Memory:
    return _Memory()


@st.cache_resource(max_entries=48, show_spinner=False)
def _stored(key: str, method: str, group: str, what: str, _result: CohortResult, _kind: str) -> Volume:
    return getattr(_result, what)(method, group, _kind)


class StudyView(View):
    """A cohort's results, or those of some of its scans.

    Parameters
    ----------
    result : CohortResult
    chosen : sequence of str, optional
        Scans that are averaged; None: all.
    kind : {"reading", "signed"}
    """

    def __init__(self, result: CohortResult, chosen: Sequence[str] | None = None, kind: str = "reading"):
        self.result, self.kind = result, kind
        self.chosen = None if chosen is None else tuple(chosen)
        self.title, self.simulated = result.title, result.simulated
        self.groups, self.positive, self.methods = result.groups, result.positive, result.methods
        self.grid = result.grid
        stamp = _stamp(result.folder)
        self.key = hashlib.sha256(repr((str(result.folder), stamp, kind, self.chosen)).encode()).hexdigest()

    def ids(self, method: str, group: str | None = None) -> list[str]:
        """Scans that are averaged, in order."""
        known = self.result.ids(method, group)
        wanted = None if self.chosen is None else set(self.chosen)
        return known if wanted is None else [i for i in known if i in wanted]

    def n(self, method: str, group: str) -> int:
        return self.result.n(method, group) if self.chosen is None else len(self.ids(method, group))

    def reading(self, method: str) -> str:
        return self.result.reading(method)

    def explained_words(self, method: str) -> str:
        return self.result.explained_words(method)

    def caveats(self) -> tuple[str, ...]:
        return self.result.caveats()

    def meaning(self, method: str) -> Meaning:
        return self.result.meaning(method)

    def why_no_test(self, method: str) -> str:
        return self.result.why_no_test(method) if self.pair else ""

    def hidden_words(self, method: str) -> str:
        if self.kind == "signed" or self.reading(method) != "positive":
            return ""
        ids = self.ids(method)
        shown, signed = (self.result.areas(method, value=v).loc[ids].to_numpy() for v in ("sum", "signed_sum"))
        hidden, total = float(np.nansum(shown - signed)), float(np.nansum(2 * shown - signed))
        if not hidden > 0 or not total > 0:
            return ""
        against = self.meaning(method).ends[0]
        return f"Hidden: what {against}, {percent(hidden / total)} of the relevance in all areas."

    def mean(self, method: str, group: str) -> Volume:
        return self._moment(method, group, "mean", 0)

    def std(self, method: str, group: str) -> Volume | None:
        return self._moment(method, group, "std", 1) if self.n(method, group) > 1 else None

    def _moment(self, method: str, group: str, what: str, place: int) -> Volume:
        if self.chosen is None:
            return _stored(self.key, method, group, what, self.result, self.kind)
        found = _memory().get((self.key, method, group))
        if found is None:  # pushed out by other sessions meanwhile
            found = self.result.moments_of(method, self.ids(method, group), self.kind)
            _memory().put((self.key, method, group), found, KEPT)
        return found[place]

    def missing(self, methods: Sequence[str]) -> list[tuple[str, str]]:
        """Averages of chosen scans that are still to be made."""
        if self.chosen is None:
            return []
        wanted = [(m, g) for m in methods for g in self.groups if self.ids(m, g)]
        return [place for place in wanted if _memory().get((self.key, *place)) is None]

    def make(self, places: Sequence[tuple[str, str]], progress: Progress | None, cancel: Cancel | None) -> None:
        """Average chosen scans; maps are streamed."""
        total = sum(len(self.ids(*place)) for place in places)
        before = 0
        for place in places:
            check_cancel(cancel)
            ids = self.ids(*place)

            def part(done: int, _: int, before: int = before) -> None:
                tell(progress, before + done, total)

            made = self.result.moments_of(place[0], ids, self.kind, progress=part, cancel=cancel)
            _memory().put((self.key, *place), made, max(KEPT, 2 * len(places)))
            before += len(ids)


def open_result(folder: Path) -> CohortResult | None:
    """The results in a folder, read anew when anything of them has changed; None if there are none."""
    return _open_result(str(folder), _stamp(folder)) if (folder / "run.json").is_file() else None


def _stamp(folder: Path) -> str:
    """A text that changes when the tables or the averages of a cohort do."""
    names = ("run.json", "subjects.tsv", "groups.tsv", "areas.parquet")
    return file_stamp([*(folder / name for name in names), *sorted((folder / "groups").glob("*.nii.gz"))], read=0)


@st.cache_resource(max_entries=8, show_spinner=False)
def _open_result(folder: str, stamp: str) -> CohortResult:
    return open_cohort(folder)


def averages_ready(view: View, methods: Sequence[str], *, below: bool = False) -> bool:
    """Whether averages are at hand; if not, they are made in the background, and the page tells how far that is.

    `below`: the planes stand above and have asked first; what they need is made, and shown to be made, before.
    """
    places = view.missing(methods) if isinstance(view, StudyView) else []
    if not below:
        st.session_state[PLANES_WAIT] = bool(places)
    if not places:
        return True
    if below and st.session_state.get(PLANES_WAIT):
        st.caption("The averages above are made first.")
        return False
    key = view.key + ",".join(methods)
    before = current_job("cohort_means")
    ended_early = before is not None and before.key == key and before.ended_early
    if not ended_early or st.button("Compute the averages", icon=":material/replay:", key="compute_means"):
        n = len(view.chosen)
        start_job(
            "cohort_means", f"Averages of {n} scans, maps", key, lambda p, c: view.make(places, p, c), shared=True
        )
    watch("cohort_means", key)
    return current_job("cohort_means") is None  # what ended well is forgotten
