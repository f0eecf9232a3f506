"""What a map will cost, in words and seconds, before any work starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.progress import describe_seconds
from mriinterp.explain import explain, occlusion_labels
from mriinterp.image.volume import Volume
from mriinterp.incremental import Plan, plan
from mriinterp.methods import get_method
from mriinterp.models import Model

__all__ = ["describe_cost", "map_seconds", "passes_of"]

COUNTED = {"integrated_gradients": "steps", "smoothgrad": "samples"}  # parameters that count passes
# Time of a map in forward and backward passes, where that is not one: measured on the demo network.
LIKE_PASSES = {"guided_grad_cam": 2.0, "lrp_epsilon": 1.7, "lrp_alphabeta": 4.5, "lrp_composite": 1.7}
CLASS_ACTIVATION = "1 forward pass, and the gradient of the last layers"
LAYERWISE = "1 forward pass, and relevance handed back layer by layer"
WORDS = {
    **dict.fromkeys(["grad_cam", "grad_cam_pp", "layer_cam", "hires_cam"], CLASS_ACTIVATION),
    "guided_grad_cam": "2 forward and backward passes",
    "lrp_epsilon": LAYERWISE,
    "lrp_alphabeta": LAYERWISE,
    "lrp_composite": LAYERWISE,
}
KEPT = 64
QUICK = 1.0  # seconds of a pass that is worth a second measurement

_seconds: dict[tuple, float] = {}


def _remembered(key: tuple, measure: Callable[[], float]) -> float:
    """A measurement, made once for a network, device and setting."""
    if key not in _seconds:
        if len(_seconds) >= KEPT:
            _seconds.clear()
        _seconds[key] = measure()
    return _seconds[key]


def _pass_seconds(model: Model) -> float:
    """A forward and a backward pass; of two if they are quick, as the first also prepares memory."""

    def measure() -> float:
        scan = Volume(np.random.default_rng(0).random(model.grid.shape, np.float32), model.grid.affine)
        times: list[float] = []
        while not times or (len(times) < 2 and times[0] < QUICK):
            start = time.perf_counter()
            explain(model, scan, "sensitivity")
            times.append(time.perf_counter() - start)
        return min(times)

    return _remembered((model.digest, str(model.device), "pass"), measure)


def passes_of(method: str, params: dict[str, Any]) -> float:
    """Time of a gradient method's map in forward and backward passes."""
    return LIKE_PASSES.get(method, 1.0) * float(params.get(COUNTED.get(method, ""), 1))


def _area_boxes(model: Model, atlas: Atlas | None, both_sides: bool) -> list[tuple[tuple[int, int], ...]]:
    """What brain-area occlusion hides, as boxes around the areas on the network's grid."""
    atlas = (load_atlas("AAL") if atlas is None else atlas).on(model.grid)
    found = ndimage.find_objects(occlusion_labels(atlas)[int(both_sides)].numpy())
    return [tuple((side.start, side.stop) for side in box) for box in found if box is not None]


def _plan(model: Model, method: str, params: dict[str, Any], atlas: Atlas | None) -> Plan:
    if method == "area_occlusion":
        return plan(model, model.grid, regions=_area_boxes(model, atlas, params["both_sides"]))
    return plan(model, model.grid, params["size"], params["stride"])


def map_seconds(model: Model, method: str, params: dict[str, Any], atlas: Atlas | None = None) -> float:
    """About how long a map takes on this machine, from a short measurement that is made once.

    Parameters
    ----------
    params : dict
        All parameters of the method.
    atlas : Atlas, optional
        Of brain-area occlusion; default AAL.
    """
    if method not in ("occlusion", "area_occlusion"):
        return passes_of(method, params) * _pass_seconds(model)
    if method == "occlusion":
        setting: tuple = (params["size"], params["stride"])
    else:
        setting = (params["both_sides"], "" if atlas is None else atlas.digest)
    key = (model.digest, str(model.device), method, *setting)
    return _remembered(key, lambda: _plan(model, method, params, atlas).estimate_seconds())


def describe_cost(model: Model, method: str, params: dict[str, Any], atlas: Atlas | None = None) -> str:
    """Work and time of a method on a model, e.g. ``"150 boxes, about 2 s; …"``.

    Occlusions are planned and timed on the model itself, the others from
    one forward and backward pass; either takes about as long as that.
    """
    get_method(method)  # fails on a name that is none
    about = _about(map_seconds(model, method, params, atlas))
    if method not in ("occlusion", "area_occlusion"):
        passes = round(passes_of(method, params))
        one = "1 forward and backward pass" if passes == 1 else f"{passes} forward and backward passes"
        return f"{WORDS.get(method, one)}, {about}"
    cost = _plan(model, method, params, atlas)
    text = f"{cost.windows:,} {'boxes' if method == 'occlusion' else 'areas'}, {about}"
    if cost.alone:
        text += f"; they run one by one ({cost.alone})"
    if cost.reason:
        return f"{text}; the network runs whole for each ({cost.reason})"
    share = cost.macs / cost.plain_macs
    return f"{text}; each takes {share:.1%} of a full pass, {cost.peak_memory_bytes / 2**20:,.0f} MB in all"


def _about(seconds: float) -> str:
    return "under a second" if seconds < 0.95 else f"about {describe_seconds(seconds)}"
