"""One clean pass an explanation."""

import numpy as np
import pytest
import torch

from mriinterp.explain import explain
from mriinterp.gradient import run as gradient_run
from mriinterp.image.volume import Grid, Volume
from mriinterp.incremental import engine, shared
from mriinterp.incremental.shared import claim, clean_passes, offer
from mriinterp.incremental.traced import take_apart
from mriinterp.methods import clean
from mriinterp.models import Model
from tests.methods.networks import SHAPE, image, small_3d


@pytest.fixture
def model(monkeypatch):
    for module in (shared, clean, gradient_run):
        monkeypatch.setattr(module, "SMALL_IMAGE", 0)
    return Model.from_module(small_3d(), grid=Grid(SHAPE, np.diag([2.0, 2, 2, 1])), classes=["a", "b"])


@pytest.fixture
def passes(monkeypatch):
    """Counts of passes, by what runs them."""
    counts = {"engine": 0, "forward": 0}
    clean_pass, forward = engine.Engine._clean_pass, gradient_run.run_forward

    def counted(self):
        counts["engine"] += 1
        clean_pass(self)

    def counted_forward(*args, **kwargs):
        counts["forward"] += 1
        return forward(*args, **kwargs)

    monkeypatch.setattr(engine.Engine, "_clean_pass", counted)
    monkeypatch.setattr(gradient_run, "run_forward", counted_forward)
    return counts


def scan(seed=0):
    return Volume(image(SHAPE, seed)[0, 0].numpy(), np.diag([2.0, 2, 2, 1]))


@pytest.mark.parametrize(
    ("method", "found", "count", "params"),
    [
        ("sensitivity", "forward", 1, {}),
        ("occlusion", "engine", 1, {"size": 3, "stride": 3}),
        (
            "integrated_gradients",
            "forward",
            1,
            {"steps": 3},
        ),  # between baseline and scan only what is behind the first layer
        (
            "integrated_gradients",
            "forward",
            5,
            {"steps": 3, "baseline": "mean"},
        ),  # the scan, the baseline and between them
        ("smoothgrad", "forward", 4, {"samples": 3}),
    ],
)
def test_prediction_and_method_share_the_pass(model, passes, method, found, count, params):
    explain(model, scan(), method, **params)  # the network is taken apart, and what it gives compared
    for name in passes:
        passes[name] = 0
    result = explain(model, scan(1), method, **params)
    assert passes == {"engine": 0, "forward": 0} | {found: count}
    plain = model.predict(scan(1))
    assert result.prediction.predicted == plain.predicted
    assert list(result.prediction.outputs.values()) == pytest.approx(list(plain.outputs.values()), rel=1e-5)


def test_a_pass_is_claimed_once_for_the_same_image_and_network():
    x, network = image(SHAPE), take_apart(small_3d(), image(SHAPE)).network
    offer("outside", network, x)
    with clean_passes():
        assert claim(str, network, x) is None
        offer("inside", network, x)
        assert claim(int, network, x) is None
        assert claim(str, network, x.clone()) is None
        assert claim(str, take_apart(small_3d(classes=3), x).network, x) is None
        assert claim(str, network, x.detach()) == "inside"
        assert claim(str, network, x) is None
        offer("again", network, x)
        x.add_(1)
        assert claim(str, network, x) is None
    assert claim(str, network, torch.zeros(1)) is None
