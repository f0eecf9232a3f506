"""Settings of a device that exact results need, and their restoring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

__all__ = ["exact_arithmetic"]


_MKLDNN: Any = torch.backends.mkldnn  # PyTorch adds `conv` and `matmul` as it is imported
_CUDNN: Any = torch.backends.cudnn

PLACES: dict[str, tuple[Any, Any]] = {
    "cpu": (_MKLDNN.conv, _MKLDNN.matmul),
    "cuda": (_CUDNN.conv, torch.backends.cuda.matmul),
}
"""Where PyTorch keeps the precision that float32 operations may be computed in."""


@contextlib.contextmanager
def exact_arithmetic(device: torch.device, exact: bool = True) -> Iterator[None]:
    """Use full float32 (no TF32 on CUDA, no bfloat16 in oneDNN) while the block runs.

    The settings are the process's own: they are put back even when the
    block raises.
    """
    if device.type not in PLACES or not exact:
        yield
        return
    places = PLACES[device.type]
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = "ieee"
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.fp32_precision = value
