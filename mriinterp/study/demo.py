"""The built-in demo study."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from mriinterp.image.volume import Volume
from mriinterp.simulation.areas import AREA_WEIGHTS
from mriinterp.simulation.subjects import (
    DEMO,
    SimulatedDisease,
    SimulationSettings,
    demo_subjects,
    simulate_disease,
    simulate_subject,
)
from mriinterp.study.base import Study
from mriinterp.study.kept_scans import EXAMPLE, read_kept, shipped_scan, write_kept
from mriinterp.study.recipes import AtlasRecipe, ModelRecipe
from mriinterp.study.sources import SimulatedScan, TemplateScan

__all__ = ["DemoStudy"]

logger = logging.getLogger(__name__)

SCANS_KEPT = 6  # simulated scans held in memory: about 20 MB each with their ground truth


class DemoStudy(Study):
    """Sixty simulated subjects; scans are made when first asked for, but for the example's, which comes with the package.

    Parameters
    ----------
    settings : SimulationSettings
    kept : Path, optional
        Folder where scans once made are kept, about 2 MB each.
    """

    name = "demo"
    title = "Demo study (simulated)"
    simulated = True
    check_space = False  # made from the template
    example = EXAMPLE
    diseased_areas = tuple(AREA_WEIGHTS)

    def __init__(self, settings: SimulationSettings = DEMO, kept: Path | None = None):
        self.settings, self.kept = settings, kept
        table = demo_subjects(settings)
        self.subjects = table.assign(subject=table["id"]).set_index("id", drop=False)
        self.groups = settings.groups
        self.positive = settings.groups[1]
        self.classes = dict(zip(settings.groups, DEMO.groups, strict=True))
        self._simulate = lru_cache(maxsize=SCANS_KEPT)(self._make)

    def __reduce__(self):
        return type(self), (self.settings, self.kept)

    def _make(self, subject: str) -> tuple[Volume, Volume]:
        found = shipped_scan(self.settings, subject) or self._read(subject)
        if found is None:
            made = simulate_subject(self.settings, subject)
            found = made.volume, made.truth
            self._write(subject, *found)
        return found

    def _read(self, subject: str) -> tuple[Volume, Volume] | None:
        """Return scan and truth as they were made before, bit by bit, or None."""
        return None if self.kept is None else read_kept(self.kept, self.source(subject).fingerprint())

    def _write(self, subject: str, volume: Volume, truth: Volume) -> None:
        if self.kept is None:
            return
        try:
            write_kept(self.kept, self.source(subject).fingerprint(), volume, truth)
        except OSError as error:
            logger.warning("simulated scans cannot be kept, and are made anew when they are wanted again: %s", error)
            self.kept = None

    def source(self, subject: str) -> SimulatedScan:
        self._check(subject)
        return SimulatedScan(self.settings, subject)

    def scan(self, subject: str) -> Volume:
        self._check(subject)
        return self._simulate(subject)[0]

    def truth(self, subject: str) -> Volume:
        self._check(subject)
        return self._simulate(subject)[1]

    def disease(self, subject: str) -> SimulatedDisease:
        self._check(subject)
        return simulate_disease(self.settings, subject)

    @property
    def model_recipe(self) -> ModelRecipe:
        return ModelRecipe("demo")

    @property
    def atlas_recipe(self) -> AtlasRecipe:
        return AtlasRecipe("AAL")

    def background_source(self) -> TemplateScan:
        return TemplateScan()
