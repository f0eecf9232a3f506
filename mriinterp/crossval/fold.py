"""One round of a cross-validation: normalisation, fit, predictions, files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from torch import nn

from mriinterp.base.progress import Cancel, Progress
from mriinterp.crossval.calibration import fit_temperature
from mriinterp.crossval.folds import Round
from mriinterp.crossval.new_network import crop_of, new_network
from mriinterp.crossval.presets import Preset
from mriinterp.crossval.scans import KeptScans
from mriinterp.models import Model
from mriinterp.models.normalisation import Normalisation
from mriinterp.stats import Moments
from mriinterp.training.dataset import ScanDataset
from mriinterp.training.loop import History, fit, margins

__all__ = ["FittedFold", "Task", "fit_fold"]


@dataclass(frozen=True, eq=False)
class Task:
    """What all rounds share.

    Parameters
    ----------
    model : Model
        The study's network: grid, mask, architecture, normalisation.
    scans : KeptScans
    labels : Series of 0/1, by id
    preset : Preset
    architecture : str or None
    voxelwise : bool
        Whether a normalisation is fitted in each fold.
    device : torch.device
    """

    model: Model
    scans: KeptScans
    labels: pd.Series
    preset: Preset
    architecture: str | None
    voxelwise: bool
    device: torch.device


@dataclass(frozen=True, eq=False)
class FittedFold:
    """A trained network and what it says of scans that it has not seen.

    Attributes
    ----------
    round : Round
    module : nn.Module
    history : History
    normalisation : Normalisation
    mean : array (i, j, k)
        Mean training scan.
    temperature : float
        Fitted on the validation scans.
    margins : Series, by id
        Of the test scans of the round and the scans held out.
    """

    round: Round
    module: nn.Module
    history: History
    normalisation: Normalisation
    mean: np.ndarray
    temperature: float
    margins: pd.Series


def _normalisation(task: Task, one: Round) -> tuple[Normalisation, np.ndarray]:
    """Return the round's normalisation and its mean training scan: no other scan counts."""
    moments = Moments()
    for name in one.train:
        moments.add(task.scans[name])
    mean = np.asarray(moments.average(), np.float32)
    if not task.voxelwise:
        return task.model.normalisation.of(task.model.card.images[0] if task.model.card.images else ""), mean
    deviation = np.asarray(moments.deviation(ddof=0), np.float32)
    if not deviation.any():
        raise ValueError(f"expected training scans that differ, got {moments.count} equal ones in fold {one.number}")
    return Normalisation("voxelwise", {"mean": mean, "std": deviation}), mean


def _side(task: Task) -> int:
    """Return the axis of left and right on the network's grid."""
    return [code in "LR" for code in nib.aff2axcodes(task.model.grid.affine)].index(True)


def _dataset(task: Task, rule: Normalisation, ids: Sequence[str], crop, vary: dict[str, Any]) -> ScanDataset:
    def load(position: int) -> np.ndarray:
        return rule.apply(task.scans[ids[position]])

    return ScanDataset(load, task.labels[list(ids)], crop=crop, axis=_side(task), **vary)


def fit_fold(
    task: Task,
    one: Round,
    held_out: Sequence[str],
    checkpoint: Path | None = None,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    on_epoch: Callable[[History], None] | None = None,
) -> FittedFold:
    """Train the network of a round; errors name the fold.

    Parameters
    ----------
    task : Task
    one : Round
    held_out : sequence of str
        Scans of the test set, which it is asked about as well.
    checkpoint : Path, optional
        As of `mriinterp.training.loop.fit`.
    progress, cancel, on_epoch
    """
    preset = task.preset
    settings = replace(preset.fitting, seed=preset.fitting.seed + one.number - 1)
    rule, mean = _normalisation(task, one)
    module = new_network(task.model, task.architecture, preset.dropout, settings.seed).to(task.device)
    crop = crop_of(module, task.model.grid.shape)
    vary = {"flip": preset.flip, "shift": preset.shift, "intensity": preset.intensity, "seed": settings.seed}
    train = _dataset(task, rule, one.train, crop, vary)
    validation = _dataset(task, rule, one.validation, crop, {})
    devices = [task.device] if task.device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(settings.seed)
            history = fit(
                module, train, validation, settings, checkpoint=checkpoint, progress=progress, cancel=cancel,
                on_epoch=on_epoch,
            )  # fmt: skip
            asked = [*one.test, *held_out]
            found = pd.Series(margins(module, _dataset(task, rule, asked, crop, {})), index=asked)
            known = margins(module, validation)
    except RuntimeError as error:
        if "memory" not in str(error):  # torch.OutOfMemoryError, and that of the processor's allocator
            raise
        raise ValueError(
            f"fold {one.number}: expected memory for batches of {settings.batch} scans on {task.device}, got none left; "
            "take smaller batches (--batch) or --device cpu"
        ) from error
    except ValueError as error:
        raise ValueError(f"fold {one.number}: {error}") from error
    temperature = fit_temperature(known, validation.labels)
    return FittedFold(one, module, history, rule, mean, temperature, found)
