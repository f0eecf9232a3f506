"""Networks that ClinicaDL trained, and the description in their MAPS folder.

A MAPS of ClinicaDL 1 holds ``maps.json`` and, for each split and metric of
selection, ``split-0/best-loss/model.pth.tar``. Network, classes, grid and
normalisation are read there. Layers and file names: Thibeau-Sutre et al. 2022,
Computer Methods and Programs in Biomedicine 220:106818.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mriinterp.base.files import read_json
from mriinterp.models.architecture_registry import register_architecture
from mriinterp.models.card import ModelCard, card_from_dict
from mriinterp.models.weights import StateDict

__all__ = ["CARD_NAME", "ClinicaCNN", "maps_root", "read_maps"]

NAME = "clinicadl_cnn"
NETWORKS = ("Conv5_FC3", "Conv4_FC3", "Stride_Conv5_FC3")
CARD_NAME = "mriinterp_card.json"
BY_HAND = (
    "In Python Model.from_module takes any network that ClinicaDL made (net, grid=…, classes=[…], normalisation=…), and "
    "torch.export.save makes a program of it that `mriinterp model check` opens"
)
# Whole images of t1-linear on the template ICBM 2009c: voxels, and the centre of the first in mm.
GRIDS = {(169, 208, 179): (-84, -119, -78), (193, 229, 193): (-96, -132, -78)}


class PadMaxPool(nn.Module):
    """Max pooling by 2 of maps that zeros in front make even."""

    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool3d(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of half the size, rounded up."""
        i, j, k = (n % 2 for n in x.shape[2:])
        return self.pool(nn.functional.pad(x, (k, 0, j, 0, i, 0)))


class ClinicaCNN(nn.Module):
    """Convolutions with batch norm, ReLU and pooling (or a stride of 2), then dense layers.

    Layer names are those of ClinicaDL, so that its weights load unchanged.

    Parameters
    ----------
    channels : sequence of int
        Of the input and of each convolution.
    dense : sequence of int
        Inputs of the first dense layer, and outputs of each.
    pooled : bool
        Max pooling behind each convolution; a stride of 2 otherwise.
    """

    def __init__(self, channels: Sequence[int], dense: Sequence[int], pooled: bool = True):
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(channels):
            conv = nn.Conv3d(before, after, 3, padding=1, stride=1 if pooled else 2)
            layers += [conv, nn.BatchNorm3d(after), nn.ReLU(), *([PadMaxPool()] if pooled else [])]
        self.convolutions = nn.Sequential(*layers)
        layers = [nn.Flatten(), nn.Dropout(0.5)]
        for before, after in itertools.pairwise(dense):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.fc = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Map scans (n, 1, i, j, k) to outputs (n, outputs)."""
        return self.fc(self.convolutions(x))


@register_architecture(NAME, label="ClinicaDL: Conv5_FC3, Conv4_FC3, Stride_Conv5_FC3")
def _build(states: Sequence[StateDict]) -> tuple[nn.Module, StateDict]:
    state = {key: value for part in states for key, value in part.items()}
    convolutions = _weights(state, "convolutions", 5)
    dense = _weights(state, "fc", 2)
    if len(convolutions) < 2 or not dense:
        raise ValueError(
            f"expected weights of {', '.join(NETWORKS)} (convolutions.0.weight, …, fc.2.weight, …), got other names"
        )
    places = list(convolutions)
    channels = [convolutions[places[0]].shape[1], *(weight.shape[0] for weight in convolutions.values())]
    sizes = [next(iter(dense.values())).shape[1], *(weight.shape[0] for weight in dense.values())]
    return ClinicaCNN(channels, sizes, pooled=places[1] - places[0] == 4), state


def _weights(state: StateDict, part: str, axes: int) -> dict[int, Tensor]:
    """Return the weights of so many axes of a part, by their place in it."""
    found = {}
    for key, value in state.items():
        match = re.fullmatch(rf"{part}\.(\d+)\.weight", key)
        if match and torch.is_tensor(value) and value.ndim == axes:
            found[int(match[1])] = value
    return dict(sorted(found.items()))


def maps_root(path: Path) -> Path | None:
    """Return the MAPS folder that a path lies in, or is; None if it is in none."""
    folders = [path, *path.absolute().parents[:3]]
    return next((folder for folder in folders if folder.is_dir() and (folder / "maps.json").is_file()), None)


def read_maps(path: Path) -> ModelCard:
    """Return the card of the network in a MAPS folder.

    Parameters
    ----------
    path : Path
        The folder, or that of a split (``split-1``) or a metric of selection
        (``split-1/best-BA``) in it. Where one is not named the first split
        and the loss are taken.

    Raises
    ------
    ValueError
        If the network, its task or its images are of a kind that is not read, with what to do.
    """
    root = maps_root(path)
    if root is None:
        raise ValueError(f"expected a MAPS of ClinicaDL, with a file maps.json, got {path}")
    entries = read_json(root / "maps.json", "a MAPS of ClinicaDL")
    if not isinstance(entries, dict):
        raise ValueError(f"{root.name}: expected a JSON object in maps.json, got {type(entries).__name__}")
    known = entries.get("architecture")
    if known not in NETWORKS:
        made = (
            known if isinstance(known, str) else ", ".join(k for k, v in entries.items() if _is_network(v)) or "unknown"
        )
        raise _refused(root, f"one of {', '.join(NETWORKS)} of ClinicaDL 1", f"the network {made}")
    if entries.get("multi_network"):
        raise _refused(root, "one network", "several (multi_network)")
    images = entries.get("preprocessing_dict", entries)
    if images.get("mode", "image") != "image":
        raise _refused(root, "a network of whole images", f"one of the mode {images.get('mode')}")
    if entries.get("size_reduction"):
        raise _refused(root, "images of full size", "reduced ones (size_reduction)")
    weights = _chosen(path.absolute(), root)
    card = {
        "name": f"{root.name} ({', '.join(weights.parts[:-1])})",
        "architecture": NAME,
        "grid": _grid(root, entries, str(images.get("preprocessing"))),
        **_outputs(root, entries),
        "normalisation": {"kind": "min_max" if entries.get("normalize", True) else "none"},
        "space": "MNI152NLin2009cSym",
        "skull_stripped": images.get("preprocessing") == "t1-extensive",
        "preparation": "linear",
        "weights": [weights.as_posix()],
        "training_data": f"MAPS of ClinicaDL, {known}, {images.get('preprocessing')}",
    }
    return card_from_dict(card, root, "maps.json")


def _is_network(entry: object) -> bool:
    """Return whether an entry of maps.json of ClinicaDL 2 describes a network."""
    return isinstance(entry, dict) and bool({"spatial_dims", "in_channels", "num_outputs", "channels"} & entry.keys())


def _refused(root: Path, expected: str, got: str) -> ValueError:
    return ValueError(f"{root.name}: expected a MAPS of ClinicaDL with {expected}, got {got}. {BY_HAND}")


def _chosen(path: Path, root: Path) -> Path:
    """Return the weights file in a MAPS that a path leads to, relative to the MAPS."""
    files = sorted(
        file.relative_to(root)
        for pattern in ("split-*", "fold-*")
        for file in root.glob(f"{pattern}/best-*/model.pth.tar")
    )
    below = [file for file in files if path in (root / file).parents or path == root / file]
    if not below:
        there = ", ".join(file.parent.as_posix() for file in files) or "none"
        raise ValueError(
            f"{root.name}: expected weights split-N/best-METRIC/model.pth.tar, got {path}; available: {there}"
        )
    return min(below, key=lambda file: (_number(file.parts[0]), file.parts[1] != "best-loss", file))


def _number(split: str) -> int:
    digits = split.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def _grid(root: Path, entries: dict[str, Any], preprocessing: str) -> dict[str, Any]:
    """Return the grid of the images that a network was trained on."""
    size = entries.get("input_size")
    shape = tuple(size[1:]) if isinstance(size, list) and len(size) == 4 else None
    if preprocessing not in ("t1-linear", "t1-extensive") or (shape is not None and shape not in GRIDS):
        images = f"{preprocessing} of {size}"
        raise _refused(root, "images of t1-linear, 169×208×179 or 193×229×193 voxels of 1 mm", images)
    if shape is None:
        uncropped = entries.get("preprocessing_dict", entries).get("use_uncropped_image", False)
        shape = (193, 229, 193) if uncropped else (169, 208, 179)
    affine = [[1, 0, 0, GRIDS[shape][0]], [0, 1, 0, GRIDS[shape][1]], [0, 0, 1, GRIDS[shape][2]], [0, 0, 0, 1]]
    return {"shape": list(shape), "affine": affine}


def _outputs(root: Path, entries: dict[str, Any]) -> dict[str, Any]:
    """Return what the outputs stand for: classes by their number, or a value."""
    task, codes = entries.get("network_task", "classification"), entries.get("label_code")
    if task == "regression":
        return {"classes": [str(entries.get("label") or "value")], "output": "scale"}
    codes = codes if isinstance(codes, dict) else {}
    named = all(type(code) is int for code in codes.values())
    if task != "classification" or not named or len(set(codes.values())) < 2:
        raise _refused(root, "a network of classification (with label_code) or regression", f"the task {task}, {codes}")
    names: dict[int, list[str]] = {}
    for name, code in codes.items():
        names.setdefault(code, []).append(str(name))
    return {"classes": ["+".join(names[code]) for code in sorted(names)]}
