"""The interface of a study, for pages and cohort runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

import pandas as pd

from mriinterp.areas.atlas import Atlas
from mriinterp.base.names import propose
from mriinterp.image.template import DEMO_GRID, brain_mask, template
from mriinterp.image.volume import Volume
from mriinterp.models import Model
from mriinterp.simulation.subjects import SimulatedDisease
from mriinterp.study.recipes import AtlasRecipe, ModelRecipe

__all__ = ["ScanSource", "Study"]


class ScanSource(Protocol):
    """One scan, not read yet; small, and can be sent to another process."""

    def load(self) -> Volume:
        """Return the scan, RAS+."""

    def fingerprint(self) -> str:
        """Return a text that changes when the scan may have changed; reads no voxel."""

    def stamp(self) -> str:
        """Return `fingerprint` at its strictest, on this machine only: for what is kept in memory."""


class Study(ABC):
    """Subjects, their scans, a network and an atlas.

    Attributes
    ----------
    name, title : str
    simulated : bool
        Everything shown of this study must say so.
    subjects : DataFrame
        One row a scan, indexed by ``id``: subject, group, sex, age, split and more.
    groups : tuple of str
        Reference group first.
    positive : str
        The group that the network's positive class stands for; "" in a study of one group.
    classes : dict of str to str
        The network's class for each group; groups that have none are absent.
    output : Path or None
        Where results of this study go by default.
    check_space : bool
        Whether scans are compared with the MNI template before a cohort run explains them.
    example : str or None
        The subject that pages open with; None: the first.
    diseased_areas : tuple of str
        Areas of the atlas that the disease shrinks, without their side; () where that is not known. A study that has
        them knows `disease`, too.
    authors : tuple of str
        Whom the description of a cohort's folder names.
    """

    name: str
    title: str
    simulated: bool = False
    subjects: pd.DataFrame
    groups: tuple[str, ...]
    positive: str
    classes: dict[str, str]
    output: Path | None = None
    check_space: bool = True
    example: str | None = None
    diseased_areas: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()

    @property
    def reference_group(self) -> str:
        """The group others are compared with."""
        return self.groups[0]

    def group_of(self, subject: str) -> str:
        """Return the group of a subject; KeyError for an unknown id."""
        self._check(subject)
        return str(self.subjects.loc[subject, "group"])

    def class_of(self, group: str) -> str | None:
        """Return the network's class that a group stands for, or None."""
        return self.classes.get(group)

    def _check(self, subject: str) -> None:
        if subject not in self.subjects.index:
            some = ", ".join(map(str, self.subjects.index[:5]))
            hint = propose(subject, map(str, self.subjects.index))
            raise KeyError(f"expected a subject of study {self.name!r}, got {subject!r}{hint}; available: {some}, …")

    def stamp(self) -> str:
        """Return a text that changes when what the study is made of does: table, network, atlas; not its scans."""
        return f"{self.model_recipe.stamp()} {self.atlas_recipe.stamp()}"

    @cached_property
    def opened(self) -> str:
        """Its `stamp` when it was opened."""
        return self.stamp()

    def is_current(self) -> bool:
        """Return whether what the study is made of is still on disk as it was when it was opened."""
        return self.stamp() == self.opened

    def scan(self, subject: str) -> Volume:
        """Return the scan of a subject, RAS+."""
        return self.source(subject).load()

    @property
    def permission(self) -> bool | frozenset[str]:
        """Permission to run the code that the study's network comes with, as of `ModelRecipe`."""
        return False

    @abstractmethod
    def source(self, subject: str) -> ScanSource:
        """Return where the scan of a subject comes from; KeyError for an unknown id."""

    def truth(self, subject: str) -> Volume | None:
        """Return where disease changed this brain (bool), or None where that is not known."""
        return None

    def disease(self, subject: str) -> SimulatedDisease | None:
        """Return the scan without the disease and the field of the atrophy, or None where they are not known."""
        return None

    @property
    @abstractmethod
    def model_recipe(self) -> ModelRecipe:
        """How to load the study's network."""

    @property
    def folds(self) -> Mapping[str, ModelRecipe]:
        """The same network with other weights, by name: folds of a cross-validation, other seeds."""
        return {}

    @property
    @abstractmethod
    def atlas_recipe(self) -> AtlasRecipe:
        """How to load the study's atlas."""

    def model(self, device: str | None = None) -> Model:
        """Return the study's network."""
        return self.model_recipe.load(device)

    def atlas(self) -> Atlas:
        """Return the study's atlas."""
        return self.atlas_recipe.load()

    def background(self) -> Volume:
        """Return what group maps are shown over."""
        return template(DEMO_GRID)

    def background_stamp(self) -> str:
        """Return a text that changes when the background may have changed; the study's `stamp` counts besides."""
        return ""

    def background_source(self) -> ScanSource | None:
        """Return the background as a source, for fills called "reference"; None if there is none."""
        return None

    def brain_mask(self) -> Volume:
        """Return the voxels of the brain (bool)."""
        return brain_mask(DEMO_GRID)
