"""Take the cheap measures of one method for one subject, comparable with a benchmark's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mriinterp.base.progress import Cancel, Progress, tell
from mriinterp.study import Study
from mriinterp.trust.bench import Bench
from mriinterp.trust.benchmark import run_benchmark
from mriinterp.trust.benchmark_plan import QUICK, BenchmarkPlan
from mriinterp.trust.explainers import null_explainers, parse_explainer
from mriinterp.trust.measure_registry import get_measure, measure_names

__all__ = ["cheap_measures", "measure_subject"]


def cheap_measures() -> list[str]:
    """Return the measures of one map that make no further map."""
    return [name for name in measure_names() if get_measure(name).cost == "cheap" and not get_measure(name).of_groups]


def measure_subject(
    study: Study,
    subject: str,
    explainer: str,
    folder: Path | str,
    *,
    shared: Path | str | None = None,
    like: dict[str, Any] | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> None:
    """Take the cheap measures of a method and of the four null maps for one subject; what is there is kept.

    Parameters
    ----------
    explainer : str
        As `parse_explainer` takes it.
    folder : Path
        Gets the results, as a benchmark does; many subjects share one. Its
        numbers are no sample of the study, and belong in no mean.
    shared : Path, optional
        Where the control mean is kept, for all subjects; default: `folder`.
    like : dict, optional
        `mriinterp.trust.load_plan` of the benchmark that the numbers shall be
        comparable with: the same settings and control mean. Default: those
        of the quick benchmark.
    progress : callable
        Counts scans of the control mean, maps and measures.
    """
    like = like or {"settings": QUICK.settings, "reference_scans": QUICK.reference_scans}
    plan = BenchmarkPlan(
        explainers=(parse_explainer(explainer), *null_explainers()),
        measures=tuple(cheap_measures()),
        subjects=(subject,),
        costly=(),
        controls=(),
        reference_scans=like["reference_scans"],
        settings=like["settings"],
        maps=True,
    )
    bench = Bench(study, reference_scans=plan.reference_scans, folder=Path(shared or folder))
    work = len(plan.explainers) * (len(plan.measures) + 1)
    scans = len(bench.sources)
    bench.reference(lambda done, total: tell(progress, done, scans + work), cancel)
    run_benchmark(
        plan,
        bench,
        folder,
        progress=lambda done, total: tell(progress, scans + done, scans + total),
        cancel=cancel,
    )
