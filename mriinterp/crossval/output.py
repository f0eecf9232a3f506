"""The files of a cross-validation that networks are opened from: folds with their cards, and a study file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import save

from mriinterp.base.atomic import replacing
from mriinterp.base.tables import read_tsv
from mriinterp.crossval.fold import FittedFold, Task
from mriinterp.crossval.folds import RULE
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.models import Head, read_card, write_card
from mriinterp.study import TableStudy, write_study_file
from mriinterp.study.tomlfile import read_toml
from mriinterp.subjects.images import RESULTS_MARK
from mriinterp.training.loop import History

__all__ = [
    "CARD",
    "CONFUSION",
    "MEASURES",
    "PREDICTIONS",
    "fold_name",
    "histories_of",
    "read_predictions",
    "write_fold",
    "write_study",
]

CARD = "card.json"
PREDICTIONS, MEASURES, CONFUSION = "predictions.tsv", "measures.tsv", "confusion.tsv"
TEXTS = ("id", "subject", "group", "sex", "site", "fold")


def read_predictions(folder: Path) -> pd.DataFrame:
    """Return a row a scan of a finished training: who it is of, its fold, what network and baselines say of it."""
    return read_tsv(folder / PREDICTIONS, text=TEXTS)


def fold_name(number: int) -> str:
    """Return the name of a fold's folder."""
    return f"fold{number}"


def _normalisation(fold: FittedFold, task: Task) -> dict[str, Any] | None:
    if task.voxelwise:
        return {"kind": "voxelwise", "mean": "mean.nii.gz", "std": "std.nii.gz"}
    return task.model.card.normalisation


def write_fold(folder: Path, fold: FittedFold, task: Task, study: TableStudy, figures: pd.DataFrame) -> None:
    """Write a fold's weights, mean training scan, normalisation and, last, its card.

    Parameters
    ----------
    folder : Path
        Of the fold.
    fold : FittedFold
    task : Task
    study : TableStudy
    figures : DataFrame
        The fold's rows of `mriinterp.crossval.train_measures.measures_table`.
    """
    (folder).mkdir(parents=True, exist_ok=True)
    (folder.parent / RESULTS_MARK).touch()  # searches for scans keep out
    grid, card = task.model.grid, task.model.card
    write_volume(Volume(fold.mean, grid.affine), folder / "mean.nii.gz", space="mni")
    if task.voxelwise:
        write_volume(Volume(fold.normalisation.params["std"], grid.affine), folder / "std.nii.gz", space="mni")
    if task.model.mask is not None:
        write_volume(task.model.mask, folder / "mask.nii.gz", space="mni")
    content = save({key: value.detach().cpu().contiguous() for key, value in fold.module.state_dict().items()})
    with replacing(folder / "weights.safetensors") as temporary:
        temporary.write_bytes(content)
    prepare = study.settings.prepare
    made = replace(
        card,
        name=f"{study.name} {fold_name(fold.round.number)}",
        architecture=task.architecture or card.architecture,
        heads=(Head(card.heads[0].name, (study.reference_group, study.positive), output="logits"),),
        normalisation=_normalisation(fold, task),
        brain_mask="mask.nii.gz" if task.model.mask is not None else None,
        simulated=study.simulated,
        preparation=prepare.preparation if prepare is not None else task.scans.preparation,
        weights=("weights.safetensors",),
        about=_about(fold, task, study, figures, hashlib.sha256(content).hexdigest()),
        folder=folder,
    )
    write_card(made, folder / CARD)


def _about(fold: FittedFold, task: Task, study: TableStudy, figures: pd.DataFrame, sha256: str) -> dict[str, Any]:
    preset, one, history = task.preset, fold.round, fold.history
    rows = figures[figures["classifier"] == "network"]
    return {
        "sha256": sha256,
        "mean_training_scan": "mean.nii.gz",
        "training_data": {
            "study": study.title,
            "rule": RULE,
            "train": list(one.train),
            "validation": list(one.validation),
            "test": list(one.test),
        },
        "training": {
            "preset": preset.name,
            **asdict(preset.fitting),
            "seed": preset.fitting.seed + one.number - 1,
            "dropout": list(preset.dropout),
            "mirrored": preset.flip,
            "shift_voxels": preset.shift,
            "intensity_sd": preset.intensity,
            "kept_epoch": history.best + 1,
            "train_loss": [round(v, 5) for v in history.train_loss],
            "validation_loss": [round(v, 5) for v in history.validation_loss],
            "validation_auc": [round(v, 5) for v in history.validation_auc],
        },
        "temperature": round(fold.temperature, 4),
        "performance": {
            row.measure: {"value": round(row.value, 4), "ci95": [round(row.low, 4), round(row.high, 4)]}
            if row.low == row.low
            else {"value": round(row.value, 4) if row.value == row.value else None}
            for row in rows.itertuples()
        },
        "performance_of": f"{len(one.test)} scans of patients that this network has not seen; intervals by patients",
        "intended_use": "Research on relevance maps, not for diagnosis.",
    }


def histories_of(folder: Path) -> dict[str, History]:
    """Return the history of each fold of a finished training, from its card."""
    found = {}
    for number in range(1, 1 + len(list(folder.glob(f"fold*/{CARD}")))):
        about = read_card(folder / fold_name(number) / CARD).about["training"]
        losses, checks, aucs = (tuple(about[name]) for name in ("train_loss", "validation_loss", "validation_auc"))
        found[fold_name(number)] = History(losses, checks, aucs, about["kept_epoch"] - 1)
    return found


PATHS = ("table", "images")


def write_study(out: Path, study: TableStudy, numbers: Sequence[int]) -> Path:
    """Write the study file whose network and folds are the trained ones; everything else is as the study has it."""
    source = study.settings.path
    assert source is not None  # a study from a file
    entries = read_toml(source)
    folder = out.absolute()

    def moved(text: str) -> str:
        return _relative(Path(os.path.normpath(source.parent / Path(text).expanduser())), folder)

    subjects = dict(entries["subjects"])
    subjects |= {key: moved(subjects[key]) for key in PATHS if key in subjects}
    if isinstance(subjects.get("corrupt"), str):
        subjects["corrupt"] = moved(subjects["corrupt"])
    if "prefixes" in subjects:
        subjects["prefixes"] = {key: moved(value) for key, value in subjects["prefixes"].items()}
    groups = {key: value for key, value in entries["groups"].items() if key != "classes"}
    known: Mapping[str, Any] = entries.get("model", {})
    model: dict[str, Any] = {"card": f"{fold_name(numbers[0])}/{CARD}"}
    if "code" in known:
        model["code"] = moved(known["code"])
    model["folds"] = {f"fold {number}": f"{fold_name(number)}/{CARD}" for number in numbers}
    made = {**entries, "subjects": subjects, "groups": groups, "model": model}
    made["name"] = f"{study.name}_trained"
    made["title"] = f"{study.title} (own networks)"
    if "atlas" in made:
        made["atlas"] = {
            key: moved(value) if (source.parent / value).exists() else value for key, value in entries["atlas"].items()
        }
    prepared = study.settings.prepare is not None  # raw scans, prepared in the study's own folder
    made["output"] = _relative(study.settings.output, folder) if prepared else "results"
    write_study_file(made, out / "study.toml")
    return out / "study.toml"


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()
