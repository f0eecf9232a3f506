"""What a plan costs, before it starts."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from mriinterp.methods import get_method
from mriinterp.methods.score import gradient_of_score
from mriinterp.trust.bench import Bench
from mriinterp.trust.explainers import Explainer
from mriinterp.trust.plan import Plan

__all__ = ["estimate_seconds"]


def _passes(explainer: Explainer, areas: int, shape: Sequence[int]) -> tuple[float, float]:
    """Forward and backward passes of one map, about; windows recompute a part of a pass."""
    if explainer.is_control:
        return 0.1, 0.0
    params = get_method(explainer.method).resolve(explainer.params)
    if explainer.method == "area_occlusion":
        return areas / 6, 0.0
    if "stride" in params:
        windows = 1.0
        for n in shape:
            windows *= -(-n // params["stride"])
        return windows * min(0.2, (params["size"] / max(shape)) ** 2), 0.0
    return 0.0, float(params.get("steps", params.get("samples", 1)))


def estimate_seconds(plan: Plan, bench: Bench) -> float:
    """Seconds the plan will take, from one forward and one backward pass timed here."""
    x = torch.randn((1, 1, *bench.model.grid.shape), generator=torch.Generator().manual_seed(0)).to(bench.model.device)
    with bench.lock, torch.inference_mode():
        bench.module(x.clone())  # the first pass is no measure: libraries are loaded
        start = time.monotonic()
        bench.module(x.clone())
        forward = (time.monotonic() - start) * 0.2  # measured share of a pass when only the brain in view is recomputed
    with bench.lock:
        start = time.monotonic()
        gradient_of_score(bench.module, x, bench.target, "raw")
        backward = time.monotonic() - start
    areas, shape = len(bench.study.atlas().areas), bench.model.grid.shape
    voxels = x.numel() / 1.75e6
    deletion = {"steps": 20, **plan.settings.get("deletion", {})}
    curves = 2 * deletion["steps"] + 4 * (deletion.get("insertion_steps") or deletion["steps"])
    layers = plan.settings.get("randomisation", {}).get("steps") or 7
    stability = {"draws": 3, "shifts": 6, **plan.settings.get("stability", {})}
    again = {
        "randomisation": layers + plan.others,
        "stability": stability["draws"] + stability["shifts"],
        "reproducibility": plan.replicates,
    }
    total = (len(plan.everybody) + plan.reference_scans) * 2.5 * voxels
    total += len(plan.subjects) * (areas / 6 + 20) * forward
    for explainer in plan.explainers:
        ahead, back = _passes(explainer, areas, shape)
        one = ahead * forward + back * backward
        total += len(plan.everybody) * one
        total += len(plan.subjects) * (curves * forward * ("deletion" in plan.measures) + 0.8 * voxels)
        maps = sum(count for name, count in again.items() if name in plan.measures)
        total += len(plan.costly) * maps * (one + 0.1 * voxels)
    return total
