"""Averages of a run on the cohort page, or of some of its scans: read, or made in the background."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from mriinterp.base.fingerprint import file_stamp
from mriinterp.base.map_parts import SIZES
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.cohort import CohortResult, open_cohort
from mriinterp.cohort.kinds import PART_KINDS
from mriinterp.cohort.packed import PACKED
from mriinterp.cohort.result import POOLED
from mriinterp.cohort.sample import draw_sample
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import Meaning
from mriinterp.results.home import default_folder
from mriinterp.study import Study
from mriinterp.ui.base.jobs import current_job, start_job, watch
from mriinterp.ui.cohort.data import View
from mriinterp.ui.session.keys import PLANES_WAIT

__all__ = ["StudyView", "averages_ready", "folder_of", "open_result"]

KEPT = 32  # averages of chosen scans held in memory: 14 MB a volume at 1.5 mm, two to four each

Moments = dict[str, tuple[Volume, Volume]]  # mean and deviation, by kind


class _Memory:
    """Averages of chosen scans: made once, the last few kept, shared by sessions."""

    def __init__(self):
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple, Moments] = OrderedDict()

    def get(self, key: tuple) -> Moments | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple, value: Moments, limit: int) -> None:
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > limit:
                self._kept.popitem(last=False)


@st.cache_resource(show_spinner=False)
def _memory() -> _Memory:
    return _Memory()


@st.cache_resource(max_entries=48, show_spinner=False)
def _stored(key: str, method: str, group: str, what: str, kind: str, _result: CohortResult) -> Volume:
    return getattr(_result, what)(method, group, kind)


class StudyView(View):
    """A cohort's results, or those of some of its scans.

    Parameters
    ----------
    result : CohortResult
    chosen : sequence of str, optional
        Scans that are averaged; None: all.
    part : {"both", "supports", "against"}
    """

    def __init__(self, result: CohortResult, chosen: Sequence[str] | None = None, part: str = "both"):
        self.result, self.part = result, part
        self.kind, self.size_kind = PART_KINDS[part], SIZES[part]
        self.chosen = None if chosen is None else tuple(chosen)
        self.title, self.simulated = result.title, result.simulated
        self.groups, self.positive, self.methods = result.groups, result.positive, result.methods
        self.grid = result.grid
        self.scans_key = hashlib.sha256(
            repr((str(result.folder), _stamp(result.folder), self.chosen, self.groups, self.positive)).encode()
        ).hexdigest()
        self.key = f"{self.scans_key} {part}"

    @property
    def packed(self) -> bool:
        """Whether these are averages and tables alone, as they are shipped with the package or sent round."""
        return PACKED in self.result.run

    def by_fold(self) -> dict[str, StudyView]:
        """Return the averages of each fold, where these are of all folds together and of all their scans."""
        if self.chosen is not None:
            return {}
        found = {name: open_result(self.result.folder / name) for name in self.result.run.get(POOLED, ())}
        return {name.replace("fold", "fold "): StudyView(one, part=self.part) for name, one in found.items() if one}

    def with_part(self, part: str) -> StudyView:
        return self if part == self.part else StudyView(self.result, self.chosen, part)

    def ids(self, method: str, group: str | None = None) -> list[str]:
        """Return scans that are averaged, in order."""
        known = self.result.ids(method, group)
        wanted = None if self.chosen is None else set(self.chosen)
        return known if wanted is None else [i for i in known if i in wanted]

    def n(self, method: str, group: str) -> int:
        return self.result.n(method, group) if self.chosen is None else len(self.ids(method, group))

    def explained_words(self, method: str) -> str:
        return self.result.explained_words(method)

    def caveats(self) -> tuple[str, ...]:
        return self.result.caveats()

    def meaning(self, method: str) -> Meaning:
        return self.result.meaning(method)

    def why_no_test(self, method: str) -> str:
        return self.result.why_no_test(method) if self.pair else ""

    def part_shares(self, method: str) -> dict[str, float] | None:
        return _part_shares(self.scans_key, method, self)

    def usual_covariates(self, method: str) -> tuple[str, ...]:
        """Return what is held fixed in tests of a method unless it is chosen; errors as of `draw_sample`."""
        return _usual_covariates(self.scans_key, method, self)

    def mean(self, method: str, group: str) -> Volume:
        found = self._moment(method, group, "mean", self.kind)
        return found.with_data(-found.data) if self.part == "against" else found

    def size(self, method: str, group: str) -> Volume:
        return self._moment(method, group, "mean", self.size_kind)

    def published(self, method: str, group: str) -> Volume | None:
        return self._moment(method, group, "mean", "reading") if self.chosen is None else None

    def std(self, method: str, group: str) -> Volume | None:
        """Return standard deviation; None for one map, and where it is still to be made (`missing` with `spread`)."""
        if self.n(method, group) < 2 or self.packed:
            return None
        if self.chosen is None and not self.result.is_kept(method, self.kind) and self._made(method, group) is None:
            return None
        return self._moment(method, group, "std", self.kind)

    def _made(self, method: str, group: str) -> Moments | None:
        return _memory().get((self.key, method, group))

    def _moment(self, method: str, group: str, what: str, kind: str) -> Volume:
        kept = what == "mean" or self.result.is_kept(method, kind)
        if self.chosen is None and kept:
            return _stored(self.scans_key, method, group, what, kind, self.result)
        found = self._made(method, group)
        if found is None:  # pushed out by other sessions meanwhile
            found = self.result.moments_by_kind(method, self.ids(method, group), self._kinds)
            _memory().put((self.key, method, group), found, KEPT)
        return found[kind][("mean", "std").index(what)]

    @property
    def _kinds(self) -> tuple[str, ...]:
        """What is made of chosen scans: what is shown, and its size."""
        return tuple(dict.fromkeys((self.kind, self.size_kind)))

    def missing(self, methods: Sequence[str], *, spread: bool = False) -> list[tuple[str, str]]:
        """Return the averages still to be made: of chosen scans, or with `spread` of deviations that are not kept."""
        wanted = [(m, g) for m in methods for g in self.groups if self.ids(m, g)]
        if self.chosen is None:
            if not spread or not self.result.has_maps:
                return []
            wanted = [(m, g) for m, g in wanted if not self.result.is_kept(m, self.kind) and self.n(m, g) > 1]
        return [place for place in wanted if self._made(*place) is None]

    def make(self, places: Sequence[tuple[str, str]], progress: Progress | None, cancel: Cancel | None) -> None:
        """Average chosen scans; maps are streamed."""
        total = sum(len(self.ids(*place)) for place in places)
        before = 0
        for place in places:
            check_cancel(cancel)
            ids = self.ids(*place)

            def part(done: int, _: int, before: int = before) -> None:
                tell(progress, before + done, total)

            made = self.result.moments_by_kind(place[0], ids, self._kinds, progress=part, cancel=cancel)
            _memory().put((self.key, *place), made, max(KEPT, 2 * len(places)))
            before += len(ids)


@st.cache_data(max_entries=64, show_spinner=False)
def _part_shares(key: str, method: str, _view: StudyView) -> dict[str, float]:
    return _view.result.part_shares(method, _view.ids(method))


@st.cache_data(max_entries=64, show_spinner=False)
def _usual_covariates(key: str, method: str, _view: StudyView) -> tuple[str, ...]:
    return tuple(draw_sample(_view.result, method, ids=_view.chosen).used)


def folder_of(study: Study) -> Path:
    """Return where a study's cohort is: in its own output folder, as the command line has it, else in the app's."""
    return default_folder() / "cohorts" / study.name if study.output is None else study.output / "cohort"


def open_result(folder: Path, pair: tuple[str, str] | None = None) -> CohortResult | None:
    """Return the results in a folder, read anew when anything of them has changed; None if there are none.

    `pair`: the groups that are compared; None: as the run had it.
    """
    return _open_result(str(folder), _stamp(folder), pair) if (folder / "run.json").is_file() else None


def _stamp(folder: Path) -> str:
    """Return a text that changes when the tables or the averages of a cohort do."""
    names = ("run.json", "subjects.tsv", "groups.tsv", "areas.parquet")
    return file_stamp([*(folder / name for name in names), *sorted((folder / "groups").glob("*.nii.gz"))], read=0)


@st.cache_resource(max_entries=8, show_spinner=False)
def _open_result(folder: str, stamp: str, pair: tuple[str, str] | None) -> CohortResult:
    return open_cohort(folder, pair=pair)


def averages_ready(view: View, methods: Sequence[str], *, below: bool = False, spread: bool = False) -> bool:
    """Return whether averages are at hand; if not, make them in the background, with a progress bar.

    `spread`: their deviations, too. `below`: the planes stand above and have asked first; what they need is made, and shown to be made, before.
    """
    if not isinstance(view, StudyView):
        return True
    places = view.missing(methods, spread=spread)
    if not below:
        PLANES_WAIT.put(bool(places))
    if not places:
        return True
    if below and PLANES_WAIT.get():
        st.caption("The averages above are made first.")
        return False
    key = view.key + ",".join(methods)
    before = current_job("cohort_means")
    ended_early = before is not None and before.key == key and before.ended_early
    if not ended_early or st.button("Compute the averages", icon=":material/replay:", key="compute_means"):
        n = len({scan for place in places for scan in view.ids(*place)})
        start_job(
            "cohort_means", f"Averages of {n} scans, maps", key, lambda p, c: view.make(places, p, c), shared=True
        )
    watch("cohort_means", key)
    return current_job("cohort_means") is None  # what ended well is forgotten
