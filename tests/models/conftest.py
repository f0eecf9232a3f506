"""Networks on the small grid, loaded as a user's own would be."""

import copy
import json

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.image.volume import Volume
from mriinterp.models import architecture_registry, load_model

SHAPE = (7, 8, 9)
AFFINE = np.diag([2.0, 2, 2, 1])
AFFINE[:3, 3] = -7, -8, -9
GRID = {"shape": list(SHAPE), "affine": AFFINE.tolist()}


@pytest.fixture
def scan(rng):
    return Volume(rng.uniform(0, 5, SHAPE).astype(np.float32), AFFINE)


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """``loaded(module, **card entries)``: the model that `load_model` makes of a module."""
    architecture_registry.architecture_names()  # those of the package are looked for once
    monkeypatch.setattr(architecture_registry, "_ARCHITECTURES", dict(architecture_registry._ARCHITECTURES))

    def load(module, **entries):
        def build(states):
            return copy.deepcopy(module), states[0]

        architecture_registry.register_architecture("own")(build)
        torch.save(module.state_dict() or {"none": torch.zeros(1)}, tmp_path / "own.pt")
        card = {"name": "own", "architecture": "own", "grid": GRID, "classes": ["no", "yes"], "weights": "own.pt"}
        (tmp_path / "own.json").write_text(json.dumps({**card, **entries}), encoding="utf-8")
        return load_model(tmp_path / "own.json", device="cpu")

    return load


def small_network(*last, outputs=2, seed=0):
    """Convolution, batch norm, ReLU, pooling, a dense layer, and what is given."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv3d(1, 3, 3),
        nn.BatchNorm3d(3),
        nn.ReLU(),
        nn.MaxPool3d(2),
        nn.Flatten(),
        nn.Linear(3 * 2 * 3 * 3, outputs),
    )
    with torch.no_grad():
        network[5].weight *= 3
    return nn.Sequential(*network, *last).eval()
