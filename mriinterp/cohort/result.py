"""Read a cohort's folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from mriinterp.base.errors import as_sentence
from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.base.numerals import decimals
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.cohort.kinds import part_of_kind, reading_of_kind
from mriinterp.cohort.layout import Layout
from mriinterp.cohort.moments import MapMoments
from mriinterp.cohort.provenance import read_provenance
from mriinterp.cohort.record import read_map
from mriinterp.cohort.result_tables import PART, CohortTables
from mriinterp.image.volume import Volume
from mriinterp.methods import get_method, method_names
from mriinterp.methods.meaning import Meaning
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.sidecar import from_sidecar

__all__ = ["AGREEMENT", "PART", "POOLED", "CohortResult", "open_cohort"]

POOLED = "pooled"  # an entry of run.json: the folders of several cohorts
AGREEMENT = "agreement"  # of the folds, an entry of run.json


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


def _two(value: float | None) -> str:
    """Return a number with two digits; in words where it is not defined."""
    return "not defined" if value is None else decimals(value, 2)


class CohortResult(CohortTables):
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
        notes = map(as_sentence, (*self.network_notes, *self.method_notes.values(), *self.warning_lines()))
        return (*explained, *reasons, *training, *((SIMULATED_ONLY,) if self.withheld else ()), *notes)

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
    def method_notes(self) -> dict[str, str]:
        """What is wrong with the parameters of methods on this grid, by method, e.g. tissue that is never hidden."""
        known = [(name, get_method(name)) for name in self.methods if name in method_names()]
        found = {name: (entry.label, entry.warning(self.grid.shape, self.params(name))) for name, entry in known}
        return {name: f"{label}: {warning}" for name, (label, warning) in found.items() if warning}

    def meaning(self, method: str) -> Meaning:
        """Return words for the values of a method's maps, and whether they have two signs."""
        if method not in self._signed:
            self._check(method)
            against = self.part_shares(method)["against"] if self.n(method) else 0.0
            outside = self.n(method) and not against > 0 and bool((self.all_mean(method, "signed").data < 0).any())
            self._signed[method] = against > 0 or bool(outside)
        return replace(super().meaning(method), signed=self._signed[method])

    @cached_property
    def _signed(self) -> dict[str, bool]:
        return {}

    def hidden_words(self, method: str, kind: str = "reading", ids: Iterable[str] | None = None) -> str:
        """Return which sign of the maps a kind of average leaves out, and its share; "" if none.

        Parameters
        ----------
        kind : str
            As of `mean`.
        ids : iterable of str, optional
            Scans that are averaged; default: all.
        """
        part = part_of_kind(kind, self.reading(method))
        other = {"supports": "against", "against": "supports"}.get(part or "")
        if part is None or other is None:
            return ""
        share = self.part_shares(method, ids)[other]
        return self.meaning(method).hidden_words(part, share, "the relevance in all areas")

    def agreement_words(self, method: str) -> str:
        """Return how alike the folds' averages of a method are, in a sentence; "" of other cohorts."""
        rows = [row for row in self.run.get(AGREEMENT, ()) if row["method"] == method]
        parts = [
            f"{row['group']}: areas ICC {_two(row['icc_areas'])}, ρ {_two(row['rho_areas'])}; maps ICC "
            f"{_two(row['icc_maps'])}, ρ {_two(row['rho_maps'])}"
            for row in rows
        ]
        return f"Agreement of {rows[0]['folds']} folds, {' | '.join(parts)}." if rows else ""

    def layout_of(self, subject: str) -> Layout:
        """Return where the map of a scan lies: in the folder of its fold, where several cohorts are pooled."""
        if POOLED not in self.run:
            return self.layout
        part = self.subjects.at[subject, PART]
        if part not in self.run[POOLED]:
            raise ValueError(f"expected a fold of {', '.join(self.run[POOLED])} for {subject}, got {part!r}")
        return Layout(self.folder / part, self.layout.space)

    def map(self, method: str, subject: str, *, images: bool = True) -> RelevanceMap:
        """Return the map of one scan, with the part of each image where the network reads several.

        Parameters
        ----------
        method, subject : str
        images : bool
            Read the parts, too.

        Raises
        ------
        KeyError
            If it has none.
        ValueError
            If maps were not kept, or one is damaged.
        """
        self._check(method)
        if not self.has_maps:
            raise ValueError("expected maps of single scans, got a cohort that was run without keeping them")
        if subject not in self.subjects.index:
            raise KeyError(f"expected a scan of this cohort, got {subject!r}")
        label = self.subjects.loc[subject, "label"]
        layout = self.layout_of(subject)
        path = layout.record(label, method)
        if not path.is_file():
            raise KeyError(
                f"expected a map of {method} for {subject}, got none: {self.subjects.loc[subject, 'failure']}"
            )
        volume, entries = read_map(layout, label, method)
        parts = entries.get("images", {}) if images else {}
        return from_sidecar(entries, volume, {name: read_map(layout, label, method, name)[0] for name in parts})

    def maps(self, method: str, ids: Iterable[str] | None = None) -> Iterator[RelevanceMap]:
        """Yield maps one after the other; only one is in memory."""
        for subject in self.ids(method) if ids is None else ids:
            yield self.map(method, subject, images=False)

    def moments_by_kind(
        self,
        method: str,
        ids: Sequence[str],
        kinds: Sequence[str],
        *,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> dict[str, tuple[Volume, Volume]]:
        """Return mean and standard deviation by kind over chosen scans, from one pass over their maps.

        ValueError for no scan at all; the deviation of a single one is 0.
        """
        ids = list(ids)
        if not ids:
            raise ValueError("expected at least one scan to average, got none")
        parts = {kind: reading_of_kind(kind, self.reading(method)) for kind in kinds}
        moments = MapMoments(tuple(dict.fromkeys(parts.values())))
        for done, subject in enumerate(ids, start=1):
            check_cancel(cancel)
            moments.add(self.map(method, subject).volume.data)
            tell(progress, done, len(ids))
        affine = self.grid.affine
        return {
            kind: (Volume(moments.mean(part), affine), Volume(moments.deviation(part), affine))
            for kind, part in parts.items()
        }
