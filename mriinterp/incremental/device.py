"""Settings of a device that exact results need, and their restoring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

__all__ = ["exact_arithmetic"]


@contextlib.contextmanager
def exact_arithmetic(device: torch.device, exact: bool = True) -> Iterator[None]:
    """Full float32 on CUDA (no TF32) while the block runs; other devices have nothing to set.

    The settings are the process's own: they are put back even when the
    block raises.
    """
    if device.type != "cuda" or not exact:
        yield
        return
    places = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = "ieee"
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.fp32_precision = value
