"""Read the settings of a study file and name every problem at once.

Relative paths in a study file start at the folder of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mriinterp.base.command import quoted
from mriinterp.base.errors import words_of
from mriinterp.base.files import read_text
from mriinterp.models import TrustCode, packaged_models
from mriinterp.models.permission import as_permission
from mriinterp.prepare import PrepareOptions
from mriinterp.study.folders import default_output, drop_forbidden, is_atlas_name, located, names_in
from mriinterp.study.recipes import AtlasRecipe, ModelRecipe
from mriinterp.study.schema import contradictions, flatten
from mriinterp.study.tomlfile import read_toml

__all__ = ["StudySettings", "parse_study", "read_study_file"]


@dataclass(frozen=True)
class StudySettings:
    """Settings of a study file, paths resolved.

    Parameters
    ----------
    name, title : str
    authors : tuple of str
        Whom the description of a cohort's folder names.
    table, images, output : Path
        `output` is ``<name>_results`` beside the file unless given.
    kind, pattern, columns, prefixes, corrupt
        As `mriinterp.subjects.read_subjects` takes them.
    inputs : dict of str to Path
        Of a network of several images: the folder of each by name.
    patterns : dict of str to str
        The pattern of each, where they differ.
    numbers : dict of str to str
        Numbers that the network reads: the column of each by name.
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
    folds : dict of str to tuple of str
        Other weights of the same network, or a model card: folds of a cross-validation, other seeds.
    normalisation : {"card", "voxelwise"}
        "voxelwise": mean and deviation of the training scans, fitted by
        ``study normalise`` and kept in the output folder.
    prepare : PrepareOptions, optional
        The scans are raw and are prepared so; None: they come prepared.
    series : int or str, optional
        The DICOM series of each scan, by number or description (`mriinterp.prepare.dicom.choose_series`).
    background : {"mean", "template"}
        What group maps lie over; `normalised`: the mean of what the network reads.
    sources : tuple of Path
        Files and folders that decide which scans the study has: the study file, its
        table, its folder of images, its list of corrupt scans.
    """

    name: str
    table: Path
    labels: Mapping[str, tuple[str, ...]]
    reference: str
    positive: str
    model: ModelRecipe
    output: Path
    title: str = ""
    authors: tuple[str, ...] = ()
    simulated: bool = False
    images: Path | None = None
    kind: str = "auto"
    pattern: str | None = None
    inputs: Mapping[str, Path] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    corrupt: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    allow_unknown_space: bool = False
    check_space: bool = True
    classes: Mapping[str, str] = field(default_factory=dict)
    test: float | int | None = None
    seed: int = 0
    folds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    normalisation: str = "card"
    atlas: AtlasRecipe = field(default_factory=AtlasRecipe)
    prepare: PrepareOptions | None = None
    series: int | str | None = None
    background: str = "mean"
    normalised: bool = False
    path: Path | None = None
    sources: tuple[Path, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Reference group first, positive group second, others as the file has them."""
        first = tuple(g for g in (self.reference, self.positive) if g)
        return (*first, *(g for g in self.labels if g not in first))

    @property
    def argument(self) -> str:
        """The study file as commands are given it: quoted, with --trust-code where its network comes with code."""
        option = " --trust-code" if self.model.code or self.model.programs() else ""
        return f"{quoted(self.path)}{option}"


def read_study_file(path: str | Path, *, trust_code: TrustCode = False) -> StudySettings:
    """Read a study file.

    `trust_code` is the permission to run the Python file or open the exported program
    that it may name (any, or those of these SHA-256 digests); a study file cannot give that itself.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no TOML, or with every entry that is missing, unknown or malformed.
    """
    path = Path(path)
    settings, problems = parse_study(read_toml(path), path)
    if settings is None or problems:
        raise ValueError(f"{path.name}: expected a complete study file, got problems: {'; '.join(problems)}")
    return replace(settings, model=replace(settings.model, trust_code=as_permission(trust_code)))


def parse_study(entries: Mapping[str, Any], path: Path) -> tuple[StudySettings | None, list[str]]:
    """Return the entries of a study file as settings, and everything that is wrong with them.

    What is wrong is left out of the settings; they are None if table,
    reference group or network are not named.
    """
    flat, problems = flatten(entries)
    folder = path.absolute().parent
    problems += drop_forbidden(flat, path)
    labels = {g: (v,) if isinstance(v, str) else tuple(v) for g, v in flat.get("groups.labels", {}).items()}
    for key in ("groups.reference", "groups.positive"):
        group = flat.get(key)
        if isinstance(group, str) and not labels.get(group):
            if flat.get("groups.labels"):
                problems.append(f"{key} is {group!r}, which [groups.labels] does not name; it has {', '.join(labels)}")
            labels.setdefault(group, (group,))
    prepares = isinstance(entries.get("prepare"), Mapping)
    several = isinstance(flat.get("subjects.images"), Mapping) and len(flat["subjects.images"]) > 1
    if prepares and (several or flat.get("subjects.numbers")):
        problems.append(
            "[prepare] is for networks that read one T1 scan; several images, or numbers, of a scan have to be prepared before"
        )
    for key, problem in contradictions(flat, labels):
        problems.append(problem)
        flat.pop(key, None)
    problems += _prepared_images(entries, flat.get("subjects.images"))
    corrupt, unread = _corrupt(flat.get("subjects.corrupt", []), folder)
    problems += unread
    if (
        not {"subjects.table", "groups.reference"} <= flat.keys()
        or not {"model.card", "model.architecture"} & flat.keys()
    ):
        return None, problems
    name = flat.get("name", path.stem)
    return StudySettings(
        name=name,
        title=flat.get("title", name),
        authors=names_in(flat.get("authors", [])),
        simulated=flat.get("simulated", False),
        output=located(flat.get("output", default_output(path)), folder),
        table=located(flat["subjects.table"], folder),
        images=_first_folder(flat, folder),
        inputs=_by_image(flat, "images", lambda text: located(text, folder)),
        patterns=_by_image(flat, "pattern", str),
        numbers=_numbers(flat.get("subjects.numbers", {})),
        kind=flat.get("subjects.kind", "auto"),
        pattern=flat["subjects.pattern"] if isinstance(flat.get("subjects.pattern"), str) else None,
        corrupt=corrupt,
        columns=flat.get("subjects.columns", {}),
        prefixes={k: str(located(v, folder)) for k, v in flat.get("subjects.prefixes", {}).items()},
        allow_unknown_space=flat.get("subjects.allow_unknown_space", False),
        check_space=flat.get("subjects.check_space", True),
        labels=labels,
        reference=flat["groups.reference"],
        positive=flat.get("groups.positive", ""),
        classes=flat.get("groups.classes", {}),
        test=flat.get("split.test"),
        seed=flat.get("split.seed", 0),
        model=_model(flat, folder),
        folds={name: _weights(entry, folder) for name, entry in flat.get("model.folds", {}).items()},
        normalisation=flat.get("model.normalisation", "card"),
        atlas=_atlas(flat, folder),
        prepare=PrepareOptions(flat.get("prepare.nonlinear", False)) if prepares else None,
        series=flat.get("prepare.series"),
        background=flat.get("background.kind", "mean"),
        normalised=flat.get("background.normalised", False),
        path=path.absolute(),
        sources=_sources(flat, path.absolute()),
    ), problems


def _prepared_images(entries: Mapping[str, Any], images: object) -> list[str]:
    """Return what is wrong with a section [prepare] beside several images."""
    if "prepare" not in entries or not isinstance(images, Mapping) or len(images) < 2:
        return []
    return [
        f"[prepare] finds the brain in one raw T1 scan and registers it, got the images {', '.join(images)}: leave "
        "[prepare] out and name folders of images that lie on the template already (tissue maps of CAT12 and SPM do; "
        "mriinterp prepare brings T1 scans there)"
    ]


def _first_folder(flat: Mapping[str, Any], folder: Path) -> Path | None:
    """Return the folder of the images, or of the first of several."""
    named = flat.get("subjects.images")
    first = next(iter(named.values()), None) if isinstance(named, Mapping) else named
    return None if first is None else located(first, folder)


def _by_image(flat: Mapping[str, Any], key: str, made: Callable[[str], Any]) -> dict[str, Any]:
    """Return what an entry says of each image by name; empty where it holds for all."""
    entry = flat.get(f"subjects.{key}")
    return {name: made(text) for name, text in entry.items()} if isinstance(entry, Mapping) else {}


def _numbers(entry: str | list[str] | Mapping[str, str]) -> dict[str, str]:
    """Return the columns of numbers by the name that the network knows them by."""
    return dict(entry) if isinstance(entry, Mapping) else {name: name for name in names_in(entry)}


def _sources(flat: Mapping[str, Any], path: Path) -> tuple[Path, ...]:
    named = [flat.get(f"subjects.{key}") for key in ("table", "images", "corrupt")]
    named += flat["subjects.images"].values() if isinstance(flat.get("subjects.images"), Mapping) else []
    found = [located(name, path.parent) for name in named if isinstance(name, str)]
    return (path, *found, found[0] / "participants.tsv")  # the table may be a BIDS folder


def _corrupt(entry: str | list[str], folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the corrupt scans and the name of each entry in messages, from the file itself or from a text file.

    Of a text file, one scan a line, messages give the number of the line and not what stands there.
    """
    if not isinstance(entry, str):
        return {name: name for name in entry}, []
    path = located(entry, folder)
    try:
        lines = read_text(path, "a list of corrupt scans", fallback="cp1252").splitlines()
    except (ValueError, OSError) as error:
        return {}, [f"subjects.corrupt: {words_of(error)}"]
    numbered = {line.strip(): f"line {n} of {path.name}" for n, line in enumerate(lines, 1)}
    return {line: place for line, place in numbered.items() if line and not line.startswith("#")}, []


def _model(flat: Mapping[str, Any], folder: Path) -> ModelRecipe:
    source = flat.get("model.card") or flat["model.architecture"]
    if "model.card" in flat and source not in packaged_models():
        source = str(located(source, folder))
    mask, code = (str(located(flat[key], folder)) if key in flat else "" for key in ("model.brain_mask", "model.code"))
    return ModelRecipe(source, _weights(flat.get("model.weights", []), folder), brain_mask=mask, code=code)


def _weights(entry: str | list[str], folder: Path) -> tuple[str, ...]:
    return tuple(str(located(name, folder)) for name in names_in(entry))


def _atlas(flat: Mapping[str, Any], folder: Path) -> AtlasRecipe:
    image = flat.get("atlas.image", "AAL")
    if not is_atlas_name(image):
        image = str(located(image, folder))
    return AtlasRecipe(image, str(located(flat["atlas.table"], folder)) if "atlas.table" in flat else "")
