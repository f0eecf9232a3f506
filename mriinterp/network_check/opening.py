"""Open a network of which little or nothing is known: what is not known is guessed, and stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mriinterp.base.files import check_file, read_json
from mriinterp.image.volume import Grid, Volume
from mriinterp.methods.guard import frozen
from mriinterp.models import EXPORTED, Model, ModelCard, TrustCode, architecture_names, choose_device, get_architecture
from mriinterp.models.assembly import assemble, refilled
from mriinterp.models.card import card_entries, card_from_dict
from mriinterp.models.clinicadl import CARD_NAME, maps_root, read_maps
from mriinterp.models.entries import OF_VOXELS, describe_returned, find_entry, vector_of
from mriinterp.models.loading import is_maps_source, load_bare, load_model
from mriinterp.models.number_inputs import count_inputs, read_numbers
from mriinterp.models.packaged import packaged_models

__all__ = ["card_path", "lattice_of", "open_network"]

FEW = 64  # outputs that may be classes


def lattice_of(scan: Volume, order: str) -> Grid:
    """Return the lattice of a scan, in the voxel order of its ``"file"`` or towards ``"ras"``."""
    return scan.source if order == "file" and scan.source is not None else scan.grid


def card_path(source: str | Path, weights: Sequence[str | Path]) -> Path:
    """Return where the card of a network is looked for: beside its file."""
    path = Path(source)
    if is_maps_source(path) and (maps := maps_root(path)) is not None:
        return maps / CARD_NAME
    return (
        path if path.suffix == ".json" else (path if path.suffix == ".pt2" else Path(weights[0])).with_suffix(".json")
    )


def open_network(
    source: str | Path,
    scan: Volume,
    weights: Sequence[str | Path] = (),
    *,
    about: Mapping[str, Any] | None = None,
    trust_code: TrustCode = False,
    device: str | None = None,
    order: str = "file",
) -> tuple[Model, tuple[str, ...]]:
    """Open a network, with its card or without.

    Parameters
    ----------
    source : str or Path
        As `mriinterp.models.load_model` takes it; an exported program or an
        architecture may come without a card.
    scan : Volume
        Of a network without a card: lies on the grid that it reads.
    weights : sequence of path
    about : mapping, optional
        Entries of the card; they go before what stands in one that is there.
    trust_code, device
        As of `mriinterp.models.load_model`.
    order : {"file", "ras"}
        Voxel order in which the network reads scans: as their files have it,
        or towards right, anterior, superior.

    Returns
    -------
    Model
    tuple of str
        What was guessed, in words.

    Raises
    ------
    KeyError, ValueError
        As of `load_model`.
    """
    about = {key: value for key, value in (about or {}).items() if value not in (None, (), [], {}, "")}
    for name in weights:
        check_file(Path(name), "a weights file")
    if not _is_known(source) and not _brings_card(source):
        return load_model(source, list(weights) or None, device, trust_code=trust_code), ()  # which says what it is
    if _has_card(source, weights):
        return _with_changes(source, weights, about, trust_code, device)
    if not weights and Path(source).suffix != ".pt2":
        raise ValueError(f"expected weights for the architecture {source!r}, got none; name the files: --weights FILE")
    inputs = count_inputs(len(about.get("numbers", ())), about.get("numbers_as", "vector"))
    module, architecture, code, complete = load_bare(source, weights, trust_code=trust_code, inputs=inputs)
    grid = lattice_of(scan, order)
    entries: dict[str, Any] = {
        "name": Path(source).stem if architecture == EXPORTED else str(source),
        "architecture": architecture,
        "grid": {"shape": list(grid.shape), "affine": grid.affine.tolist()},
        "weights": [Path(source).name] if architecture == EXPORTED else [Path(name).name for name in weights],
        **about,
    }
    guessed = []
    if scan.source is not None and not scan.source.matches(scan.grid):
        guessed.append(
            f"the network reads scans in the voxel order of their files ({scan.source.axis_codes}); if its training "
            "turned them to RAS first: --order ras"
            if order == "file"
            else f"the network reads scans turned to RAS, not as their files have them ({scan.source.axis_codes})"
        )
    if "normalisation" not in entries:
        guessed.append("intensities are read as they are; if the training scans were normalised: --normalisation KIND")
    if "classes" not in entries and "heads" not in entries:
        named, words = _guess_classes(module, grid, entries)
        entries |= named
        guessed.append(words)
    card = card_from_dict(entries, card_path(source, weights).parent, str(source))
    model = Model(**assemble(module, card, choose_device(device), code, complete))
    return model, tuple(guessed)


def _is_known(source: str | Path) -> bool:
    return Path(source).suffix == ".pt2" or str(source) in architecture_names()


def _brings_card(source: str | Path) -> bool:
    return str(source) in packaged_models() or Path(source).suffix == ".json" or is_maps_source(source)


def _has_card(source: str | Path, weights: Sequence[str | Path]) -> bool:
    """Return whether a card is known: a file, or what is known of published weights."""
    if _brings_card(source):
        return True
    if Path(source).suffix != ".pt2" and not weights:
        return False
    beside = card_path(source, weights)
    known = str(source) in architecture_names() and get_architecture(str(source)).default_card is not None
    return beside.is_file() or known


def _with_changes(
    source: str | Path, weights: Sequence[str | Path], about: dict[str, Any], trust_code: TrustCode, device: str | None
) -> tuple[Model, tuple[str, ...]]:
    """Return a network with its card, on which some entries are other ones."""
    names = list(weights) or None
    if not about:
        return load_model(source, names, device, trust_code=trust_code), ()
    path = packaged_models().get(str(source)) or card_path(source, weights)
    if is_maps_source(source):
        card = read_maps(Path(source))
        path = card.folder / "maps.json"
        entries: Any = card_entries(card)
    else:
        entries = read_json(path, "a model card")
    if not isinstance(entries, dict):
        raise ValueError(f"{path.name}: expected a JSON object, got {type(entries).__name__}")
    if "classes" in about or "output" in about:
        entries.pop("heads", None)
    changed = card_from_dict({**entries, **about}, path.parent, path.name)
    if Path(source).suffix == ".pt2":
        changed = replace(changed, architecture=EXPORTED, weights=(Path(source).name,))
    return load_model(changed, names, device, trust_code=trust_code), ()


def _guess_classes(module: nn.Module, grid: Grid, entries: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return names for the outputs of a network, by their number."""
    card: ModelCard = card_from_dict({**entries, "classes": ["?", "??"]})
    image = torch.rand((1, card.channels, *grid.shape), generator=torch.Generator().manual_seed(0))
    numbers = read_numbers(entries.get("numbers", {}))
    if numbers:
        module = refilled(module, numbers, {}, keywords=card.numbers_as == "keywords")
    with frozen(module), torch.inference_mode():
        try:
            returned = module(image)
        except Exception as error:  # own code raises anything; loading will say what
            return {"classes": ["class 0", "class 1"]}, f"the network fails on a scan of this shape: {error}"
    pick, _ = find_entry(returned, entries.get("pick"), range(1, FEW + 1), str(entries["name"]))
    outputs = vector_of(returned, pick, 1).shape[1]
    if outputs > FEW:
        of_voxels = isinstance(returned, torch.Tensor) and returned.ndim > 3
        way = (
            OF_VOXELS
            if of_voxels
            else (
                "Of bins say what each stands for (--output bins --classes NAME --centres X X …), of classes name all; or put "
                f'them on a card: "classes", "output", "centres" in {card_path(entries["name"], entries["weights"]).name}'
            )
        )
        raise ValueError(
            f"{entries['name']}: expected a network that returns up to {FEW} classes, a scale or bins, got "
            f"{describe_returned(returned)}. {way}"
        )
    if outputs == 1:
        return {"classes": ["output"]}, (
            "one output, read as a scale; of a binary network name both classes, the one it stands for last: "
            "--classes CN AD"
        )
    return {"classes": [f"class {n}" for n in range(outputs)]}, (
        f"{outputs} outputs without names; name them in their order: --classes NAME NAME …"
    )
