"""A network in memory becomes a copy of its own, with a card and a digest of its code."""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

import torch
from torch import nn

from mriinterp.image.volume import Grid
from mriinterp.models.card import ModelCard, card_from_dict
from mriinterp.models.copies import copied, without_compiling
from mriinterp.models.normalisation import Normalisation

__all__ = ["IN_MEMORY", "apart_from", "in_memory"]

IN_MEMORY = "module in memory"  # architecture of a card whose network came from no file
WRAPPERS = ("_orig_mod", "module")  # of torch.compile; of DataParallel and its relatives


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
    _check_whole(inner, about)
    try:
        own = without_compiling(copied(inner, _computed_tensors(inner)))
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
    return own, card_from_dict(entries, origin=title), _code_digest(own)


def _check_whole(inner: nn.Module, about: Mapping[str, Any]) -> None:
    """Refuse a network whose layers or weights cannot be seen, or are not there yet."""
    scripts = [key for key, part in inner.named_modules() if isinstance(part, torch.jit.ScriptModule)]
    if scripts:
        raise ValueError(
            f"expected a network of modules, got a TorchScript module inside ({scripts[0]}), whose layers cannot be seen; "
            "give the module that it was made from"
        )
    packed = [key for key, part in inner.named_modules() if _is_packed(part)]
    if packed:
        raise ValueError(
            f"expected a network of real numbers, got layers of whole numbers ({', '.join(packed[:5])}), which have no "
            "gradient; give the network as it was before torch.ao.quantization"
        )
    lazy = [key for key, value in inner.named_parameters() if isinstance(value, nn.parameter.UninitializedParameter)]
    if lazy:
        raise ValueError(
            f"expected a network whose weights exist, got layers that wait for their first input ({', '.join(lazy[:5])}); "
            f"run it once: net(torch.zeros(1, {len(about['images']) or 1}, *scan.grid.shape)); layers that never run are left out"
        )
    if any(tensor.is_meta for tensor in (*inner.parameters(), *inner.buffers())):
        raise ValueError(
            "expected a network whose weights exist, got some on the device 'meta', which holds shapes alone; make it on the "
            "CPU and load its weights: net.load_state_dict(…)"
        )


def _is_packed(part: nn.Module) -> bool:
    home = type(part).__module__
    return home.startswith("torch.") and "quantized" in home


@contextmanager
def apart_from(net: nn.Module) -> Iterator[None]:
    """Refuse, in this thread, that a layer of the caller's network runs inside the block: its copy stands for it.

    Raises
    ------
    ValueError
        If one was called.
    """
    theirs = {id(part): name for name, part in net.named_modules()}
    thread, called = threading.get_ident(), []

    def refuse(part: nn.Module, args: tuple) -> None:
        if threading.get_ident() == thread and id(part) in theirs:
            called.append(theirs[id(part)] or type(part).__name__)
            raise ValueError(f"the copy of a network runs {called[-1]} of the network itself")

    handle = torch.nn.modules.module.register_module_forward_pre_hook(refuse)
    try:
        yield
    except ValueError as error:
        if not called:
            raise
        raise ValueError(
            f"expected a network whose copy works by itself, got one whose copy runs {called[0]} of the network that it was "
            "copied from: a function that is kept beside the layers holds them; make it a method of the class"
        ) from error
    finally:
        handle.remove()


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
