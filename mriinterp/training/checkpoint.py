"""Checkpoints of a fit: written whole or not at all, read without running code."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from mriinterp.base.atomic import replacing

__all__ = ["read_checkpoint", "write_checkpoint"]


def write_checkpoint(state: dict[str, Any], settings: Any, path: Path) -> None:
    """Write the state of a fit with its settings (a dataclass), in one step."""
    with replacing(path) as temporary:
        torch.save({"settings": json.dumps(asdict(settings), sort_keys=True), "state": state}, temporary)


def read_checkpoint(path: Path, settings: Any) -> dict[str, Any]:
    """Return the state of a fit.

    Raises
    ------
    ValueError
        If the file is damaged, or of a fit with other settings.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        made, state = found["settings"], found["state"]
    except (RuntimeError, EOFError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"expected a checkpoint of a training, got a damaged one: {path}; remove it and this fold starts anew"
        ) from error
    if made != json.dumps(asdict(settings), sort_keys=True):
        raise ValueError(f"expected a checkpoint made with the same settings, got another: {path}")
    return state
