"""The driver: a model, a scan and a method become a relevance map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.areas.table import merge_table
from mriinterp.base.progress import Cancel, Progress
from mriinterp.base.reading import apply_reading
from mriinterp.image.volume import Volume
from mriinterp.incremental.plain import flat_outputs
from mriinterp.methods import Method, get_method, method_names
from mriinterp.methods.guard import ExactFloat32, frozen
from mriinterp.methods.meaning import Meaning
from mriinterp.models import Model, Prediction
from mriinterp.models.outputs import LOGITS, OutputView, detect_output, get_output_kind

__all__ = ["RelevanceMap", "explain", "occlusion_labels", "relevance"]


@dataclass(frozen=True, eq=False)
class RelevanceMap:
    """Relevance of every voxel, and how it came about.

    Parameters
    ----------
    volume : Volume
        Signed and raw, never clipped or rescaled (unless a preset says so),
        on the model's grid in RAS+ order.
    method : str
    target : str
        Name of the explained output.
    score : str
        What of the output is explained: probability, logit, margin, raw.
    prediction : Prediction
    params : dict
        Every parameter of the method, and ``"preset"`` if one was used.
    digests : dict of str to str
        SHA-256 of ``"scan"``, ``"model"`` and, where used, ``"atlas"`` and
        ``"reference"``.
    reading : str
        How the method's maps are read where no sign is wanted: ``"absolute"``,
        ``"positive"`` or ``"signed"``.
    unit : str
        What a value is, in words, with what is explained.
    notes : tuple of str
        What was found out about the network, as of `mriinterp.models.Model`.
    chosen : dict of str to str
        What the method chose on this network, e.g. its ``"layer"``.
    """

    volume: Volume
    method: str
    target: str
    score: str
    prediction: Prediction
    params: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    reading: str = "signed"
    unit: str = ""
    notes: tuple[str, ...] = ()
    chosen: dict[str, str] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may be wrong, in words: unusual intensities of the scan, tissue that is never hidden."""
        known = self.method in method_names()
        own = get_method(self.method).warning(self.volume.grid.shape, self.params) if known else ""
        return (*self.prediction.warnings, *([own] if own else []))


def explain(
    model: Model,
    volume: Volume,
    method: str,
    *,
    target: str | int | None = None,
    atlas: Atlas | None = None,
    reference: Volume | None = None,
    preset: str | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    **params: Any,
) -> RelevanceMap:
    """Return the relevance of each voxel of a scan for the output of a network.

    Parameters
    ----------
    model : Model
    volume : Volume
        In the model's template space, on any grid.
    method : str
        See `mriinterp.methods.method_names`.
    target : str or int, optional
        The output to explain; default: the predicted class.
    atlas : Atlas, optional
        For area occlusion; default AAL.
    reference : Volume, optional
        For fills and baselines called ``"reference"``, e.g. the control mean;
        prepared for the network as the scan is.
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
    x = model.prepare(volume)
    prediction = model.predict_tensor(x, volume)
    head, index = model.find_target(target, prediction)
    if head.kind == "scale" and "score" in entry.parameters:
        params.setdefault("score", "raw")
    values = entry.resolve(params, preset)
    score = values.get("score", "")
    head.output_kind.check_score(score)
    context, digests = _context(entry, model, values, atlas, reference)
    chosen: dict[str, str] = {}
    context |= {"progress": progress, "cancel": cancel, "note": chosen.__setitem__}
    with model.own_module(head, raw=score == "raw") as module:
        result = _run(entry, module, x, index, values, context)
    data = result.sum(dim=1)[0].cpu().numpy()
    if preset is not None:
        data = apply_reading(data, entry.reading)
        values = {**values, "preset": preset}
    return RelevanceMap(
        volume=Volume(data, model.grid.affine, volume.source or volume.grid).canonical(),
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
    )


def relevance(
    module: nn.Module,
    x: Tensor,
    method: str,
    *,
    target: int | None = None,
    preset: str | None = None,
    output: str | None = None,
    context: dict[str, Any] | None = None,
    **params: Any,
) -> Tensor:
    """Return the relevance for a bare network and tensor, 2D images included.

    Parameters
    ----------
    module : nn.Module
        Left as it was: training flags, gradients, requires_grad.
    x : Tensor, shape (1, C, *spatial)
    target : int, optional
        Index of the output; default: the largest. Of a network with a single
        output the raw value is explained unless `score` says otherwise.
    output : str, optional
        What the network returns, a key of `mriinterp.models.outputs.OUTPUT_KINDS`:
        ``"probabilities"`` if it ends in a softmax. Default: found out by
        one forward pass, and a second one if need be.
    context : dict, optional
        Any of ``labels``, ``reference``, ``progress``, ``cancel``, ``note``.

    Returns
    -------
    Tensor, shape (1, C, *spatial) or (1, 1, *spatial)
    """
    entry = get_method(method)
    if target is None or output is None:
        outputs, seen = _look(module, x)
        output = output or seen
        target = int(outputs.argmax(dim=1)[0]) if target is None else target
        if outputs.shape[1] == 1 and "score" in entry.parameters:
            params.setdefault("score", "raw")
    values = entry.resolve(params, preset)
    kind, score = get_output_kind(output), values.get("score", "")
    kind.check_score(score)
    if kind.to_logits is not None and score != "raw":
        module = OutputView(module, slice(None), kind.to_logits)
    result = _run(entry, module, x, target, values, context or {})
    if preset is None or entry.reading == "signed":
        return result
    return result.abs() if entry.reading == "absolute" else result.clamp(min=0)


def _look(module: nn.Module, x: Tensor) -> tuple[Tensor, str]:
    """Run a bare network on an image; return the outputs (1, outputs) and their kind."""
    with frozen(module), torch.inference_mode():
        outputs = module(x.clone())
        if not isinstance(outputs, Tensor) or outputs.ndim != 2 or detect_output(outputs) == LOGITS:
            return flat_outputs(outputs), LOGITS
        return outputs, detect_output(torch.cat([outputs, module(x.flip(-1) / 2)]))


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
        result = entry.function(module, x, target, **values, **given).detach()
    if result.shape[0] != 1 or result.shape[2:] != x.shape[2:]:
        raise ValueError(f"{entry.name}: expected a map of shape {tuple(x.shape)}, got {tuple(result.shape)}")
    if not torch.isfinite(result).all():
        raise ValueError(f"{entry.name}: expected finite relevance, got NaN or infinity; check the scan's intensities")
    return result
