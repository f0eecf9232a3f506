"""The built-in demo study."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from mriinterp.image.nifti import read_volume, write_volume
from mriinterp.image.volume import Volume
from mriinterp.simulation.subjects import DEMO, SimulationSettings, demo_subjects, simulate_subject
from mriinterp.study.base import Study
from mriinterp.study.sources import AtlasRecipe, ModelRecipe, SimulatedScan, TemplateScan

__all__ = ["DemoStudy"]

logger = logging.getLogger(__name__)

SCANS_KEPT = 6  # simulated scans held in memory: about 20 MB each with their ground truth


class DemoStudy(Study):
    """Forty simulated subjects; scans are made when first asked for.

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
    example = "sim-003"  # diseased, and recognised by the packaged network

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
        found = self._read(subject)
        if found is None:
            made = simulate_subject(self.settings, subject)
            found = made.volume, made.truth
            self._write(subject, *found)
        return found

    def _files(self, subject: str) -> tuple[Path, Path]:
        stem = self.source(subject).fingerprint()
        return self.kept / f"{stem}_scan.nii.gz", self.kept / f"{stem}_truth.nii.gz"

    def _read(self, subject: str) -> tuple[Volume, Volume] | None:
        """Scan and truth as they were made before, bit by bit, or None."""
        if self.kept is None or not all(path.is_file() for path in self._files(subject)):
            return None
        scan, truth = self._files(subject)
        try:
            volume, labels = read_volume(scan), read_volume(truth, allow_constant=True)
        except (ValueError, OSError) as error:
            logger.warning("the kept scan of %s is damaged and made again: %s", subject, error)
            return None
        return Volume(volume.data, volume.affine), Volume(labels.data > 0, labels.affine)

    def _write(self, subject: str, volume: Volume, truth: Volume) -> None:
        if self.kept is None:
            return
        try:
            for one, path in zip((volume, truth), self._files(subject), strict=True):
                write_volume(one, path)
        except (OSError, ValueError) as error:
            logger.warning("the scan of %s could not be kept: %s", subject, error)

    def source(self, subject: str) -> SimulatedScan:
        self._check(subject)
        return SimulatedScan(self.settings, subject)

    def scan(self, subject: str) -> Volume:
        self._check(subject)
        return self._simulate(subject)[0]

    def truth(self, subject: str) -> Volume:
        self._check(subject)
        return self._simulate(subject)[1]

    @property
    def model_recipe(self) -> ModelRecipe:
        return ModelRecipe("demo")

    @property
    def atlas_recipe(self) -> AtlasRecipe:
        return AtlasRecipe("AAL")

    def background_source(self) -> TemplateScan:
        return TemplateScan()
