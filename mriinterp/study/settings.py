"""Study files (TOML): read with every problem named at once, and written.

Relative paths in a study file start at the folder of the file.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mriinterp.atlas import atlas_names
from mriinterp.atomic import write_text
from mriinterp.models import packaged_models
from mriinterp.study.sources import AtlasRecipe, ModelRecipe
from mriinterp.subjects import FIELDS, LAYOUTS

__all__ = ["StudySettings", "parse_study", "read_study_file", "read_toml", "write_study_file"]

# section → key → (kind, whether it must be there); kinds are checked by `_fits`
SCHEMA: dict[str, dict[str, tuple[str, bool]]] = {
    "": {"name": ("text", False), "title": ("text", False), "simulated": ("truth", False), "output": ("text", False)},
    "subjects": {
        "table": ("text", True),
        "images": ("text", False),
        "kind": ("text", False),
        "pattern": ("text", False),
        "corrupt": ("names", False),
        "columns": ("texts", False),
        "prefixes": ("texts", False),
        "allow_unknown_space": ("truth", False),
        "check_space": ("truth", False),
    },
    "groups": {
        "reference": ("text", True),
        "positive": ("text", False),
        "labels": ("lists", False),
        "classes": ("texts", False),
    },
    "split": {"test": ("number", False), "seed": ("whole", False)},
    "model": {
        "card": ("text", False),
        "architecture": ("text", False),
        "weights": ("names", False),
        "brain_mask": ("text", False),
        "normalisation": ("text", False),
        "code": ("text", False),
    },
    "atlas": {"image": ("text", False), "table": ("text", False)},
    "background": {"kind": ("text", False), "normalised": ("truth", False)},
}
KINDS = {
    "text": "text",
    "truth": "true or false",
    "number": "a number",
    "whole": "a whole number of 0 or more",
    "names": "a list of texts, or one text",
    "texts": "a table of texts",
    "lists": "a table of lists of texts",
}
NORMALISATIONS = ("card", "voxelwise")
BACKGROUNDS = ("mean", "template")
PATHS = "Windows paths are written with /, or in single quotes"


@dataclass(frozen=True)
class StudySettings:
    """What a study file says, paths resolved.

    Parameters
    ----------
    name, title : str
    table, images, output : Path
        `output` is ``<name>_results`` beside the file unless given.
    kind, pattern, columns, prefixes, corrupt
        As `mriinterp.subjects.read_subjects` takes them.
    allow_unknown_space : bool
        Take scans whose header does not say where they lie.
    check_space : bool
        Compare scans with the MNI template.
    labels : dict of str to tuple of str
        What each group is called in the table; keys are the groups.
    reference, positive : str
        `positive` is "" where there is nothing to compare.
    classes : dict of str to str
        The network's class of each group, where it is not the group's own name.
    test : float, int or None
        Share of the patients of each group in the test set, or their number;
        None: the table's own split if it has one, else 0.2.
    model : ModelRecipe
    normalisation : {"card", "voxelwise"}
        "voxelwise": mean and deviation of the training scans, fitted by
        ``study normalise`` and kept in the output folder.
    background : {"mean", "template"}
        What group maps lie over; `normalised`: the mean of what the network reads.
    """

    name: str
    table: Path
    labels: Mapping[str, tuple[str, ...]]
    reference: str
    positive: str
    model: ModelRecipe
    output: Path
    title: str = ""
    simulated: bool = False
    images: Path | None = None
    kind: str = "auto"
    pattern: str | None = None
    corrupt: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    allow_unknown_space: bool = False
    check_space: bool = True
    classes: Mapping[str, str] = field(default_factory=dict)
    test: float | int | None = None
    seed: int = 0
    normalisation: str = "card"
    atlas: AtlasRecipe = field(default_factory=AtlasRecipe)
    background: str = "mean"
    normalised: bool = False
    path: Path | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """Reference group first, positive group second, others as the file has them."""
        first = tuple(g for g in (self.reference, self.positive) if g)
        return (*first, *(g for g in self.labels if g not in first))


def read_study_file(path: str | Path, *, trust_code: bool = False) -> StudySettings:
    """Read a study file.

    `trust_code` is leave to run the Python file or open the exported program
    that it may name; a study file cannot give that itself.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no TOML, or with every entry that is missing, unknown or malformed.
    """
    path = Path(path)
    try:
        entries = read_toml(path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: expected a study file in TOML, got something else: {error}; {PATHS}") from error
    settings, problems = parse_study(entries, path)
    if settings is None or problems:
        raise ValueError(f"{path.name}: expected a complete study file, got problems: {'; '.join(problems)}")
    return replace(settings, model=replace(settings.model, trust_code=trust_code))


def read_toml(path: Path) -> dict[str, Any]:
    """Entries of a study file; FileNotFoundError if there is none, other errors as of `tomllib`."""
    if not path.is_file():
        got = "a folder" if path.is_dir() else "a path where there is none"
        raise FileNotFoundError(f"expected a study file (.toml), got {got}: {path}")
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def parse_study(entries: Mapping[str, Any], path: Path) -> tuple[StudySettings | None, list[str]]:
    """Entries of a study file as settings, and everything that is wrong with them.

    What is wrong is left out of the settings; they are None if table,
    reference group or network are not named.
    """
    flat, problems = _flatten(entries)
    folder = path.absolute().parent
    labels = {g: (v,) if isinstance(v, str) else tuple(v) for g, v in flat.get("groups.labels", {}).items()}
    for key in ("groups.reference", "groups.positive"):
        group = flat.get(key)
        if isinstance(group, str) and not labels.get(group):
            if flat.get("groups.labels"):
                problems.append(f"{key} is {group!r}, which [groups.labels] does not name; it has {', '.join(labels)}")
            labels.setdefault(group, (group,))
    for key, problem in _contradictions(flat, labels):
        problems.append(problem)
        flat.pop(key, None)
    corrupt, problem = _corrupt(flat.get("subjects.corrupt", []), folder)
    problems += problem
    if (
        not {"subjects.table", "groups.reference"} <= flat.keys()
        or not {"model.card", "model.architecture"} & flat.keys()
    ):
        return None, problems
    name = flat.get("name", path.stem)
    return StudySettings(
        name=name,
        title=flat.get("title", name),
        simulated=flat.get("simulated", False),
        output=_located(flat.get("output", f"{path.stem}_results"), folder),
        table=_located(flat["subjects.table"], folder),
        images=_located(flat["subjects.images"], folder) if "subjects.images" in flat else None,
        kind=flat.get("subjects.kind", "auto"),
        pattern=flat.get("subjects.pattern"),
        corrupt=corrupt,
        columns=flat.get("subjects.columns", {}),
        prefixes={k: str(_located(v, folder)) for k, v in flat.get("subjects.prefixes", {}).items()},
        allow_unknown_space=flat.get("subjects.allow_unknown_space", False),
        check_space=flat.get("subjects.check_space", True),
        labels=labels,
        reference=flat["groups.reference"],
        positive=flat.get("groups.positive", ""),
        classes=flat.get("groups.classes", {}),
        test=flat.get("split.test"),
        seed=flat.get("split.seed", 0),
        model=_model(flat, folder),
        normalisation=flat.get("model.normalisation", "card"),
        atlas=_atlas(flat, folder),
        background=flat.get("background.kind", "mean"),
        normalised=flat.get("background.normalised", False),
        path=path.absolute(),
    ), problems


def _located(text: str, folder: Path) -> Path:
    return Path(os.path.normpath(folder / Path(text).expanduser()))


def _flatten(entries: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Entries as ``section.key``; unknown, misplaced and malformed ones as problems."""
    flat, problems = {}, []
    for section, keys in SCHEMA.items():
        inside = entries if not section else entries.get(section, {})
        if not isinstance(inside, Mapping):
            problems.append(f"[{section}] is not a section")
            continue
        known = [*keys, *(SCHEMA.keys() - {""} if not section else ())]
        for key, value in inside.items():
            where = f"{section}.{key}" if section else key
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                guess = f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"
                problems.append(f"unknown entry {where}{guess}")
            elif key in keys and not _fits(value, keys[key][0]):
                problems.append(f"{where} is not {KINDS[keys[key][0]]}")
            elif key in keys:
                flat[where] = value
        for key, (_, required) in keys.items():
            if required and key not in inside:
                problems.append(f"{section}.{key} is missing")
    return flat, problems


def _fits(value: Any, kind: str) -> bool:
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind == "text":
        return isinstance(value, str) and bool(value.strip())
    if kind == "truth":
        return isinstance(value, bool)
    if kind in ("number", "whole"):
        return whole and value >= 0 if kind == "whole" else whole or isinstance(value, float)
    if kind == "names":
        return isinstance(value, str) or texts
    if not isinstance(value, Mapping):
        return False
    return all(isinstance(item, str) if kind == "texts" else _fits(item, "names") for item in value.values())


def _contradictions(flat: Mapping[str, Any], labels: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Entries that are well formed and cannot be meant, and why."""
    problems = []
    choices = {
        "subjects.kind": ("auto", *LAYOUTS),
        "model.normalisation": NORMALISATIONS,
        "background.kind": BACKGROUNDS,
    }
    for key, known in choices.items():
        if key in flat and flat[key] not in known:
            problems.append((key, f"{key} is {flat[key]!r}; available: {', '.join(known)}"))
    columns = flat.get("subjects.columns", {})
    unknown = [f for f in columns if f not in FIELDS]
    if unknown:
        text = f"subjects.columns has unknown fields {', '.join(unknown)}; available: {', '.join(FIELDS)}"
        problems.append(("subjects.columns", text))
    if ("model.card" in flat) == ("model.architecture" in flat):
        problems.append(("model.architecture", "[model] needs either card, or architecture and weights"))
    if "model.architecture" in flat and not flat.get("model.weights"):
        problems.append(("model.architecture", "model.weights is missing (an architecture needs weights)"))
    if "groups.positive" in flat and flat.get("groups.positive") == flat.get("groups.reference"):
        text = f"groups.positive and groups.reference are both {flat['groups.positive']!r}"
        problems.append(("groups.positive", text))
    strangers = [g for g in flat.get("groups.classes", {}) if g not in labels]
    if strangers:
        text = f"groups.classes names unknown groups {', '.join(strangers)}; groups: {', '.join(labels)}"
        problems.append(("groups.classes", text))
    owners: dict[str, list[str]] = {}
    for group, names in labels.items():
        for label in dict.fromkeys(names):
            owners.setdefault(label, []).append(group)
    shared = [f"{label} ({' and '.join(groups)})" for label, groups in owners.items() if len(groups) > 1]
    if shared:
        problems.append(("groups.labels", f"labels that stand for several groups: {', '.join(shared)}"))
    test = flat.get("split.test")
    if test is not None and not (0 < test < 1 if isinstance(test, float) else test >= 1):
        text = f"split.test is {test}; expected a share between 0 and 1 (0.2) or a number of patients (30)"
        problems.append(("split.test", text))
    return problems


def _corrupt(entry: str | list[str], folder: Path) -> tuple[tuple[str, ...], list[str]]:
    """The list of corrupt scans, from the file itself or from a text file of one a line."""
    if not isinstance(entry, str):
        return tuple(entry), []
    path = _located(entry, folder)
    if not path.is_file():
        return (), [f"subjects.corrupt names a file that is not there: {path}"]
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#")), []


def _model(flat: Mapping[str, Any], folder: Path) -> ModelRecipe:
    source = flat.get("model.card") or flat["model.architecture"]
    if "model.card" in flat and source not in packaged_models():
        source = str(_located(source, folder))
    weights = flat.get("model.weights", [])
    weights = [weights] if isinstance(weights, str) else weights
    located = {
        key: str(_located(flat[f"model.{key}"], folder)) for key in ("brain_mask", "code") if f"model.{key}" in flat
    }
    return ModelRecipe(
        source,
        tuple(str(_located(name, folder)) for name in weights),
        **located,
    )


def _atlas(flat: Mapping[str, Any], folder: Path) -> AtlasRecipe:
    image = flat.get("atlas.image", "AAL")
    if image.lower() not in {name.lower() for name in atlas_names()}:
        image = str(_located(image, folder))
    return AtlasRecipe(image, str(_located(flat["atlas.table"], folder)) if "atlas.table" in flat else "")


def write_study_file(entries: Mapping[str, Any], path: str | Path) -> None:
    """Write entries of a study file (see `SCHEMA`) as TOML.

    Values are texts, numbers, truth values, lists, and tables of them.
    """
    lines, tables = [], []

    def put(section: str, inside: Mapping[str, Any]) -> None:
        simple = {k: v for k, v in inside.items() if not isinstance(v, Mapping)}
        nested = {k: v for k, v in inside.items() if isinstance(v, Mapping)}
        if section and (simple or not nested):
            tables.append(f"\n[{section}]")
        tables.extend(f"{_key(k)} = {_value(v)}" for k, v in simple.items())
        for key, value in nested.items():
            put(f"{section}.{_key(key)}" if section else _key(key), value)

    put("", entries)
    lines.append("# Study file of mriinterp. Relative paths start at the folder of this file.")
    write_text(path, "\n".join(lines + tables) + "\n")


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if "\\" in value and "'" not in value and value.isprintable():
            return f"'{value}'"
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)
