"""What a plan costs, before it starts."""

from __future__ import annotations

from mriinterp.cost import forward_seconds, map_seconds
from mriinterp.methods import get_method
from mriinterp.trust.bench import Bench
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.plan import Plan

__all__ = ["estimate_seconds"]

PARTIAL = 0.2  # share of a pass that is recomputed, measured, when only the brain in view changes
VOXELS = 1.75e6  # of the grid on which the seconds of what is no pass were measured
PREPARED, MEASURED, COMPARED = 2.5, 0.8, 0.1  # seconds: preparing a scan, measures of a map, comparing two maps


def _map_seconds(explainer: Explainer, bench: Bench) -> float:
    """Seconds of one map."""
    if explainer.is_control:
        return 0.0
    params = get_method(explainer.method).resolve(explainer.params)
    return map_seconds(bench.model, explainer.method, params, bench.study.atlas())


def estimate_seconds(plan: Plan, bench: Bench) -> float:
    """Seconds the plan will take, from passes and maps timed here."""
    forward = forward_seconds(bench.model) * PARTIAL
    areas, shape = len(bench.study.atlas().areas), bench.model.grid.shape
    voxels = shape[0] * shape[1] * shape[2] / VOXELS
    deletion = {"steps": 20, **plan.settings.get("deletion", {})}
    curves = 2 * deletion["steps"] + 4 * (deletion.get("insertion_steps") or deletion["steps"])
    layers = plan.settings.get("randomisation", {}).get("steps") or 7
    stability = {"draws": 3, "shifts": 6, **plan.settings.get("stability", {})}
    again = {
        "randomisation": layers + plan.others,
        "stability": stability["draws"] + stability["shifts"],
        "reproducibility": plan.replicates,
    }
    total = (len(plan.everybody) + plan.reference_scans) * PREPARED * voxels
    total += len(plan.subjects) * (areas / 6 + 20) * forward
    for explainer in plan.explainers:
        one = _map_seconds(explainer, bench)
        total += len(plan.everybody) * one
        total += len(plan.subjects) * (curves * forward * ("deletion" in plan.measures) + MEASURED * voxels)
        maps = sum(count for name, count in again.items() if name in plan.measures)
        total += len(plan.costly) * maps * (one + COMPARED * voxels)
    return total
