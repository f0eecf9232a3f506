"""What a benchmark keeps of every map, and the measures that compare these between groups."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from pathlib import Path

import numpy as np

from mriinterp.base.arrays import load_npy
from mriinterp.base.atomic import replacing
from mriinterp.base.progress import Cancel
from mriinterp.trust.bench import Bench
from mriinterp.trust.benchmark_plan import BenchmarkPlan
from mriinterp.trust.case import Case
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Outcome
from mriinterp.trust.measure_registry import get_measure
from mriinterp.trust.measures.group_effect import Cohort
from mriinterp.trust.units import COHORT, VERSION, Unit, unit_path

__all__ = ["coarse", "map_record", "measure_groups"]

COARSE = 4  # voxels: edge of the cells that the voxel-wise test is made on
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


def map_record(folder: Path, case: Case, explainer: Explainer, relevance: np.ndarray) -> Outcome:
    """Return what the group comparison needs of a map: densities of areas, and coarse cells in a file of their own."""
    read = explainer.read(relevance)
    cells, inside = coarse(read, case.mask)
    path = unit_path(folder, explainer.name, case.name).with_suffix(".npy")
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


def measure_groups(
    plan: BenchmarkPlan, bench: Bench, folder: Path, explainer: Explainer, cancel: Cancel | None = None
) -> None:
    """Measure the two groups' maps of one method, from what `map_record` kept of them; results that are there stay."""
    rows, cells, in_positive, members, keys = [], [], [], [], []
    truth_areas, truth_cells = 0.0, set()
    for subject in plan.people:
        path = unit_path(folder, explainer.name, subject)
        entry = Unit(path, explainer.name, subject).entries["measures"].get("map")
        if entry is None or not path.with_suffix(".npy").is_file():
            continue
        details = entry["details"]
        rows.append(details["densities"])
        cells.append(load_npy(path.with_suffix(".npy")))
        in_positive.append(subject in plan.subjects)
        members.append(subject)
        keys.append(entry["key"])
        truth_areas = np.maximum(truth_areas, details.get("truth_areas", 0.0))
        truth_cells |= set(details.get("truth_cells", []))
    if not rows or not Cohort(np.zeros((len(rows), 1)), np.array(in_positive)).offers("cohort"):
        return
    labels, ill = details["labels"], bench.diseased
    known = bool(truth_cells)
    cohort = Cohort(
        densities=np.array(rows),
        in_positive=np.array(in_positive),
        names=[bench.area_names.get(label, str(label)) for label in labels],
        voxels=np.array(cells, dtype=np.float64),
        truth_areas=ill[labels] if ill is not None else np.asarray(truth_areas) >= 0.1 if known else None,
        truth_voxels=np.isin(np.arange(len(cells[0])), list(truth_cells)) if known else None,
        patients=_texts(bench, members, "subject"),
        severity=_column(bench, members, "severity"),
        age=_column(bench, members, "age"),
        site=_texts(bench, members, "site"),
    )
    unit = Unit(unit_path(folder, explainer.name, COHORT), explainer.name, COHORT)
    for name in filter(lambda name: get_measure(name).of_groups, plan.measures):
        settings = plan.settings.get(name, {})
        parts = [keys, settings, VERSION, get_measure(name).revision]
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        if unit.has(name, key):
            continue
        start = time.monotonic()
        if missing := get_measure(name).missing(cohort):
            logger.info("%s: %s: %s", explainer.name, name, missing)
            continue
        try:
            outcome = get_measure(name).run(cohort, None, cancel=cancel, **settings)
        except ValueError as error:
            unit.leave_out(name, error)
            continue
        unit.put(name, key, outcome, time.monotonic() - start)


def _texts(bench: Bench, subjects: list[str], name: str) -> list[str] | None:
    table = bench.study.subjects
    return table.loc[subjects, name].astype(str).tolist() if name in table else None


def _column(bench: Bench, subjects: list[str], name: str) -> np.ndarray | None:
    table = bench.study.subjects
    return table.loc[subjects, name].to_numpy(float) if name in table else None
