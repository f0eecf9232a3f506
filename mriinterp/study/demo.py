"""The built-in demo study."""

from __future__ import annotations

from functools import lru_cache

from mriinterp.simulate import DEMO, SimulationSettings, demo_subjects, simulate_subject
from mriinterp.study.base import Study
from mriinterp.study.sources import AtlasRecipe, ModelRecipe, SimulatedScan, TemplateScan
from mriinterp.volume import Volume

__all__ = ["DemoStudy"]

SCANS_KEPT = 6  # simulated scans held in memory: about 20 MB each with their ground truth


class DemoStudy(Study):
    """Forty simulated subjects; scans are made when first asked for."""

    name = "demo"
    title = "Demo study (simulated)"
    simulated = True
    example = "sim-003"  # diseased, and recognised by the packaged network

    def __init__(self, settings: SimulationSettings = DEMO):
        self.settings = settings
        table = demo_subjects(settings)
        self.subjects = table.assign(subject=table["id"]).set_index("id", drop=False)
        self.groups = settings.groups
        self.positive = settings.groups[1]
        self.classes = dict(zip(settings.groups, DEMO.groups, strict=True))
        self._simulate = lru_cache(maxsize=SCANS_KEPT)(self._make)

    def __reduce__(self):
        return type(self), (self.settings,)

    def _make(self, subject: str) -> tuple[Volume, Volume]:
        made = simulate_subject(self.settings, subject)
        return made.volume, made.truth

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
