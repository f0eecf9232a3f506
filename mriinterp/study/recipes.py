"""How to load networks and atlases, small enough to be sent to other processes and machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import mriinterp
from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.fingerprint import file_stamp
from mriinterp.models import (
    EXPORTED,
    Code,
    Model,
    ModelCard,
    architecture_names,
    own_architectures,
    packaged_models,
    read_card,
    read_code,
)
from mriinterp.models.late import open_packaged
from mriinterp.models.normalisation import files_of_normalisation
from mriinterp.models.permission import as_permission, check_permission
from mriinterp.models.run_code import run_code
from mriinterp.study.folders import StudyFolders

__all__ = ["AtlasRecipe", "ModelRecipe"]

PACKAGED = Path(mriinterp.models.__file__).parent / "weights"  # cards that come with the package


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
        The user's permission to run that file, or to open an exported program:
        any, or those of these SHA-256 digests.
    """

    source: str
    weights: tuple[str, ...] = ()
    brain_mask: str = ""
    code: str = ""
    trust_code: bool | frozenset[str] = False

    def __post_init__(self):
        object.__setattr__(self, "trust_code", as_permission(self.trust_code))

    def load(self, device: str | None = None) -> Model:
        """Load it, a packaged one when it is first run; errors as of `load_model`."""
        alone = not (self.weights or self.brain_mask or self.code)
        if alone and device in (None, "auto", "cpu") and self.source in packaged_models():
            return open_packaged(self.source, device)
        from mriinterp.models import load_model

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
            Without permission for it.
        OSError, ValueError
            If it cannot be read, or raises anything.
        """
        with own_architectures():
            if (code := self.python()) is not None:
                words = f"to run {code.path.name}, which the network's architecture comes from"
                check_permission(self.trust_code, code.digest, words)
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
