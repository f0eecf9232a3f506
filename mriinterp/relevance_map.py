"""Relevance of every voxel, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mriinterp.image.volume import Volume
from mriinterp.methods import get_method, method_names
from mriinterp.models import Prediction

__all__ = ["RelevanceMap"]


@dataclass(frozen=True, eq=False)
class RelevanceMap:
    """Relevance of every voxel, and how it came about.

    Parameters
    ----------
    volume : Volume
        Signed and raw, never clipped or rescaled (unless a preset says so),
        on the model's grid in RAS+ order.
    method : str
    target : str
        Name of the explained output.
    score : str
        What of the output is explained: probability, logit, margin, raw.
    prediction : Prediction
    params : dict
        Every parameter of the method, and ``"preset"`` if one was used.
    digests : dict of str to str
        SHA-256 of ``"scan"``, ``"model"`` and, where used, ``"atlas"`` and
        ``"reference"``.
    reading : str
        How the method's maps are read where no sign is wanted: ``"absolute"``,
        ``"positive"`` or ``"signed"``.
    unit : str
        What a value is, in words, with what is explained.
    notes : tuple of str
        What was found out about the network, as of `mriinterp.models.Model`.
    chosen : dict of str to str
        What the method chose on this network, e.g. its ``"layer"``.
    images : dict of str to Volume
        Of a network of several images: the relevance of each by name, which
        sums to `volume` (without a preset). Empty for a network of one, and
        for methods that have one map for all.
    doubts : tuple of str
        What was found out while the map was made and may make it wrong, e.g.
        that a part of the network is computed without a gradient.
    """

    volume: Volume
    method: str
    target: str
    score: str
    prediction: Prediction
    params: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    reading: str = "signed"
    unit: str = ""
    notes: tuple[str, ...] = ()
    chosen: dict[str, str] = field(default_factory=dict)
    images: dict[str, Volume] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the numbers may be wrong, in words: unusual intensities of the scan, tissue that is never hidden, `doubts`."""
        known = self.method in method_names()
        own = get_method(self.method).warning(self.volume.grid.shape, self.params) if known else ""
        return (*self.prediction.warnings, *([own] if own else []), *self.doubts)
