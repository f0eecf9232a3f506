"""Model cards: what travels with a set of weights."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.image.preparation import Preparation, read_preparation
from mriinterp.image.volume import Grid
from mriinterp.models.outputs import OutputKind, get_output_kind

__all__ = ["Head", "ModelCard", "read_card", "write_card"]


@dataclass(frozen=True)
class Head:
    """A group of outputs that belong together.

    Parameters
    ----------
    name : str
    classes : tuple of str
        One name per output.
    kind : str
        ``"classes"``: outputs compete, a softmax gives probabilities.
        ``"scale"``: a single number, whose raw value is the score.
    start : int
        Index of the first output in the network's output vector.
    note : str
        How to read the outputs, in words.
    output : str
        What the network returns for classes, a key of
        `mriinterp.models.outputs.OUTPUT_KINDS`; "" if nobody has said or
        looked yet.
    """

    name: str
    classes: tuple[str, ...]
    kind: str = "classes"
    start: int = 0
    note: str = ""
    output: str = field(default="", repr=False)  # the digest of a model holds the repr, and this one by itself

    def __post_init__(self):
        get_output_kind(self.output)
        if self.kind not in ("classes", "scale"):
            raise ValueError(f"expected a head of kind 'classes' or 'scale', got {self.kind!r}")
        if self.kind == "scale" and len(self.classes) != 1:
            raise ValueError(f"expected one output for a scale, got {len(self.classes)}: {self.classes}")
        if self.kind == "classes" and len(self.classes) < 2:
            raise ValueError(f"expected two or more classes, got {self.classes}; a single output is a 'scale'")
        if self.kind == "scale" and self.output:
            raise ValueError(f"expected a kind of output for classes, got {self.output!r} for the scale {self.name!r}")

    @property
    def stop(self) -> int:
        """Index behind the last output."""
        return self.start + len(self.classes)

    @property
    def output_kind(self) -> OutputKind:
        """What its outputs are; logits as long as nothing else is known."""
        return get_output_kind(self.output)


@dataclass(frozen=True, eq=False)
class ModelCard:
    """What must be known of a set of weights to use it and to trust it.

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
        How the training scans were brought into template space; None: nobody
        has said.
    weights : tuple of str
        Files beside the card.
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

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs of the first head."""
        return self.heads[0].classes

    @property
    def trap(self) -> str:
        """What a network made to mislead was trained on, in words; "" for all others."""
        return str(self.about.get("trap", ""))


_KNOWN = ("name", "architecture", "grid", "normalisation", "brain_mask", "space", "skull_stripped", "simulated")
_OWN = ("classes", "heads", "output", "weights", "preparation")  # read by functions of their own


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
        made["heads"] = _try(lambda: _heads(entries), "'heads'" if "heads" in entries else "'classes'", problems)
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
    if problems:
        raise ValueError(f"{origin}: expected a complete card, got problems: {'; '.join(problems)}")
    return ModelCard(
        **{key: entries[key] for key in _KNOWN if key in entries and key != "grid"},
        **made,
        weights=tuple(weights),
        about={k: v for k, v in entries.items() if k not in (*_KNOWN, *_OWN)},
        folder=folder,
    )


def _try(make: Callable, what: str, problems: list[str]):
    """Return what `make` makes; where it cannot, add the reason to `problems`."""
    try:
        return make()
    except KeyError as error:
        problems.append(f"{what}: {error} is missing")
    except (ValueError, TypeError) as error:
        problems.append(f"{what}: {error}")
    return None


def _heads(entries: dict) -> tuple[Head, ...]:
    """Return heads as listed, or the one that `classes` describes."""
    if "heads" not in entries:
        classes = _names(entries["classes"])
        kind = "scale" if len(classes) == 1 else "classes"
        return (Head("output", classes, kind, output=_text(entries, "output")),)
    if not isinstance(entries["heads"], list) or not all(isinstance(entry, dict) for entry in entries["heads"]):
        raise ValueError(f'expected a list of {{"name": …, "classes": […]}}, got {reprlib.repr(entries["heads"])}')
    heads, start = [], 0
    for entry in entries["heads"]:
        name, kind = _text(entry, "name", entry["name"]), _text(entry, "kind", "classes")
        classes = _names(entry["classes"])
        head = Head(name, classes, kind, start, _text(entry, "note"), _text(entry, "output"))
        heads.append(head)
        start = head.stop
    if not heads:
        raise ValueError("expected at least one head, got none")
    names = [name for head in heads for name in head.classes]
    if len(set(names)) != len(names):
        raise ValueError(f"expected different names for all outputs, got {reprlib.repr(names)}")
    return tuple(heads)


def _text(entry: dict, key: str, default: str = "") -> str:
    if not isinstance(entry.get(key, default), str):
        raise ValueError(f"expected {key!r} of a head to be text, got {reprlib.repr(entry[key])}")
    return entry.get(key, default)


def _names(classes) -> tuple[str, ...]:
    if not isinstance(classes, (list, tuple)) or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"expected a list of names, got {reprlib.repr(classes)}")
    if len(set(classes)) != len(classes):
        raise ValueError(f"expected different names for all outputs, got {reprlib.repr(list(classes))}")
    return tuple(classes)


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
    entries = {
        **{key: getattr(card, key) for key in _KNOWN if key != "grid"},
        "grid": {"shape": list(card.grid.shape), "affine": card.grid.affine.tolist()},
        "heads": [_head_entries(head) for head in card.heads],
        "weights": list(card.weights),
        **({} if card.preparation is None else {"preparation": card.preparation.entry}),
        **card.about,
    }
    write_text(path, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


def _head_entries(head: Head) -> dict:
    optional = {key: getattr(head, key) for key in ("output", "note") if getattr(head, key)}
    return {"name": head.name, "kind": head.kind, "classes": list(head.classes), **optional}
