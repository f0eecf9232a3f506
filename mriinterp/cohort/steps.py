"""The steps of a cohort run: what is missing, what was made, averages, tables."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from mriinterp.areas.atlas import Atlas
from mriinterp.base.atomic import write_text
from mriinterp.base.progress import check_cancel, tell
from mriinterp.cohort.choose import MethodChoice
from mriinterp.cohort.finish import (
    group_table,
    performance,
    provenance,
    subject_rows,
    write_area_table,
    write_description,
    write_tsv,
)
from mriinterp.cohort.fold import Fold, fold_all, fold_group, folded_keys
from mriinterp.cohort.plan import Item, Plan, plan_digest
from mriinterp.cohort.pool import Workers, explain_all, run_all
from mriinterp.cohort.record import Record, read_record
from mriinterp.cohort.work import Outcome, is_current, map_key
from mriinterp.image.space import MNI_CORRELATION
from mriinterp.image.volume import Grid, Volume
from mriinterp.models import Model, Prediction

__all__ = ["CohortRun"]

ROUNDS = 3  # a second one only if scans changed during the first


class CohortRun:
    """The state of `run_cohort`."""

    def __init__(self, plan: Plan, model: Model, atlas: Atlas, progress, cancel, scratch_limit: int):
        self.plan, self.model, self.atlas = plan, model, atlas
        self.progress, self.cancel, self.scratch_limit = progress, cancel, scratch_limit
        self.layout, self.keep_maps = plan.task.layout, plan.task.keep_maps
        self.reference = plan.task.reference.load() if plan.task.reference is not None else None
        self.failures: dict[str, dict[str, str]] = {}
        self.predictions: dict[str, Prediction] = {}
        self.records: dict[tuple[str, str], str] = {}  # (scan, method) → key of the map on disk
        self.computed = 0
        self.waiting = 0  # bytes in the scratch folder
        self.grid = _canonical(model.grid)
        self.maps = 0  # to be made by this run
        self.folds = len(plan.methods) * len(plan.groups)

    def compute(self, crew: Workers) -> None:
        """Make every map that is missing."""
        for _ in range(ROUNDS):
            items = self.missing()
            if not items:
                return
            self.maps += sum(len(i.methods) for i in items)
            explain_all(
                self.plan.task,
                items,
                crew,
                progress=lambda done, here: tell(self.progress, self.maps - here + done, self.maps + self.folds),
                cancel=self.cancel,
                finished=self.finished,
            )
        left = [i.id for i in self.missing()]
        if left:
            raise ValueError(
                f"expected scans that stay as they are during a run, got other ones: {', '.join(left[:10])}"
            )

    def finished(self, outcomes: list[Outcome]) -> None:
        """Take note of scans that are done."""
        for outcome in outcomes:
            if outcome.failures:
                self.failures[outcome.id] = outcome.failures
            if outcome.prediction is not None and not outcome.computed:  # else it stands in the map's record
                self.predictions[outcome.id] = outcome.prediction
            self.records.update({(outcome.id, method): key for method, key in outcome.keys.items()})
            self.computed += len(outcome.computed)
            if not self.keep_maps:
                self.waiting += len(outcome.computed) * int(np.prod(self.grid.shape)) * 4
        if self.waiting > self.scratch_limit:
            self._fold_beginning()

    def missing(self) -> list[Item]:
        """Scans and methods still to be computed; `records` is filled with those that are there."""
        self.records.clear()
        folded = {} if self.keep_maps else self._folded()
        missing = []
        for item in self.plan.items:
            check_cancel(self.cancel)
            digest = self._seen_digest(item)
            failed = self.failures.get(item.id, {})
            wanted = []
            for choice in self.plan.methods:
                key = self._key(item, choice, digest) if digest else None
                if self._is_there(item, choice, key, folded):
                    self.records[item.id, choice.name] = key
                elif "scan" not in failed and choice.name not in failed:
                    wanted.append(choice.name)
            if wanted:
                missing.append(replace(item, methods=tuple(wanted)))
        if not self.keep_maps and self._drop_stale(folded):
            return self.missing()
        return missing

    def _seen_digest(self, item: Item) -> str | None:
        """Digest of the scan, if it has been read, was where it has to be, and has not changed since."""
        try:
            seen = json.loads(self.layout.seen(item.label).read_text(encoding="utf-8"))
            if self.plan.task.check_space and not seen.get("mni", -1.0) >= MNI_CORRELATION:
                return None  # an earlier run did not look
            return seen["sha256"] if seen["fingerprint"] == item.source.fingerprint() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _key(self, item: Item, choice: MethodChoice, digest: str) -> str:
        return map_key(self.model, digest, choice, item.target, self.atlas, self.reference)

    def _is_there(self, item: Item, choice: MethodChoice, key: str | None, folded: dict) -> bool:
        if key is None or not is_current(self._record(item, choice.name), key, self.atlas):
            return False
        if self.keep_maps or key in folded[choice.name, item.group]:
            return True
        return self.layout.scratch(item.label, choice.name).is_file()

    def _record(self, item: Item, method: str) -> Record | None:
        return read_record(self.layout, item.label, method, self.keep_maps)

    def _folded(self) -> dict[tuple[str, str], set[str]]:
        """Keys in the running moments of every method and group."""
        return {
            (c.name, g): set(folded_keys(self.layout, c.name, self.plan.labels[g]))
            for c in self.plan.methods
            for g in self.plan.groups
        }

    def _drop_stale(self, folded: dict[tuple[str, str], set[str]]) -> bool:
        """Forget running moments that hold a map nobody wants any more; whether there were any."""
        groups = {item.id: item.group for item in self.plan.items}
        wanted: dict[tuple[str, str], set[str]] = {}
        for (scan, method), key in self.records.items():
            wanted.setdefault((method, groups[scan]), set()).add(key)
        unsure = {i.group for i in self.plan.items if self._seen_digest(i) is None and i.id not in self.failures}
        dropped = False
        for (method, group), keys in folded.items():
            if keys and group not in unsure and not keys <= wanted.get((method, group), set()):
                self.layout.moments(method, self.plan.labels[group]).unlink(missing_ok=True)
                dropped = True
        return dropped

    def _fold(self, choice: MethodChoice, group: str, items: Sequence[Item], finish: bool = True) -> Fold:
        members = tuple(
            (i.label, self.records[i.id, choice.name])
            for i in items
            if i.group == group and (i.id, choice.name) in self.records
        )
        affine = tuple(tuple(map(float, row)) for row in self.grid.affine)
        return Fold(
            self.layout,
            choice.name,
            group,
            self.plan.labels[group],
            choice.parts,
            members,
            self.keep_maps,
            affine,
            finish,
        )

    def _fold_beginning(self) -> None:
        """Average the maps that wait, as far as all scans before them are done: the order stays that of the plan."""
        self.waiting = 0
        for choice in self.plan.methods:
            done = []
            for item in self.plan.items:
                failed = self.failures.get(item.id, {})
                if (item.id, choice.name) not in self.records and not {"scan", choice.name} & failed.keys():
                    break
                done.append(item)
            for group in self.plan.groups:
                fold_group(self._fold(choice, group, done, finish=False), self.cancel)

    def fold(self, crew: Workers) -> None:
        """Average every group of every method."""
        if not self.records:
            reasons = "; ".join(f"{i}: {next(iter(f.values()))}" for i, f in list(self.failures.items())[:5])
            raise ValueError(
                f"expected at least one scan that can be explained, got none of {len(self.plan.items)}: {reasons}"
            )
        folds = [self._fold(c, g, self.plan.items) for c in self.plan.methods for g in self.plan.groups]
        run_all(
            crew,
            fold_group,
            folds,
            progress=lambda done, _: tell(self.progress, self.maps + done, self.maps + self.folds),
            cancel=self.cancel,
        )
        for choice in self.plan.methods:
            counts = {f.label: len(f.members) for f in folds if f.method == choice.name}
            fold_all(self.layout, choice.name, counts, choice.parts, self.grid)

    def write_tables(self, started: float) -> None:
        """Write tables and, last, the provenance."""
        plan, layout = self.plan, self.layout
        subjects = subject_rows(plan, self.model, self.records, self.predictions, self.failures)
        groups = group_table(plan, subjects)
        write_tsv(subjects, layout.subjects)
        write_tsv(groups, layout.groups)
        write_area_table(plan, self.records, layout.table, cancel=self.cancel)
        write_description(plan, layout.description)
        entries = {
            **provenance(plan, self.model, self.atlas.name),
            "scans": len(plan.items),
            "failed": {scan: self.failures[scan] for scan in sorted(self.failures)},
            "counts": {
                c.name: {g: len(self._fold(c, g, plan.items).members) for g in plan.groups} for c in plan.methods
            },
            "performance": performance(plan, subjects),
            "grid": {"shape": list(self.grid.shape), "affine": self.grid.affine.tolist()},
            "labels": plan.labels,
            "plan_sha256": plan_digest(plan),
            "maps_computed": self.computed,
            "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
            "seconds": round(time.time() - started, 1),
        }
        write_text(layout.run, json.dumps(entries, indent=1, ensure_ascii=False, default=str) + "\n")


def _canonical(grid: Grid) -> Grid:
    """The grid of maps: the network's, in RAS+ order."""
    return Volume(np.broadcast_to(np.zeros((), bool), grid.shape), grid.affine).canonical().grid
