"""Create a study file from a table, a folder of images and weights."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mriinterp.base.files import read_json
from mriinterp.image.formats import image_stem
from mriinterp.models import EXPORTED, Model, architecture_names, load_code, load_model, packaged_models
from mriinterp.models.weights import read_state_dict
from mriinterp.study.create_inputs import check_folders, find_numbers, find_scans
from mriinterp.study.folders import default_output
from mriinterp.study.tomlfile import write_study_file
from mriinterp.subjects import Report, detect_layout, read_subjects, read_table

__all__ = ["Proposal", "propose_study"]

# Names that usually mean the same; used to guess, the guess is written down and can be corrected.
REFERENCE_NAMES = (
    "cn",
    "nc",
    "hc",
    "nl",
    "control",
    "controls",
    "healthy",
    "healthycontrol",
    "normal",
    "cognitivelynormal",
    "nondemented",
    "0",  # of the Clinical Dementia Rating
    "con",
    "td",
)
POSITIVE_NAMES = (
    "ad",
    "dementia",
    "demented",
    "alzheimer",
    "alzheimersdisease",
    "patient",
    "patients",
    "case",
    "probablead",
    "disease",
)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A study file that was written.

    Attributes
    ----------
    path : Path
    report : Report
        What was found and guessed.
    model : Model
    runs_code : bool
        Whether opening the network runs code, for which each command needs --trust-code.
    """

    path: Path
    report: Report
    model: Model
    runs_code: bool = False


def propose_study(
    table: str | Path,
    images: str | Path | Mapping[str, str | Path] | None,
    weights: Sequence[str | Path] = (),
    model: str | None = None,
    out: str | Path = "study.toml",
    pattern: str | Mapping[str, str] | None = None,
    numbers: Mapping[str, str] | None = None,
    code: str | None = None,
    overwrite: bool = False,
    trust_code: bool = False,
) -> Proposal:
    """Write a study file for a table, a folder of images and a network.

    Parameters
    ----------
    table, images, pattern
        As `mriinterp.subjects.read_subjects` takes them; of a network of
        several images a folder, and a pattern, for each by name.
    numbers : mapping of str to str, optional
        The column of each number that the network reads; default: of its name.
    weights : sequence of path
        State dicts; their architecture is found by their keys.
    model : str, optional
        A model card, packaged model or architecture, where the weights do not show it.
    out : path
        The file to write.
    code : str, optional
        Python file that registers the architecture. It is run: only with the user's permission.
    trust_code : bool
        Permission to open an exported program.

    Raises
    ------
    ValueError
        If no architecture fits, the table has fewer than two groups, what the
        network reads is not named, or `out` exists.
    FileNotFoundError
        If table, folder or weights are not there.
    """
    out = Path(out)
    if out.suffix.lower() != ".toml":
        raise ValueError(f"expected the name of a study file to end in .toml, got {out.name}")
    if out.exists() and not overwrite:
        raise ValueError(f"expected a new study file, got one that exists: {out}; name another, or use --overwrite")
    if code:
        load_code(code)
    network, how = _find_model(weights, model, trust_code=trust_code or bool(code))
    source = Path(table)
    if (source / "participants.tsv").is_file():
        source = source / "participants.tsv"
    layout = detect_layout(read_table(source).columns)
    folders = check_folders(images, pattern, network)
    frame, report = find_scans(source, folders, pattern)
    images = next(iter(folders.values()))
    raw = frame.empty and images is not None and len(folders) == 1
    if raw:
        frame, report = find_scans(source, folders, pattern, raw=True)
    if frame.empty:
        where = "; name the folder below which they lie (--images DIR)" if images is None else ""
        problems = "; ".join(f.text() for f in report.errors)
        raise ValueError(f"expected scans, found none for {source}: {problems}{where}")
    if raw:
        report.add("info", "Scans are folders of DICOM files or archives: they are prepared before they are explained")
    columns = find_numbers(numbers or {}, frame, network)
    groups = _groups(source, images, frame)
    reference, positive, classes = _guess_groups(groups.to_dict(), network)
    kept = list(classes) or [g for g in (reference, positive) if g]
    folder = out.absolute().parent
    entries = {
        "name": re.sub(r"[^\w-]+", "_", out.stem),
        "title": out.stem.replace("_", " "),
        "simulated": True if _simulated(frame["path"]) else {},
        "output": default_output(out),
        "subjects": {"table": _written(source, folder), "kind": layout.name}
        | _images_entry({name: _written(Path(place), folder) for name, place in folders.items() if place is not None})
        | ({"pattern": dict(pattern) if isinstance(pattern, Mapping) else pattern} if pattern else {})
        | ({"numbers": columns} if columns else {}),
        "groups": {"reference": reference}
        | ({"positive": positive} if positive else {})
        | {"labels": {g: [g] for g in kept}}
        | ({"classes": classes} if classes else {}),
        "split": {"test": 0.2, "seed": 0} if (frame["split"] == "").any() else {},
        "model": _model_entries(how, weights, folder) | ({"code": _written(Path(code), folder)} if code else {}),
        "prepare": {"nonlinear": False} if raw else {},
        "atlas": {"image": "AAL"},
    }
    write_study_file({k: v for k, v in entries.items() if v != {}}, out)
    others = [f"{g} ({n})" for g, n in groups.items() if g not in kept]
    report.add("info", f"Table: {layout.label}; reference group: {reference}, positive group: {positive or 'none'}")
    if not positive:
        report.add("warning", f"The table has one group, {reference}: there is nothing to compare it with")
    if others:
        report.add("info", "Groups that are left out; add them under [groups.labels]", others)
    report.add("info", f"Network: {network.card.name}, classes {', '.join(network.classes)}, reads {network.grid}")
    return Proposal(out, report, network, bool(code) or network.card.architecture == EXPORTED)


def _simulated(paths: Iterable[str]) -> bool:
    """Return whether the file beside each scan says that it is simulated, as `mriinterp simulate` writes it."""
    for path in map(Path, paths):
        try:
            about = read_json(path.with_name(f"{image_stem(path)}.json"))
        except (OSError, ValueError):
            return False
        if not isinstance(about, dict) or about.get("simulated") is not True:
            return False
    return True


def _images_entry(folders: dict[str, str]) -> dict:
    """Return the entry of the images of a scan: one folder, or one for each by name; none where none is named."""
    return {"images": folders.get("", folders)} if folders else {}


def _groups(table: Path, images: str | Path | None, frame: pd.DataFrame) -> pd.Series:
    """Return scans that were found per group; groups of the table without any count 0."""
    every, _ = read_subjects(table, images, keep_missing=True)
    names = sorted(set(every["group"]) - {""})
    if not names:
        raise ValueError(
            f"expected groups in {table.name}, got none; its columns are {', '.join(read_table(table).columns)}. "
            "Write the study file by hand and name the column of the groups under [subjects.columns]"
        )
    return frame["group"].value_counts().reindex(names, fill_value=0)


def _written(path: Path, folder: Path) -> str:
    """Return a path for the study file: relative to it where it lies near, else absolute."""
    try:
        relative = Path(os.path.relpath(path.absolute(), folder))
    except ValueError:  # another drive
        return path.absolute().as_posix()
    return relative.as_posix() if relative.parts.count("..") <= 2 else path.absolute().as_posix()


def _find_model(weights: Sequence[str | Path], model: str | None, *, trust_code: bool = False) -> tuple[Model, str]:
    """Return the network, and the name or card it was found by."""
    paths = [Path(w) for w in weights]
    absent = [str(p) for p in paths if not p.is_file()]
    if absent:
        raise FileNotFoundError(f"expected weights files, found none: {', '.join(absent)}")
    if model is not None:
        return load_model(model, paths or None, "cpu", trust_code=trust_code), model
    if not paths:
        raise ValueError("expected weights or a model card, got neither (see --weights and --model)")
    for path in paths:
        read_state_dict(path)  # an error here is the file's, and the same for every architecture
    refused = []
    for name in architecture_names():
        try:
            return load_model(name, paths, "cpu"), name
        except (ValueError, KeyError, IndexError, RuntimeError) as error:  # not its weights
            refused.append(f"{name}: {error}")
    raise ValueError(
        f"expected weights of a known architecture, got {', '.join(p.name for p in paths)}. "
        f"Name a model card with --model. What each says: {' | '.join(refused)}"
    )


def _model_entries(how: str, weights: Sequence[str | Path], folder: Path) -> dict:
    known = how in packaged_models() or how in architecture_names()
    name = how if known else _written(Path(how), folder)
    files = [_written(Path(w), folder) for w in weights]
    key = "architecture" if how in architecture_names() else "card"
    return {key: name} | ({"weights": files} if files else {})


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def _likeness(name: str) -> int:
    """Return -1 for what usually is a reference group, 1 for a positive one, 0 for others."""
    plain = _plain(name)
    return -1 if plain in REFERENCE_NAMES else 1 if plain in POSITIVE_NAMES else 0


def _guess_groups(counts: dict[str, int], model: Model) -> tuple[str, str, dict[str, str]]:
    """Return reference group, positive group ("" if there is one group) and the network's class of each, if any.

    Groups called as a class of the network between its first and last are kept, with that class.
    """
    names = sorted(counts, key=lambda g: (-counts[g], g))
    head = model.heads[0]
    classes = list(head.classes) if head.kind == "classes" else []
    by_class = {_plain(c): c for c in classes}
    low, high = (classes[0], classes[-1]) if classes else ("", "")

    def rank(group: str, side: int, wanted: str) -> tuple:
        return (_plain(group) != _plain(wanted), -side * _likeness(group))

    positive = min(names, key=lambda g: (*rank(g, 1, high), _likeness(g) < 0, _plain(g) in by_class))
    if len(names) == 1:
        return names[0], "", ({names[0]: by_class.get(_plain(names[0]), low)} if classes else {})
    rest = [g for g in names if g != positive]
    reference = min(rest, key=lambda g: rank(g, -1, low))
    between = {g: by_class[_plain(g)] for g in names if by_class.get(_plain(g)) in classes[1:-1]}
    between = {g: between[g] for g in sorted(between, key=lambda g: classes.index(between[g]))}
    return reference, positive, ({reference: low, **between, positive: high} if classes else {})
