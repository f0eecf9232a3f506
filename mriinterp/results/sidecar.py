"""Sidecars: the description of a relevance map as JSON, written beside every map."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

import mriinterp
from mriinterp.base.map_parts import part_shares
from mriinterp.base.notices import RESEARCH_USE, SIMULATED_ONLY
from mriinterp.base.reading import READINGS
from mriinterp.image.volume import Volume
from mriinterp.methods import method_names
from mriinterp.methods.meaning import Meaning
from mriinterp.models import Prediction
from mriinterp.relevance_map import RelevanceMap

__all__ = [
    "from_sidecar",
    "read_prediction",
    "read_warnings",
    "to_sidecar",
    "typed",
    "versions",
]


def versions() -> dict[str, str]:
    """Return the versions of everything that shapes the numbers."""
    import torch

    return {
        "mriinterp": mriinterp.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def to_sidecar(relevance: RelevanceMap, *, with_prediction: bool = True, **more: Any) -> dict[str, Any]:
    """Describe a map, ready for JSON. Nothing from the scan's header gets in.

    Parameters
    ----------
    relevance : RelevanceMap
    with_prediction : bool
        With what the network says; False for a real scan, if the network
        knows simulated ones only: then a caution stands in its place.
    **more
        Further entries, e.g. ``simulated=True``.
    """
    grid = relevance.volume.grid
    shown_prediction: dict[str, Any] = {"caution": SIMULATED_ONLY}
    if with_prediction:
        shown_prediction = {"prediction": {k: v for k, v in asdict(relevance.prediction).items() if k != "warnings"}}
    return {
        "method": relevance.method,
        "parameters": relevance.params,
        "target": relevance.target,
        "score": relevance.score,
        "unit": relevance.unit,
        **_signs(relevance),
        "reading": relevance.reading,
        **shown_prediction,
        **_warnings(relevance),
        **({"chosen": relevance.chosen} if relevance.chosen else {}),
        "grid": {"shape": list(grid.shape), "affine": grid.affine.tolist(), "space": "RAS+ mm"},
        "sha256": relevance.digests,
        "versions": versions(),
        "note": RESEARCH_USE,
        **more,
    }


def _signs(relevance: RelevanceMap) -> dict[str, Any]:
    """Return what either side of 0 means in a map that has both, and how much of the relevance lies there."""
    if relevance.method not in method_names() or not (meaning := Meaning.of(relevance)).signed:
        return {}
    shares = part_shares(relevance.volume.data)
    sides = {"above_0": (meaning.ends[1], "supports"), "below_0": (meaning.ends[0], "against")}
    return {"signs": {side: {"means": words, "share": shares[part]} for side, (words, part) in sides.items()}}


def _warnings(relevance: RelevanceMap) -> dict[str, dict[str, list[str]]]:
    """Return what a reader should know of scan, parameters and network; nothing where all is as usual."""
    scan = list(relevance.prediction.warnings)
    doubts = list(relevance.doubts)
    parameters = [text for text in relevance.warnings[len(scan) :] if text not in doubts]
    found = {"scan": scan, "parameters": parameters, "network": list(relevance.notes), "map": doubts}
    found = {about: texts for about, texts in found.items() if texts}
    return {"warnings": found} if found else {}


def read_warnings(entries: dict[str, Any], about: str) -> tuple[str, ...]:
    """Return the stored warnings about ``"scan"``, ``"parameters"``, ``"network"`` or ``"map"``; ValueError if they are no texts."""
    if "warnings" not in entries:
        return ()
    texts = typed(entries, "warnings", dict).get(about, [])
    return _texts(texts, about)


def _texts(values: Any, name: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"expected {name} to be a list of texts, got {type(values).__name__}")
    return tuple(values)


def from_sidecar(entries: dict[str, Any], volume: Volume, images: Mapping[str, Volume] | None = None) -> RelevanceMap:
    """Return the map that `to_sidecar` described; where the prediction was left out, the map's is empty.

    `images` has the relevance of each image, of a network of several.

    Raises
    ------
    KeyError, ValueError
        If an entry is missing or is not of its type.
    """
    texts = {name: typed(entries, name, str) for name in ("method", "target", "score", "reading", "unit")}
    if texts["reading"] not in READINGS:
        raise ValueError(f"expected a reading, got {texts['reading']!r}; available: {', '.join(READINGS)}")
    digests = typed(entries, "sha256", dict)
    withheld = "caution" in entries and "prediction" not in entries
    chosen = typed(entries, "chosen", dict) if "chosen" in entries else {}
    prediction = Prediction({}, {}, "") if withheld else read_prediction(typed(entries, "prediction", dict))
    return RelevanceMap(
        volume=volume,
        prediction=replace(prediction, warnings=read_warnings(entries, "scan")),
        params=typed(entries, "parameters", dict),
        digests={name: typed(digests, name, str) for name in digests},
        chosen={name: typed(chosen, name, str) for name in chosen},
        notes=read_warnings(entries, "network"),
        doubts=read_warnings(entries, "map"),
        images=dict(images or {}),
        **texts,
    )


def read_prediction(entries: Any) -> Prediction:
    """Return a stored prediction; KeyError or ValueError if an entry is missing or is not of its type."""
    values = {}
    for name in ("outputs", "probabilities"):
        numbers = typed(entries, name, dict)
        values[name] = {key: float(typed(numbers, key, float)) for key in numbers}
    warnings = _texts(entries.get("warnings", []), "warnings")
    return Prediction(**values, predicted=typed(entries, "predicted", str), warnings=warnings)


def typed(entries: Any, name: str, kind: type) -> Any:
    """Return an entry of a stored description that must be of a type.

    Parameters
    ----------
    entries : object
        As read from JSON.
    name : str
    kind : type
        A whole number counts as a float, a truth value as none.

    Raises
    ------
    KeyError
        If there is no such entry.
    ValueError
        If it, or `entries`, is of another type.
    """
    if not isinstance(entries, dict):
        raise ValueError(f"expected entries by name, got {type(entries).__name__}")
    value = entries[name]
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or (kind is float and isinstance(value, bool)):
        raise ValueError(f"expected {name} to be of type {kind.__name__}, got {type(value).__name__}")
    return value
