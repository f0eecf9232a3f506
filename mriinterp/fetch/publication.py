"""Publications by name, and fetching one: licence, files, study file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from mriinterp.base.atomic import made_folder, write_text
from mriinterp.base.progress import Cancel, Progress
from mriinterp.fetch.download import RemoteFile, download
from mriinterp.results.home import default_folder
from mriinterp.study import write_study_file

__all__ = [
    "Publication",
    "RemoteFile",
    "fetch",
    "fetched_study",
    "fetched_variants",
    "get_publication",
    "publication_names",
    "register_publication",
]

FOLDER = "fetched"  # below the home
STUDY, LICENCE = "study.toml", "LICENSE.txt"

STEPS = ("mriinterp app {study}", "mriinterp explain SCAN --model {card} --method occlusion --out DIR")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Publication:
    """Something that others have published and that `fetch` can bring.

    Parameters
    ----------
    name, title : str
    about : str
        What it is and what it is good for, in one or two sentences.
    base : str
        Address below which the files lie.
    files : tuple of RemoteFile
    licence : str
        Its name, such as ``"MIT"``.
    licence_text : str
        What has to be accepted.
    complete : callable
        ``complete(folder)``: writes what belongs to the files, such as a
        model card, and returns the entries of a study file in that folder.
    licence_address : str
        Where it can be read; default: `base`.
    bring : callable, optional
        ``bring(files, source, base, folder, progress, cancel)``: how the
        files come; default: each by itself, by `download`.
    variants : mapping of str to str
        Further study files that `complete` writes into the folder, by name.
    steps : tuple of str
        Commands that come next, with ``{study}`` and ``{card}``.
    """

    name: str
    title: str
    about: str
    base: str
    files: tuple[RemoteFile, ...]
    licence: str
    licence_text: str
    complete: Callable[[Path], dict]
    licence_address: str = ""
    bring: Callable[..., None] | None = None
    variants: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = STEPS

    @property
    def size(self) -> int:
        """Bytes of all files; 0 if only the server knows."""
        return sum(file.size for file in self.files) if all(file.size for file in self.files) else 0

    @property
    def size_words(self) -> str:
        """How much will be fetched, in words."""
        return f"{self.size / 1e6:.0f} MB" if self.size else "size shown when it begins"


_PUBLICATIONS: dict[str, Publication] = {}


def register_publication(publication: Publication) -> Publication:
    """Make a publication known by its name; ValueError if the name is taken by another."""
    if _PUBLICATIONS.get(publication.name, publication) != publication:
        raise ValueError(f"expected a new name of a publication, got {publication.name!r}, which is taken")
    _PUBLICATIONS[publication.name] = publication
    return publication


def publication_names() -> list[str]:
    """Return the names of all publications."""
    return sorted(_PUBLICATIONS)


def get_publication(name: str) -> Publication:
    """Return a publication by name; KeyError with the names there are."""
    if name not in _PUBLICATIONS:
        raise KeyError(f"expected a publication, got {name!r}; available: {', '.join(publication_names())}")
    return _PUBLICATIONS[name]


def fetched_study(name: str, home: Path | None = None) -> Path | None:
    """Return the study file of a publication that has been fetched, or None."""
    path = (home or default_folder()) / FOLDER / name / STUDY
    return path if path.is_file() else None


def fetched_variants(name: str, home: Path | None = None) -> list[Path]:
    """Return the further study files of a publication that has been fetched, such as the age-matched one of OASIS-1."""
    study = fetched_study(name, home)
    files = [] if study is None else [study.with_name(file) for file in get_publication(name).variants.values()]
    return [path for path in files if path.is_file()]


def fetch(
    name: str,
    *,
    accept_licence: bool = False,
    source: str | Path | None = None,
    variant: str = "",
    home: Path | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Path:
    """Fetch a publication into the home and write a study file for it.

    Files that are there already are compared and kept, so a fetch that was
    cut off goes on, and a complete one needs no connection.

    Parameters
    ----------
    name : str
    accept_licence : bool
        That the user has read the licence and accepts it.
    source : str or Path, optional
        A mirror's address or a folder with the files; default: where the
        authors have published them.
    variant : str
        One of the publication's `variants`: which study file is returned.
        All are written.
    home : Path, optional
        Default: `mriinterp.results.home.default_folder`.
    progress : callable, optional
        ``progress(done, total)`` in bytes.
    cancel : callable, optional

    Returns
    -------
    Path
        Of the study file, which pages and commands open.

    Raises
    ------
    KeyError
        Unknown name.
    PermissionError
        If the licence is not accepted; nothing has been sent or written.
    OSError, ValueError, Cancelled
        As of `download`. The study file is written last: without it nothing counts as fetched.
    """
    publication = get_publication(name)
    if variant and variant not in publication.variants:
        known = ", ".join(publication.variants) or "none"
        raise KeyError(f"expected a variant of {name}, got {variant!r}; available: {known}")
    if not accept_licence:
        raise PermissionError(
            f"expected the licence of {publication.title} ({publication.licence}) to be accepted, got no acceptance"
        )
    folder = made_folder((home or default_folder()) / FOLDER / name)
    with FileLock(folder / ".lock"):
        bring = publication.bring or _each
        bring(publication.files, None if source is None else str(source), publication.base, folder, progress, cancel)
        write_text(folder / LICENCE, publication.licence_text)
        entries = publication.complete(folder)
        write_study_file(entries, folder / STUDY)
    logger.info("%s is in %s", publication.title, folder)
    return folder / publication.variants.get(variant, STUDY)


def _each(files, source: str | None, base: str, folder: Path, progress: Progress | None, cancel: Cancel | None) -> None:
    download(files, source or base, folder, progress=progress, cancel=cancel)
