"""Model cards: the description that belongs to a set of weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.image.preparation import Preparation, read_preparation
from mriinterp.image.volume import Grid
from mriinterp.models.heads import Head, heads_of_card
from mriinterp.models.number_inputs import NumberInput, read_numbers

__all__ = ["EXPORTED", "Head", "ModelCard", "card_entries", "read_card", "write_card"]

EXPORTED = "torch.export"  # architecture of a card whose weights file is a whole exported program


@dataclass(frozen=True, eq=False)
class ModelCard:
    """Description of a set of weights: how to use it, and how it was trained.

    Parameters
    ----------
    name, architecture : str
    grid : Grid
        The lattice the network reads, in its own voxel order.
    heads : tuple of Head
        The first one is explained by default.
    normalisation : dict
        See `mriinterp.models.normalisation.read_normalisation`.
    brain_mask : str or None
        NIfTI file beside the card; voxels outside it are set to 0 on load.
    space : str
        Template space scans must be in.
    skull_stripped : bool
        Whether the network was trained on skull-stripped scans.
    simulated : bool
        Trained on simulated scans only: no diagnosis is shown for real ones.
    preparation : Preparation, optional
        How the training scans were brought into template space; None if
        unknown.
    weights : tuple of str
        Files beside the card.
    pick : str, int or None
        Which entry is meant where the network returns several, in a mapping
        or a tuple; None: what it returns, or the one that fits.
    images : tuple of str
        Names of the images that are its input channels, in their order; empty
        for a network of one unnamed image.
    numbers : tuple of NumberInput
        What it reads beside images: age, head size.
    numbers_as : str
        ``"vector"``: numbers are its second argument, (n, numbers).
        ``"keywords"``: each is an argument of its name, (n, 1).
    about : dict
        Everything else, as it stands in the JSON: training data, measured
        performance, licence, citation, the command that reproduces it.
    folder : Path
        Where relative file names start.
    """

    name: str
    architecture: str
    grid: Grid
    heads: tuple[Head, ...]
    normalisation: dict | None = None
    brain_mask: str | None = None
    space: str = "MNI152"
    skull_stripped: bool = True
    simulated: bool = False
    preparation: Preparation | None = None
    weights: tuple[str, ...] = ()
    about: dict = field(default_factory=dict)
    folder: Path = Path()
    pick: str | int | None = None
    images: tuple[str, ...] = ()
    numbers: tuple[NumberInput, ...] = ()
    numbers_as: str = "vector"

    def __post_init__(self):
        if self.numbers_as not in NUMBERS_AS:
            raise ValueError(f"expected numbers_as of {', '.join(NUMBERS_AS)}, got {self.numbers_as!r}")
        taken = [*self.images, *(number.name for number in self.numbers)]
        if len(set(taken)) != len(taken):
            raise ValueError(f"expected different names for images and numbers, got {', '.join(taken)}")

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return max(1, len(self.images))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs of the first head."""
        return self.heads[0].classes

    @property
    def shortcut(self) -> str:
        """What a network made to mislead was trained on, in words; "" for all others."""
        return str(self.about.get("shortcut", self.about.get("trap", "")))


NUMBERS_AS = ("vector", "keywords")
_KNOWN = ("name", "architecture", "grid", "normalisation", "brain_mask", "space", "skull_stripped", "simulated")
_OF_HEADS = ("classes", "heads", "output", "centres")
_OF_INPUTS = ("pick", "images", "numbers", "numbers_as")  # written only where they are not the usual
_OWN = (*_OF_HEADS, *_OF_INPUTS, "weights", "preparation")  # read by functions of their own


def card_from_dict(entries: dict, folder: Path = Path(), origin: str = "model card") -> ModelCard:
    """Check the entries of a card and make it.

    Raises
    ------
    ValueError
        Listing every entry that is missing or malformed.
    """
    problems = [f"'{key}' is missing" for key in ("name", "architecture", "grid") if key not in entries]
    if not ("classes" in entries or "heads" in entries):
        problems.append("'classes' is missing (names of the outputs, in their order)")
    grid = entries.get("grid")
    made: dict = {}
    if grid is not None and not (isinstance(grid, dict) and {"shape", "affine"} <= grid.keys()):
        problems.append('\'grid\' is not {"shape": [i, j, k], "affine": 4×4}')
    elif grid is not None:
        made["grid"] = _try(lambda: Grid(grid["shape"], grid["affine"]), "'grid'", problems)
    if "classes" in entries or "heads" in entries:
        made["heads"] = _try(lambda: heads_of_card(entries), "'heads'" if "heads" in entries else "'classes'", problems)
    if "preparation" in entries:
        made["preparation"] = _try(lambda: read_preparation(entries["preparation"]), "'preparation'", problems)
    weights = entries.get("weights", ())
    weights = (weights,) if isinstance(weights, str) else weights
    expected_types = {"name": str, "architecture": str, "space": str, "skull_stripped": bool, "simulated": bool}
    problems += [
        f"{key!r} is not {'true or false' if kind is bool else 'text'}"
        for key, kind in expected_types.items()
        if key in entries and not isinstance(entries[key], kind)
    ]
    if not isinstance(entries.get("brain_mask"), (str, type(None))):
        problems.append("'brain_mask' is not the name of a file")
    if not (isinstance(weights, (list, tuple)) and all(isinstance(name, str) for name in weights)):
        problems.append("'weights' is not a list of file names")
    made |= _inputs(entries, problems)
    if problems:
        raise ValueError(f"{origin}: expected a complete card, got problems: {'; '.join(problems)}")
    return ModelCard(
        **{key: entries[key] for key in _KNOWN if key in entries and key != "grid"},
        **made,
        weights=tuple(weights),
        about={k: v for k, v in entries.items() if k not in (*_KNOWN, *_OWN)},
        folder=folder,
    )


def _inputs(entries: dict, problems: list[str]) -> dict:
    """Return what a card says of inputs beside one image, and of the entry that is explained."""
    made: dict = {"numbers": _try(lambda: read_numbers(entries.get("numbers", {})), "'numbers'", problems)}
    images = entries.get("images", [])
    texts = isinstance(images, (list, tuple)) and all(isinstance(name, str) and name for name in images)
    if not texts or len(set(images)) != len(images):
        problems.append("'images' is not a list of different names, one a channel")
    pick = entries.get("pick")
    if not isinstance(pick, (str, int, type(None))) or isinstance(pick, bool):
        problems.append("'pick' is neither a name nor a number")
    if entries.get("numbers_as", "vector") not in NUMBERS_AS:
        problems.append(f"'numbers_as' is not one of {', '.join(NUMBERS_AS)}")
    return made | {"images": tuple(images), "pick": pick, "numbers_as": entries.get("numbers_as", "vector")}


def _try(make: Callable, what: str, problems: list[str]):
    """Return what `make` makes; where it cannot, add the reason to `problems`."""
    try:
        return make()
    except KeyError as error:
        problems.append(f"{what}: {error} is missing")
    except (ValueError, TypeError) as error:
        problems.append(f"{what}: {error}")
    return None


def read_card(path: Path | str) -> ModelCard:
    """Read a model card (JSON).

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not JSON or not a complete card.
    """
    path = Path(path)
    entries = read_json(path, "a model card")
    if not isinstance(entries, dict):
        raise ValueError(f"{path.name}: expected a JSON object, got {type(entries).__name__}")
    return card_from_dict(entries, path.parent, path.name)


def write_card(card: ModelCard, path: Path | str) -> None:
    """Write a card as JSON in one step."""
    write_text(path, json.dumps(card_entries(card), indent=2, ensure_ascii=False) + "\n")


def card_entries(card: ModelCard) -> dict:
    """Return a card as JSON has it."""
    return {
        **{key: getattr(card, key) for key in _KNOWN if key != "grid"},
        "grid": {"shape": list(card.grid.shape), "affine": card.grid.affine.tolist()},
        "heads": [head.entries() for head in card.heads],
        "weights": list(card.weights),
        **({} if card.preparation is None else {"preparation": card.preparation.entry}),
        **_input_entries(card),
        **card.about,
    }


def _input_entries(card: ModelCard) -> dict:
    found: dict = {"pick": card.pick} if card.pick is not None else {}
    if card.images:
        found["images"] = list(card.images)
    if card.numbers:
        found["numbers"] = {number.name: number.entries() for number in card.numbers}
        found["numbers_as"] = card.numbers_as
    return found
