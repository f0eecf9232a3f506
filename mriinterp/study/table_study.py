"""A study made of a table, a folder of images and a network."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from mriinterp.base.fingerprint import file_stamp
from mriinterp.base.labels import subject_labels
from mriinterp.base.progress import Cancel, Progress
from mriinterp.image.nifti import read_volume
from mriinterp.image.template import brain_mask, template
from mriinterp.image.volume import Grid, Volume, resample
from mriinterp.models import Model
from mriinterp.prepare import PrepareJob
from mriinterp.study.base import ScanSource, Study
from mriinterp.study.folders import StudyFolders
from mriinterp.study.inputs import COLUMN, numbers_of, read_images, scan_of
from mriinterp.study.recipes import AtlasRecipe, ModelRecipe
from mriinterp.study.settings import StudySettings
from mriinterp.study.sources import FileScan, InputsScan, PreparedScan
from mriinterp.study.training import mean_training_scan, mean_training_source, training_digest
from mriinterp.subjects import split_patients

__all__ = ["TableStudy", "read_table_of", "with_split"]

DEFAULT_TEST = 0.2
EMPTY_GROUP = "No scan is left of group"

logger = logging.getLogger(__name__)


def read_table_of(settings: StudySettings):
    """Return frame and report of a study's table; errors as of `read_subjects`.

    Scans outside of the folders that study files may name are left out.
    """
    frame, report = read_images(settings)
    allowed = StudyFolders.of_server()
    files = frame[["path", *(column for column in frame if str(column).startswith(COLUMN.format("")))]]
    outside = np.array([not all(map(allowed.allow, paths)) for paths in files.to_numpy()], bool)
    known = ", ".join(map(str, allowed.folders or ()))
    reason = f"their files lie outside of the folders that study files may name on this server ({known})"
    report.filtered(frame["id"][outside], len(frame), reason, "error")
    return frame[~outside].reset_index(drop=True), report


def with_split(frame, settings: StudySettings):
    """Return the frame with every scan in a split: by the file's rule, the table's own split, or a fifth for testing.

    Raises
    ------
    ValueError
        If a group has no patient to spare, or the table's split is not complete.
    """
    own = frame["split"] != ""
    if settings.test is None and own.any():
        if not own.all():
            lacking = frame["id"][~own]
            raise ValueError(
                f"expected a split for every scan, got none for {len(lacking)} of {len(frame)}: "
                f"{', '.join(lacking[:5])}; complete the table, or set test under [split]"
            )
        return frame
    test = DEFAULT_TEST if settings.test is None else settings.test
    priority = [g for g in (settings.positive, *settings.groups) if g]  # one ill scan makes an ill patient
    return frame.assign(split=split_patients(frame, test, seed=settings.seed, priority=priority))


class TableStudy(Study):
    """A study from a study file.

    Parameters
    ----------
    settings : StudySettings

    Attributes
    ----------
    report : Report
        What was left out of the table, and why.

    Raises
    ------
    FileNotFoundError, ValueError
        If the table cannot be read or contradicts the file; ``study check`` reports more.
    """

    output: Path  # a study file always has one

    def __init__(self, settings: StudySettings):
        self.settings = settings
        self.name, self.title, self.simulated = settings.name, settings.title or settings.name, settings.simulated
        self.check_space, self.authors = settings.check_space, settings.authors
        self.groups, self.positive, self.output = settings.groups, settings.positive, settings.output
        self.opened = self.stamp()
        frame, self.report = read_table_of(settings)
        # A group without scans is an error of `study check`, but what there is can still be looked at.
        fatal = [f for f in self.report.errors if frame.empty or not f.message.startswith(EMPTY_GROUP)]
        if fatal:
            problems = "; ".join(f.text() for f in fatal)
            where = f"; see: mriinterp study check {settings.argument}" if settings.path else ""
            raise ValueError(f"{settings.name}: expected a usable table, got problems: {problems}{where}")
        for finding in [*self.report.errors, *self.report.of("warning")]:
            logger.warning("%s: %s", settings.name, finding.text())
        self.subjects = with_split(frame, settings).set_index("id", drop=False)
        self.classes = dict(settings.classes) or {g: g for g in self.groups}

    def __reduce__(self):
        return type(self), (self.settings,)

    def stamp(self) -> str:
        return f"{file_stamp(self.settings.sources)} {self._recipe.stamp()} {self.atlas_recipe.stamp()}"

    def source(self, subject: str) -> FileScan | InputsScan | PreparedScan:
        if self.settings.prepare is not None:
            job = self.prepare_job(subject)
            return PreparedScan(job, numbers_of(self.subjects.loc[subject], self.settings))
        self._check(subject)
        return scan_of(self.subjects.loc[subject], self.settings)

    def path_of(self, subject: str) -> Path:
        """Return the file of a subject's scan, as it came; KeyError for an unknown id."""
        self._check(subject)
        return Path(self.subjects.loc[subject, "path"])

    @property
    def prepared_folder(self) -> Path:
        """Where scans are kept that the study has prepared."""
        return self.output / "prepared"

    @cached_property
    def labels(self) -> dict[str, str]:
        """The label of each scan in the names of files."""
        return subject_labels(self.subjects.index)

    def prepare_job(self, subject: str, out: Path | None = None, device: str = "auto") -> PrepareJob:
        """Return how a subject's raw scan is prepared for the study's network.

        Parameters
        ----------
        subject : str
        out : Path, optional
            Default: `prepared_folder`.
        device : str
            Where the brain is sought; the same brain on all.

        Raises
        ------
        ValueError
            If the study file has no section [prepare].
        """
        if self.settings.prepare is None:
            raise ValueError(f"{self.name}: expected a section [prepare] in the study file, got none")
        return PrepareJob.of(
            self.path_of(subject), out or self.prepared_folder, self.labels[subject], self._network_grid,
            options=replace(self.settings.prepare, device=device), series=self.settings.series,
            allow_unknown_space=self.settings.allow_unknown_space, hidden=out is None,
        )  # fmt: skip

    @cached_property
    def _network_grid(self) -> Grid:
        return self.settings.model.load("cpu").grid

    @property
    def permission(self) -> bool | frozenset[str]:
        return self.settings.model.trust_code

    @property
    def fitted_card(self) -> Path:
        """Where ``study normalise`` writes the card of the fitted network."""
        return self.output / "model" / "card.json"

    @property
    def _recipe(self) -> ModelRecipe:
        recipe = self.settings.model
        return recipe if not self._fitted else replace(recipe, source=str(self.fitted_card), brain_mask="")

    @property
    def _fitted(self) -> bool:
        return self.settings.normalisation == "voxelwise"

    @property
    def model_recipe(self) -> ModelRecipe:
        if self._fitted and not self.fitted_card.is_file():
            raise ValueError(
                f"{self.name}: expected a fitted voxelwise normalisation, found no {self.fitted_card}; "
                f"make it: mriinterp study normalise {self.settings.argument}"
            )
        return self._recipe

    @property
    def folds(self) -> Mapping[str, ModelRecipe]:
        return {name: self.model_recipe.fold(files) for name, files in self.settings.folds.items()}

    @property
    def atlas_recipe(self) -> AtlasRecipe:
        return self.settings.atlas

    @cached_property
    def cpu_model(self) -> Model:
        """The network on the CPU, loaded once."""
        return self.model_recipe.load("cpu")

    def background(self, progress: Progress | None = None, cancel: Cancel | None = None) -> Volume:
        """Return the mean training scan on the model's grid, made once and kept; the template if there is none."""
        if self.settings.background == "template":
            return template(self.cpu_model.grid).canonical()
        made = mean_training_scan(self, progress=progress, cancel=cancel)
        return template(self.cpu_model.grid).canonical() if made is None else made

    def background_stamp(self) -> str:
        return training_digest(self)

    def background_source(self) -> ScanSource | None:
        return mean_training_source(self)

    def brain_mask(self) -> Volume:
        grid = self.cpu_model.grid
        if self.settings.model.brain_mask:
            mask = resample(read_volume(self.settings.model.brain_mask), grid, order=0).canonical()
            return mask.with_data(mask.data > 0)
        return brain_mask(grid).canonical()
