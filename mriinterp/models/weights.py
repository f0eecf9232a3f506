"""State dicts: read safely, load completely or say what is wrong."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from mriinterp.base.files import check_file, stand_in

__all__ = ["StateDict", "digest_of", "load_into", "read_state_dict", "strip_prefix"]

StateDict = dict[str, Tensor]

HEAD = 256  # bytes that tell what a file is
NAMED = 5  # keys told of a long list


def read_state_dict(path: Path | str) -> StateDict:
    """Read the tensors of a weights file, by name, on the CPU.

    Reads ``.safetensors`` and files of ``torch.save``; nothing in them is
    ever executed (``weights_only=True``). A checkpoint that wraps the
    weights in ``"state_dict"`` or ``"model"`` is unwrapped, and a prefix
    ``module.`` (DataParallel) removed.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, or is not a plain set of tensors.
    """
    path = check_file(path, "a weights file")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    for wrapper in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not content:
        raise ValueError(f"{path.name}: expected tensors by name, got {type(content).__name__}")
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ValueError(f"{path.name}: expected tensors by name, got none; keys: {list(content)[:5]}")
    return strip_prefix(tensors, "module.")


def _read_safetensors(path: Path):
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        words = "" if "`" in str(error) or '"' in str(error) else f" ({error})"  # what is quoted stands in the file
        raise ValueError(f"{path.name}: expected a safetensors file, got something else{words}") from error


def _read_torch(path: Path):
    found = _kind(path)
    if found:
        raise ValueError(f"{path.name}: expected a weights file (of torch.save, or .safetensors), got {found}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path.name}: expected a state dict (tensors by name), got a file that holds code or objects. Such a file "
            "is not opened, because opening runs what is inside. Save model.state_dict() and use that."
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # on a damaged file the reader fails in ways of all kinds
        raise ValueError(
            f"{path.name}: expected a file of torch.save, got one that cannot be read ({type(error).__name__})"
        ) from error


def _kind(path: Path) -> str:
    """Return what a file is that does not begin as files of torch.save do; "" for one that does."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if not head:
        return "an empty file"
    if found := stand_in(head):
        return f"{found[0]}; {found[1]}"
    if head.startswith((b"PK\x03\x04", b"\x80")):  # a zip archive, or a pickle
        return ""
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return "a safetensors file of another name; let it end in .safetensors"
    try:
        text = head.decode("utf-8", errors="ignore" if len(head) == HEAD else "strict")  # cut inside a letter
    except UnicodeDecodeError:
        return "a file of another kind"
    if "\0" in text or not text.strip():
        return "a file of another kind"
    return "a text file"


def strip_prefix(state: StateDict, prefix: str) -> StateDict:
    """Remove a prefix if every name carries it."""
    if all(key.startswith(prefix) for key in state):
        return {key[len(prefix) :]: value for key, value in state.items()}
    return state


def _first(keys: list[str]) -> str:
    more = len(keys) - NAMED
    return ", ".join(keys) if more <= 1 else f"{', '.join(keys[:NAMED])} and {more} more"


def load_into(module: nn.Module, state: StateDict, origin: str) -> None:
    """Load weights strictly.

    Raises
    ------
    ValueError
        Telling of missing, unexpected and misshapen keys at once: how many, and the first of them.
    """
    own = module.state_dict()
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
            f"{origin}: expected weights of {type(module).__name__}, got other keys or shapes. {'; '.join(problems)}"
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
