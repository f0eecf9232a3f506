"""Run methods over the scans of a study; stop and go on at any time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any

from mriinterp.base.progress import Cancel, Progress
from mriinterp.cohort.choose import MethodChoice, choose_methods
from mriinterp.cohort.lock import only_run
from mriinterp.cohort.plan import Plan, make_plan, plan_digest
from mriinterp.cohort.pool import Workers
from mriinterp.cohort.result import CohortResult, open_cohort
from mriinterp.cohort.steps import CohortRun
from mriinterp.cohort.work import use_model
from mriinterp.study import Study
from mriinterp.subjects.images import RESULTS_MARK

__all__ = ["run_cohort"]

SCRATCH_LIMIT = 2 * 2**30  # bytes of maps that wait for their group's mean, when maps are not kept

UNFINISHED = re.compile(r"^\..+\.[0-9a-f]{8}\.part$")  # as `mriinterp.base.atomic.replacing` names them


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
    check_space: bool | None = None,
    pair: Sequence[str] | None = None,
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
    check_space : bool, optional
        Leave out scans that do not match the MNI template (see
        `mriinterp.image.space`), and tell so; default: as the study has it.
    pair : (str, str), optional
        The groups that are compared, the first with the second; default: the
        study's positive with its reference group. All groups are computed.
    progress : callable, optional
        ``progress(done, total)`` counts what is still to do: maps, then averages.
    cancel : callable, optional
        Raises `mriinterp.base.progress.Cancelled` within seconds; finished maps stay.
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
                check_space=check_space, pair=pair,
            )  # fmt: skip

        plan = planned(choices)
        plan = planned(_with_earlier(plan, choices))
        use_model(plan.task.model, device, model)
        run = CohortRun(plan, model, atlas, progress, cancel, scratch_limit)
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
