"""load_model: from a name, a card or a file to a Model."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

from torch import nn

from mriinterp.base.command import quoted
from mriinterp.base.files import check_file
from mriinterp.models.architecture_registry import Architecture, DefaultCard, architecture_names, get_architecture
from mriinterp.models.assembly import assemble
from mriinterp.models.card import EXPORTED, ModelCard, card_from_dict, read_card
from mriinterp.models.clinicadl import maps_root, read_maps
from mriinterp.models.device import choose_device
from mriinterp.models.exported import load_exported
from mriinterp.models.filekinds import PICKLED_NETWORK, kind_of_file, says_network
from mriinterp.models.model import Model
from mriinterp.models.number_inputs import count_inputs
from mriinterp.models.packaged import packaged_models
from mriinterp.models.permission import TrustCode
from mriinterp.models.probe import probe_of_logits
from mriinterp.models.weights import StateDict, load_into, read_state_dicts, strip_prefix

__all__ = ["is_maps_source", "load_bare", "load_model"]

OF_PROGRAMS = (
    "model.",
    "net.",
    "network.",
    "encoder.",
    "_model.",
    "_net.",
)  # before every name of a network they train
MOST_TRIED = 16  # sets of weights of several files put together
OF_WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".tar")
OF_OTHERS = (".onnx", ".h5", ".hdf5", ".keras", ".pb", ".tflite")

logger = logging.getLogger(__name__)


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
        exported program (path of a ``.pt2`` file with its card beside it), a
        MAPS folder of ClinicaDL, or the name of an architecture, which then
        needs `weights`.
    weights : path or sequence of paths, optional
        Weights files; default: those the card names. Weights given without a
        card use ``<weights>.json`` beside the first file if there is one,
        else what is known of the published weights.
    device : str, optional
        ``"auto"`` (default), ``"cpu"``, ``"cuda"``, ``"mps"``.
    trust_code : bool or collection of str
        Permission to open an exported program, which can run code hidden in it:
        any, or those of these SHA-256 digests.
        Plain weights never can, and need no permission.

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
    shipped = not paths and isinstance(name_or_card, str) and name_or_card in packaged_models()
    if card is not None:
        architecture = card.architecture
        paths = paths or [card.folder / name for name in card.weights]
    if not paths:
        raise ValueError(
            f"expected weights for the architecture {architecture!r}, got none; name weights files "
            "(--weights on the command line, weights=… in Python), or a model card"
        )
    target = choose_device(device)
    notes: tuple[str, ...] = ()
    if card is not None and architecture == EXPORTED:
        if len(paths) != 1:
            raise ValueError(f"expected one exported program (.pt2), got {[p.name for p in paths]}")
        inputs = count_inputs(len(card.numbers), card.numbers_as)
        (module, code), complete = load_exported(paths[0], trust_code=trust_code, inputs=inputs), True
    else:
        module, card, notes = _build(architecture, card, paths)
        code, complete = get_architecture(architecture).code, get_architecture(architecture).has_digest
    probe = probe_of_logits(card.heads) if shipped and card else None  # tests run each of them
    return Model(**assemble(module, card, target, code, complete, notes=notes, probe=probe))


def _find_card(source: str | Path | ModelCard, paths: list[Path]) -> tuple[ModelCard | None, str]:
    """Return the card that `source` names, or None and the name of an architecture."""
    if isinstance(source, ModelCard):
        return source, source.architecture
    packaged = packaged_models()
    text = str(source)
    if text in packaged:
        return read_card(packaged[text]), ""
    path = Path(source)
    if is_maps_source(source):
        return read_maps(path), ""
    if path.suffix == ".json" or path.suffix == ".pt2":
        check_file(path, "a model card or an exported program")
        card_path = path if path.suffix == ".json" else path.with_suffix(".json")
        if not card_path.is_file():
            raise ValueError(
                f"expected a model card beside {path.name}, got none at {card_path}; write one: mriinterp model check "
                f"{quoted(path)} --scan SCAN --classes CN AD --trust-code --write-card"
            )
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
    if path.suffix == ".py":
        raise ValueError(
            f"expected a network, got {path.name}, which is code: run it by --trust-code {quoted(path)} (code = … in a study "
            'file, load_code in Python), and name an architecture that it registers by @register_architecture("…")'
        )
    available = [*packaged, *architecture_names()]
    if path.suffix.lower() in (*OF_WEIGHTS, *OF_OTHERS):
        raise ValueError(f"expected a network, got {_described(path)}")
    raise KeyError(f"expected a model name or a model card, got {text!r}; available: {', '.join(available)}")


def is_maps_source(source: str | Path) -> bool:
    """Return whether a network is named by a MAPS folder of ClinicaDL, or one inside it."""
    path = Path(source)
    return (path.is_dir() or path.name.endswith(".pth.tar")) and path.exists() and maps_root(path) is not None


def _described(path: Path) -> str:
    """Return what a file is that stands where a network is expected, and what to do, in words."""
    check_file(path, "a model card or an exported program")
    kind = kind_of_file(path)
    if kind:
        return f"{path.name}: {kind}"
    if says_network(path):
        return f"{path.name}: {PICKLED_NETWORK}"
    return (
        f"{path.name}, which holds weights: give them as weights (--weights {path.name}, weights=… in Python), with the "
        "architecture that they belong to or a model card as the network"
    )


def load_bare(
    source: str | Path, weights: Sequence[str | Path] = (), *, trust_code: TrustCode = False, inputs: int = 1
) -> tuple[nn.Module, str, str, bool]:
    """Load a network of which no card is known.

    Parameters
    ----------
    source : str or Path
        An exported program (``.pt2``) or the name of an architecture.
    weights : sequence of path
        Of the architecture.
    trust_code : bool or collection of str
        As of `load_model`.
    inputs : int
        Tensors that an exported program reads.

    Returns
    -------
    module : nn.Module
    architecture : str
        As its card is to name it.
    code : str
        Digest of what it computes beside its weights.
    complete : bool
        Whether that tells all.
    """
    path = Path(source)
    if path.suffix == ".pt2":
        module, code = load_exported(path, trust_code=trust_code, inputs=inputs)
        return module, EXPORTED, code, True
    entry = get_architecture(str(source))
    module, _, _ = _fitting(entry, [Path(name) for name in weights])
    return module, str(source), entry.code, entry.has_digest


def _build(
    architecture: str, card: ModelCard | None, paths: list[Path]
) -> tuple[nn.Module, ModelCard, tuple[str, ...]]:
    """Return the network of weights files, its card, and what a person should know of the files, in words."""
    entry = get_architecture(architecture)
    module, names, notes = _fitting(entry, paths)
    if card is None:
        if entry.default_card is None:
            raise ValueError(
                f"expected a model card for the architecture {architecture!r}, got none beside "
                f"{', '.join(path.name for path in paths)}; write one: mriinterp model check {architecture} --weights "
                f"{' '.join(map(quoted, paths))} --scan SCAN --classes … --write-card"
            )
        card = card_from_dict(_known_card(entry.default_card, names))
    return module, card, notes


def _fitting(entry: Architecture, paths: list[Path]) -> tuple[nn.Module, Sequence[StateDict], tuple[str, ...]]:
    """Build the network of weights files; of a file with several sets of weights, use the first that fits, and say it."""
    origin = ", ".join(path.name for path in paths)
    sets = [read_state_dicts(path) for path in paths]
    fitting, refused = [], []
    for states in islice(product(*sets), MOST_TRIED):
        for names in (list(states), [_bare(state) for state in states]):
            try:
                module, state = _built(entry, names, origin)
                load_into(module, state, origin)
            except ValueError as error:
                refused.append(error)
                continue
            fitting.append((module, names))
            break
    if not fitting:
        raise refused[0]
    if len(fitting) == 1:
        return *fitting[0], ()
    note = f"{origin} holds {len(fitting)} sets of weights that fit {entry.name}; the first is used"
    logger.warning("%s. Save the one that is meant by itself", note)
    return *fitting[0], (note,)


def _known_card(default_card: DefaultCard, states: Sequence[StateDict]) -> dict:
    """Return what an architecture knows of its published weights, whatever stands before their names."""
    try:
        return default_card(states)
    except (ValueError, KeyError):
        return default_card([_bare(state) for state in states])


def _bare(state: StateDict) -> StateDict:
    """Return weights without what training programs put before every name."""
    for prefix in OF_PROGRAMS:
        state = strip_prefix(state, prefix)
    return state


def _built(entry: Architecture, states: Sequence[StateDict], origin: str) -> tuple[nn.Module, StateDict]:
    try:
        made = entry.build(states)
    except ValueError:
        raise
    except Exception as error:  # a builder, perhaps the user's own, meets tensors of any shape
        raise ValueError(
            f"{origin}: expected weights that {entry.name} can be built for, got others "
            f"({type(error).__name__}: {error})"
        ) from error
    if isinstance(made, nn.Module):
        made = made, {key: value for state in states for key, value in state.items()}
    if not (isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], nn.Module)):
        raise ValueError(
            f"expected the builder of {entry.name} to return a network, or a network and its weights by name, got a "
            f"{type(made).__name__}"
        )
    return made
