"""Networks that come with the package."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

__all__ = ["packaged_models"]


def packaged_models() -> dict[str, Path]:
    """Return cards that come with the package, by model name."""
    folder = Path(str(resources.files("mriinterp.models") / "weights"))
    cards = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return {path.stem: path for path in cards if "architecture" in json.loads(path.read_text(encoding="utf-8"))}
