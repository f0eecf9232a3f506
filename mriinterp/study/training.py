"""What is computed from the training scans: voxel-wise normalisation and the mean scan.

Scans are streamed: memory does not grow with their number.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.base.fingerprint import file_digest
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.image.nifti import read_volume
from mriinterp.image.scanset import ScanSet
from mriinterp.image.volume import Volume, resample
from mriinterp.image.write import write_volume
from mriinterp.models import Model, write_card
from mriinterp.stats import Moments
from mriinterp.study.base import ScanSource
from mriinterp.study.settings import StudySettings
from mriinterp.study.sources import FileScan, InputsScan
from mriinterp.subjects.images import RESULTS_MARK

__all__ = [
    "Fitted",
    "TrainingStudy",
    "fit_normalisation",
    "mean_training_scan",
    "mean_training_source",
    "scan_marks",
    "training_digest",
    "training_scans",
]

logger = logging.getLogger(__name__)


class TrainingStudy(Protocol):
    """What is needed of a study to compute something from its training scans.

    Attributes
    ----------
    name : str
    subjects : DataFrame
        One row a scan, indexed by id, with the column split.
    settings : StudySettings
    output : Path
        Where results are kept.
    fitted_card : Path
        Where the card of the fitted network is written.
    """

    name: str
    subjects: pd.DataFrame
    settings: StudySettings
    output: Path

    @property
    def fitted_card(self) -> Path: ...

    @property
    def cpu_model(self) -> Model:
        """The network on the CPU."""

    def source(self, subject: str) -> ScanSource:
        """Return where the scan of a subject comes from."""

    def scan(self, subject: str) -> Volume:
        """Return the scan of a subject, RAS+."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Result of `fit_normalisation`.

    Attributes
    ----------
    card : Path
        Model card that names mean and deviation.
    n : int
        Scans that were used.
    failed : dict of str to str
        Scans that could not be read, and why.
    flat : float
        Share of voxels that never varied; the network reads 0 there.
    """

    card: Path
    n: int
    failed: dict[str, str]
    flat: float


def training_scans(study: TrainingStudy) -> list[str]:
    """Return the ids of the training scans, sorted: a fit does not depend on the order of rows."""
    return sorted(study.subjects.index[study.subjects["split"] == "train"])


def training_digest(study: TrainingStudy) -> str:
    """Return SHA-256 over the training scans' ids, and sizes and times of their files."""
    return hashlib.sha256(scan_marks(study, training_scans(study))).hexdigest()


def scan_marks(study: TrainingStudy, ids: Iterable[str]) -> bytes:
    """Return ids, and sizes and times of their scans' files, a line each: what a digest over scans is made of."""
    lines = []
    for subject in ids:
        try:
            mark = study.source(subject).fingerprint()
        except OSError:
            mark = "absent"
        lines.append(f"{subject}\t{mark}\n")
    return "".join(lines).encode()


def _on_grid(model: Model, scan: Volume, image: str = "") -> np.ndarray:
    """Return a scan, or one of its images, as the network's normalisation meets it: on its grid, masked."""
    volume = scan.images[image] if image and isinstance(scan, ScanSet) else scan
    data = resample(volume, model.grid, order=1).data
    return data if model.mask is None else data * (model.mask.data > 0)


def _stream(
    study: TrainingStudy, read, progress: Progress | None, cancel: Cancel | None
) -> tuple[Moments, dict[str, str]]:
    moments, failed = Moments(), {}
    scans = training_scans(study)
    for done, subject in enumerate(scans, start=1):
        check_cancel(cancel)
        try:
            moments.add(read(study.scan(subject)))
        except (OSError, ValueError) as error:
            logger.warning("%s: training scan %s is left out: %s", study.name, subject, error)
            failed[subject] = str(error)
        tell(progress, done, len(scans))
    return moments, failed


def _mark(folder: Path) -> None:
    """Keep searches for scans out of a folder of results, wherever it lies."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RESULTS_MARK).touch()


def _from_folder(path: Path, folder: Path) -> str:
    """Return a path as a card writes it: relative where that can be."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return str(path)


def fit_normalisation(
    study: TrainingStudy, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> Fitted:
    """Return the mean and standard deviation of every voxel over the training scans, saved beside a model card.

    Deviations are those of the training scans themselves (divided by n, as
    numpy's default and the original study have it).

    Raises
    ------
    ValueError
        If fewer than two training scans can be read.
    """
    recipe = study.settings.model
    model = recipe.load("cpu")
    if model.card.channels > 1:
        raise ValueError(
            f"{study.name}: expected a network of one image to fit a voxelwise normalisation for, got one of "
            f"{', '.join(model.card.images)}"
        )
    moments, failed = _stream(study, lambda scan: _on_grid(model, scan), progress, cancel)
    if moments.count < 2:
        why = "; ".join(f"{name}: {text}" for name, text in list(failed.items())[:3])
        raise ValueError(
            f"{study.name}: expected at least two training scans to fit a normalisation, got {moments.count} of "
            f"{len(training_scans(study))}{f' ({why})' if why else ''}"
        )
    folder = study.fitted_card.parent
    deviation = moments.deviation(ddof=0)
    if not deviation.any():
        raise ValueError(f"{study.name}: expected training scans that differ, got {moments.count} equal ones")
    _mark(study.output)
    for name, data in (("mean", moments.average()), ("std", deviation)):
        write_volume(Volume(data, model.grid.affine), folder / f"{name}.nii.gz", space="mni")
    card = model.card
    weights = recipe.weights or tuple(str(card.folder / name) for name in card.weights)
    mask = card.folder / card.brain_mask if card.brain_mask else None
    fitted: dict[str, Any] = {
        "fitted": {
            "scans": moments.count,
            "training_scans": training_scans(study),
            "left_out": failed,
            "digest": training_digest(study),
        }
    }
    made = replace(
        card,
        normalisation={"kind": "voxelwise", "mean": "mean.nii.gz", "std": "std.nii.gz"},
        brain_mask=_from_folder(mask, folder) if mask else None,
        weights=tuple(_from_folder(Path(name), folder) for name in weights),
        preparation=card.preparation
        or (None if study.settings.prepare is None else study.settings.prepare.preparation),
        about={**card.about, **fitted},
    )
    write_card(made, study.fitted_card)
    return Fitted(study.fitted_card, moments.count, failed, float(np.mean(deviation == 0)))


def mean_training_scan(
    study: TrainingStudy,
    *,
    normalised: bool | None = None,
    image: str = "",
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Volume | None:
    """Return the mean of the training scans on the model's grid, RAS+; None without any.

    Computed once and kept in the study's output folder, until scans or model change.

    Parameters
    ----------
    normalised : bool, optional
        The mean of what the network reads, instead of intensities; default: as the study file says.
    image : str
        Of a network of several images: the mean of this one's intensities; default: of the first.
    """
    if not training_scans(study):
        return None
    normalised = study.settings.normalised if normalised is None else normalised
    which = f"_{image}" if image else "_normalised" if normalised else ""
    path = study.output / "background" / f"mean{which}.nii.gz"
    note = path.with_name(path.name.removesuffix(".nii.gz") + ".json")
    model = study.cpu_model
    wanted = {"training": training_digest(study), "model": model.digest, "normalised": normalised}
    try:
        known = read_json(note)
        if {key: known[key] for key in wanted} == wanted and known["image_sha256"] == file_digest(path):
            return read_volume(path, allow_constant=True)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # not there, or damaged: made anew
    read = (
        (lambda scan: model.prepare(scan)[0, 0].cpu().numpy())
        if normalised
        else (lambda scan: _on_grid(model, scan, image))
    )
    moments, failed = _stream(study, read, progress, cancel)
    if not moments.count:
        return None
    mean = Volume(moments.average(), model.grid.affine).canonical()
    try:
        _mark(study.output)
        write_volume(mean, path, space="mni")
        about = {**wanted, "image_sha256": file_digest(path), "scans": moments.count, "left_out": failed}
        write_text(note, json.dumps(about, indent=1))
    except OSError as error:  # a folder one may not write to: the picture is still good
        logger.warning("%s: the mean training scan cannot be kept: %s", study.name, error)
    return mean


def mean_training_source(study: TrainingStudy) -> ScanSource | None:
    """Return the mean training scan as a source, of several images the mean of each; None without training scans."""
    images = study.cpu_model.card.images
    if len(images) < 2:
        made = mean_training_scan(study, normalised=False)
        return None if made is None else FileScan(study.output / "background" / "mean.nii.gz")
    if any(mean_training_scan(study, normalised=False, image=name) is None for name in images):
        return None
    files = ((name, FileScan(study.output / "background" / f"mean_{name}.nii.gz")) for name in images)
    return InputsScan(tuple(files))
