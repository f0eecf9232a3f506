"""Training of a study's own networks, from scans to a report; killed at any time, it goes on."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import mriinterp
from mriinterp.base.atomic import made_folder, write_text
from mriinterp.base.files import read_json
from mriinterp.base.progress import Cancel, Progress, divided
from mriinterp.base.tables import read_tsv, write_tsv
from mriinterp.cohort.lock import only_run
from mriinterp.crossval.baselines import baseline_scores
from mriinterp.crossval.fold import FittedFold, Task, fit_fold
from mriinterp.crossval.folds import HELD_OUT, Round, folds_table
from mriinterp.crossval.leakage import permuted_groups, permuted_row
from mriinterp.crossval.output import (
    CONFUSION,
    MEASURES,
    PREDICTIONS,
    fold_name,
    read_predictions,
    write_fold,
    write_study,
)
from mriinterp.crossval.scans import keep_scans, scans_digest
from mriinterp.crossval.state import RECORD, WORK, TrainNotes, stop_asked
from mriinterp.crossval.train_measures import confusion_table, measures_table, verdicts
from mriinterp.crossval.train_plan import TrainPlan, plan_training, rounds_of
from mriinterp.crossval.train_report import training_report
from mriinterp.study import Study

__all__ = ["TrainResult", "run_plan", "train_study"]

logger = logging.getLogger(__name__)

SHORT = 24  # letters of a setting that a message quotes
STAGES = {"fold": "training fold", "permuted": "training on permuted labels, fold"}


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a training has left.

    Attributes
    ----------
    folder : Path
    study_file : Path
        Opens with the trained networks.
    predictions, measures : DataFrame
        As in ``predictions.tsv`` and ``measures.tsv``.
    verdicts : tuple of str
        Whether the network does better than each baseline.
    """

    folder: Path
    study_file: Path
    predictions: pd.DataFrame
    measures: pd.DataFrame
    verdicts: tuple[str, ...]


def train_study(study: Study, out: str | Path, **options: Any) -> TrainResult:
    """Train a study's own networks by cross-validation and measure them on patients they have not seen.

    Parameters
    ----------
    study : TableStudy
    out : path
        Gets ``fold1`` …, ``study.toml``, ``folds.tsv``, ``predictions.tsv``,
        ``measures.tsv``, ``confusion.tsv``, ``report.html``; while it runs, ``work``.
    **options
        Those of `plan_training` and of `run_plan`.

    Examples
    --------
    >>> train_study(load_study("adni.toml"), "adni_networks", folds=5)  # doctest: +SKIP
    """
    running = {key: options.pop(key) for key in ("resume", "check_leakage", "progress", "cancel") if key in options}
    return run_plan(plan_training(study, **options), out, **running)


def run_plan(
    plan: TrainPlan,
    out: str | Path,
    *,
    resume: bool = False,
    check_leakage: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> TrainResult:
    """Run what is planned.

    Parameters
    ----------
    plan : TrainPlan
    out : path
    resume : bool
        Go on with what is in `out`; it must have been begun with the same
        plan. On the CPU and with as many threads the weights are those of a
        run that was never interrupted.
    check_leakage : bool
        Train once more on permuted labels, which must fall to chance; it
        takes as long again.
    progress : callable, optional
        Scans read and scans trained on, of all.
    cancel : callable, optional

    Raises
    ------
    ValueError
        If `out` holds another training, or one although `resume` is not set;
        if the loss is no longer a number.
    """
    out = made_folder(out)
    done = _begin(plan, out, resume, check_leakage)
    if done is not None:
        return done
    with only_run(out / WORK):
        result = _train(plan, out, check_leakage, TrainNotes(out, progress), stop_asked(out, cancel))
    shutil.rmtree(out / WORK, ignore_errors=True)  # its scans are closed by now: Windows would refuse
    return result


def _train(plan: TrainPlan, out: Path, check_leakage: bool, notes: TrainNotes, cancel: Cancel | None) -> TrainResult:
    study, work, options = plan.study, out / WORK, plan.options
    steps = [options.preset.fitting.epochs * len(one.train) for one in plan.rounds]
    notes.begin("reading scans")
    ids = sorted(plan.frame["id"])
    reading, *parts = divided(notes, [len(ids), *steps, *(steps if check_leakage else [])])
    scans = keep_scans(study, plan.model, ids, work, progress=reading, cancel=cancel)
    for name, why in scans.failed.items():
        logger.warning("%s: scan %s is left out: %s", study.name, name, why)
    frame = plan.frame[plan.frame["id"].isin(scans.ids)]
    rounds = rounds_of(frame, study, options) if scans.failed else plan.rounds
    held_out = [name for name in plan.held_out if name in set(scans.ids)]
    write_tsv(folds_table(frame, rounds, study.positive), out / "folds.tsv")
    labels = (frame["group"] == study.positive).astype(int)
    task = Task(plan.model, scans, labels, options.preset, options.architecture, plan.voxelwise, plan.device)
    notes.begin("")
    fitted = _fit_all(task, rounds, held_out, work, "fold", parts, notes, cancel)
    notes.stage("measuring network and baselines")
    predictions = _predictions(frame, labels, task, fitted, held_out)
    measures = measures_table(predictions)
    if check_leakage:
        mixed = permuted_groups(frame.reset_index(drop=True), study.positive, options.seed)
        again = replace(task, labels=(mixed.set_index("id")["group"] == study.positive).astype(int))
        left = parts[len(rounds) :]
        shuffled = _fit_all(again, rounds_of(mixed, study, options), [], work, "permuted", left, notes, cancel)
        row = permuted_row(mixed, pd.concat([one.margins for one in shuffled]), study.positive)
        measures = pd.concat([measures, pd.DataFrame([row])], ignore_index=True)
    notes.stage("writing the report")
    return _write(plan, out, task, fitted, predictions, measures)


def _record(plan: TrainPlan, check_leakage: bool) -> dict[str, Any]:
    """Return what two runs must share for one to go on with the other."""
    options = json.loads(json.dumps(asdict(plan.options)))
    rounds = [[*one.train, "", *one.validation, "", *one.test] for one in plan.rounds]
    scans = scans_digest(plan.study, plan.model, sorted(plan.frame["id"]))
    return {
        **options, "check_leakage": check_leakage, "rounds": rounds, "network": plan.model.digest, "scans": scans
    }  # fmt: skip


def _differences(wanted: Mapping[str, Any], found: Any, above: str = "") -> list[str]:
    """Return the entries of a record that are others in another one, each with both values where they are short."""
    found = found if isinstance(found, Mapping) else {}
    names: list[str] = []
    for key, value in wanted.items():
        other, name = found.get(key), f"{above}{key}"
        if isinstance(value, Mapping):
            names += _differences(value, other, f"{name}.")
        elif other != value:
            short = all(isinstance(one, int | float | str) and len(str(one)) <= SHORT for one in (value, other))
            names.append(f"{name} ({value} wanted, {other} there)" if short else name)
    return names


def _begin(plan: TrainPlan, out: Path, resume: bool, check_leakage: bool) -> TrainResult | None:
    """Check what is in the folder and note what is begun; return the result if all is done already."""
    record = _record(plan, check_leakage)
    path = out / RECORD
    found = read_json(path, "the record of a training") if path.is_file() else {}
    if found.get("finished") or any((out / WORK).glob("*.pt")):  # before, nothing was trained that could be lost
        if not resume:
            raise ValueError(f"expected a new output folder, got one with a training: {out}; go on with it (--resume)")
        other = _differences(record, found.get("made_with", {}))
        if other:
            raise ValueError(
                f"expected to go on with the same training, got another in {out}: different {', '.join(other)}; name "
                "another folder (--out)"
            )
        if found.get("finished"):
            predictions, measures = read_predictions(out), read_tsv(out / MEASURES, text=("set",))
            return TrainResult(out, out / "study.toml", predictions, measures, tuple(found["verdicts"]))
    _note(out, plan, record, finished=False)
    return None


def _note(out: Path, plan: TrainPlan, record: dict[str, Any], **more: Any) -> None:
    versions = {"mriinterp": mriinterp.__version__, "torch": torch.__version__}
    about = {"study": str(plan.study.settings.path), "device": str(plan.device), "versions": versions}
    write_text(out / RECORD, json.dumps({"made_with": record, **about, **more}, indent=1) + "\n")


def _fit_all(
    task: Task, rounds: list[Round], held_out, work: Path, name: str, parts: list[Progress], notes: TrainNotes, cancel
) -> list[FittedFold]:
    fitted: list[FittedFold] = []
    for one, part in zip(rounds, parts, strict=False):
        checkpoint = work / f"{name}{one.number}.pt"
        notes.stage(f"{STAGES[name]} {one.number} of {len(rounds)}")
        if checkpoint.is_file():
            notes.skip()
        fitted.append(
            fit_fold(
                task, one, held_out, checkpoint, progress=part, cancel=cancel,
                on_epoch=notes.epochs_of(f"{name}{one.number}"),
            )
        )  # fmt: skip
        notes.skip()
        part(1, 1)  # an early stop ends below
    return fitted


def _predictions(frame, labels, task: Task, fitted: list[FittedFold], held_out: list[str]) -> pd.DataFrame:
    """Return a row a scan: what the network says that never saw the patient, and the baselines in the same folds."""
    columns = {}
    for fold in fitted:
        scores = {"margin": fold.margins, "temperature": fold.margins * 0 + fold.temperature}
        columns[fold.round.number] = scores | baseline_scores(frame, labels, task.scans, fold.round, held_out)
    rows = []
    names = list(dict.fromkeys(name for scores in columns.values() for name in scores))
    for fold in fitted:
        found = columns[fold.round.number]
        for name in fold.round.test:
            rows.append({"id": name, "fold": str(fold.round.number), **{k: found[k][name] for k in found}})
    for name in held_out:  # the mean of all folds' networks
        values = {
            k: np.mean([s[k][name] for s in columns.values()]) for k in names if all(k in s for s in columns.values())
        }
        rows.append({"id": name, "fold": HELD_OUT, **values})
    table = pd.DataFrame(rows).set_index("id")
    known = frame[["id", "subject", "group", "sex", "age", "site"]].join(table, how="inner")
    known["label"] = labels[known.index]
    known["probability"] = 1 / (1 + np.exp(-known["margin"]))
    known["probability_calibrated"] = 1 / (1 + np.exp(-known["margin"] / known["temperature"]))
    return known.sort_index().reset_index(drop=True)


def _write(
    plan: TrainPlan, out: Path, task: Task, fitted: list[FittedFold], predictions: pd.DataFrame, measures: pd.DataFrame
) -> TrainResult:
    study = plan.study
    for fold in fitted:
        number = fold.round.number
        write_fold(out / fold_name(number), fold, task, study, measures[measures["set"] == str(number)])
    write_tsv(predictions, out / PREDICTIONS, digits=6)
    write_tsv(measures, out / MEASURES, digits=4)
    write_tsv(confusion_table(predictions), out / CONFUSION, digits=4)
    study_file = write_study(out, study, [fold.round.number for fold in fitted])
    said = tuple(verdicts(predictions))
    training_report(study, plan.options.preset, fitted, predictions, measures, said, task.scans.failed).write(
        out / "report.html"
    )
    leak = bool((measures["classifier"] == "network, permuted labels").any())
    _note(out, plan, _record(plan, leak), finished=True, verdicts=list(said))
    return TrainResult(out, study_file, predictions, measures, said)
