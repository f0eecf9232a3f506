"""The benchmark: every measure of every method, resumable."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mriinterp
from mriinterp.base.atomic import write_text
from mriinterp.base.notices import RESEARCH_USE
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.models import Model
from mriinterp.trust.bench import Bench
from mriinterp.trust.benchmark_plan import BenchmarkPlan
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.group_maps import map_record, measure_groups
from mriinterp.trust.measure import Outcome
from mriinterp.trust.measure_registry import get_measure, measure_names
from mriinterp.trust.occlusion_settings import occlusion_settings
from mriinterp.trust.units import SETTINGS, VERSION, Unit, unit_path

__all__ = ["run_benchmark"]

MAPS = 3  # raise when what is kept of a map changes

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Run:
    """One call of `run_benchmark`."""

    plan: BenchmarkPlan
    bench: Bench
    folder: Path
    replicates: Sequence[Model]

    def key(self, subject: str, explainer: Explainer, measure: str) -> str:
        """Return the SHA-256 over all that shapes a result; reads no voxel."""
        parts: list[Any] = [
            mriinterp.__version__,
            VERSION,
            self.bench.key,
            self.bench.study.source(subject).fingerprint(),
            explainer.name,
            measure,
            self.plan.settings.get(measure, {}),
        ]
        about = get_measure(measure) if measure in measure_names() else None
        needs = frozenset() if about is None else about.needs
        revision = MAPS if measure == "map" else 1 if about is None else about.revision
        if revision > 1:
            parts.append(revision)
        if explainer.method in self.plan.method_files:
            parts.append(self.plan.method_files[explainer.method])
        if "subjects" in needs:
            parts += [self.bench.study.source(other).fingerprint() for other in self.others(subject)]
        if "models" in needs:
            parts += [model.digest for model in self.replicates]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def others(self, subject: str) -> list[str]:
        """Return the next subjects of the same group; after the last one, the first."""
        ring = self.plan.subjects
        start = ring.index(subject) if subject in ring else 0
        return [ring[(start + k) % len(ring)] for k in range(1, min(self.plan.others, len(ring) - 1) + 1)]

    def wanted(self, subject: str) -> list[str]:
        """Return the measures of a subject, and the map itself where groups or maps are compared."""
        return [*(["map"] if self.plan.cohort or self.plan.maps else []), *self.plan.measures_of(subject)]


def run_benchmark(
    plan: BenchmarkPlan,
    bench: Bench,
    folder: Path | str,
    *,
    replicates: Sequence[Model] = (),
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> None:
    """Take all measures of a plan; results that are in the folder already are kept.

    Parameters
    ----------
    folder : Path
        Gets ``units/``, one small file a method and subject, and
        ``plan.json``. Read them with `mriinterp.trust.load_results`.
    replicates : sequence of Model
        Networks retrained from other seeds; as many are used as the plan has.
    progress : callable
        Counts measures, the map itself one of them.

    Raises
    ------
    Cancelled
        What is finished stays.
    """
    folder = Path(folder)
    run = _Run(plan, bench, folder, replicates[: plan.replicates])
    _write_plan(run)
    total = sum(len(run.wanted(subject)) for subject in plan.people) * len(plan.explainers)
    done = 0
    for subject in plan.people:
        keys = {e.name: {m: run.key(subject, e, m) for m in run.wanted(subject)} for e in plan.explainers}
        units = {e.name: Unit(unit_path(folder, e.name, subject), e.name, subject) for e in plan.explainers}
        due = {name: [m for m, key in found.items() if not units[name].has(m, key)] for name, found in keys.items()}
        case = None
        for explainer in plan.explainers:
            check_cancel(cancel)
            done += len(run.wanted(subject)) - len(due[explainer.name])
            if due[explainer.name]:
                case = case or _case(run, subject)
                count = _counter(progress, done, total)
                given = due[explainer.name], keys[explainer.name], units[explainer.name]
                _one_map(run, case, explainer, *given, count, cancel)
                done += len(due[explainer.name])
            tell(progress, done, total)
        if subject in plan.costly and plan.compared_boxes:
            case = _settings(run, case, subject, cancel)
    if plan.cohort:
        for explainer in plan.explainers:
            check_cancel(cancel)
            measure_groups(plan, bench, folder, explainer, cancel)


def _counter(progress: Progress | None, before: int, total: int) -> Callable[[int], None]:
    return lambda done: tell(progress, before + done, total)


def _case(run: _Run, subject: str) -> Case:
    costly = subject in run.plan.costly
    others = [run.bench.prepared(other) for other in run.others(subject)] if costly else []
    measures = map(get_measure, run.plan.measures_of(subject))
    needs = frozenset().union(*(measure.needs | measure.wishes for measure in measures))
    return run.bench.case(subject, others=others, replicates=run.replicates if costly else (), needs=needs)


def _settings(run: _Run, case: Case | None, subject: str, cancel: Cancel | None) -> Case | None:
    """Return how far the maps of boxes depend on their settings, for one subject."""
    unit = Unit(unit_path(run.folder, SETTINGS, subject), SETTINGS, subject)
    key = run.key(subject, Explainer(run.plan.compared_boxes), SETTINGS)
    if unit.has(SETTINGS, key):
        return case
    start, case = time.monotonic(), case or _case(run, subject)
    outcome = occlusion_settings(
        case, method=run.plan.compared_boxes, cancel=cancel, **run.plan.settings.get(SETTINGS, {})
    )
    unit.put(SETTINGS, key, outcome, time.monotonic() - start)
    return case


def _one_map(
    run: _Run,
    case: Case,
    explainer: Explainer,
    due: list[str],
    keys: dict[str, str],
    unit: Unit,
    count: Callable[[int], None],
    cancel: Cancel | None,
) -> None:
    """Take all measures due of one method for one subject; what cannot be explained or measured is noted, the rest goes on."""
    start = time.monotonic()
    try:
        relevance = explainer(case, cancel=cancel)
    except ValueError as error:
        logger.warning("%s: %s: %s", case.name, explainer.name, error)
        unit.put("failed", "", Outcome({}, {"reason": str(error)}), time.monotonic() - start)
        return
    seconds = time.monotonic() - start
    for done, name in enumerate(due):
        check_cancel(cancel)
        count(done)
        start = time.monotonic()
        if name == "map":
            unit.put(name, keys[name], map_record(run.folder, case, explainer, relevance), seconds)
            continue
        measure = get_measure(name)
        if measure.missing(case):
            logger.info("%s: %s: %s", case.name, name, measure.missing(case))
            continue
        try:
            outcome = measure.run(case, explainer, relevance, cancel=cancel, **run.plan.settings.get(name, {}))
        except ValueError as error:
            unit.leave_out(name, error)
            continue
        unit.put(name, keys[name], outcome, time.monotonic() - start)


def _write_plan(run: _Run) -> None:
    plan, bench = run.plan, run.bench
    card = bench.model.card
    entries = {
        "study": bench.study.name,
        "title": bench.study.title,
        "simulated": bool(bench.study.simulated),
        "model": {"name": card.name, "sha256": bench.model.digest},
        "target": bench.target_name,
        "score": bench.score,
        "explainers": [
            {"name": e.name, "label": e.label, "null_map": e.is_null_map, "reading": e.reading} for e in plan.explainers
        ],
        "measures": list(plan.measures),
        "skipped": plan.skipped,
        "subjects": list(plan.subjects),
        "costly": list(plan.costly),
        "controls": list(plan.controls),
        "replicates": len(run.replicates),
        "reference_scans": len(bench.sources),
        "settings": plan.settings,
        "method_files": plan.method_files,
        "version": mriinterp.__version__,
        "note": RESEARCH_USE,
    }
    write_text(run.folder / "plan.json", json.dumps(entries, indent=1, ensure_ascii=False))
