"""The architectures this package knows, and their cards for published weights."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from mriinterp.models.architecture_registry import register_architecture
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.models.ncomms2022 import Ncomms2022
from mriinterp.models.weights import StateDict

__all__ = ["PAPER_GRIDS"]


def _grid(shape, size, origin) -> dict:
    affine = [[size, 0, 0, origin[0]], [0, size, 0, origin[1]], [0, 0, size, origin[2]], [0, 0, 0, 1]]
    return {"shape": list(shape), "affine": affine}


# Number of inputs of dense_1 → lattice of the scans (Rieke et al. 2018: 1.5 mm CAT12, 1 mm ICBM 2009c).
PAPER_GRIDS = {
    128: _grid((113, 137, 113), 1.5, (-84, -120, -72)),
    5120: _grid((193, 229, 193), 1.0, (-96, -132, -78)),
}


def _merged(states: Sequence[StateDict]) -> StateDict:
    return {key: value for state in states for key, value in state.items()}


def _paper_card(states: Sequence[StateDict]) -> dict:
    weight = _merged(states).get("dense_1.weight")
    features = None if weight is None else weight.shape[1]
    if features not in PAPER_GRIDS:
        raise ValueError(
            f"expected 'dense_1.weight' with {' or '.join(map(str, PAPER_GRIDS))} inputs, got {features}; "
            "weights for another grid need a model card that names it"
        )
    return {
        "name": "ClassificationModel3D",
        "architecture": "ClassificationModel3D",
        "grid": PAPER_GRIDS[features],
        "classes": ["NC", "AD"],
        "normalisation": {"kind": "none"},
        "preparation": "nonlinear",
        "citation": "Rieke et al. 2018, arXiv:1808.02874",
    }


@register_architecture("ClassificationModel3D", label="Rieke et al. 2018", default_card=_paper_card)
def _build_paper(states: Sequence[StateDict]) -> tuple[nn.Module, StateDict]:
    state = _merged(states)
    features = state["dense_1.weight"].shape[1] if "dense_1.weight" in state else 128
    classes = state["dense_3.weight"].shape[0] if "dense_3.weight" in state else 2
    return ClassificationModel3D(features, classes), state


_HEADS = {  # number of outputs of a head file → its entry in the card
    1: {
        "name": "COG",
        "kind": "scale",
        "classes": ["COG"],
        "note": "cognitive state: 0 normal, 1 mild impairment, 2 dementia",
    },
    2: {
        "name": "ADD",
        "classes": ["other dementia", "Alzheimer's disease"],
        "note": "cause of a dementia; meaningless unless COG says dementia",
    },
}


def _ncomms_heads(states: Sequence[StateDict]) -> dict[str, StateDict]:
    """Return head files by task, COG first: both have the same key names, only the number of outputs differs."""
    heads = {}
    for state in states:
        if "dense2.2.weight" in state:
            outputs = state["dense2.2.weight"].shape[0]
            if outputs not in _HEADS:
                raise ValueError(f"expected a head with 1 (COG) or 2 (ADD) outputs, got {outputs}")
            heads[_HEADS[outputs]["name"]] = state
    if not heads:
        raise ValueError("expected a backbone and the COG or ADD head (two or three weights files), got no head")
    return {name: heads[name] for name in ("COG", "ADD") if name in heads}


def _ncomms_card(states: Sequence[StateDict]) -> dict:
    found = _ncomms_heads(states)
    return {
        "name": "ncomms2022",
        "architecture": "ncomms2022",
        "grid": {
            "shape": [182, 218, 182],
            "affine": [[-1, 0, 0, 90], [0, 1, 0, -126], [0, 0, 1, -72], [0, 0, 0, 1]],
        },
        "heads": [head for head in _HEADS.values() if head["name"] in found],
        "normalisation": {"kind": "scan_mean", "clip": [0, 8]},
        "preparation": "linear",
        "citation": "Qiu et al. 2022, Nature Communications 13:3404",
        "licence": "MIT",
    }


@register_architecture("ncomms2022", label="Qiu et al. 2022 (backbone and COG or ADD head)", default_card=_ncomms_card)
def _build_ncomms(states: Sequence[StateDict]) -> tuple[nn.Module, StateDict]:
    heads = _ncomms_heads(states)
    state = {}
    for part in states:
        if "dense2.2.weight" not in part:
            for key, value in part.items():
                block, _, rest = key.partition(".")
                number = block.removeprefix("block")
                state[f"blocks.{int(number) - 1}.{rest}" if number.isdigit() else key] = value
    sizes = {}
    for name, part in heads.items():
        layers = {"dense1.1": f"heads.{name}.0", "dense2.2": f"heads.{name}.2"}
        for key, value in part.items():
            layer, _, rest = key.rpartition(".")
            state[f"{layers.get(layer, f'heads.{name}.{layer}')}.{rest}"] = value
        hidden = part["dense1.1.weight"].shape[0] if "dense1.1.weight" in part else 1
        sizes[name] = (hidden, part["dense2.2.weight"].shape[0])
    return Ncomms2022(sizes), state
