"""A digest of what decides a module's outputs: weights, attributes and classes."""

from __future__ import annotations

import hashlib
import io
import pickle
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Digest", "digest_of"]


class Digest(str):
    """A digest that is valid while it is held: classes and functions count by identity, so it keeps them."""

    held: tuple

    def __new__(cls, text: str, held: tuple = ()):
        made = super().__new__(cls, text)
        made.held = held
        return made


class _Writer(pickle.Pickler):
    """Writes a module down, tensors by their values, classes and functions by identity; never read back."""

    def __init__(self, file: io.BytesIO, *, values: bool):
        super().__init__(file, protocol=5)
        self.values = values
        self.held: list[object] = []

    def reducer_override(self, obj: object) -> Any:
        if obj is tuple:  # it stands for what is written here
            return NotImplemented
        if isinstance(obj, Tensor):
            return tuple, (("tensor", str(obj.dtype), str(obj.device), tuple(obj.shape), self.content_of(obj)),)
        if isinstance(obj, (type, FunctionType, BuiltinFunctionType)):
            forward = getattr(obj, "forward", None)
            self.held += [obj, forward]
            return tuple, (("code", getattr(obj, "__qualname__", ""), id(obj), id(forward)),)
        return NotImplemented

    def content_of(self, tensor: Tensor) -> str:
        if not self.values:
            return ""
        plain = tensor.detach().cpu().contiguous()
        return hashlib.sha256(plain.reshape(-1).view(torch.uint8).numpy().data).hexdigest()


def digest_of(module: nn.Module, *, values: bool = True) -> Digest | None:
    """Return the same text for two modules of this process that compute the same; None if that is not known.

    Copies of a module have its digest. It changes with every weight, buffer
    and attribute, whichever way they were changed, and with the `forward`
    of a class that was defined anew. Without `values`, networks that differ in
    the numbers of their weights alone have the same.
    """
    file = io.BytesIO()
    writer = _Writer(file, values=values)
    try:
        writer.dump(module)
    except Exception:  # an object's own way of being written down may raise anything
        return None
    return Digest(hashlib.sha256(file.getvalue()).hexdigest(), tuple(writer.held))
