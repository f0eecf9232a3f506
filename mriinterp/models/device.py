"""The device that a network runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["choose_device"]


def choose_device(name: str | None = None) -> torch.device:
    """Choose a device: ``"auto"`` (CUDA if there is one, else CPU), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``."""
    import torch

    if name in (None, "auto"):
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"expected a device like auto, cpu, cuda, cuda:1 or mps, got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("expected a machine with CUDA for device 'cuda', got none; use 'auto' or 'cpu'")
    return device
