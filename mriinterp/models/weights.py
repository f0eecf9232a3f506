"""State dicts: read safely, load completely or say what is wrong."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

__all__ = ["StateDict", "digest_of", "load_into", "read_state_dict", "strip_prefix"]

StateDict = dict[str, Tensor]


def read_state_dict(path: Path | str) -> StateDict:
    """Tensors of a weights file, by name, on the CPU.

    Reads ``.safetensors`` and files of ``torch.save``; nothing in them is
    ever executed (``weights_only=True``). A checkpoint that wraps the
    weights in ``"state_dict"`` or ``"model"`` is unwrapped, and a prefix
    ``module.`` (DataParallel) removed.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, or is not a plain set of tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"expected a weights file, got a path where there is none: {path}")
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
        raise ValueError(f"{path.name}: expected a safetensors file, got something else ({error})") from error


def _read_torch(path: Path):
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path.name}: expected a state dict (tensors by name), got a file that holds code or objects. Such a file "
            "is not opened, because opening runs what is inside. Save model.state_dict() and use that."
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile, OSError) as error:
        raise ValueError(
            f"{path.name}: expected a file of torch.save, got one that cannot be read ({error})"
        ) from error


def strip_prefix(state: StateDict, prefix: str) -> StateDict:
    """Remove a prefix if every name carries it."""
    if all(key.startswith(prefix) for key in state):
        return {key[len(prefix) :]: value for key, value in state.items()}
    return state


def load_into(module: nn.Module, state: StateDict, origin: str) -> None:
    """Load weights strictly.

    Raises
    ------
    ValueError
        Listing all missing, unexpected and misshapen keys at once.
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
    problems = [f"{what}: {', '.join(keys)}" for what, keys in findings.items() if keys]
    if problems:
        raise ValueError(
            f"{origin}: expected weights of {type(module).__name__}, got other keys or shapes. {'; '.join(problems)}"
        )
    module.load_state_dict(state, strict=False)


def digest_of(module: nn.Module) -> str:
    """SHA-256 over names, types, shapes and values of all tensors of a module."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        if name.endswith("num_batches_tracked"):  # counts training steps, changes no output
            continue
        array = tensor.detach().cpu().contiguous()
        digest.update(f"{name}{array.dtype}{tuple(array.shape)}".encode())
        digest.update(array.view(torch.uint8).numpy() if array.dim() else array.reshape(1).view(torch.uint8).numpy())
    return digest.hexdigest()
