"""Where scans, networks and atlases come from, small enough to be sent to other processes and machines."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import mriinterp
from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.fingerprint import file_stamp
from mriinterp.image.nifti import read_volume
from mriinterp.image.template import DEMO_GRID, template
from mriinterp.image.volume import Volume
from mriinterp.models import Model, load_code, load_model, read_card
from mriinterp.simulation.subjects import SimulationSettings, simulate_subject

__all__ = ["AtlasRecipe", "FileScan", "ModelRecipe", "SimulatedScan", "TemplateScan"]


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
        """Changes when the file is written again; reads no voxel. OSError if there is no file."""
        stat = os.stat(self.path)
        return _digest(Path(self.path).name, stat.st_size, stat.st_mtime_ns, self.allow_unknown_space)

    def stamp(self) -> str:
        """As `fingerprint`, and tells also a file of the same size and time; on this machine only."""
        return _digest(self.fingerprint(), file_stamp([self.path], read=0))


@dataclass(frozen=True)
class SimulatedScan:
    """A scan that is simulated when it is wanted."""

    settings: SimulationSettings
    subject: str

    def load(self) -> Volume:
        """Simulate it."""
        return simulate_subject(self.settings, self.subject).volume

    def fingerprint(self) -> str:
        """Changes with the settings and with the version of this package."""
        return _digest("simulated", self.settings, self.subject, mriinterp.__version__)

    stamp = fingerprint


@dataclass(frozen=True)
class TemplateScan:
    """The template brain on the demo study's grid."""

    def load(self) -> Volume:
        """Resample it."""
        return template(DEMO_GRID)

    def fingerprint(self) -> str:
        """Always the same."""
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
    trust_code : bool
        The user's leave to run that file, or to open an exported program.
    """

    source: str
    weights: tuple[str, ...] = ()
    brain_mask: str = ""
    code: str = ""
    trust_code: bool = False

    def load(self, device: str | None = None) -> Model:
        """Load it; errors as of `load_model`."""
        if self.code and not self.trust_code:
            raise ValueError(
                f"expected leave to run {Path(self.code).name}, which the network's architecture comes from, got none. "
                "It may do anything: if you trust whoever made it, --trust-code on the command line or trust_code=True"
            )
        if self.code:
            load_code(self.code)
        weights = list(self.weights) or None
        model = load_model(self.source, weights, device, trust_code=self.trust_code)
        if not self.brain_mask:
            return model
        card = replace(model.card, brain_mask=str(Path(self.brain_mask).resolve()))
        return load_model(card, weights, device, trust_code=self.trust_code)

    def files(self) -> list[Path]:
        """Files it reads that are known without loading it."""
        named = [*self.weights, self.brain_mask, self.code]
        if self.source.lower().endswith((".json", ".pt2")):
            named.append(self.source)
        return [Path(name) for name in named if name]

    def stamp(self) -> str:
        """Changes when a file of the network does: weights, card, mask, code, and what the card names."""
        files = self.files()
        files += [PACKAGED / f"{self.source}.json", *(Path(name).with_suffix(".json") for name in self.weights)]
        cards = [path for path in files if path.suffix.lower() == ".json"]
        return file_stamp([*files, *(name for card in cards for name in _named_by(card, file_stamp([card])))])


@lru_cache(maxsize=64)
def _named_by(card: Path, stamp: str) -> tuple[Path, ...]:
    """Files that a model card names (`stamp`: of the card); none if it cannot be read, which is reported elsewhere."""
    try:
        found = read_card(card)
    except (OSError, ValueError, KeyError):
        return ()
    named = (*found.weights, found.brain_mask, *(found.normalisation or {}).values())
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
        """Changes when a file of the atlas does."""
        return file_stamp([self.source, self.table])
