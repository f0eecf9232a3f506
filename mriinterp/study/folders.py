"""Which folders study files may name: everything, or what the owner of a shared server allows.

``MRIINTERP_STUDY_FOLDERS=/data/adni:/data/oasis`` (``;`` between folders on Windows) holds for study files
themselves and for every file and folder that they, their tables and their model cards name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mriinterp.areas.atlas import atlas_names
from mriinterp.base.names import on_disk, shortened
from mriinterp.models import ModelCard, packaged_models, read_card
from mriinterp.models.normalisation import files_of_normalisation
from mriinterp.results.home import default_folder

__all__ = [
    "VARIABLE",
    "StudyFolders",
    "check_network_file",
    "default_output",
    "drop_forbidden",
    "is_atlas_name",
    "located",
    "names_in",
    "own_networks",
]

VARIABLE = "MRIINTERP_STUDY_FOLDERS"


def own_networks() -> Path:
    """Return the folder of networks that the app has trained where their study has no folder of results."""
    return default_folder() / "networks"


@dataclass(frozen=True)
class StudyFolders:
    """The folders that may be named.

    Parameters
    ----------
    folders : tuple of Path or None
        None allows everything.
    own : tuple of Path
        Folders of the program's own results, allowed besides: networks that the app has trained.
    """

    folders: tuple[Path, ...] | None = None
    own: tuple[Path, ...] = ()

    @classmethod
    def of_server(cls, environment: Mapping[str, str] = os.environ) -> StudyFolders:
        """Return what the environment allows; an empty list allows nothing, no list everything."""
        listed = environment.get(VARIABLE)
        if listed is None:
            return cls()
        return cls(
            tuple(Path(entry).expanduser() for entry in listed.split(os.pathsep) if entry.strip()), (own_networks(),)
        )

    def allow(self, path: str | Path) -> bool:
        """Return whether a path, followed through links, lies in one of the folders."""
        if self.folders is None:
            return True
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(os.path.realpath(folder)) for folder in (*self.folders, *self.own))

    def check(self, path: str | Path, what: str) -> None:
        """Raise ValueError in words if a path is not allowed; the message does not reveal whether there is such a file.

        Parameters
        ----------
        path : path
        what : str
            What names it, such as ``"model.weights"``.
        """
        if not self.allow(path):
            raise ValueError(self.refusal(path, what))

    def refusal(self, path: str | Path, what: str) -> str:
        """Return what is wrong with a path that is not allowed."""
        known = ", ".join(map(str, self.folders or ())) or "none"
        return (
            f"{what}: expected a path in the folders that study files may name on this server ({known}), got {path}; "
            f"whoever runs the server can add folders ({VARIABLE})"
        )


def located(text: str, folder: Path) -> Path:
    """Return a path of a study file, which may start at the file's folder or with ``~``."""
    return on_disk(Path(os.path.normpath(folder / Path(text).expanduser())))


def default_output(path: Path) -> str:
    """Return the name of a study file's results folder where the file names none."""
    return f"{shortened(path.stem, 200)}_results"


def names_in(entry: str | list[str]) -> tuple[str, ...]:
    """Return an entry of one text or several as several."""
    return (entry,) if isinstance(entry, str) else tuple(entry)


def is_atlas_name(text: str) -> bool:
    """Return whether an atlas of the package is meant, and not a file."""
    return text.lower() in {name.lower() for name in atlas_names()}


def _named_paths(flat: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every path that entries of a study file name, with the entry."""
    images = flat.get("subjects.images", {})
    for text in images.values() if isinstance(images, Mapping) else [images]:
        yield "subjects.images", text
    for key in ("output", "subjects.table", "model.brain_mask", "model.code", "atlas.table"):
        if key in flat:
            yield key, flat[key]
    if isinstance(flat.get("subjects.corrupt"), str):
        yield "subjects.corrupt", flat["subjects.corrupt"]
    if flat.get("model.card", next(iter(packaged_models()))) not in packaged_models():
        yield "model.card", flat["model.card"]
    if "atlas.image" in flat and not is_atlas_name(flat["atlas.image"]):
        yield "atlas.image", flat["atlas.image"]
    for text in flat.get("subjects.prefixes", {}).values():
        yield "subjects.prefixes", text
    for text in names_in(flat.get("model.weights", [])):
        yield "model.weights", text
    for entry in flat.get("model.folds", {}).values():
        for text in names_in(entry):
            yield "model.folds", text


def _paths_of_card(card: ModelCard) -> Iterator[Path]:
    """Yield every file that a model card names."""
    values = (*card.weights, card.brain_mask, *files_of_normalisation(card.normalisation))
    for name in values:
        if isinstance(name, str):
            yield card.folder / name


def check_network_file(path: Path) -> None:
    """Raise ValueError in words for a model card or program outside of the allowed folders, or a card that leads out."""
    allowed = StudyFolders.of_server()
    allowed.check(path, "network")
    if allowed.folders is not None:
        for file in _files_of_card(path):
            allowed.check(file, "model card")


def _files_of_card(path: Path) -> Iterator[Path]:
    """Yield the card of a network's file, if it has one, and every file that it names."""
    card = path if path.suffix.lower() == ".json" else path.with_suffix(".json")
    if card.is_file():
        yield card
        yield from _paths_of_card(read_card(card))


def drop_forbidden(flat: dict[str, Any], path: Path) -> list[str]:
    """Remove entries that lead outside of the allowed folders, in place; what is wrong with them, in words.

    Parameters
    ----------
    flat : dict
        Entries as ``section.key``.
    path : Path
        The study file.
    """
    allowed = StudyFolders.of_server()
    if allowed.folders is None:
        return []
    folder = path.absolute().parent
    named = [(key, located(text, folder)) for key, text in _named_paths(flat)]
    if "output" not in flat:
        named.append(("output", folder / default_output(path)))
    bad = [(key, file) for key, file in named if not allowed.allow(file)]
    for key, file in named:
        if key not in ("model.card", "model.folds", "model.weights") or (key, file) in bad:
            continue
        with suppress(OSError, ValueError, KeyError):  # a bad card is judged when the network is loaded
            bad += [(key, one) for one in _files_of_card(file) if not allowed.allow(one)]
    for key, _ in bad:
        flat.pop(key, None)
    return [allowed.refusal(file, key) for key, file in bad]
