"""A study: subjects, their scans, a model and an atlas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import ClassVar

import pandas as pd

from mriinterp.atlas import Atlas, load_atlas
from mriinterp.models import Model, load_model
from mriinterp.simulate import DEMO, SimulationSettings, demo_subjects, simulate_subject
from mriinterp.template import DEMO_GRID, brain_mask, template
from mriinterp.volume import Volume

__all__ = ["DemoStudy", "Study", "load_study"]

DEMO_ATLAS = "AAL"
SCANS_KEPT = 6  # simulated scans held in memory: about 20 MB each with their ground truth


class Study(ABC):
    """What a page or a cohort run needs to know of a study.

    Attributes
    ----------
    name, title : str
    simulated : bool
        Everything shown of this study must say so.
    subjects : DataFrame
        One row a scan, indexed by ``id``: group, sex, age, split and more.
    groups : tuple of str
        Reference group first.
    positive : str
        The group that the network's positive class stands for.
    """

    name: str
    title: str
    simulated: ClassVar[bool] = False
    subjects: pd.DataFrame
    groups: tuple[str, ...]
    positive: str

    @property
    def reference_group(self) -> str:
        """The group others are compared with."""
        return self.groups[0]

    def group_of(self, subject: str) -> str:
        """Group of a subject; KeyError for an unknown id."""
        self._check(subject)
        return str(self.subjects.loc[subject, "group"])

    def _check(self, subject: str) -> None:
        if subject not in self.subjects.index:
            some = ", ".join(map(str, self.subjects.index[:5]))
            raise KeyError(f"expected a subject of study {self.name!r}, got {subject!r}; available: {some}, …")

    @abstractmethod
    def scan(self, subject: str) -> Volume:
        """The scan of a subject, RAS+."""

    def truth(self, subject: str) -> Volume | None:
        """Where disease changed this brain (bool), or None where nobody knows."""
        return None

    @abstractmethod
    def model(self, device: str | None = None) -> Model:
        """The study's network."""

    @abstractmethod
    def atlas(self) -> Atlas:
        """The study's atlas."""

    def background(self) -> Volume:
        """What group maps are shown over."""
        return template(DEMO_GRID)

    def brain_mask(self) -> Volume:
        """Voxels of the brain (bool)."""
        return brain_mask(DEMO_GRID)


class DemoStudy(Study):
    """Forty simulated subjects; scans are made when first asked for."""

    name = "demo"
    title = "Demo study (simulated)"
    simulated = True

    def __init__(self, settings: SimulationSettings = DEMO):
        self.settings = settings
        self.subjects = demo_subjects(settings).set_index("id", drop=False)
        self.groups = settings.groups
        self.positive = settings.groups[1]
        self._simulate = lru_cache(maxsize=SCANS_KEPT)(self._make)

    def _make(self, subject: str) -> tuple[Volume, Volume]:
        made = simulate_subject(self.settings, subject)
        return made.volume, made.truth

    def scan(self, subject: str) -> Volume:
        self._check(subject)
        return self._simulate(subject)[0]

    def truth(self, subject: str) -> Volume:
        self._check(subject)
        return self._simulate(subject)[1]

    def model(self, device: str | None = None) -> Model:
        return load_model("demo", device=device)

    def atlas(self) -> Atlas:
        return load_atlas(DEMO_ATLAS)


def load_study(source: str) -> Study:
    """A study by name (``"demo"``).

    Raises
    ------
    KeyError
        Unknown name.
    """
    if source == DemoStudy.name:
        return DemoStudy()
    raise KeyError(f"expected a study, got {source!r}; available: {DemoStudy.name}")
