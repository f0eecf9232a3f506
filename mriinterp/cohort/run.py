"""Run methods over the scans of a study; stop and go on at any time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any

from mriinterp.base.atomic import remove_unfinished
from mriinterp.base.files import read_json
from mriinterp.base.progress import Cancel, Progress
from mriinterp.cohort.choose import MethodChoice, choose_methods
from mriinterp.cohort.cohort_plan import CohortPlan, make_plan, plan_digest
from mriinterp.cohort.explain_scans import use_model
from mriinterp.cohort.layout import refuse_older_layout
from mriinterp.cohort.lock import only_run
from mriinterp.cohort.options import CohortOptions
from mriinterp.cohort.result import POOLED, CohortResult, open_cohort
from mriinterp.cohort.run_steps import CohortRun
from mriinterp.cohort.workers import Workers
from mriinterp.study import Study
from mriinterp.subjects.images import RESULTS_MARK

__all__ = ["run_cohort"]

SCRATCH_LIMIT = 2 * 2**30  # bytes of maps that wait for their group's mean, when maps are not kept


def run_cohort(
    study: Study,
    methods: Sequence[str],
    *,
    out: str | Path,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    scratch_limit: int = SCRATCH_LIMIT,
    **options: Any,
) -> CohortResult:
    """Explain every scan of a study and average the maps of each group.

    What is in `out` already and is what this call would make is not computed
    again: a run may be killed at any time, and the same call goes on. Raw
    scans of a study that prepares them are prepared before, several at a time,
    and kept in its folder. Two runs
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
    workers : int
        Processes; 1 computes in this one.
    executor : concurrent.futures.Executor, optional
        Of a cluster, e.g. ``dask.distributed.Client(…).get_executor()``;
        `out` and the scans must be reachable under the same paths there.
        `workers` then is how many pieces of work it takes at once.
    progress : callable, optional
        ``progress(done, total)`` counts what is still to do: raw scans to be prepared, maps, averages.
    cancel : callable, optional
        Raises `mriinterp.base.progress.Cancelled` within seconds; finished maps stay.
    scratch_limit : int
        Bytes on disk for maps that are not kept and wait to be averaged.
    **options
        Fields of `mriinterp.cohort.CohortOptions`: target, split, n, seed,
        params, preset, maps, device, threads, check_space, pair.

    Returns
    -------
    CohortResult

    Raises
    ------
    KeyError, ValueError
        For methods, parameters, targets and splits that do not exist, and a
        folder that an older version wrote, before anything is computed; or if
        not one scan could be explained.
    OSError
        If the disk does not take results.
    """
    started = time.time()
    out = Path(out)
    refuse_older_layout(out)
    _refuse_pooled(out)
    chosen = CohortOptions(**options)
    model, atlas = study.model(chosen.device), study.atlas()
    choices = choose_methods(methods, chosen.params, chosen.preset)
    with only_run(out / ".work"):
        _remove_leftovers(out)
        (out / RESULTS_MARK).touch()
        plan = make_plan(study, choices, chosen, model, atlas, out)
        plan = make_plan(study, _with_earlier(plan, choices), chosen, model, atlas, out)
        use_model(plan.task.model, chosen.device, model)
        run = CohortRun(plan, model, atlas, progress, cancel, scratch_limit)
        with Workers(workers, executor) as pool:
            run.prepare(pool)
            run.compute_and_average(pool)
        run.write_tables(started)
        _remove_leftovers(out)
    return open_cohort(out)


def _refuse_pooled(out: Path) -> None:
    """Raise ValueError for the folder of several cohorts, whose tables would be lost."""
    try:
        pooled = POOLED in read_json(out / "run.json")
    except (OSError, ValueError, TypeError):
        return
    if pooled:
        raise ValueError(
            f"expected a new folder or one of a run, got {out}, which holds a run out of fold; name another"
        )


def _remove_leftovers(out: Path) -> None:
    """Remove files that a killed run had not finished writing."""
    places = (out, *out.glob("sub-*/anat"), *out.glob("sub-*/ses-*/anat"), out / "groups", *(out / ".work").glob("**"))
    remove_unfinished((path for place in places for path in place.glob(".*.part")), older=0)
    for path in (out / ".work" / "signals").glob("*"):
        with suppress(OSError):
            path.unlink()


def _with_earlier(plan: CohortPlan, choices: tuple[MethodChoice, ...]) -> tuple[MethodChoice, ...]:
    """Return the methods of an earlier run of the same plan, then the new ones."""
    try:
        known = read_json(plan.task.layout.run)
        if known["plan_sha256"] != plan_digest(plan):
            return choices
        asked = {choice.name for choice in choices}
        earlier = [MethodChoice(m["name"], m["given"], m["preset"]) for m in known["methods"] if m["name"] not in asked]
        _ = [choose_methods([c.name], {c.name: c.params}, c.preset) for c in earlier]
    except (OSError, ValueError, KeyError, TypeError):
        return choices
    return (*earlier, *choices)
