"""State dicts: safe reading, and complete loading or an error."""

from __future__ import annotations

import hashlib
import pickle
import re
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.base.files import check_file
from mriinterp.models.filekinds import PICKLED_NETWORK, STATE_DICT, kind_of_file, says_network
from mriinterp.models.sidedata import side_data

__all__ = [
    "StateDict",
    "digest_of",
    "fitted_names",
    "load_into",
    "read_state_dict",
    "read_state_dicts",
    "strip_prefix",
]

StateDict = dict[str, Tensor]

NAMED = 5  # keys named of a long list
DEPTH = 3  # wrappers in wrappers
WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "module",
    "model_state",
    "net_state_dict",
    "network_weights",
    "state_dict_ema",
    "model_ema",
    "ema",
)  # names under which programs keep weights, the plain ones before averages of them
NO_WEIGHTS = ("optim", "sched", "scaler", "callback", "loop")
TECHNICAL = ("module.", "_orig_mod.")  # of DataParallel and torch.compile, never of a network itself


def read_state_dict(path: Path | str) -> StateDict:
    """Read the tensors of a weights file, by name, on the CPU: the first of `read_state_dicts`."""
    return read_state_dicts(path)[0]


def read_state_dicts(path: Path | str) -> list[StateDict]:
    """Read the sets of tensors in a weights file, by name, on the CPU, the likeliest first.

    Reads ``.safetensors`` and files of ``torch.save``; nothing in them is
    ever executed (``weights_only=True``, and what `side_data` lets in). A
    checkpoint may wrap the weights, as Lightning, timm and MONAI do, in
    ``"state_dict"``, ``"model"`` and the like, one in another; a prefix that
    DataParallel or `torch.compile` put before every name is removed.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, or is not a plain set of tensors.
    """
    path = check_file(path, "a weights file")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    if not isinstance(content, dict) or not content:
        got = "an empty dict" if isinstance(content, dict) else f"a {type(content).__name__}"
        raise ValueError(f"{path.name}: expected tensors by name, got {got}; save the weights: {STATE_DICT}")
    sets = _sets_in(content)
    total = sum(len(tensors) for _, tensors in sets)
    found = sorted(sets, key=lambda place: _likeliness(place[0], place[1], total))
    if not found:
        raise ValueError(f"{path.name}: expected tensors by name, got none; keys: {list(content)[:5]}")
    return [_without_wrappers(tensors) for _, tensors in found]


def _sets_in(content: dict, where: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], StateDict]]:
    """Return the sets of named tensors in nested dictionaries, each with the names that lead to it."""
    named = {key: _as_tensor(value) for key, value in content.items() if isinstance(key, str)}
    tensors = {key: value for key, value in named.items() if isinstance(value, Tensor)}
    found = [(where, tensors)] if tensors else []
    if len(where) < DEPTH:
        for key, value in content.items():
            if isinstance(key, str) and isinstance(value, dict):
                found += _sets_in(value, (*where, key))
    return found


def _as_tensor(value: object) -> object:
    """Return an array of numbers as a tensor, anything else as it is."""
    if not isinstance(value, np.ndarray) or value.ndim == 0 or value.dtype.kind not in "fiub":
        return value
    return torch.from_numpy(np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("=")))


def _likeliness(where: tuple[str, ...], tensors: StateDict, total: int) -> tuple[bool, int, int]:
    """Return a key for sorting: an optimiser's tensors last, names that usually hold weights first, then the larger set."""
    other = any(part in name.lower() for name in where for part in NO_WEIGHTS)
    unnamed = 0 if 2 * len(tensors) > total else len(WRAPPERS)  # beside wrapped weights, tensors are side data
    ranks = [WRAPPERS.index(name) if name in WRAPPERS else len(WRAPPERS) for name in where]
    return other, max(ranks, default=unnamed), -len(tensors)


def _without_wrappers(state: StateDict) -> StateDict:
    """Remove what DataParallel and torch.compile put before every name."""
    stripped = state
    for _ in range(DEPTH):
        for prefix in TECHNICAL:
            stripped = strip_prefix(stripped, prefix)
    return stripped


def _read_safetensors(path: Path):
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        words = "" if "`" in str(error) or '"' in str(error) else f" ({error})"  # what is quoted stands in the file
        raise ValueError(f"{path.name}: expected a safetensors file, got something else{words}") from error


def _read_torch(path: Path):
    found = kind_of_file(path)
    if found:
        raise ValueError(f"{path.name}: expected a weights file (of torch.save, or .safetensors), got {found}")
    try:
        with side_data(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # on the protocol of a pickle
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if says_network(path):
            raise ValueError(f"{path.name}: expected a state dict (tensors by name), got {PICKLED_NETWORK}") from error
        raise ValueError(
            f"{path.name}: expected a state dict (tensors by name), got a file that holds code or objects"
            f"{_object_named(str(error))}. Such a file is not opened, because opening runs what is inside. Where it was "
            f"made, save the weights alone: {STATE_DICT}"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # on a damaged file the reader fails in ways of all kinds
        raise ValueError(
            f"{path.name}: expected a file of torch.save, got one that cannot be read ({type(error).__name__})"
        ) from error


def strip_prefix(state: StateDict, prefix: str) -> StateDict:
    """Remove a prefix if every name carries it."""
    if all(key.startswith(prefix) for key in state):
        return {key[len(prefix) :]: value for key, value in state.items()}
    return state


def _first(keys: list[str]) -> str:
    more = len(keys) - NAMED
    return ", ".join(keys) if more <= 1 else f"{', '.join(keys[:NAMED])} and {more} more"


def fitted_names(state: StateDict, own: Collection[str]) -> StateDict:
    """Return weights under the names of a network, where they differ by something before all of them.

    A training program keeps the network as a part of something else, and so
    its weights as ``model.conv.weight``; or the network keeps a part, and the
    weights are that part's. What stands before is found by comparing names.
    Tensors of the other parts (a loss, a second network) are left out only if
    every name of the network is found.

    Parameters
    ----------
    state : dict of str to Tensor
    own : collection of str
        The network's names.
    """
    own = set(own)
    needed = {key for key in own if not key.endswith("num_batches_tracked")}
    if not needed or needed <= state.keys():
        return state
    anchor = min(needed)  # any name: what stands before it in the state stands before all
    before = {key.removesuffix(anchor) for key in state if key.endswith(f".{anchor}")}
    for prefix in sorted(before, key=len):
        if all(f"{prefix}{key}" in state for key in needed):
            return {
                key.removeprefix(prefix): value
                for key, value in state.items()
                if key.removeprefix(prefix) in own and key.startswith(prefix)
            }
    first = min(state)
    for prefix in sorted({key.removesuffix(first) for key in own if key.endswith(f".{first}")}, key=len):
        if needed <= {f"{prefix}{key}" for key in state}:
            return {f"{prefix}{key}": value for key, value in state.items()}
    return state


def load_into(module: nn.Module, state: StateDict, origin: str) -> None:
    """Load weights strictly, whatever stands before all of their names (see `fitted_names`).

    Raises
    ------
    ValueError
        Telling of missing, unexpected and misshapen keys at once: how many, and the first of them.
    """
    own = module.state_dict()
    state = fitted_names(state, own)
    optional = {key for key in own if key.endswith("num_batches_tracked")}
    missing = [key for key in own if key not in state and key not in optional]
    unexpected = [key for key in state if key not in own]
    misshapen = [
        f"{key} (expected {tuple(own[key].shape)}, got {tuple(state[key].shape)})"
        for key in own
        if key in state and own[key].shape != state[key].shape
    ]
    findings = {"missing": missing, "unexpected": unexpected, "misshapen": misshapen}
    problems = [f"{len(keys)} {what}: {_first(keys)}" for what, keys in findings.items() if keys]
    if problems:
        raise ValueError(
            f"{origin}: expected weights of {type(module).__name__}, got other keys or shapes. {'; '.join(problems)}. Make the "
            "network by the class, and with the sizes, that were trained"
        )
    trained = [name for name, _ in module.named_parameters()]  # a buffer may be a mask of infinity
    if broken := [key for key in trained if key in state and not bool(state[key].isfinite().all())]:
        raise ValueError(
            f"{origin}: expected finite weights, got NaN or infinity in {len(broken)} of {len(trained)}: {_first(broken)}; the "
            "training may have diverged: take a checkpoint from before"
        )
    module.load_state_dict(state, strict=False)


def digest_of(module: nn.Module) -> str:
    """Return the SHA-256 over names, types, shapes and values of all tensors of a module."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked"):  # counts training steps, changes no output
            continue
        array = tensor.detach().cpu().contiguous()
        digest.update(f"{name}{array.dtype}{tuple(array.shape)}".encode())
        digest.update(array.view(torch.uint8).numpy() if array.dim() else array.reshape(1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _object_named(error: str) -> str:
    """Return the first kind of object that PyTorch's reader refused, in brackets; "" if it names none."""
    found = re.search(r"GLOBAL ([A-Za-z_][\w.]{0,80}) was not", error)
    return f" ({found[1]})" if found else ""
