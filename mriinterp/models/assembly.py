"""A network and its card become what a `Model` holds: run once, digested, wrapped where it returns or reads more."""

from __future__ import annotations

import copy
import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import torch
from torch import nn

from mriinterp.image.nifti import read_labels, read_volume
from mriinterp.image.volume import Grid, Volume, resample
from mriinterp.models.batch import mark_alone
from mriinterp.models.card import ModelCard, card_from_dict
from mriinterp.models.entries import Entry
from mriinterp.models.normalisation import Normalisation, PerImage, read_normalisation
from mriinterp.models.numbers import NumberInput, WithNumbers
from mriinterp.models.probe import probe_network
from mriinterp.models.weights import digest_of

__all__ = ["IN_MEMORY", "assemble", "in_memory", "refilled"]

IN_MEMORY = "module in memory"  # architecture of a card whose network came from no file
WRAPPERS = ("_orig_mod", "module")  # of torch.compile; of DataParallel and its relatives


def assemble(
    module: nn.Module,
    card: ModelCard,
    device: torch.device,
    code: str,
    complete: bool,
    *,
    normalisation: Normalisation | None = None,
    mask: Volume | None = None,
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
    probe = probe_network(
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
        "notes": (*converted, *probe.notes),
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


def in_memory(
    net: nn.Module,
    grid: Grid,
    classes: Sequence[str],
    normalisation: str | Mapping[str, Any] | Normalisation | None,
    about: Mapping[str, Any],
    name: str | None,
) -> tuple[nn.Module, ModelCard, str]:
    """Return a network's own copy, its card, and a digest of its code.

    Raises
    ------
    ValueError
        If it is no network, has weights that do not exist yet, or the card's entries do not fit together.
    """
    if not isinstance(net, nn.Module) or isinstance(net, torch.jit.ScriptModule):
        raise ValueError(f"expected a network (torch.nn.Module), got {_kind_of(net)}{_way_to_module(net)}")
    inner = net
    while isinstance(getattr(inner, WRAPPERS[0], None), nn.Module) or _is_parallel(inner):
        inner = getattr(inner, WRAPPERS[0], None) or getattr(inner, WRAPPERS[1])
    lazy = [key for key, value in inner.named_parameters() if isinstance(value, nn.parameter.UninitializedParameter)]
    if lazy:
        raise ValueError(
            f"expected a network whose weights exist, got layers that wait for their first input ({', '.join(lazy[:5])}); "
            "run it once: net(torch.zeros(1, 1, *scan.grid.shape))"
        )
    if any(tensor.is_meta for tensor in (*inner.parameters(), *inner.buffers())):
        raise ValueError(
            "expected a network whose weights exist, got some on the device 'meta', which holds shapes alone; make it on the "
            "CPU and load its weights: net.load_state_dict(…)"
        )
    try:
        own = copy.deepcopy(inner, _computed_tensors(inner))
    except (TypeError, RuntimeError, NotImplementedError, AttributeError) as error:
        raise ValueError(
            f"expected a network that can be copied, got {_kind_of(inner)}: {error}. An open file, a lock or a generator "
            "kept as an attribute is the usual reason: make it where it is used"
        ) from error
    entry = normalisation
    if isinstance(normalisation, str):
        entry = {"kind": normalisation}
    elif isinstance(normalisation, Normalisation):
        entry = {"kind": normalisation.kind, **normalisation.params}
    title = name or type(inner).__name__
    entries = {"name": title, "architecture": IN_MEMORY, "classes": list(classes), "normalisation": entry, **about}
    entries["grid"] = {"shape": list(grid.shape), "affine": grid.affine.tolist()}
    return own, card_from_dict(entries, origin=title), _code_digest(inner)


def _way_to_module(net: object) -> str:
    """Return how to come from what was given to a network, in words; "" where that is not known."""
    if isinstance(net, type):
        return "; make an object of it: net = MyNet(…)"
    if isinstance(net, torch.jit.ScriptModule):
        return ", a TorchScript module, whose layers cannot be seen; give the module that it was made from"
    if isinstance(net, torch.export.ExportedProgram):
        return "; give its module: net.module()"
    if isinstance(net, Mapping):
        return ", which may hold weights; make the network that they belong to, and net.load_state_dict(…)"
    return "; of a file use load_model" if isinstance(net, (str, PurePath)) else ""


def _computed_tensors(net: nn.Module) -> dict[int, Any]:
    """Return copies of tensors that layers computed and keep, by identity, as `copy.deepcopy` wants what it cannot copy."""
    kept = [value for part in net.modules() for value in vars(part).values() if isinstance(value, torch.Tensor)]
    return {id(value): value.detach().clone() for value in kept if not value.is_leaf}


def _kind_of(thing: object) -> str:
    return f"the class {thing.__name__}" if isinstance(thing, type) else f"a {type(thing).__name__}"


def _is_parallel(net: nn.Module) -> bool:
    return isinstance(net, (nn.DataParallel, nn.parallel.DistributedDataParallel))


def _code_digest(net: nn.Module) -> str:
    """Return SHA-256 over what a network is made of and the source of its classes, as far as it can be read."""
    digest = hashlib.sha256(repr(net).encode())
    for kind in sorted(
        {type(part) for part in net.modules()}, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}"
    ):
        digest.update(f"{kind.__module__}.{kind.__qualname__}".encode())
        if not kind.__module__.startswith("torch."):
            try:
                digest.update(inspect.getsource(kind).encode())
            except (OSError, TypeError):  # typed into a session, or made by a program
                continue
    return digest.hexdigest()
