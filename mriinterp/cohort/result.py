"""A cohort's folder, read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from mriinterp.base.errors import as_sentence
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.base.tables import read_tsv
from mriinterp.cohort.area_values import areas_by_scan
from mriinterp.cohort.fold import read_group_map
from mriinterp.cohort.moments import MapMoments
from mriinterp.cohort.provenance import Provenance, read_provenance
from mriinterp.cohort.record import read_map
from mriinterp.compare import distance_matrix, paired_values
from mriinterp.explain import RelevanceMap
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method, method_names
from mriinterp.results.sidecar import SIMULATED_ONLY, from_sidecar
from mriinterp.stats import hedges_g_from_moments

__all__ = ["CohortResult", "open_cohort"]

SUBJECT_TEXT = (
    "id", "subject", "group", "sex", "visit", "split", "label", "class", "predicted", "target", "failure",
    "warnings",
)  # fmt: skip
KINDS = ("reading", "signed")


def open_cohort(folder: str | Path, *, pair: Sequence[str] | None = None) -> CohortResult:
    """Return the results in a folder that `mriinterp.cohort.run_cohort` filled.

    Parameters
    ----------
    folder : path
    pair : (str, str), optional
        The groups that are compared, the first with the second; default: as
        the run had it. ``run["performance"]`` stays that of the run.

    Raises
    ------
    KeyError
        For a group that is not there.
    FileNotFoundError
        If there is no finished run in it.
    ValueError
        If its provenance is damaged, or an older version wrote it.
    """
    folder = Path(folder)
    return CohortResult(folder, read_provenance(folder, pair))


class CohortResult(Provenance):
    """Results of a cohort; everything is read when it is asked for.

    Parameters
    ----------
    folder : Path
    run : dict
        Provenance, as in ``run.json``.
    """

    def caveats(self, methods: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return what a reader must know of these maps, in sentences: for captions, reports, notes.

        Parameters
        ----------
        methods : iterable of str, optional
            Those that are shown; default: all.
        """
        shown = tuple(methods or self.methods)
        explained = dict.fromkeys(as_sentence(w) for w in map(self.explained_words, shown))
        reasons = dict.fromkeys(filter(None, map(self.why_no_test, shown))) if self.positive else ()
        trained = int(self.subjects["training"].sum())
        training = (f"{trained} of the {len(self.subjects)} scans trained the network.",) if trained else ()
        notes = map(as_sentence, (*self.network_notes, *self.method_notes, *self.warning_lines()))
        return (*explained, *reasons, *training, *((SIMULATED_ONLY,) if self.withheld else ()), *notes)

    def _part(self, method: str, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"expected a kind of mean, got {kind!r}; available: {', '.join(KINDS)}")
        return self.reading(method) if kind == "reading" else "signed"

    def _read(self, method: str, group: str | None, kind: str, what: str, least: int) -> Volume:
        part = self._part(method, kind) if what != "count" else ""
        n = self.n(method, group)
        if n < least:
            whose = f"group {group}" if group else "this cohort"
            raise ValueError(f"expected {least} or more maps of {method} for a {what}, got {n} in {whose}")
        label = self.run["labels"][group] if group else ""
        return read_group_map(self.layout.group(method, label, part, what))

    def mean(self, method: str, group: str, kind: str = "reading") -> Volume:
        """Return the mean map of a group.

        Parameters
        ----------
        kind : {"reading", "signed"}
            Mean of the method's reading of each map (|gradient|, positive
            part of occlusion), or of the signed maps.

        Raises
        ------
        KeyError
            Unknown method or group.
        ValueError
            A group without maps: see `n`.
        """
        return self._read(method, group, kind, "mean", 1)

    def std(self, method: str, group: str, kind: str = "reading") -> Volume:
        """Return the sample standard deviation over the maps of a group; ValueError for fewer than two."""
        return self._read(method, group, kind, "std", 2)

    def count(self, method: str, group: str) -> Volume:
        """Return the number of maps in each voxel of a group's mean; 0 everywhere for an empty group."""
        if self.n(method, group) == 0:
            return Volume(np.zeros(self.grid.shape, np.float32), self.grid.affine)
        return self._read(method, group, "reading", "count", 1)

    def all_mean(self, method: str, kind: str = "reading") -> Volume:
        """Return the mean map over all groups."""
        return self._read(method, None, kind, "mean", 1)

    def difference(self, method: str, kind: str = "reading") -> Volume:
        """Return the mean of the positive group minus that of the reference group.

        ValueError where maps explain different outputs: see `why_no_test`.
        """
        self.check_testable(method)
        a, b = self.mean(method, self._positive(), kind), self.mean(method, self.reference_group, kind)
        return a.with_data(a.data - b.data)

    def effect(self, method: str, kind: str = "reading") -> Volume:
        """Return Hedges' g of every voxel, positive against reference group; 0 where nobody differs.

        ValueError for a group of fewer than two maps, and where maps explain
        different outputs: see `why_no_test`.
        """
        self.check_testable(method)
        sides = []
        for group in (self._positive(), self.reference_group):
            std = self.std(method, group, kind).data.astype(np.float64)
            sides += [self.mean(method, group, kind).data.astype(np.float64), std**2, self.n(method, group)]
        g = np.nan_to_num(hedges_g_from_moments(*sides), nan=0.0, posinf=0.0, neginf=0.0)
        return Volume(g.astype(np.float32), self.grid.affine)

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """One row a scan, index id: group, sex, age, training, predicted, correct (bool or missing), p_CLASS, failure …"""
        table = read_tsv(self.layout.subjects, SUBJECT_TEXT)
        words = table["correct"].astype(object).map({"true": True, "false": False, True: True, False: False})
        table["correct"] = words.astype("boolean")
        table["training"] = table["training"].astype(str).str.lower() == "true"
        for column in table.columns.intersection(["failure", "warnings", "sex", "visit", "split"]):
            table[column] = table[column].fillna("").astype(str)
        return table.set_index("id", drop=False)

    @cached_property
    def group_table(self) -> pd.DataFrame:
        """One row a group, index group: scans, people, failed, judged, correct, share_correct with low and high."""
        table = read_tsv(self.layout.groups, ["group"])
        return table.set_index("group", drop=False)

    @property
    def outside_space(self) -> dict[str, float]:
        """Scans that were explained although they do not match the MNI template, with their correlation."""
        return self.run.get("outside_space", {})

    @property
    def failures(self) -> dict[str, dict[str, str]]:
        """Why scans, or maps of single methods, were left out."""
        return self.run["failed"]

    @property
    def warnings(self) -> dict[str, str]:
        """What is doubtful about a scan, so that its map may be wrong, by scan."""
        return self.run.get("warnings", {})

    def warning_lines(self, most: int = 10) -> list[str]:
        """Return `warnings` as lines to show: at most so many scans, and how many there are in all."""
        lines = [f"scan {scan}: {text}" for scan, text in list(self.warnings.items())[:most]]
        if len(self.warnings) > most:
            lines.append(f"{len(self.warnings)} scans in all are doubtful, see {self.layout.subjects.name}")
        return lines

    @property
    def network_notes(self) -> tuple[str, ...]:
        """What was found out about the network, as of `mriinterp.models.Model`, with its name."""
        return tuple(f"network {self.run['model']['name']}: {note}" for note in self.run["model"].get("notes", ()))

    @property
    def method_notes(self) -> tuple[str, ...]:
        """What is wrong with the parameters of methods on this grid, e.g. tissue that is never hidden."""
        known = [(name, get_method(name)) for name in self.methods if name in method_names()]
        found = [(entry.label, entry.warning(self.grid.shape, self.params(name))) for name, entry in known]
        return tuple(f"{label}: {warning}" for label, warning in found if warning)

    def area_rows(self, method: str) -> pd.DataFrame:
        """Return the stored table of areas: one row a scan and area, hemispheres apart."""
        self._check(method)
        return pd.read_parquet(self.layout.table, filters=[("method", "==", method)]).reset_index(drop=True)

    def areas(self, method: str, *, merge_hemispheres: bool = True, value: str = "share") -> pd.DataFrame:
        """Return the relevance per area of every scan.

        Parameters
        ----------
        merge_hemispheres : bool
        value : {"share", "sum", "mean", "signed_sum", "signed_mean"}
            Share of the reading's sum over all areas; sum or mean of a voxel
            of the reading, and of the signed map.

        Returns
        -------
        DataFrame
            Scans (index, ids, in the order of `subjects`) × areas, in the atlas's order.
        """
        return areas_by_scan(self.area_rows(method), self.subjects.index, merge_hemispheres, value)

    def map(self, method: str, subject: str) -> RelevanceMap:
        """Return the map of one scan; KeyError if it has none, ValueError if maps were not kept or it is damaged."""
        self._check(method)
        if not self.has_maps:
            raise ValueError("expected maps of single scans, got a cohort that was run without keeping them")
        if subject not in self.subjects.index:
            raise KeyError(f"expected a scan of this cohort, got {subject!r}")
        label = self.subjects.loc[subject, "label"]
        path = self.layout.record(label, method)
        if not path.is_file():
            raise KeyError(
                f"expected a map of {method} for {subject}, got none: {self.subjects.loc[subject, 'failure']}"
            )
        volume, entries = read_map(self.layout, label, method)
        return from_sidecar(entries, volume)

    def ids(self, method: str, group: str | None = None) -> list[str]:
        """Return the scans that have a map of a method, in order."""
        self._check(method, group)
        rows = self.subjects
        failed = {i for i, why in self.failures.items() if "scan" in why or method in why}
        return [i for i in rows.index if i not in failed and (group is None or rows.at[i, "group"] == group)]

    def maps(self, method: str, ids: Iterable[str] | None = None) -> Iterator[RelevanceMap]:
        """Yield maps one after the other; only one is in memory."""
        for subject in self.ids(method) if ids is None else ids:
            yield self.map(method, subject)

    def moments_of(
        self,
        method: str,
        ids: Sequence[str],
        kind: str = "reading",
        *,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> tuple[Volume, Volume]:
        """Return mean and standard deviation over chosen scans (correct ones only, say), streamed from their maps.

        ValueError for no scan at all; the deviation of a single one is 0.
        """
        ids = list(ids)
        if not ids:
            raise ValueError("expected at least one scan to average, got none")
        part = self._part(method, kind)
        moments = MapMoments((part,))
        for done, subject in enumerate(ids, start=1):
            check_cancel(cancel)
            moments.add(self.map(method, subject).volume.data)
            tell(progress, done, len(ids))
        affine = self.grid.affine
        return Volume(moments.mean(part), affine), Volume(moments.deviation(part), affine)

    def means(self, group: str | None = None, kind: str = "reading") -> dict[str, Volume]:
        """Return the mean map of every method that has one, for a group or for all."""
        found = {m: m for m in self.methods if self.n(m, group) > 0}
        return {m: self.all_mean(m, kind) if group is None else self.mean(m, group, kind) for m in found}

    def distances(self, group: str, metric: str = "euclidean") -> pd.DataFrame:
        """Return how far apart the mean maps of a group are, methods × methods (see `mriinterp.compare.METRICS`)."""
        return distance_matrix(self.means(group), metric, reading="absolute", errors="nan")

    def group_distances(self, metric: str = "euclidean") -> pd.Series:
        """Return how far apart the mean maps of positive and reference group are, by method."""
        pair = [self.means(group) for group in (self._positive(), self.reference_group)]
        if not set(pair[0]) & set(pair[1]):
            return pd.Series(dtype=float, name=metric)
        return paired_values(*pair, metric, reading="absolute", errors="nan")
