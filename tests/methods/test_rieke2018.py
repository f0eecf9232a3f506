"""The preset against the five methods written out again, plainly, from their definitions."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, zoom
from torch.nn import functional as F

from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.explain import explain
from mriinterp.image.volume import Volume
from mriinterp.models import load_model, write_card
from mriinterp.models.card import card_from_dict
from mriinterp.models.classification3d import ClassificationModel3D

from .networks import seeded

SHAPE = (78, 84, 78)  # the smallest scan the network can read
AFFINE = np.array([[2.2, 0, 0, -84], [0, 2.4, 0, -120], [0, 0, 2.2, -72], [0, 0, 0, 1]])


def plain_forward(state, x, guided=False):
    """The network as a few lines of arithmetic; returns the logits and the last convolution's output."""

    class Guided(torch.autograd.Function):
        @staticmethod
        def forward(ctx, v):
            ctx.save_for_backward(v)
            return v.clamp(min=0)

        @staticmethod
        def backward(ctx, g):
            return torch.where((g > 0) & (ctx.saved_tensors[0] > 0), g, 0)

    relu = Guided.apply if guided else torch.relu
    for block, pool in ((1, 2), (2, 3), (3, 2), (4, 3)):
        raw = F.conv3d(x, state[f"Conv_{block}.weight"], state[f"Conv_{block}.bias"])
        norm = [state[f"Conv_{block}_bn.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        x = F.max_pool3d(relu(F.batch_norm(raw, *norm)), pool)
    x = x.flatten(1)
    for dense in (1, 2):
        x = relu(F.linear(x, state[f"dense_{dense}.weight"], state[f"dense_{dense}.bias"]))
    return F.linear(x, state["dense_3.weight"], state["dense_3.bias"]), raw


def gradient(state, x, target, guided=False):
    x = x.clone().requires_grad_(True)
    logits, _ = plain_forward(state, x, guided)
    return torch.autograd.grad(torch.softmax(logits, 1)[0, target], x)[0][0, 0].abs().numpy()


def cam(state, x, target):
    logits, raw = plain_forward(state, x.clone().requires_grad_(True))
    slope = torch.autograd.grad(torch.softmax(logits, 1)[0, target], raw)[0]
    coarse = (slope.mean((2, 3, 4), keepdim=True) * raw).sum(1)[0].detach().clamp(min=0).numpy()
    return zoom(coarse, np.array(SHAPE) / coarse.shape, order=0)


def probability(state, x, target):
    with torch.no_grad():
        return torch.softmax(plain_forward(state, x)[0], 1)[0, target].item()


def occlusion(state, x, target, size, stride):
    steps, clean = [range(0, n, stride) for n in SHAPE], probability(state, x, target)
    coarse = np.zeros([len(s) for s in steps])
    for cell, centre in zip(np.ndindex(*coarse.shape), product(*steps), strict=True):
        hidden = x.clone()
        hidden[(0, 0, *(slice(max(c - int(size / 2), 0), c + int(size / 2)) for c in centre))] = 0
        coarse[cell] = max(clean - probability(state, hidden, target), 0)
    return zoom(coarse, np.array(SHAPE) / coarse.shape, order=0)


def area_occlusion(state, x, target, labels):
    result, clean = np.zeros(SHAPE), probability(state, x, target)
    for label in np.unique(labels[labels > 0]):
        hidden = x.clone()
        hidden[0, 0][torch.from_numpy(labels == label)] = 0
        result[labels == label] = max(clean - probability(state, hidden, target), 0)
    return result


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A network whose answer depends on the scan, the scan, and the weights."""
    rng = np.random.default_rng(5)
    data = gaussian_filter(rng.normal(size=SHAPE), 4) * 12 + 1
    i, j, k = np.indices(SHAPE)
    ball = ((i - 38) / 34) ** 2 + ((j - 42) / 38) ** 2 + ((k - 38) / 34) ** 2 < 1
    data = (data * ball).astype(np.float32)  # a background of exactly 0, as scans have
    network = seeded(ClassificationModel3D(64), seed=2)
    with torch.no_grad():  # neither saturated nor undecided: probability 0.7 for the predicted class
        logits = network(torch.from_numpy(data)[None, None])
        network.dense_3.weight *= 1.0 / (logits[0, 0] - logits[0, 1]).abs()
        logits = network(torch.from_numpy(data)[None, None])
        network.dense_3.bias[0] += 0.85 - (logits[0, 0] - logits[0, 1])
    folder = tmp_path_factory.mktemp("rieke2018")
    torch.save(network.state_dict(), folder / "w.pt")
    entries = {"name": "t", "architecture": "ClassificationModel3D", "classes": ["NC", "AD"], "weights": ["w.pt"]}
    write_card(card_from_dict({**entries, "grid": {"shape": SHAPE, "affine": AFFINE.tolist()}}), folder / "t.json")
    model = load_model(folder / "t.json")
    state = torch.load(folder / "w.pt", weights_only=True)
    return model, Volume(data, AFFINE), state, torch.from_numpy(data)[None, None]


def assert_same(ours, expected, tolerance, share=1.0):
    """Difference below `tolerance` of the map's maximum on a share of the voxels."""
    assert expected.max() > 0
    close = np.abs(ours.volume.data - expected) <= tolerance * expected.max()
    assert close.mean() >= share


def test_the_case_is_worth_it(case):
    model, volume, state, x = case
    assert model.predict(volume).predicted == "NC"
    assert 0.65 < probability(state, x, 0) < 0.75


@pytest.mark.parametrize("target", [None, "AD"])
def test_gradients(case, target):
    model, volume, state, x = case
    index = 0 if target is None else 1
    for name, guided in (("sensitivity", False), ("guided_backprop", True)):
        ours = explain(model, volume, name, target=target, preset="rieke2018")
        assert_same(ours, gradient(state, x, index, guided), 1e-5, 0.999)
        assert ours.params["preset"] == "rieke2018"
        assert ours.score == "probability"


def test_grad_cam(case):
    model, volume, state, x = case
    assert_same(explain(model, volume, "grad_cam", target="AD", preset="rieke2018"), cam(state, x, 1), 1e-4)


def test_occlusion(case):
    model, volume, state, x = case
    expected = occlusion(state, x, 0, 40, 40)
    assert expected.max() > 1e-3
    assert_same(explain(model, volume, "occlusion", preset="rieke2018", size=40, stride=40), expected, 1e-4)


def test_area_occlusion(case):
    model, volume, state, x = case
    atlas = load_atlas("AAL").on(model.grid)
    few = np.where(atlas.labels.data % 9 == 1, atlas.labels.data, 0)
    atlas = Atlas("few", atlas.labels.with_data(few), atlas.areas)
    ours = explain(model, volume, "area_occlusion", preset="rieke2018", atlas=atlas)
    expected = area_occlusion(state, x, 0, atlas.labels.data)
    assert expected.max() > 1e-4
    assert_same(ours, expected, 1e-4)
    assert ours.digests.keys() == {"scan", "model", "atlas"}
