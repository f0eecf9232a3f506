"""Check the network that a study file names: its files, classes, folds and fitted normalisation."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from mriinterp.models import Model, architecture_names, packaged_models, read_card
from mriinterp.study.attempt import attempt
from mriinterp.study.settings import StudySettings
from mriinterp.study.table_study import TableStudy
from mriinterp.study.training import training_digest
from mriinterp.subjects import Report

__all__ = ["check_classes", "check_network"]


def check_classes(settings: StudySettings, model: Model) -> list[tuple[str, str]]:
    """Return level and text of everything in which groups and the network's classes disagree."""
    findings = []
    head = model.heads[0]
    if head.kind == "scale":
        findings.append(
            ("info", f"{model.card.name} gives a value on the scale {head.name}, no classes: nothing is right or wrong")
        )
        return findings
    classes = dict(settings.classes) or {g: g for g in settings.groups}
    known = ", ".join(head.classes)
    for group, name in classes.items():
        if settings.classes and name not in head.classes:
            findings.append(("error", f"Group {group} is declared as class {name!r} of the network, which has {known}"))
    without = [g for g in (settings.reference, settings.positive) if g and classes.get(g) not in head.classes]
    if without and not settings.classes:
        example = ", ".join(f'{g} = "{c}"' for g, c in zip(without, head.classes, strict=False))
        findings.append(
            (
                "error",
                f"Groups {', '.join(without)} are no classes of the network ({known}); say which is which under "
                f"[groups.classes], e.g. {example}",
            )
        )
    mapped = [c for g, c in classes.items() if g in settings.groups and c in head.classes]
    twice = sorted({c for c in mapped if mapped.count(c) > 1})
    if twice:
        findings.append(("warning", f"Several groups stand for one class of the network: {', '.join(twice)}"))
    return findings


def check_network(settings: StudySettings, frame: pd.DataFrame | None, report: Report) -> Model | None:
    recipe = settings.model
    absent = [str(f) for f in recipe.files() if not f.is_file()]
    if absent:
        report.add("error", f"Files of the network that are not there ({len(absent)})", absent)
    named = bool(recipe.code) or recipe.source in architecture_names() or recipe.source in packaged_models()
    if not named and not recipe.source.lower().endswith((".json", ".pt2")):
        available = ", ".join([*packaged_models(), *architecture_names()])
        report.add("error", f"Network {recipe.source!r} is neither a card (.json) nor known; available: {available}")
        return None
    if absent:
        if not named and Path(recipe.source).is_file():
            attempt(lambda: read_card(recipe.source), "Model card", report)
        return None
    model = attempt(lambda: recipe.load("cpu"), "Network", report)
    if model is None:
        return None
    for level, text in check_classes(settings, model):
        report.add(level, text)
    report.add("info", f"Network: {model.card.name} ({model.card.architecture}), reads {model.grid}")
    for note in model.notes:
        report.add("info", f"{model.card.name}: {note}")
    if model.card.simulated and not settings.simulated:
        report.add(
            "warning", "The network was trained on simulated brains only; what it says of real scans is no diagnosis"
        )
    _check_folds(settings, report)
    if settings.normalisation == "voxelwise" and frame is not None:
        return _check_fitted(settings, report) or model
    return model


def _check_folds(settings: StudySettings, report: Report) -> None:
    """Check whether the weights or the card of each fold are there and make a network."""
    for name, files in settings.folds.items():
        absent = [file for file in files if not Path(file).is_file()]
        if absent:
            report.add("error", f"Weights of fold {name!r} that are not there ({len(absent)})", absent)
        else:
            attempt(partial(settings.model.fold(files).load, "cpu"), f"Fold {name!r}", report)


def _check_fitted(settings: StudySettings, report: Report) -> Model | None:
    """Return the network with its fitted normalisation, if that is there and up to date."""
    try:
        study = TableStudy(settings)
    except (ValueError, OSError):
        return None  # reported with the table
    command = f"mriinterp study normalise {settings.argument}"
    if not study.fitted_card.is_file():
        report.add("error", f"The voxelwise normalisation is not fitted yet: {command}")
        return None
    model = attempt(lambda: study.model_recipe.load("cpu"), "Fitted network", report)
    if model is not None and model.card.about.get("fitted", {}).get("digest") != training_digest(study):
        report.add("warning", f"The training scans have changed since the normalisation was fitted; again: {command}")
    return model
