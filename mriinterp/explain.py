"""The driver: a model, a scan and a method become a relevance map."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.areas.table import merge_table
from mriinterp.base.progress import Cancel, Progress
from mriinterp.base.reading import apply_reading
from mriinterp.image.scanset import as_scan
from mriinterp.image.volume import Volume
from mriinterp.incremental.plain import flat_outputs
from mriinterp.incremental.shared import clean_passes
from mriinterp.methods import Method, get_method
from mriinterp.methods.clean import outputs_for
from mriinterp.methods.guard import ExactFloat32, frozen
from mriinterp.methods.meaning import Meaning
from mriinterp.methods.own_score import with_own_score, with_score_of
from mriinterp.methods.slope import check_slope, words_for_gradients
from mriinterp.models import Model
from mriinterp.models.closing import Closing, find_closing
from mriinterp.models.entries import Entry
from mriinterp.models.output_view import OutputView
from mriinterp.models.outputs import LOGITS, OutputKind, detect_output, get_output_kind
from mriinterp.relevance_map import RelevanceMap

log = logging.getLogger(__name__)

AS_RETURNED = ("raw", "logit")  # scores that are outputs of the network themselves

__all__ = ["explain", "occlusion_labels", "relevance"]


def explain(
    model: Model,
    volume: Volume | Mapping[str, Volume | float],
    method: str,
    *,
    target: str | int | None = None,
    atlas: Atlas | None = None,
    reference: Volume | Mapping[str, Volume | float] | None = None,
    preset: str | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    **params: Any,
) -> RelevanceMap:
    """Return the relevance of each voxel of a scan for the output of a network.

    Parameters
    ----------
    model : Model
    volume : Volume or mapping
        In the model's template space, on any grid. Of a network of several
        images, or of numbers beside them, all by name: ``{"t1": volume,
        "gm": volume, "age": 71}``.
    method : str
        See `mriinterp.methods.method_names`.
    target : str or int, optional
        The output to explain; default: the predicted class.
    atlas : Atlas, optional
        For area occlusion; default AAL.
    reference : Volume or mapping, optional
        For fills and baselines called ``"reference"``, e.g. the control mean;
        prepared for the network as the scan is, and given as it is.
    preset : str, optional
        ``"rieke2018"`` gives the published numbers: the method's published
        parameters, and the absolute gradient or the clipped occlusion.
    progress, cancel : callable, optional
        ``progress(done, total)``; ``cancel()`` returning True raises
        `mriinterp.base.progress.Cancelled`.
    **params
        The method's parameters.

    Returns
    -------
    RelevanceMap

    Raises
    ------
    KeyError
        Unknown method.
    ValueError
        Unknown target, preset or parameter, a value out of range, or a
        network the method cannot explain.
    """
    entry = get_method(method)
    volume = as_scan(volume)
    given = entry.resolve(params, preset)
    x = model.prepare(volume)
    chosen: dict[str, str] = {}
    doubts: list[str] = []
    with clean_passes(), model.own_module(scan=volume) as module:
        prediction = model.describe(outputs_for(entry, module, x, given), volume)
        head, index = model.find_target(target, prediction)
        values = given if "score" in params else with_own_score(entry, given, head)
        score = values.get("score", "")
        head.output_kind.check_score(score)
        filling = None if reference is None else as_scan(reference)
        context, digests = _context(entry, model, values, atlas, filling)
        context |= {"progress": progress, "cancel": cancel, "note": chosen.__setitem__, "doubt": doubts.append}
        result = _run(entry, model.view(module, head, raw=score in AS_RETURNED), x, index, values, context)

    def drawn(relevance: Tensor) -> Volume:
        data = relevance.cpu().numpy()
        data = data if preset is None else apply_reading(data, entry.reading)
        return Volume(data, model.grid.affine, volume.source or volume.grid).canonical()

    images = model.card.images if result.shape[1] == len(model.card.images) > 1 else ()
    if preset is not None:
        values = {**values, "preset": preset}
    return RelevanceMap(
        volume=drawn(result.sum(dim=1)[0]),
        method=entry.name,
        target=head.classes[index],
        score=score,
        prediction=prediction,
        params=values,
        digests={"scan": volume.digest, "model": model.digest, **digests},
        reading=entry.reading,
        unit=Meaning(entry, score, head.classes[index]).unit,
        notes=model.notes,
        chosen=chosen,
        doubts=tuple(doubts),
        images={name: drawn(result[0, n]) for n, name in enumerate(images)},
    )


def relevance(
    module: nn.Module,
    x: Tensor,
    method: str,
    *,
    target: int | None = None,
    preset: str | None = None,
    output: str | None = None,
    pick: str | int | None = None,
    context: dict[str, Any] | None = None,
    **params: Any,
) -> Tensor:
    """Return the relevance for a bare network and tensor, 2D images included.

    Parameters
    ----------
    module : nn.Module
        Left as it was: training flags, gradients, requires_grad.
    x : Tensor, shape (1, C, *spatial)
        As the network reads it: nothing is normalised here.
    method : str
        See `mriinterp.methods.method_names`.
    target : int, optional
        Index of the output; default: the largest. Of a binary network with
        one output (`output` ``"logit"`` or ``"sigmoid"``) 1 is the class that
        it stands for and 0 the other.
    preset : str, optional
        As of `explain`.
    output : str, optional
        What the network returns, a key of `mriinterp.models.outputs.OUTPUT_KINDS`:
        ``"probabilities"`` if it ends in a softmax, ``"sigmoid"`` or
        ``"logit"`` if one output stands for the second of two classes; or
        ``"scale"``, whose raw value is explained. Default: found out by one
        forward pass, and a second one if need be; a single output is then a
        scale.
    pick : str or int, optional
        Which entry is meant, of a network that returns a mapping or a tuple.
    context : dict, optional
        Any of ``labels``, ``reference``, ``progress``, ``cancel``, ``note``,
        and ``doubt``, which is called with what may be wrong with the map,
        in words; by default that is logged as a warning.
    **params
        The method's parameters.

    Returns
    -------
    Tensor, shape (1, C, *spatial) or (1, 1, *spatial)

    Raises
    ------
    KeyError, ValueError
        As of `explain`.

    Examples
    --------
    >>> relevance(net, x, "occlusion", target=1, size=20, stride=10)  # doctest: +SKIP
    """
    entry = get_method(method)
    module = module if pick is None else Entry(module, pick)
    scale = output == "scale"
    kind, closing = get_output_kind("" if scale else output or ""), None
    if target is None or output is None or kind.closing:
        kind, closing, outputs = _look(module, x, kind, found=output is None)
        if outputs.shape[1] == 1 and kind.width is None:
            scale = True
        target = int(kind.as_logits(outputs).argmax(dim=1)[0]) if target is None else target
    values = entry.resolve(params, preset)
    if "score" not in params:
        values = with_score_of(entry, values, kind, scale=scale)
    score = values.get("score", "")
    kind.check_score(score)
    raw = score in AS_RETURNED
    closing = None if raw else closing
    read = kind.per_class if raw else kind.to_logits
    if read is not None or closing is not None:
        module = OutputView(module, slice(None), read, closing, kind.inside)
    result = _run(entry, module, x, target, values, context or {})
    if preset is None or entry.reading == "signed":
        return result
    return result.abs() if entry.reading == "absolute" else result.clamp(min=0)


def _look(module: nn.Module, x: Tensor, kind: OutputKind, *, found: bool) -> tuple[OutputKind, Closing | None, Tensor]:
    """Run a bare network on an image: kind of outputs, the function it ends in, and the outputs (1, outputs).

    Parameters
    ----------
    kind : OutputKind
        As given.
    found : bool
        Whether it is to be found out.
    """
    with frozen(module), torch.inference_mode():
        outputs = module(x.clone())
        if not isinstance(outputs, Tensor) or outputs.ndim != 2:
            return kind, None, flat_outputs(outputs)
        if (detect_output(outputs) == LOGITS) if found else not kind.closing:
            return kind, None, outputs
        images = torch.cat([x, x.flip(-1) / 2])
        both = torch.cat([outputs, module(images[1:].clone())])
        kind = get_output_kind(detect_output(both)) if found else kind
        closing = find_closing(module, images, both) if kind.closing else None
        return kind, closing if closing and closing.function == kind.closing else None, outputs


def _context(entry: Method, model: Model, values: dict, atlas: Atlas | None, reference: Volume | None):
    """Return what the method takes beside its parameters, and the digests of what shaped the result."""
    context, digests = {}, {}
    if "labels" in entry.injected:
        atlas = load_atlas("AAL") if atlas is None else atlas
        context["labels"] = occlusion_labels(atlas.on(model.grid))
        digests["atlas"] = atlas.digest
    if "reference" in entry.injected and reference is not None and "reference" in values.values():
        context["reference"] = model.prepare(reference)
        digests["reference"] = reference.digest
    return context, digests


def occlusion_labels(atlas: Atlas) -> Tensor:
    """Return the areas of every voxel, apart and hemispheres merged, int64 (2, i, j, k); 0 outside all."""
    apart = atlas.labels.data.astype(np.int64)
    merged = np.arange(max(int(atlas.areas["label"].max()), int(apart.max())) + 1)
    for labels in merge_table(atlas)["labels"]:
        merged[list(labels)] = labels[0]
    return torch.from_numpy(np.stack([apart, merged[apart]]))


def _run(entry: Method, module: nn.Module, x: Tensor, target: int, values: dict, context: dict) -> Tensor:
    """Call a method on a frozen module; check what it returns."""
    given = {key: value for key, value in context.items() if key in entry.injected}
    # A caller in inference mode would leave the gradient methods without a graph.
    with frozen(module), ExactFloat32(), torch.inference_mode(False), torch.enable_grad():
        x = x.clone() if x.is_inference() else x
        if entry.hides:
            result = entry.function(module, x, target, **values, **given).detach()
        else:
            with words_for_gradients():
                doubt = context.get("doubt", log.warning)
                check_slope(module, x, target, doubt, activation=entry.kind == "activation")
                result = entry.function(module, x, target, **values, **given).detach()
    if result.shape[0] != 1 or result.shape[2:] != x.shape[2:]:
        raise ValueError(f"{entry.name}: expected a map of shape {tuple(x.shape)}, got {tuple(result.shape)}")
    if not torch.isfinite(result).all():
        raise ValueError(f"{entry.name}: expected finite relevance, got NaN or infinity; check the scan's intensities")
    return result
