"""The steps of a cohort run: prepare raw scans, make the maps that are missing, average them, write tables."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from mriinterp.areas.atlas import Atlas
from mriinterp.base.progress import Cancel, Progress, tell
from mriinterp.cohort.choose import MethodChoice
from mriinterp.cohort.cohort_plan import CohortPlan, Item
from mriinterp.cohort.explain_scans import Outcome
from mriinterp.cohort.group_means import GroupAverage, average_all, average_group
from mriinterp.cohort.inventory import Inventory
from mriinterp.cohort.run_tables import write_tables
from mriinterp.cohort.targets import explained_words
from mriinterp.cohort.workers import Workers, explain_all, run_all
from mriinterp.image.volume import Grid, Volume
from mriinterp.models import Model, Prediction
from mriinterp.prepare import default_jobs, prepare_all
from mriinterp.prepare.sheet import write_contact_sheet
from mriinterp.results.verified import DamagedImage
from mriinterp.study import PreparedScan

__all__ = ["CohortRun"]

ROUNDS = 3  # a second one only if scans changed during the first

logger = logging.getLogger(__name__)


class CohortRun:
    """The steps of a run and what they have found so far."""

    def __init__(
        self,
        plan: CohortPlan,
        model: Model,
        atlas: Atlas,
        progress: Progress | None,
        cancel: Cancel | None,
        scratch_limit: int,
    ):
        self.plan, self.model, self.atlas = plan, model, atlas
        self.progress, self.cancel, self.scratch_limit = progress, cancel, scratch_limit
        self.layout, self.keep_maps = plan.task.layout, plan.task.keep_maps
        self.inventory = Inventory(plan, model, atlas)
        self.failures: dict[str, dict[str, str]] = {}
        self.predictions: dict[str, Prediction] = {}
        self.records: dict[tuple[str, str], str] = {}  # (scan, method) → key of the map on disk
        self.computed = 0
        self.waiting = 0  # bytes in the scratch folder
        self.grid = _canonical(model.grid)
        self.maps = 0  # to be made by this run
        self.prepared = 0  # raw scans that this run prepared or tried to
        self.averages = len(plan.methods) * len(plan.groups)

    def prepare(self, pool: Workers) -> None:
        """Prepare the raw scans of maps that are missing; workers on other machines do that themselves."""
        jobs = {i.id: i.source.job for i in self.missing() if isinstance(i.source, PreparedScan)} if pool.here else {}
        if not jobs:
            return
        maps = sum(len(item.methods) for item in self.missing())
        self.prepared = len(jobs)

        def step(done: int, total: int) -> None:
            tell(self.progress, done * len(jobs) // total, len(jobs) + maps + self.averages)

        on_gpu = self.model.device.type != "cpu"  # one worker explains there; registration needs the cores
        workers = default_jobs() if on_gpu else min(pool.n, default_jobs())
        failed = prepare_all(list(jobs.values()), workers, progress=step, cancel=self.cancel)
        write_contact_sheet(next(iter(jobs.values())).out, failed)
        self.failures |= {scan: {"scan": failed[job.label]} for scan, job in jobs.items() if job.label in failed}

    def compute_and_average(self, pool: Workers) -> None:
        """Make every map that is missing and average the groups; maps found damaged on the way are made again."""
        for _ in range(1 + self.averages):
            self.compute(pool)
            try:
                self.average(pool)
                return
            except DamagedImage as error:
                logger.warning("it is made again: %s", error)
                found = error
        raise found

    def compute(self, pool: Workers) -> None:
        """Make every map that is missing."""
        for _ in range(ROUNDS):
            items = self.missing()
            if not items:
                return
            self.maps += sum(len(i.methods) for i in items)
            explain_all(
                self.plan.task,
                items,
                pool,
                progress=lambda done, here: self._tell(self.maps - here + done),
                cancel=self.cancel,
                finished=self.finished,
            )
        left = [i.id for i in self.missing()]
        if left:
            raise ValueError(
                f"expected scans that stay as they are during a run, got other ones: {', '.join(left[:10])}"
            )

    def _tell(self, done: int) -> None:
        tell(self.progress, self.prepared + done, self.prepared + self.maps + self.averages)

    def finished(self, outcomes: list[Outcome]) -> None:
        """Take note of scans that are done."""
        for outcome in outcomes:
            if outcome.failures:
                self.failures[outcome.id] = outcome.failures
            if outcome.prediction is not None:  # else it stands in the map's record
                self.predictions[outcome.id] = outcome.prediction
            self.records.update({(outcome.id, method): key for method, key in outcome.keys.items()})
            self.computed += len(outcome.computed)
            if not self.keep_maps:
                self.waiting += len(outcome.computed) * int(np.prod(self.grid.shape)) * 4
        if self.waiting > self.scratch_limit:
            self._average_beginning()

    def missing(self) -> list[Item]:
        """Return scans and methods still to be computed; `records` is filled with those that are there."""
        missing, self.records = self.inventory.take(self.failures, self.cancel)
        return missing

    def _group_average(
        self, choice: MethodChoice, group: str, items: Sequence[Item], finish: bool = True
    ) -> GroupAverage:
        members = tuple(
            (i.label, self.records[i.id, choice.name])
            for i in items
            if i.group == group and (i.id, choice.name) in self.records
        )
        affine = tuple(tuple(map(float, row)) for row in self.grid.affine)
        label = self.plan.labels[group]
        explains = explained_words(self.plan.about["target"], choice.preset)
        return GroupAverage(
            self.layout, choice.name, group, label, choice.parts, members, self.keep_maps, affine, explains, finish
        )

    def _average_beginning(self) -> None:
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
                average_group(self._group_average(choice, group, done, finish=False), self.cancel)

    def average(self, pool: Workers) -> None:
        """Average every group of every method."""
        if not self.records:
            reasons = "; ".join(f"{i}: {next(iter(f.values()))}" for i, f in list(self.failures.items())[:5])
            raise ValueError(
                f"expected at least one scan that can be explained, got none of {len(self.plan.items)}: {reasons}"
            )
        averages = [self._group_average(c, g, self.plan.items) for c in self.plan.methods for g in self.plan.groups]
        run_all(
            pool,
            average_group,
            averages,
            progress=lambda done, _: self._tell(self.maps + done),
            cancel=self.cancel,
        )
        for choice in self.plan.methods:
            counts = {f.label: len(f.members) for f in averages if f.method == choice.name}
            explains = explained_words(self.plan.about["target"], choice.preset)
            average_all(self.layout, choice.name, counts, choice.parts, self.grid, explains)

    def write_tables(self, started: float) -> None:
        """Write tables and, last, the provenance."""
        plan = self.plan
        counts = {
            c.name: {g: len(self._group_average(c, g, plan.items).members) for g in plan.groups} for c in plan.methods
        }
        about = {
            "grid": {"shape": list(self.grid.shape), "affine": self.grid.affine.tolist()},
            "atlas": {"name": self.atlas.name, "sha256": plan.task.atlas_digest},
            "counts": counts,
            "maps_computed": self.computed,
        }
        write_tables(plan, self.model, self.records, self.predictions, self.failures, about, started, self.cancel)


def _canonical(grid: Grid) -> Grid:
    """Return the grid of maps: the network's, in RAS+ order."""
    return Volume(np.broadcast_to(np.zeros((), bool), grid.shape), grid.affine).canonical().grid
