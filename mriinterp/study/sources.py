"""Where scans, networks and atlases come from, small enough to be sent to other processes and machines."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import mriinterp
from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.fingerprint import file_stamp
from mriinterp.image.nifti import read_volume
from mriinterp.image.scanset import as_scan
from mriinterp.image.template import DEMO_GRID, template
from mriinterp.image.volume import Volume
from mriinterp.models import (
    EXPORTED,
    Code,
    Model,
    ModelCard,
    architecture_names,
    load_model,
    own_architectures,
    read_card,
    read_code,
)
from mriinterp.models.code import as_leave, check_leave
from mriinterp.models.normalisation import files_of_normalisation
from mriinterp.models.run_code import run_code
from mriinterp.prepare import PrepareJob, files_of
from mriinterp.simulation.subjects import SimulationSettings, simulate_subject
from mriinterp.study.folders import StudyFolders

__all__ = ["AtlasRecipe", "FileScan", "InputsScan", "ModelRecipe", "PreparedScan", "SimulatedScan", "TemplateScan"]


PACKAGED = Path(mriinterp.models.__file__).parent / "weights"  # cards that come with the package


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


@dataclass(frozen=True)
class FileScan:
    """A scan in a file."""

    path: Path
    allow_unknown_space: bool = False

    def load(self) -> Volume:
        """Read it."""
        return read_volume(self.path, allow_unknown_space=self.allow_unknown_space)

    def fingerprint(self) -> str:
        """Return a text that changes when the file is written again; reads no voxel. OSError if there is no file."""
        stat = os.stat(self.path)
        return _digest(Path(self.path).name, stat.st_size, stat.st_mtime_ns, self.allow_unknown_space)

    def stamp(self) -> str:
        """Return `fingerprint`, which also distinguishes files of one size and time; on this machine only."""
        return _digest(self.fingerprint(), file_stamp([self.path], read=0))


@dataclass(frozen=True)
class PreparedScan:
    """A raw scan in a file, prepared for the study's network when it is wanted first, and kept.

    Parameters
    ----------
    job : PrepareJob
    numbers : tuple of (str, float)
        Of the scan, that the network reads beside the image.
    """

    job: PrepareJob
    numbers: tuple[tuple[str, float], ...] = ()

    def load(self) -> Volume:
        """Read the prepared scan; prepare it before if need be. ValueError if its quality is refused."""
        scan = self.job.load()
        return as_scan({"image": scan} | dict(self.numbers)) if self.numbers else scan

    def is_ready(self) -> bool:
        """Return whether it was prepared already; OSError if the raw scan is gone."""
        return self.job.is_done()

    def fingerprint(self) -> str:
        """Return a text that changes when the raw file, or any of its folder, or how it would be prepared, does; reads no voxel."""
        job = self.job
        raw = [FileScan(path, job.allow_unknown_space).fingerprint() for path in files_of(job.path)]
        series = [] if job.series is None else [job.series]
        return _digest(*raw, job.options.preparation.entry, job.shape, job.affine, *series, *self.numbers)

    def stamp(self) -> str:
        """Return a text as `fingerprint` that tells also a file of the same size and time; on this machine only."""
        return _digest(self.fingerprint(), file_stamp(files_of(self.job.path), read=0))


@dataclass(frozen=True)
class InputsScan:
    """A scan of several images, or with numbers.

    Parameters
    ----------
    images : tuple of (str, FileScan)
    numbers : tuple of (str, float)
    """

    images: tuple[tuple[str, FileScan], ...]
    numbers: tuple[tuple[str, float], ...] = ()

    def load(self) -> Volume:
        """Read all images."""
        return as_scan({name: image.load() for name, image in self.images} | dict(self.numbers))

    def fingerprint(self) -> str:
        """Return what changes when a file is written again, or with a number; read no voxel. OSError if one is missing."""
        return _digest(*((name, image.fingerprint()) for name, image in self.images), *self.numbers)

    def stamp(self) -> str:
        """Return the same, which also changes with a file of the same size and time; on this machine only."""
        return _digest(*((name, image.stamp()) for name, image in self.images), *self.numbers)


@dataclass(frozen=True)
class SimulatedScan:
    """A scan that is simulated when it is wanted."""

    settings: SimulationSettings
    subject: str

    def load(self) -> Volume:
        """Simulate it."""
        return simulate_subject(self.settings, self.subject).volume

    def fingerprint(self) -> str:
        """Return a text that changes with the settings and with the version of this package."""
        return _digest("simulated", self.settings, self.subject, mriinterp.__version__)

    stamp = fingerprint


@dataclass(frozen=True)
class TemplateScan:
    """The template brain on the demo study's grid."""

    def load(self) -> Volume:
        """Resample it."""
        return template(DEMO_GRID)

    def fingerprint(self) -> str:
        """Return a text that is always the same."""
        return _digest("template", mriinterp.__version__)

    stamp = fingerprint


@dataclass(frozen=True)
class ModelRecipe:
    """How to load a network.

    Parameters
    ----------
    source : str
        Name, card or architecture, as `mriinterp.models.load_model` takes it.
    weights : tuple of str
    brain_mask : str
        NIfTI file applied to scans on load; "" leaves that to the card.
    code : str
        Python file that registers the architecture; "" for none.
    trust_code : bool or frozenset of str
        The user's leave to run that file, or to open an exported program:
        any, or those of these SHA-256 digests.
    """

    source: str
    weights: tuple[str, ...] = ()
    brain_mask: str = ""
    code: str = ""
    trust_code: bool | frozenset[str] = False

    def __post_init__(self):
        object.__setattr__(self, "trust_code", as_leave(self.trust_code))

    def load(self, device: str | None = None) -> Model:
        """Load it; errors as of `load_model`."""
        with self.architectures():
            weights = list(self.weights) or None
            model = load_model(self.source, weights, device, trust_code=self.trust_code)
            if not self.brain_mask:
                return model
            card = replace(model.card, brain_mask=str(Path(self.brain_mask).resolve()))
            return load_model(card, weights, device, trust_code=self.trust_code)

    def fold(self, files: tuple[str, ...]) -> ModelRecipe:
        """Return the same network with other weights; of one model card (``.json``) the network that it describes."""
        if len(files) == 1 and files[0].lower().endswith(".json"):
            return replace(self, source=files[0], weights=())
        return replace(self, weights=files)

    @contextmanager
    def architectures(self) -> Iterator[None]:
        """Run the network's Python file, if it has one; what it registers is known inside the block.

        Raises
        ------
        CodeRefused
            Without leave for it.
        OSError, ValueError
            If it cannot be read, or raises anything.
        """
        with own_architectures():
            if (code := self.python()) is not None:
                words = f"to run {code.path.name}, which the network's architecture comes from"
                check_leave(self.trust_code, code.digest, words)
                run_code(code)
            yield

    def lacks_card(self) -> bool:
        """Return whether no card stands beside an exported program, or beside the weights of an architecture of its own code."""
        if self.source.lower().endswith(".pt2"):
            return not Path(self.source).with_suffix(".json").is_file()
        named = self.source.lower().endswith(".json") or self.source in architecture_names()
        return (
            bool(self.code and self.weights) and not named and not Path(self.weights[0]).with_suffix(".json").is_file()
        )

    def python(self) -> Code | None:
        """Return the network's Python file and all it imports from beside it, as they are now; None if it has none.

        Raises
        ------
        OSError, ValueError
            As `mriinterp.models.read_code`; also for a link out of the
            folders that study files may name.
        """
        return read_code(self.code, StudyFolders.of_server().allow) if self.code else None

    def programs(self) -> list[Path]:
        """Return exported programs that it opens: code may be hidden in them."""
        if self.source.lower().endswith(".pt2"):
            return [Path(name) for name in self.weights] or [Path(self.source)]
        if not self.source.lower().endswith(".json"):
            return []
        card = _card(Path(self.source), file_stamp([self.source]))
        if card is None or card.architecture != EXPORTED:
            return []
        return [Path(name) for name in self.weights] or [card.folder / name for name in card.weights]

    def files(self) -> list[Path]:
        """Return the files it reads that are known without loading it."""
        named = [*self.weights, self.brain_mask, self.code]
        if self.source.lower().endswith((".json", ".pt2")):
            named.append(self.source)
        return [Path(name) for name in named if name]

    def stamp(self) -> str:
        """Return `fingerprint`, which also distinguishes files of one size and time; on this machine only."""
        files = self.files()
        files += [PACKAGED / f"{self.source}.json", *(Path(name).with_suffix(".json") for name in self.weights)]
        cards = [path for path in files if path.suffix.lower() == ".json"]
        files += [name for card in cards for name in _named_by(card)]
        with suppress(OSError, ValueError):  # what is wrong with the code is reported where it is run
            files += [file.path for file in code.files] if (code := self.python()) else []
        return file_stamp(files)


@lru_cache(maxsize=64)
def _card(path: Path, stamp: str) -> ModelCard | None:
    """Return a model card (`stamp`: of its file); None if it cannot be read, which is reported elsewhere."""
    try:
        return read_card(path)
    except (OSError, ValueError, KeyError):
        return None


def _named_by(card: Path) -> tuple[Path, ...]:
    """Return files that a model card names."""
    found = _card(card, file_stamp([card]))
    if found is None:
        return ()
    named = (*found.weights, found.brain_mask, *files_of_normalisation(found.normalisation))
    return tuple(found.folder / name for name in named if isinstance(name, str))


@dataclass(frozen=True)
class AtlasRecipe:
    """How to load an atlas: its name, or a label image and a table."""

    source: str = "AAL"
    table: str = ""

    def load(self) -> Atlas:
        """Load it; errors as of `load_atlas`."""
        return load_atlas(self.source, Path(self.table) if self.table else None)

    def stamp(self) -> str:
        """Return `fingerprint`, which also distinguishes files of one size and time; on this machine only."""
        return file_stamp([self.source, self.table])
