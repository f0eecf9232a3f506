"""A network and its card become what a `Model` holds: run once, digested, wrapped where it returns or reads more."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from mriinterp.image.nifti import read_labels, read_volume
from mriinterp.image.volume import Volume, resample
from mriinterp.models.batch import mark_alone
from mriinterp.models.card import ModelCard
from mriinterp.models.entries import Entry
from mriinterp.models.normalisation import Normalisation, PerImage, read_normalisation
from mriinterp.models.number_inputs import NumberInput
from mriinterp.models.probe import Probe, probe_network
from mriinterp.models.weights import digest_of
from mriinterp.models.with_numbers import WithNumbers

__all__ = ["assemble", "refilled"]


def assemble(
    module: nn.Module,
    card: ModelCard,
    device: torch.device,
    code: str,
    complete: bool,
    *,
    normalisation: Normalisation | None = None,
    mask: Volume | None = None,
    notes: Sequence[str] = (),
    probe: Probe | None = None,
) -> dict[str, Any]:
    """Move to the device, freeze, check the card against the network, find out how it must be run, digest.

    Parameters
    ----------
    module : nn.Module
        Changed: the caller's own copy.
    card : ModelCard
    code : str
        Stands in the digest for what the network computes beside its weights.
    complete : bool
        Whether name and `code` tell all of that.
    normalisation, mask : optional
        Instead of the card's.
    notes : sequence of str
        What is known of the network, in words.
    probe : Probe, optional
        What `probe_network` would find, where that is known; the network is not run then.

    Returns
    -------
    dict
        Fields of a `Model`.

    Raises
    ------
    ValueError
        Of `probe_network`, and for normalisation or mask that cannot be read.
    """
    rule: Normalisation | PerImage = normalisation or read_normalisation(
        card.normalisation, card.folder, read_volume, card.grid, card.images
    )
    if mask is None and card.brain_mask:
        mask = read_labels(card.folder / card.brain_mask)
    mask = None if mask is None else resample(mask, card.grid, order=0)
    for child in module.modules():
        child.training = False  # exported programs refuse .eval(), and need only the flag
    converted = _to_float32(module)
    module.requires_grad_(False).to(device)
    digest = hashlib.sha256(digest_of(module).encode())
    for part in (code, card.architecture, card.grid.shape, card.grid.affine.tobytes(), card.heads, rule.digest):
        digest.update(str(part).encode())
    digest.update(mask.digest.encode() if mask is not None else b"")
    for mark in _input_marks(card):
        digest.update(mark.encode())
    known_as = digest.hexdigest() if complete else ""
    if card.numbers:
        module = refilled(module, card.numbers, {}, keywords=card.numbers_as == "keywords").to(device)
    probe = probe or probe_network(
        module, card.heads, (card.channels, *card.grid.shape), device, card.name, known_as=known_as, pick=card.pick
    )
    for mark in probe.marks:
        digest.update(mark.encode())
    if probe.wrapped:
        module = Entry(module, probe.pick)
    if probe.alone:
        mark_alone(module)
    return {
        "module": module,
        "card": replace(card, heads=probe.heads, pick=probe.pick),
        "normalisation": rule,
        "digest": digest.hexdigest(),
        "device": device,
        "mask": mask,
        "independent": not probe.alone,
        "notes": (*notes, *converted, *probe.notes),
        "closing": probe.closing,
    }


def _to_float32(module: nn.Module) -> list[str]:
    """Bring weights of another precision to float32, in which scans are; return what to say of it."""
    kinds = {tensor.dtype for tensor in (*module.parameters(), *module.buffers()) if tensor.is_floating_point()}
    other = sorted(str(kind).removeprefix("torch.") for kind in kinds - {torch.float32})
    if not other:
        return []
    module.float()
    return [f"its weights are {', '.join(other)}; here they run as float32"]


def _input_marks(card: ModelCard) -> list[str]:
    """Return what a card says of inputs and bins, for the digest; nothing for the usual network."""
    marks = [f"{head.name} centres {head.centres}" for head in card.heads if head.centres]
    marks += [f"images {card.images}"] if card.images else []
    return marks + ([f"numbers {card.numbers} {card.numbers_as}"] if card.numbers else [])


def refilled(
    module: nn.Module, numbers: Sequence[NumberInput], values: Mapping[str, float], *, keywords: bool = False
) -> nn.Module:
    """Return a network that reads images alone, with a scan's numbers filled in; of a wrapped one those are exchanged.

    Parameters
    ----------
    numbers : sequence of NumberInput
    values : mapping of str to float
        Of the scan; what it lacks counts as the mean.
    keywords : bool
        See `WithNumbers`; a wrapped network knows.
    """
    scaled = torch.tensor([[number.scaled(values.get(number.name)) for number in numbers]])
    if isinstance(module, Entry):
        return Entry(refilled(module.module, numbers, values), module.pick)
    if isinstance(module, WithNumbers):
        return WithNumbers(module.module, module.names, scaled.to(module.values.device), keywords=module.keywords)
    return WithNumbers(module, [number.name for number in numbers], scaled, keywords=keywords)
