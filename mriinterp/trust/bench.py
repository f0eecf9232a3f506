"""A study made ready for the measures: Ω, the areas, the control mean, and a case for each subject."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mriinterp.areas import merge_table
from mriinterp.base.arrays import load_npy
from mriinterp.base.atomic import replacing
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.cohort.targets import positive_output
from mriinterp.explain import occlusion_labels
from mriinterp.image.volume import Volume, resample
from mriinterp.models import Model
from mriinterp.simulation.subjects import subjects_table
from mriinterp.study import DemoStudy, SimulatedScan, Study
from mriinterp.trust.case import Case, visible_box

__all__ = ["Bench", "reference_sources"]

logger = logging.getLogger(__name__)

STRAIGHT = 1e-3  # of the spread of a prepared scan: a normalisation closer than this to a straight line is linear


def reference_sources(study: Study, count: int) -> list:
    """Return the scans of the control mean: of the reference group, from the training split where there is one.

    Parameters
    ----------
    count : int
        At most so many, the first ones by name.

    Raises
    ------
    ValueError
        If the study has no scan of its reference group.
    """
    if isinstance(study, DemoStudy):
        table = subjects_table(study.settings)
        chosen = table[(table["split"] == "train") & (table["group"] == study.reference_group)]["id"]
        return [SimulatedScan(study.settings, subject) for subject in chosen.head(count)]
    table = study.subjects[study.subjects["group"] == study.reference_group]
    if "split" in table and (table["split"] == "train").any():
        table = table[table["split"] == "train"]
    if table.empty:
        raise ValueError(f"{study.name}: expected scans of group {study.reference_group!r} for a mean, got none")
    return [study.source(subject) for subject in sorted(table.index)[:count]]


@dataclass(eq=False)
class Bench:
    """What all cases of a study share.

    Parameters
    ----------
    study : Study
    model : Model, optional
        Default: the study's.
    reference_scans : int
        Scans of the reference group averaged into what hidden tissue is
        replaced by.
    folder : Path, optional
        Where that mean is kept between runs.
    of_pages : bool
        Hidden tissue is replaced as pages do it, by the study's background;
        of a network of several images by the control mean all the same.
    """

    study: Study
    model: Model = None  # type: ignore[assignment]  # the study's, unless another is given
    reference_scans: int = 12
    folder: Path | None = None
    of_pages: bool = False

    def __post_init__(self):
        if self.model is None:
            self.model = self.study.model()
        named = self.study.class_of(self.study.positive) is not None
        self.head, self.target = self.model.find_target(positive_output(self.study, self.model, strict=named), None)
        self.module, self.lock = self.model.working_copy(self.head)
        self._reference: Tensor | None = None

    @property
    def score(self) -> str:
        """f: the logit margin of the positive class, or the raw output of a scale."""
        return "raw" if self.head.kind == "scale" else "margin"

    @property
    def target_name(self) -> str:
        """The explained output."""
        return self.head.classes[self.target]

    @cached_property
    def sources(self) -> list:
        """The scans of the control mean."""
        return reference_sources(self.study, self.reference_scans)

    @cached_property
    def key(self) -> str:
        """SHA-256 over the network and the scans of the control mean; reads no voxel."""
        marks = [source.fingerprint() for source in self.sources]
        parts = [self.model.digest, self.target_name, self.study.atlas().digest, *marks]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def reference(self, progress: Progress | None = None, cancel: Cancel | None = None) -> Tensor:
        """Return what hidden tissue is replaced by: the mean of the prepared scans of the reference group, (1, C, i, j, k)."""
        if self._reference is None and self.of_pages and self.model.card.channels == 1:
            self._reference = self.model.prepare(self.study.background())
        if self._reference is None:
            path = None if self.folder is None else Path(self.folder) / f"control_mean_{self.key[:12]}.npy"
            mean = None if path is None else self._kept_mean(path)
            if mean is None:
                mean = self._mean(progress, cancel)
                if path is not None:
                    with replacing(path) as temporary, temporary.open("wb") as file:
                        np.save(file, mean, allow_pickle=False)
            self._reference = torch.from_numpy(mean).to(self.model.device)
        return self._reference

    def _kept_mean(self, path: Path) -> np.ndarray | None:
        """Return the mean as it was kept before; None if there is none, or something else lies there."""
        try:
            mean = load_npy(path, shape=(1, self.model.card.channels, *self.model.grid.shape))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            logger.warning("the kept control mean is damaged and made again: %s", error)
            return None
        return mean if mean.dtype == np.float32 and np.isfinite(mean).all() else None

    def _mean(self, progress: Progress | None, cancel: Cancel | None) -> np.ndarray:
        total = np.zeros((1, self.model.card.channels, *self.model.grid.shape))
        for done, source in enumerate(self.sources, 1):
            check_cancel(cancel)
            total += self.model.prepare(source.load()).cpu().numpy()
            tell(progress, done, len(self.sources))
        return (total / len(self.sources)).astype(np.float32)

    @cached_property
    def brain(self) -> np.ndarray:
        """The brain on the model's grid, bool."""
        mask = self.study.brain_mask()
        return resample(mask.with_data(mask.data != 0), self.model.grid, order=0).data.astype(bool)

    @cached_property
    def mask(self) -> np.ndarray:
        """Ω: the brain, as far as the network can see it."""
        with self.lock:
            return self.brain & visible_box(self.module, self.reference(), self.target)

    @cached_property
    def areas(self) -> np.ndarray:
        """Labels of the atlas on the model's grid."""
        return self.study.atlas().on(self.model.grid).labels.data.astype(np.int64)

    @cached_property
    def area_names(self) -> dict[int, str]:
        """Names by label."""
        table = self.study.atlas().areas
        return dict(zip(table["label"].astype(int), table["name"].astype(str), strict=True))

    @cached_property
    def _labels(self) -> Tensor:
        return occlusion_labels(self.study.atlas().on(self.model.grid))

    def _judged(self, subject: str) -> Volume:
        """Return a subject's scan; what is unusual about it goes to the log."""
        scan = self.study.scan(subject)
        for text in self.model.warnings_of(scan):
            logger.warning("%s: %s", subject, text)
        return scan

    def prepared(self, subject: str) -> Tensor:
        """Return a subject's scan as the network expects it."""
        return self.model.prepare(self._judged(subject))

    @cached_property
    def diseased(self) -> np.ndarray | None:
        """Whether the area of each label is one of the disease's, bool; None where that is not known."""
        if not self.study.diseased_areas:
            return None
        found = np.zeros(max(self.area_names) + 1, bool)
        merged = merge_table(self.study.atlas())
        for _, row in merged[merged["area"].isin(self.study.diseased_areas)].iterrows():
            found[list(row["labels"])] = True
        return found

    def _on_grid(self, volume: Volume) -> np.ndarray:
        """Return a volume on the model's grid, float64."""
        return resample(volume, self.model.grid, order=1).data.astype(np.float64)

    def _twin(self, scan: Volume, x: Tensor, healthy: Volume) -> Tensor | None:
        """Return the scan without the disease, by the constants that bring the scan itself to the network.

        Of its own, the normalisation would move every voxel of the scan by a little, and the effect of one area would be
        that of all. None, with a warning, for a network whose normalisation is no straight line.
        """
        raw, other = self._on_grid(scan), self._on_grid(healthy)
        values = x[0, 0].cpu().numpy().astype(np.float64)
        inside = raw != 0
        slope, offset = np.polyfit(raw[inside], values[inside], 1)
        if x.shape[1] != 1 or np.abs(slope * raw[inside] + offset - values[inside]).max() > STRAIGHT * values.std():
            logger.warning("%s: expected one image and a linear normalisation for a scan without disease", scan)
            return None
        twin = np.where(inside, values + slope * (other - raw), values)
        return torch.from_numpy(twin.astype(np.float32))[None, None].to(x.device)

    def case(
        self,
        subject: str,
        *,
        others: Sequence[Tensor] = (),
        replicates: Sequence[Model] = (),
        needs: Collection[str] = (),
    ) -> Case:
        """Return everything the measures need of one subject.

        Parameters
        ----------
        needs : collection of str
            Keys of `mriinterp.trust.measure.NEEDS`; the field of the atrophy and the scan without the disease, which
            take as long as a simulation, are there only if named.
        others : sequence of Tensor
            Prepared scans of other subjects, for the randomisation test.
        replicates : sequence of Model
            Retrained networks on the same grid.
        """
        for other in replicates:
            if not other.grid.matches(self.model.grid) or other.normalisation.digest != self.model.normalisation.digest:
                raise ValueError(
                    f"expected replicates of {self.model.card.name}, got {other.card.name} on another grid"
                )
        known = self.study.truth(subject)
        truth = None
        if known is not None:
            truth = resample(known.with_data(known.data != 0), self.model.grid, order=0).data.astype(bool)
        scan = self._judged(subject)
        module, lock = self.module, self.lock
        if self.model.card.numbers:  # age and the like are the subject's own
            module, lock = self.model.working_copy(self.head, scan=scan)
        x = self.model.prepare(scan)
        disease = self.study.disease(subject) if {"atrophy", "twin"} & set(needs) else None
        return Case(
            module=module,
            x=x,
            atrophy=None if disease is None else self._on_grid(disease.atrophy),
            twin=None if disease is None else self._twin(scan, x, disease.twin),
            diseased=self.diseased,
            target=self.target,
            mask=self.mask,
            areas=self.areas,
            reference=self.reference(),
            score=self.score,
            truth=truth,
            labels=self._labels,
            others=tuple(others),
            replicates=tuple(other.working_copy(other.heads[0], scan=scan)[0] for other in replicates),
            name=subject,
            lock=lock,
        )
