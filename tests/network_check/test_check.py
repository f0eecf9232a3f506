"""What a check says of networks whose ways are known."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mriinterp.base.progress import Cancelled
from mriinterp.image.template import template
from mriinterp.image.volume import Grid, Volume
from mriinterp.methods import method_names
from mriinterp.models import Head, Model, ModelCard
from mriinterp.models.normalisation import Normalisation
from mriinterp.network_check import check_network

from .architectures import SFCN, Conv5FC3

SHAPE = (12, 13, 14)
GRID = Grid(SHAPE, np.array([[12.0, 0, 0, -70], [0, 13, 0, -100], [0, 0, 10, -60], [0, 0, 0, 1]]))
QUICK = ["sensitivity", "occlusion", "grad_cam", "guided_backprop", "lrp_epsilon"]


TWO = (Head("group", ("CN", "AD")),)


def model_of(module, heads=TWO, **given):
    card = ModelCard("tiny", "tiny", GRID, heads)
    return Model(module.eval(), card, Normalisation(), "0" * 64, torch.device("cpu"), **given)


def network(outputs=2, activation=nn.ReLU):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(1, 2, 3), activation(), nn.Conv3d(2, 2, 3), activation(), nn.Flatten(), nn.LazyLinear(outputs)
    )


@pytest.fixture
def scan(rng):
    return Volume(rng.uniform(0, 5, SHAPE).astype(np.float32), GRID.affine)


def made(module):
    module(torch.zeros(1, 1, *SHAPE))
    return module


def test_every_method_is_tried(scan):
    found = check_network(model_of(made(network())), scan)
    assert [method.name for method in found.methods] == method_names()
    assert set(found.works) == set(method_names()), found.text()
    assert all(method.seconds > 0 for method in found.methods)
    assert [bool(method.layer) for method in found.methods] == [
        "cam" in method.name and method.name != "occlusion" for method in found.methods
    ]
    assert found.deterministic
    assert found.independent
    assert found.occlusion.speedup > 0
    table = found.table()
    assert list(table["name"]) == method_names()
    entries = json.loads(json.dumps(found.to_json()))
    assert entries["occlusion"]["speedup"] == found.occlusion.speedup
    for method in found.methods:
        assert method.name in found.text()


def test_a_refused_method_says_why(scan):
    found = check_network(model_of(made(network(activation=nn.Softplus))), scan, methods=QUICK)
    refused = {method.name: method.reason for method in found.methods if not method.works}
    assert refused.keys() == {"guided_backprop", "lrp_epsilon"}
    assert "ReLU" in refused["guided_backprop"]
    assert "softplus" in refused["lrp_epsilon"]
    assert refused["lrp_epsilon"] in found.text()


def test_dropout_that_stays_on_is_said(scan):
    class AlwaysOn(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = made(network())

        def forward(self, x):
            return self.body(F.dropout(x, 0.5))

    found = check_network(model_of(AlwaysOn()), scan, methods=["sensitivity"])
    assert not found.deterministic
    assert "dropout" in found.notes[0]
    assert "training=self.training" in found.notes[0]


def test_a_scale(scan):
    found = check_network(model_of(made(network(1)), (Head("age", ("age",), "scale"),)), scan, methods=QUICK)
    assert found.outputs == ("a scale, age",)
    assert set(found.works) == set(QUICK), found.text()
    assert "age" in found.prediction.outputs


def test_a_slow_method_is_tried_with_less(scan, monkeypatch):
    monkeypatch.setattr("mriinterp.network_check.check.PATIENCE", 0.0)
    names = ["smoothgrad", "occlusion", "area_occlusion"]
    found = check_network(model_of(made(network())), scan, methods=names)
    assert set(found.works) == set(names), found.text()
    assert all(method.estimated for method in found.methods)


def test_progress_and_cancel(scan):
    told = []
    check_network(model_of(made(network())), scan, methods=QUICK[:2], progress=lambda *a: told.append(a))
    assert told == [(0, 2), (1, 2), (2, 2)]
    with pytest.raises(Cancelled):
        check_network(model_of(made(network())), scan, cancel=lambda: True)


# ---- networks as laboratories have them

LATTICE = Grid((24, 28, 24), np.array([[8.0, 0, 0, -94], [0, 8, 0, -130], [0, 0, 8, -76], [0, 0, 0, 1]]))
WORKING = {  # what is refused, and the words that say why
    "Conv5_FC3": {},
    "SFCN": {},  # LRP of bins starts from the pull of each bin on the expected value
    "MONAI ResNet": {},
    "MONAI ViT": dict.fromkeys(["guided_backprop", "guided_grad_cam"], "ReLU")
    | dict.fromkeys(["grad_cam", "layer_cam", "hires_cam", "grad_cam_pp"], "tokens")
    | dict.fromkeys(["lrp_epsilon", "lrp_alphabeta", "lrp_composite"], "layer_norm"),
}
TWO_CLASSES = {"classes": ["CN", "AD"]}


def laboratory(name):
    from monai.networks.nets import ResNet, ViT

    torch.manual_seed(0)
    made = {
        "Conv5_FC3": lambda: (Conv5FC3(LATTICE.shape), TWO_CLASSES),
        "SFCN": lambda: (SFCN(), {"classes": "age", "output": "bins", "centres": [42.5 + n for n in range(40)]}),
        "MONAI ResNet": lambda: (
            ResNet("basic", [1, 1, 1, 1], [4, 8, 8, 8], n_input_channels=1, num_classes=2),
            TWO_CLASSES,
        ),
        "MONAI ViT": lambda: (
            ViT(1, LATTICE.shape, (4, 4, 4), 32, 32, 2, 4, classification=True, num_classes=2, spatial_dims=3),
            TWO_CLASSES,
        ),
    }
    net, about = made[name]()
    return Model.from_module(net, grid=LATTICE, **about)


@pytest.mark.parametrize("name", WORKING)
def test_networks_of_laboratories(name):
    model, scan = laboratory(name), template(LATTICE)
    names = [method for method in method_names() if method not in ("integrated_gradients", "smoothgrad")]
    found = check_network(model, scan, methods=names)
    refused = {method.name: method.reason for method in found.methods if not method.works}
    assert refused.keys() == WORKING[name].keys(), found.text()
    for method, words in WORKING[name].items():
        assert words in refused[method]
    assert found.independent
    assert found.deterministic
    if name == "SFCN":
        assert 42.5 <= found.prediction.outputs["age"] <= 81.5
        assert "expected value over 40 bins from 42.5 to 81.5" in found.outputs[0]
