"""Run methods over the scans of a study; stop and go on at any time."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mriinterp.atlas import Atlas
from mriinterp.atomic import write_text
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
from mriinterp.cohort.lock import only_run
from mriinterp.cohort.plan import Item, MethodChoice, Plan, choose_methods, make_plan, plan_digest
from mriinterp.cohort.pool import Workers, explain_all, run_all
from mriinterp.cohort.record import Record, read_record
from mriinterp.cohort.result import CohortResult, open_cohort
from mriinterp.cohort.work import Outcome, is_current, map_key, use_model
from mriinterp.models import Model, Prediction
from mriinterp.progress import Cancel, Progress, check_cancel, tell
from mriinterp.study import Study
from mriinterp.subjects.images import RESULTS_MARK
from mriinterp.volume import Grid, Volume

__all__ = ["run_cohort"]

SCRATCH_LIMIT = 2 * 2**30  # bytes of maps that wait for their group's mean, when maps are not kept
ROUNDS = 3  # a second one only if scans changed during the first

UNFINISHED = re.compile(r"^\..+\.[0-9a-f]{8}\.part$")  # as `mriinterp.atomic.replacing` names them

logger = logging.getLogger(__name__)


def run_cohort(
    study: Study,
    methods: Sequence[str],
    *,
    out: str | Path,
    split: str | None = None,
    target: str = "predicted",
    n: int | None = None,
    seed: int = 0,
    params: Mapping[str, Mapping[str, Any]] | None = None,
    preset: str | None = None,
    maps: bool = True,
    workers: int = 1,
    executor: Executor | None = None,
    device: str = "auto",
    threads: int = 1,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    scratch_limit: int = SCRATCH_LIMIT,
) -> CohortResult:
    """Explain every scan of a study and average the maps of each group.

    What is in `out` already and is what this call would make is not computed
    again: a run may be killed at any time, and the same call goes on. Two runs
    of the same scans, network and parameters leave the same bytes, however
    often they were interrupted and on however many workers (times stand in
    ``run.json`` alone), on machines whose processors and versions are alike.

    Parameters
    ----------
    study : Study
    methods : sequence of str
        Methods of an earlier run into the same folder stay in the tables if
        everything else is as it was.
    out : path
        Folder, made if need be.
    split : str, optional
        Only this split of the study; None or "all": all scans.
    target : str
        "predicted": each scan is explained for the class the network gives it
        (so a group's mean mixes targets where the network is wrong); "true":
        for the class of its group; or the name of one class for all.
    n, seed : int
        Only `n` scans, drawn at random, evenly from the groups.
    params : mapping of method to parameters, optional
        Where they differ from the defaults; occlusion has 40/40 here, as the
        original's cohort.
    preset : str, optional
        E.g. "rieke2018".
    maps : bool
        Keep a map a scan. Without them, averages and tables are the same.
    workers : int
        Processes; 1 computes in this one.
    executor : concurrent.futures.Executor, optional
        Of a cluster, e.g. ``dask.distributed.Client(…).get_executor()``;
        `out` and the scans must be reachable under the same paths there.
        `workers` then says how many pieces of work it takes at once.
    device : str
    threads : int
        CPU threads inside each worker. Other numbers, other last bits.
    progress : callable, optional
        ``progress(done, total)`` counts what is still to do: maps, then averages.
    cancel : callable, optional
        Raises `mriinterp.progress.Cancelled` within seconds; finished maps stay.
    scratch_limit : int
        Bytes on disk for maps that are not kept and wait to be averaged.

    Returns
    -------
    CohortResult

    Raises
    ------
    KeyError, ValueError
        For methods, parameters, targets and splits that do not exist, before
        anything is computed; or if not one scan could be explained.
    OSError
        If the disk does not take results.
    """
    started = time.time()
    out = Path(out)
    model, atlas = study.model(device), study.atlas()
    choices = choose_methods(methods, params, preset)
    with only_run(out / ".work"):
        _remove_leftovers(out)
        (out / RESULTS_MARK).touch()

        def planned(chosen: Sequence[MethodChoice]) -> Plan:
            return make_plan(
                study, chosen, model, atlas, out,
                split=split, target=target, n=n, seed=seed, maps=maps, device=device, threads=threads,
            )  # fmt: skip

        plan = planned(choices)
        plan = planned(_with_earlier(plan, choices))
        use_model(plan.task.model, device, model)
        run = _CohortRun(plan, model, atlas, progress, cancel, scratch_limit)
        with Workers(workers, executor) as crew:
            run.compute(crew)
            run.fold(crew)
        run.write_tables(started)
        _remove_leftovers(out)
    return open_cohort(out)


def _remove_leftovers(out: Path) -> None:
    """Remove files that a killed run had not finished writing."""
    places = (out, *out.glob("sub-*"), *out.glob("sub-*/ses-*"), out / "groups", *(out / ".work").glob("**"))
    for path in (path for place in places for path in place.glob(".*.part")):
        if UNFINISHED.match(path.name):
            with suppress(OSError):
                path.unlink()
    for path in (out / ".work" / "signals").glob("*"):
        with suppress(OSError):
            path.unlink()


def _with_earlier(plan: Plan, choices: tuple[MethodChoice, ...]) -> tuple[MethodChoice, ...]:
    """The methods of an earlier run of the same plan, then the new ones."""
    try:
        known = json.loads(plan.task.layout.run.read_text(encoding="utf-8"))
        if known["plan_sha256"] != plan_digest(plan):
            return choices
        asked = {choice.name for choice in choices}
        earlier = [MethodChoice(m["name"], m["given"], m["preset"]) for m in known["methods"] if m["name"] not in asked]
        _ = [choose_methods([c.name], {c.name: c.params}, c.preset) for c in earlier]
    except (OSError, ValueError, KeyError, TypeError):
        return choices
    return (*earlier, *choices)


class _CohortRun:
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
        """Digest of the scan, if it has been read and has not changed since."""
        try:
            seen = json.loads(self.layout.seen(item.label).read_text(encoding="utf-8"))
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
