"""What a relevance map is, as JSON: written beside every map, read back with it."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

import mriinterp
from mriinterp.explain import RelevanceMap
from mriinterp.image.volume import Volume
from mriinterp.models import Prediction

__all__ = ["RESEARCH_USE", "SIMULATED_ONLY", "from_sidecar", "to_sidecar", "versions"]

RESEARCH_USE = "Research use only. Not a medical device."
SIMULATED_ONLY = (
    "No diagnosis. This network was trained on simulated brains only. What it says of a real scan means nothing about "
    "the person; the map shows how the network reacts to real anatomy."
)


def versions() -> dict[str, str]:
    """Versions of everything that shapes the numbers."""
    return {
        "mriinterp": mriinterp.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def to_sidecar(relevance: RelevanceMap, *, told: bool = True, **more: Any) -> dict[str, Any]:
    """A map's description, ready for JSON. Nothing from the scan's header gets in.

    Parameters
    ----------
    relevance : RelevanceMap
    told : bool
        With what the network says; False for a real scan, if the network
        knows simulated ones only: then a caution stands in its place.
    **more
        Further entries, e.g. ``simulated=True``.
    """
    grid = relevance.volume.grid
    said = {"prediction": asdict(relevance.prediction)} if told else {"caution": SIMULATED_ONLY}
    return {
        "method": relevance.method,
        "parameters": relevance.params,
        "target": relevance.target,
        "score": relevance.score,
        "unit": relevance.unit,
        "reading": relevance.reading,
        **said,
        "grid": {"shape": list(grid.shape), "affine": grid.affine.tolist(), "space": "RAS+ mm"},
        "sha256": relevance.digests,
        "versions": versions(),
        "note": RESEARCH_USE,
        **more,
    }


def from_sidecar(entries: dict[str, Any], volume: Volume) -> RelevanceMap:
    """The map that `to_sidecar` described; KeyError if the entries are not complete."""
    return RelevanceMap(
        volume=volume,
        method=entries["method"],
        target=entries["target"],
        score=entries["score"],
        prediction=Prediction(**entries["prediction"]),
        params=entries["parameters"],
        digests=entries["sha256"],
        reading=entries["reading"],
        unit=entries["unit"],
    )
