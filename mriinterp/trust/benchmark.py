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

import numpy as np

import mriinterp
from mriinterp.base.arrays import load_npy
from mriinterp.base.atomic import replacing, write_text
from mriinterp.base.notices import RESEARCH_USE
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.models import Model
from mriinterp.trust.bench import Bench
from mriinterp.trust.benchmark_plan import BenchmarkPlan
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome
from mriinterp.trust.measure_registry import get_measure, measure_names
from mriinterp.trust.measures.group_effect import Cohort
from mriinterp.trust.occlusion_settings import occlusion_settings
from mriinterp.trust.units import COHORT, SETTINGS, VERSION, Unit, unit_path

__all__ = ["coarse", "run_benchmark"]

COARSE = 4  # voxels: edge of the cells that the voxel-wise test is made on
MAPS = 3  # raise when what is kept of a map changes
LEAST_LOSS = 0.05  # mean atrophy of a cell from which on it counts as diseased

logger = logging.getLogger(__name__)


def coarse(values: np.ndarray, mask: np.ndarray, edge: int = COARSE) -> tuple[np.ndarray, np.ndarray]:
    """Return a map as means over cells of `edge` voxels, and which cells lie in the mask by half or more.

    Returns
    -------
    array, shape of the coarse grid, float32
        Mean over the voxels of the mask in each cell.
    array of bool, same shape
    """
    pad = [(0, -n % edge) for n in values.shape]
    cells = [n for size in np.pad(values, pad).shape for n in (size // edge, edge)]
    inside = np.pad(mask.astype(np.float64), pad).reshape(cells).sum((1, 3, 5))
    sums = np.pad(np.where(mask, values, 0.0), pad).reshape(cells).sum((1, 3, 5))
    return (sums / np.maximum(inside, 1)).astype(np.float32), inside >= edge**3 / 2


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
        """Return the next subjects of the same group, going round."""
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
    progress : callable
        Counts measures, the map itself one of them.

    Raises
    ------
    Cancelled
        What is finished stays.
    """
    folder = Path(folder)
    run = _Run(plan, bench, folder, replicates)
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
            _cohort(run, explainer, cancel)


def _counter(progress: Progress | None, before: int, total: int) -> Callable[[int], None]:
    return lambda done: tell(progress, before + done, total)


def _case(run: _Run, subject: str) -> Case:
    costly = subject in run.plan.costly
    others = [run.bench.prepared(other) for other in run.others(subject)] if costly else []
    needs = {need for name in run.plan.measures_of(subject) for need in get_measure(name).needs}
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
    """Take all measures due of one method for one subject; a method that cannot explain this network is noted."""
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
            unit.put(name, keys[name], _map_record(run, case, explainer, relevance), seconds)
            continue
        measure = get_measure(name)
        if measure.missing(case):
            logger.info("%s: %s: %s", case.name, name, measure.missing(case))
            continue
        outcome = measure.run(case, explainer, relevance, cancel=cancel, **run.plan.settings.get(name, {}))
        unit.put(name, keys[name], outcome, time.monotonic() - start)


def _map_record(run: _Run, case: Case, explainer: Explainer, relevance: np.ndarray) -> Outcome:
    """Return what the group comparison needs of a map: densities of areas, and coarse cells in a file of their own."""
    read = explainer.read(relevance)
    cells, inside = coarse(read, case.mask)
    path = unit_path(run.folder, explainer.name, case.name).with_suffix(".npy")
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, cells[inside], allow_pickle=False)
    seen = case.visible
    details = {
        "labels": case.area_labels[seen].tolist(),
        "densities": (case.area_sums(read) / case.area_sizes)[seen].tolist(),
    }
    if case.truth is not None:
        share, _ = coarse(case.truth.astype(float), case.mask)
        details["truth_areas"] = (case.area_sums(case.truth) / case.area_sizes)[seen].tolist()
        details["truth_cells"] = np.flatnonzero(share[inside] >= 0.5).tolist()
    if case.atrophy is not None:
        loss, _ = coarse(case.atrophy, case.mask)
        details["truth_cells"] = np.flatnonzero(loss[inside] >= LEAST_LOSS).tolist()
    return Outcome({}, details)


def _cohort(run: _Run, explainer: Explainer, cancel: Cancel | None) -> None:
    """Measure the two groups' maps of one method."""
    rows, cells, in_positive, members, keys = [], [], [], [], []
    truth_areas, truth_cells = 0.0, set()
    for subject in run.plan.people:
        path = unit_path(run.folder, explainer.name, subject)
        entry = Unit(path, explainer.name, subject).entries["measures"].get("map")
        if entry is None or not path.with_suffix(".npy").is_file():
            continue
        details = entry["details"]
        rows.append(details["densities"])
        cells.append(load_npy(path.with_suffix(".npy")))
        in_positive.append(subject in run.plan.subjects)
        members.append(subject)
        keys.append(entry["key"])
        truth_areas = np.maximum(truth_areas, details.get("truth_areas", 0.0))
        truth_cells |= set(details.get("truth_cells", []))
    if not rows or not Cohort(np.zeros((len(rows), 1)), np.array(in_positive)).offers("cohort"):
        return
    labels, ill = details["labels"], run.bench.diseased
    known = bool(truth_cells)
    cohort = Cohort(
        densities=np.array(rows),
        in_positive=np.array(in_positive),
        names=[run.bench.area_names.get(label, str(label)) for label in labels],
        voxels=np.array(cells, dtype=np.float64),
        truth_areas=None if not known else np.asarray(truth_areas) >= 0.1 if ill is None else ill[labels],
        truth_voxels=np.isin(np.arange(len(cells[0])), list(truth_cells)) if known else None,
        patients=_patients(run, members),
        severity=_column(run, members, "severity"),
        age=_column(run, members, "age"),
    )
    unit = Unit(unit_path(run.folder, explainer.name, COHORT), explainer.name, COHORT)
    for name in filter(lambda name: get_measure(name).of_groups, run.plan.measures):
        settings = run.plan.settings.get(name, {})
        parts = [keys, settings, VERSION, get_measure(name).revision]
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        if unit.has(name, key):
            continue
        start = time.monotonic()
        if missing := get_measure(name).missing(cohort):
            logger.info("%s: %s: %s", explainer.name, name, missing)
            continue
        outcome = get_measure(name).run(cohort, None, cancel=cancel, **settings)
        unit.put(name, key, outcome, time.monotonic() - start)


def _patients(run: _Run, subjects: list[str]) -> list[str] | None:
    table = run.bench.study.subjects
    return table.loc[subjects, "subject"].astype(str).tolist() if "subject" in table else None


def _column(run: _Run, subjects: list[str], name: str) -> np.ndarray | None:
    table = run.bench.study.subjects
    return table.loc[subjects, name].to_numpy(float) if name in table else None


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
