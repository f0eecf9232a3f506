"""Estimate the cost of a plan before it starts."""

from __future__ import annotations

from mriinterp.cost import forward_seconds, map_seconds
from mriinterp.methods import get_method
from mriinterp.trust.bench import Bench
from mriinterp.trust.benchmark_plan import BenchmarkPlan
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.measure import Work
from mriinterp.trust.measure_registry import get_measure

__all__ = ["estimate_seconds"]

PARTIAL = 0.2  # share of a pass that is recomputed, measured, when only the brain in view changes
VOXELS = 1.75e6  # of the grid on which the seconds of what is no pass were measured
PREPARED, MEASURED, COMPARED = 2.5, 0.8, 0.1  # seconds: preparing a scan, measures of a map, comparing two maps


def _map_seconds(explainer: Explainer, bench: Bench) -> float:
    """Return the seconds of one map."""
    if explainer.is_null_map:
        return 0.0
    params = get_method(explainer.method).resolve(explainer.params)
    return map_seconds(bench.model, explainer.method, params, bench.study.atlas())


def _work(name: str, areas: int, plan: BenchmarkPlan) -> Work:
    """Return what a measure takes with the plan's settings."""
    measure = get_measure(name)
    settings = {**measure.defaults, **plan.settings.get(name, {})}
    return Work() if measure.work is None else measure.work(settings, areas, plan)


def estimate_seconds(plan: BenchmarkPlan, bench: Bench) -> float:
    """Estimate the seconds the plan will take, from passes and maps timed here."""
    forward = forward_seconds(bench.model) * PARTIAL
    areas, shape = len(bench.study.atlas().areas), bench.model.grid.shape
    voxels = shape[0] * shape[1] * shape[2] / VOXELS
    work = {name: _work(name, areas, plan) for name in plan.measures}
    again = sum(w.maps for w in work.values())
    total = (len(plan.people) + plan.reference_scans) * PREPARED * voxels
    total += len(plan.subjects) * sum(w.shared for w in work.values()) * forward
    for explainer in plan.explainers:
        one = _map_seconds(explainer, bench)
        total += len(plan.people) * one
        total += len(plan.subjects) * (sum(w.passes for w in work.values()) * forward + MEASURED * voxels)
        total += len(plan.costly) * again * (one + COMPARED * voxels)
    return total
