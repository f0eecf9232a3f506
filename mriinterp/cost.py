"""What a map will cost, in words and seconds, before any work starts.

The one cost model of the product: pages, commands and the trust benchmark
ask here. What a map takes is declared by its method; how long that is on
this machine is measured once for each network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import scipy
import torch
from torch import Tensor

from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.progress import describe_seconds
from mriinterp.explain import occlusion_labels
from mriinterp.incremental import Box, OcclusionPlan, plan
from mriinterp.methods import KINDS, Method, get_method
from mriinterp.methods.guard import frozen
from mriinterp.methods.score import gradient_of_score
from mriinterp.models import Model

__all__ = ["describe_cost", "forward_seconds", "map_seconds", "pass_seconds"]

KEPT = 64
QUICK = 1.0  # seconds of a pass that is worth a second measurement

_seconds: dict[tuple, float] = {}


def _remembered(model: Model, setting: tuple, measure: Callable[[], float]) -> float:
    """Return a measurement, made once for a network, device and setting."""
    key = (model.digest, str(model.device), *setting)
    if key not in _seconds:
        if len(_seconds) >= KEPT:
            _seconds.clear()
        _seconds[key] = measure()
    return _seconds[key]


def _timed(model: Model, work: Callable[[torch.nn.Module, Tensor], Any]) -> float:
    """Time a call on an image of noise; two calls if it is quick, as the first also prepares memory."""
    x = torch.rand((1, model.card.channels, *model.grid.shape), generator=torch.Generator().manual_seed(0)).to(
        model.device
    )
    times: list[float] = []
    with model.own_module(model.heads[0]) as module, frozen(module):
        while not times or (len(times) < 2 and times[0] < QUICK):
            start = time.perf_counter()
            work(module, x)
            if x.device.type == "cuda":
                torch.cuda.synchronize(x.device)
            times.append(time.perf_counter() - start)
    return min(times)


def forward_seconds(model: Model) -> float:
    """Measure a whole forward pass on this machine, in seconds."""

    def work(module: torch.nn.Module, x: Tensor) -> None:
        with torch.inference_mode():
            module(x.clone())

    return _remembered(model, ("forward",), lambda: _timed(model, work))


def pass_seconds(model: Model) -> float:
    """Measure a forward and a backward pass on this machine, in seconds."""

    def work(module: torch.nn.Module, x: Tensor) -> None:
        gradient_of_score(module, x, 0, "raw")

    return _remembered(model, ("pass",), lambda: _timed(model, work))


def _regions(model: Model, entry: Method, params: Mapping[str, Any], atlas: Atlas | None) -> list[Box]:
    """Return what a method hides one after the other, areas as boxes around them; none for other methods."""
    boxes = entry.boxes_on(model.grid.shape, params)
    if boxes is not None:
        return boxes.boxes
    if entry.kind != "areas":
        return []
    atlas = (load_atlas("AAL") if atlas is None else atlas).on(model.grid)
    labels = occlusion_labels(atlas)[int(params.get("both_sides", False))]
    return [
        tuple((side.start, side.stop) for side in box)
        for box in scipy.ndimage.find_objects(labels.numpy())
        if box is not None
    ]


def map_seconds(model: Model, method: str, params: Mapping[str, Any], atlas: Atlas | None = None) -> float:
    """Estimate how long a map takes on this machine, from a short measurement that is made once.

    Parameters
    ----------
    params : mapping
        All parameters of the method.
    atlas : Atlas, optional
        Of methods that hide areas; default AAL.
    """
    entry = get_method(method)
    if not entry.hides:
        return entry.pass_count(params) * pass_seconds(model)
    regions = _regions(model, entry, params, atlas)
    if not entry.incremental:
        return (len(regions) + 1) * forward_seconds(model)
    setting = tuple(sorted((name, value) for name, value in params.items() if isinstance(value, int)))
    where = "" if atlas is None or entry.kind == "boxes" else atlas.digest
    return _remembered(
        model,
        (method, setting, where),
        lambda: plan(model, model.grid, regions=regions, channels=model.card.channels).estimate_seconds(),
    )


def describe_cost(model: Model, method: str, params: Mapping[str, Any], atlas: Atlas | None = None) -> str:
    """Describe work and time of a method on a model, e.g. ``"150 boxes, about 2 s; …"``.

    Methods that hide regions are planned and timed on the model itself, the
    others from one forward and backward pass; either takes about as long as
    that.
    """
    entry = get_method(method)
    seconds = map_seconds(model, method, params, atlas)
    about = "under a second" if seconds < 0.95 else f"about {describe_seconds(seconds)}"
    if not entry.hides:
        passes = round(entry.pass_count(params))
        one = "1 forward and backward pass" if passes == 1 else f"{passes} forward and backward passes"
        return f"{KINDS[entry.kind].format(passes=one)}, {about}"
    regions = _regions(model, entry, params, atlas)
    each = (
        _each(plan(model, model.grid, regions=regions, channels=model.card.channels))
        if entry.incremental
        else "a whole pass each"
    )
    return f"{KINDS[entry.kind].format(regions=f'{len(regions):,}')}, {about}; {each}"


def _each(cost: OcclusionPlan) -> str:
    """Return the cost of a region."""
    alone = f"they run one by one ({cost.alone}); " if cost.alone else ""
    if cost.reason:
        return f"{alone}the network runs whole for each ({cost.reason})"
    share = cost.macs / cost.plain_macs
    return f"{alone}each takes {share:.1%} of a full pass, {cost.peak_memory_bytes / 2**20:,.0f} MB in all"
