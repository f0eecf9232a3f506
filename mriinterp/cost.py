"""What a map will cost, in words, before any work starts."""

from __future__ import annotations

from typing import Any

from mriinterp.incremental import plan
from mriinterp.models import Model
from mriinterp.progress import describe_seconds

__all__ = ["describe_cost"]

GRADIENT_PASSES = {"integrated_gradients": "steps", "smoothgrad": "samples"}


def describe_cost(model: Model, method: str, params: dict[str, Any]) -> str:
    """Windows, work and time of a method on a model, e.g. ``"150 windows, about 2 s …"``.

    Occlusion is planned and calibrated on the model itself, which takes
    under a second; the others are told by their number of passes.
    """
    if method == "occlusion":
        cost = plan(model, model.grid, params["size"], params["stride"])
        seconds = cost.estimate_seconds()
        text = f"{cost.windows:,} windows, about {describe_seconds(seconds)}"
        if cost.reason:
            return f"{text}; the network runs whole for each window ({cost.reason})"
        share = cost.macs / cost.plain_macs
        return f"{text}; {share:.1%} of the work of one full pass a window, {cost.peak_memory_bytes / 2**20:,.0f} MB"
    if method == "area_occlusion":
        return "one window for each area of the atlas"
    passes = params.get(GRADIENT_PASSES.get(method, ""), 1)
    return f"{passes} forward and backward pass{'es' if passes != 1 else ''}"
