"""load_model: from a name, a card or a file to a Model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from torch import nn

from mriinterp.base.files import check_file
from mriinterp.models.assembly import assemble
from mriinterp.models.card import ModelCard, card_from_dict, read_card
from mriinterp.models.code import TrustCode
from mriinterp.models.exported import EXPORTED, load_exported
from mriinterp.models.model import Model, choose_device
from mriinterp.models.registry import architecture_names, get_architecture
from mriinterp.models.weights import StateDict, load_into, read_state_dict

__all__ = ["load_model", "packaged_models"]


def packaged_models() -> dict[str, Path]:
    """Return cards that come with the package, by model name."""
    folder = Path(str(resources.files("mriinterp.models") / "weights"))
    cards = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return {path.stem: path for path in cards if "architecture" in json.loads(path.read_text(encoding="utf-8"))}


def load_model(
    name_or_card: str | Path | ModelCard,
    weights: str | Path | Sequence[str | Path] | None = None,
    device: str | None = None,
    *,
    trust_code: TrustCode = False,
) -> Model:
    """Load a network with everything needed to feed it.

    Parameters
    ----------
    name_or_card : str, Path or ModelCard
        A packaged model (``"demo"``), a model card (path of a JSON file), an
        exported program (path of a ``.pt2`` file with its card beside it), or
        the name of an architecture, which then needs `weights`.
    weights : path or sequence of paths, optional
        Weights files; default: those the card names. Weights given without a
        card use ``<weights>.json`` beside the first file if there is one,
        else what is known of the published weights.
    device : str, optional
        ``"auto"`` (default), ``"cpu"``, ``"cuda"``, ``"mps"``.
    trust_code : bool or collection of str
        Leave to open an exported program, which can run code hidden in it:
        any, or those of these SHA-256 digests.
        Plain weights never can, and need no leave.

    Returns
    -------
    Model

    Raises
    ------
    KeyError
        Unknown name; the names there are.
    ValueError
        Card or weights that do not fit, with every problem listed.
    """
    paths = [Path(p) for p in ([weights] if isinstance(weights, (str, Path)) else weights or [])]
    card, architecture = _find_card(name_or_card, paths)
    if card is not None:
        architecture = card.architecture
        paths = paths or [card.folder / name for name in card.weights]
    if not paths:
        raise ValueError(
            f"expected weights for the architecture {architecture!r}, got none; name weights files "
            "(--weights on the command line, weights=… in Python), or a model card"
        )
    target = choose_device(device)
    if card is not None and architecture == EXPORTED:
        if len(paths) != 1:
            raise ValueError(f"expected one exported program (.pt2), got {[p.name for p in paths]}")
        (module, code), complete = load_exported(paths[0], trust_code=trust_code), True
    else:
        module, card = _build(architecture, card, paths)
        code, complete = get_architecture(architecture).code, get_architecture(architecture).has_digest
    return Model(**assemble(module, card, target, code, complete))


def _find_card(source: str | Path | ModelCard, paths: list[Path]) -> tuple[ModelCard | None, str]:
    """Return the card that `source` names, or None and the name of an architecture."""
    if isinstance(source, ModelCard):
        return source, source.architecture
    packaged = packaged_models()
    text = str(source)
    if text in packaged:
        return read_card(packaged[text]), ""
    path = Path(source)
    if path.suffix == ".json" or path.suffix == ".pt2":
        check_file(path, "a model card or an exported program")
        card_path = path if path.suffix == ".json" else path.with_suffix(".json")
        if not card_path.is_file():
            raise ValueError(f"expected a model card beside {path.name}, got none at {card_path}")
        card = read_card(card_path)
        return (replace(card, weights=(path.name,), architecture=EXPORTED) if path.suffix == ".pt2" else card), ""
    if text in architecture_names():
        beside = paths[0].with_suffix(".json") if paths else None
        if beside is not None and beside.is_file():
            card = read_card(beside)
            if card.architecture != text:
                raise ValueError(f"{beside.name}: expected architecture {text!r}, got {card.architecture!r}")
            return card, text
        return None, text
    available = [*packaged, *architecture_names()]
    raise KeyError(f"expected a model name or a model card, got {text!r}; available: {', '.join(available)}")


def _build(architecture: str, card: ModelCard | None, paths: list[Path]) -> tuple[nn.Module, ModelCard]:
    entry = get_architecture(architecture)
    states: list[StateDict] = [read_state_dict(path) for path in paths]
    origin = ", ".join(path.name for path in paths)
    try:
        module, state = entry.build(states)
    except ValueError:
        raise
    except Exception as error:  # a builder, perhaps the user's own, meets tensors of any shape
        raise ValueError(
            f"{origin}: expected weights that {architecture} can be built for, got others "
            f"({type(error).__name__}: {error})"
        ) from error
    load_into(module, state, origin)
    if card is None:
        if entry.default_card is None:
            raise ValueError(f"expected a model card for the architecture {architecture!r}, got none beside {origin}")
        card = card_from_dict(entry.default_card(states))
    return module, card
