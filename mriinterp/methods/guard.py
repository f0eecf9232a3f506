"""Keep the network's state and exact arithmetic around every method."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import nn

__all__ = ["ExactFloat32", "frozen"]

_MKLDNN: Any = torch.backends.mkldnn  # PyTorch adds `conv` and `matmul` as it is imported
_CUDNN: Any = torch.backends.cudnn


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Set eval mode and no parameter gradients inside the block; restore everything afterwards."""
    training = {child: child.training for child in module.modules()}
    wanted = [p for p in module.parameters() if p.requires_grad]
    for child in training:
        child.training = False
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for child, flag in training.items():
            child.training = flag
        for parameter in wanted:
            parameter.requires_grad_(True)


def _setting(backend: Any, name: str) -> Any:
    """Return a setting of PyTorch; None where others contradict it, so that it cannot be read and is left alone."""
    try:
        return getattr(backend, name)
    except RuntimeError:
        return None


class ExactFloat32:
    """Full float32 inside (TF32 and bfloat16 would show in the maps), and no algorithm that varies from run to run.

    The flags belong to the process: the first thread in sets them, the last
    one out puts them back.
    """

    _FLAGS: ClassVar[tuple[tuple[Any, str, Any], ...]] = (
        (torch.backends.cuda.matmul, "fp32_precision", "ieee"),
        (_CUDNN, "allow_tf32", False),  # before the next: torch.export refuses settings that contradict each other
        (_CUDNN.conv, "fp32_precision", "ieee"),
        (_CUDNN, "deterministic", True),
        (_MKLDNN.matmul, "fp32_precision", "ieee"),
        (_MKLDNN.conv, "fp32_precision", "ieee"),
    )
    _lock = threading.Lock()
    _inside = 0
    _before: ClassVar[list[Any]] = []

    def __enter__(self) -> None:
        cls = type(self)
        with cls._lock:
            if cls._inside == 0:
                cls._before = [_setting(backend, name) for backend, name, _ in cls._FLAGS]
                for (backend, name, value), before in zip(cls._FLAGS, cls._before, strict=True):
                    if before is not None:
                        setattr(backend, name, value)
            cls._inside += 1

    def __exit__(self, *_: object) -> None:
        cls = type(self)
        with cls._lock:
            cls._inside -= 1
            if cls._inside == 0:
                for (backend, name, _), value in zip(cls._FLAGS, cls._before, strict=True):
                    if value is not None:
                        setattr(backend, name, value)
