"""Try every relevance method on a network and a scan, and measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.errors import words_with_kind
from mriinterp.base.progress import Cancel, Cancelled, Progress, check_cancel, tell
from mriinterp.cost import forward_seconds, map_seconds
from mriinterp.explain import explain
from mriinterp.image.volume import Volume
from mriinterp.incremental import plan
from mriinterp.methods import Method, get_method, method_names
from mriinterp.methods.own_score import with_own_score
from mriinterp.models import Head, Model
from mriinterp.models.batch import MIXES
from mriinterp.models.chance import RANDOM, WatchRandom
from mriinterp.network_check.check_report import MethodCheck, NetworkCheck, OcclusionSpeed
from mriinterp.relevance_map import RelevanceMap

__all__ = ["check_network"]

PATIENCE = 10.0  # seconds of a map; one that takes longer is tried with fewer passes
TRIAL_AREAS = 3
SAME = 1e-6  # of the largest output: what another run may differ by, by rounding


def check_network(
    model: Model,
    scan: Volume,
    *,
    methods: Sequence[str] | None = None,
    caution: str = "",
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> NetworkCheck:
    """Try methods on a network and a scan; report what works, what does not and why, and how fast.

    Parameters
    ----------
    model : Model
    scan : Volume
        In the model's template space, on any grid.
    methods : sequence of str, optional
        Default: all.
    caution : str
        What is reported in the place of what the network says of the scan.
    progress, cancel : callable, optional
        ``progress(done, total)`` after each method; ``cancel()`` returning
        True raises `mriinterp.base.progress.Cancelled`.

    Returns
    -------
    NetworkCheck

    Raises
    ------
    KeyError
        Unknown method.
    ValueError
        If the network cannot read the scan at all.
    """
    names = list(method_names() if methods is None else methods)
    entries = [get_method(name) for name in names]
    x = model.prepare(scan)
    prediction = model.predict_tensor(x, scan)
    deterministic, random_notes = _determinism(model, x)
    found = []
    for done, entry in enumerate(entries):
        check_cancel(cancel)
        tell(progress, done, len(entries))
        found.append(_try(model, scan, entry, cancel))
    tell(progress, len(entries), len(entries))
    return NetworkCheck(
        network=model.card.name,
        device=str(model.device),
        grid=str(model.grid),
        outputs=tuple(map(_returns, model.heads)),
        prediction=prediction,
        independent=model.independent,
        deterministic=deterministic,
        notes=(*model.notes, *random_notes),
        forward_seconds=forward_seconds(model),
        occlusion=_occlusion_speed(model, x, found),
        methods=tuple(found),
        caution=caution,
    )


def _returns(head: Head) -> str:
    """Return what a head's outputs are, in words."""
    if head.centres:
        ends = f"{min(head.centres):g} to {max(head.centres):g}"
        return f"a scale, {head.classes[0]}, as the expected value over {len(head.centres)} bins from {ends}"
    if head.kind == "scale":
        return f"a scale, {head.classes[0]}"
    return f"{head.output_kind.label} for {', '.join(head.classes)}"


def _determinism(model: Model, x: Tensor) -> tuple[bool, tuple[str, ...]]:
    """Return whether a scan gives the same output twice, and what is random where it does not."""
    watch = WatchRandom()
    with model.own_module() as module, torch.inference_mode():
        with watch:
            first = module(x.clone())
        second = module(x.clone())
    off, size = float((first - second).abs().max()), float(first.abs().max())
    if off <= SAME * size:
        return True, ()
    known = any(note.startswith(RANDOM) for note in model.notes)
    return False, (*(() if known else (watch.in_words(),)), f"outputs of this scan differ by {off:.3g} from run to run")


def _trial(model: Model, entry: Method) -> tuple[Mapping[str, Any], float, Atlas | None, float, bool]:
    """Return how to try a method: parameters, factor on its time, atlas, estimate of a full map, if it counts."""
    values = entry.resolve({})
    try:
        estimate = map_seconds(model, entry.name, with_own_score(entry, values, model.heads[0]))
    except (ValueError, RuntimeError, NotImplementedError):
        return {}, 1.0, None, 0.0, False  # the method itself will say why
    if estimate <= PATIENCE:
        return {}, 1.0, None, estimate, False
    if entry.counted:
        few = max(1, int(entry.parameters[entry.counted].param.minimum or 1))
        return {entry.counted: few}, values[entry.counted] / few, None, estimate, False
    if entry.kind == "boxes" and "size" in values:
        size = min(200, max(model.grid.shape))
        return {"size": size, "stride": size}, 1.0, None, estimate, True
    if entry.kind == "areas":
        return {}, 1.0, _few_areas(load_atlas("AAL")), estimate, True
    return {}, 1.0, None, estimate, False


def _few_areas(atlas: Atlas) -> Atlas:
    """Return an atlas cut down to its first areas."""
    areas = atlas.areas.head(TRIAL_AREAS)
    labels = atlas.labels.data
    keep = (labels > 0) & (labels <= int(areas["label"].max()))
    return Atlas(f"{atlas.name}, {len(areas)} areas", atlas.labels.with_data(labels * keep), areas)


def _timed(made: Callable[[], RelevanceMap]) -> tuple[RelevanceMap, float]:
    start = time.perf_counter()
    return made(), time.perf_counter() - start


def _try(model: Model, scan: Volume, entry: Method, cancel: Cancel | None) -> MethodCheck:
    params, factor, atlas, estimate, whole = _trial(model, entry)
    try:
        relevance, seconds = _timed(lambda: explain(model, scan, entry.name, atlas=atlas, cancel=cancel, **params))
        if entry.incremental and not whole and seconds < PATIENCE:  # the first also took the network apart
            again = _timed(lambda: explain(model, scan, entry.name, atlas=atlas, cancel=cancel, **params))[1]
            seconds = min(seconds, again)
    except Cancelled:
        raise
    except Exception as error:  # whatever a stranger's network raises is what is wanted here
        return MethodCheck(entry.name, entry.label, False, words_with_kind(error))
    seconds = estimate if whole else seconds * factor
    layer = relevance.chosen.get("layer", "")
    return MethodCheck(entry.name, entry.label, True, "", seconds, whole or factor != 1, layer, relevance.doubts)


def _occlusion_speed(model: Model, x: Tensor, found: Sequence[MethodCheck]) -> OcclusionSpeed | None:
    """Compare occlusion by the engine with whole passes, and say what limits it; None if it does not work."""
    tried = next((m for m in found if m.name == "occlusion" and m.works), None)
    if tried is None or tried.seconds is None:
        return None
    values = get_method("occlusion").resolve({})
    boxes = get_method("occlusion").boxes_on(model.grid.shape, values)
    assert boxes is not None  # occlusion hides boxes
    with model.own_module(model.heads[0]) as module:  # as methods run it
        cost = plan(module, x, regions=boxes.boxes)
    if cost.reason:
        why = f"the network runs whole for each window ({cost.reason})"
    else:
        share = cost.macs / cost.plain_macs if cost.plain_macs else 1.0
        why = f"a window needs {share:.1%} of the multiplications of a pass on average, {cost.ratio:.1f} times fewer"
    if not model.independent:
        why += f"; windows run one by one ({MIXES})"
    return OcclusionSpeed(cost.windows, tried.seconds, cost.windows * forward_seconds(model), why)
