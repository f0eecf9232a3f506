"""Which maps of a cohort are in its folder already, and which are still to be computed."""

from __future__ import annotations

from dataclasses import replace

from mriinterp.areas.atlas import Atlas
from mriinterp.base.files import read_json
from mriinterp.base.progress import Cancel, check_cancel
from mriinterp.cohort.choose import MethodChoice
from mriinterp.cohort.cohort_plan import CohortPlan, Item
from mriinterp.cohort.explain_scans import is_current, map_key
from mriinterp.cohort.group_means import averaged_keys
from mriinterp.cohort.record import read_record
from mriinterp.image.space import MNI_CORRELATION
from mriinterp.models import Model

__all__ = ["Inventory"]


class Inventory:
    """Looks up what a plan asks for in the folder of its run.

    Parameters
    ----------
    plan : CohortPlan
    model : Model
    atlas : Atlas
    """

    def __init__(self, plan: CohortPlan, model: Model, atlas: Atlas):
        self.plan, self.model, self.atlas = plan, model, atlas
        self.layout, self.keep_maps = plan.task.layout, plan.task.keep_maps
        self.reference = plan.task.reference.load() if plan.task.reference is not None else None

    def take(
        self, failures: dict[str, dict[str, str]], cancel: Cancel | None = None
    ) -> tuple[list[Item], dict[tuple[str, str], str]]:
        """Return scans with the methods still to be computed, and the keys of the maps that are there.

        Running moments that hold a map which is no longer wanted are removed.

        Parameters
        ----------
        failures : dict of id to dict of method (or "scan") to reason
            What failed in this run and is not tried again.
        cancel : callable, optional

        Returns
        -------
        missing : list of Item
            In the order of the plan.
        records : dict of (id, method) to key
        """
        while True:
            averaged = {} if self.keep_maps else self._averaged()
            missing, records = self._look(failures, averaged, cancel)
            if self.keep_maps or not self._drop_stale(failures, records, averaged):
                return missing, records

    def _look(self, failures, averaged, cancel) -> tuple[list[Item], dict[tuple[str, str], str]]:
        missing, records = [], {}
        for item in self.plan.items:
            check_cancel(cancel)
            digest = self._seen_digest(item)
            failed = failures.get(item.id, {})
            wanted = []
            for choice in self.plan.methods:
                key = self._key(item, choice, digest) if digest else None
                if key is not None and self._is_there(item, choice, key, averaged):
                    records[item.id, choice.name] = key
                elif "scan" not in failed and choice.name not in failed:
                    wanted.append(choice.name)
            if wanted:
                missing.append(replace(item, methods=tuple(wanted)))
        return missing, records

    def _seen_digest(self, item: Item) -> str | None:
        """Return the digest of a scan that was read, lay where it has to, and has not changed since; else None."""
        try:
            seen = read_json(self.layout.seen(item.label))
            if self.plan.task.check_space and not seen.get("mni", -1.0) >= MNI_CORRELATION:
                return None  # an earlier run did not look
            return seen["sha256"] if seen["fingerprint"] == item.source.fingerprint() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _key(self, item: Item, choice: MethodChoice, digest: str) -> str:
        return map_key(self.model, digest, choice, item.target, self.atlas, self.reference)

    def _is_there(self, item: Item, choice: MethodChoice, key: str, averaged: dict) -> bool:
        record = read_record(self.layout, item.label, choice.name, self.keep_maps)
        if not is_current(record, key, self.atlas, self.plan.task.withheld):
            return False
        if self.keep_maps or key in averaged[choice.name, item.group]:
            return True
        return self.layout.scratch(item.label, choice.name).is_file()

    def _averaged(self) -> dict[tuple[str, str], set[str]]:
        """Return the keys in the running moments of every method and group."""
        return {
            (c.name, g): set(averaged_keys(self.layout, c.name, self.plan.labels[g]))
            for c in self.plan.methods
            for g in self.plan.groups
        }

    def _drop_stale(self, failures, records, averaged: dict[tuple[str, str], set[str]]) -> bool:
        """Remove running moments that hold a map which is no longer wanted; return whether there were any."""
        groups = {item.id: item.group for item in self.plan.items}
        wanted: dict[tuple[str, str], set[str]] = {}
        for (scan, method), key in records.items():
            wanted.setdefault((method, groups[scan]), set()).add(key)
        unsure = {i.group for i in self.plan.items if self._seen_digest(i) is None and i.id not in failures}
        dropped = False
        for (method, group), keys in averaged.items():
            if keys and group not in unsure and not keys <= wanted.get((method, group), set()):
                self.layout.moments(method, self.plan.labels[group]).unlink(missing_ok=True)
                dropped = True
        return dropped
