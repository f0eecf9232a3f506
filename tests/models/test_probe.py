"""What loading finds out about a network: does it mix its batch, does it change its input?"""

from itertools import product

import numpy as np
import pytest
import torch
from monai.networks.nets import DenseNet121, SEResNet50, resnet10
from torch import nn
from torch.nn import functional as F

from mriinterp.cost import describe_cost
from mriinterp.explain import explain, relevance
from mriinterp.incremental import BoxGrid, plan
from mriinterp.methods import get_method, method_names
from mriinterp.models import load_model, packaged_models
from mriinterp.models.batch import MIXES, ScanByScan, is_marked_alone, reason_to_run_alone
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.models.probe import probe_network

from .conftest import SHAPE, small_network

SMALL = {"size": 3, "stride": 2, "samples": 2, "steps": 3}


class Scaled(nn.Module):
    """Brings intensities to 0–1 over whatever comes in, then reads them."""

    def __init__(self):
        super().__init__()
        self.body = small_network()

    def forward(self, x):
        return self.body((x - x.min()) / (x.max() - x.min()) * 5)


def without_statistics():
    network = small_network()
    network[1] = nn.BatchNorm3d(3, track_running_stats=False).eval()
    return network


MIXING = {"min-max": Scaled, "batch norm": without_statistics}


@pytest.mark.parametrize("name", MIXING)
def test_a_network_that_mixes_its_batch_is_found(loaded, name):
    model = loaded(MIXING[name]())
    assert not model.independent
    assert model.notes == (f"{MIXES}: scans and occlusion windows are run one by one",)


@pytest.mark.parametrize("name", MIXING)
def test_its_occlusion_is_that_of_single_passes(loaded, scan, name):
    model = loaded(MIXING[name]())
    found = explain(model, scan, "occlusion", target="yes", size=3, stride=3, score="logit", fill="zero")
    x = model.prepare(scan)
    boxes = BoxGrid(SHAPE, 3, 3)
    with torch.no_grad():
        clean = model.module(x)[0, 1]
        for box, centre in zip(boxes.boxes, product(*boxes.centres), strict=True):
            image = x.clone()
            image[(0, 0, *(slice(*side) for side in box))] = 0
            drop = float(clean - model.module(image)[0, 1])
            assert found.volume.data[centre] == pytest.approx(drop, abs=1e-4 * float(clean.abs()))
    assert found.notes == model.notes


def test_it_is_said_before_the_work(loaded):
    model = loaded(without_statistics())
    assert plan(model, model.grid, 3, 3).alone == MIXES
    params = get_method("occlusion").resolve({"size": 3, "stride": 3})
    assert f"they run one by one ({MIXES})" in describe_cost(model, "occlusion", params)
    assert "one by one" not in describe_cost(loaded(small_network()), "occlusion", params)


def test_it_is_part_of_the_digest(loaded):
    """The same weights read in two ways."""

    class Plain(Scaled):
        def forward(self, x):
            return self.body(x)

    assert loaded(Scaled()).digest != loaded(Plain()).digest


def test_a_network_for_one_scan_at_a_time(loaded, scan):
    class One(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(7 * 8 * 9, 2)

        def forward(self, x):
            return self.dense(torch.stack([x.flatten()]))

    model = loaded(One())
    assert not model.independent
    assert "it cannot run two scans at once (" in model.notes[0]
    assert np.isfinite(explain(model, scan, "occlusion", size=3, stride=3).volume.data).all()


def test_a_network_that_scales_each_scan_is_no_mixing_one(loaded, scan):
    """It is undefined for an empty scan, and that is no fault."""

    class Each(Scaled):
        def forward(self, x):
            low, high = x.amin((1, 2, 3, 4), keepdim=True), x.amax((1, 2, 3, 4), keepdim=True)
            return self.body((x - low) / (high - low) * 5)

    model = loaded(Each())
    assert model.independent
    assert model.notes == ()
    assert sum(model.predict(scan).probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "network",
    [
        small_network,
        lambda: resnet10(spatial_dims=3, n_input_channels=1, num_classes=2).eval(),
        lambda: DenseNet121(spatial_dims=3, in_channels=1, out_channels=2).eval(),
        lambda: SEResNet50(spatial_dims=3, in_channels=1, num_classes=2).eval(),
        lambda: small_network(nn.Softmax(dim=1)),
    ],
)
def test_the_usual_layers_need_no_batch(network):
    network = network()
    x = torch.rand(1, 1, *(SHAPE if isinstance(network, nn.Sequential) else (48, 48, 48)))
    with torch.inference_mode(), ScanByScan(network) as watch:
        network(x)
    assert watch.proven


class Act(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - x.mean(),
        lambda x: x - x.mean(0),
        lambda x: x - x.mean(dim=(0, 2)),
        lambda x: x - x.mean((-5, -1), keepdim=True),
        lambda x: x / x.max(),
        lambda x: x / x.amax(),
        lambda x: x.softmax(0),
        lambda x: F.softmax(x, dim=-5),
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x: F.batch_norm(x, None, None, None, None, True),
        lambda x: F.linear(x.flatten(1), x.flatten(1)),
        lambda x: torch.cat([x, x], 0),
        lambda x: torch.cat([x, x]),
        lambda x: x.flatten(),
        lambda x: x.view(504),
        lambda x: x.reshape((7, 72)),
        lambda x: x.permute(1, 0, 2, 3, 4),
        lambda x: x.flatten(1) @ x.flatten(1).T,
        lambda x: x.cumsum(0),
        lambda x: x[0],
        lambda x: x.sort(0).values,
        lambda x: x.flatten(1).T.mean(1),
        lambda x: x.flatten(1).mT,
    ],
)
def test_nothing_else_is_taken_on_trust(function):
    network, x = Act(function), torch.rand(1, 1, *SHAPE)
    with torch.inference_mode(), ScanByScan(network) as watch:
        network(x)
    assert not watch.proven


def test_loading_takes_one_pass_of_a_usual_network(monkeypatch):
    passes = []
    monkeypatch.setattr("mriinterp.models.probe._known", {})
    original = ClassificationModel3D.forward
    monkeypatch.setattr(ClassificationModel3D, "forward", lambda self, x: passes.append(len(x)) or original(self, x))
    card = packaged_models()["demo"]  # as any card; by its name a packaged network is not run at all
    first = load_model(card, device="cpu")
    assert passes == [1]
    assert load_model(card, device="cpu").digest == first.digest
    assert passes == [1], "what was found is remembered while the process lives"
    assert load_model("demo", device="cpu").digest == first.digest
    assert passes == [1]


@pytest.mark.parametrize(("last", "once"), [([], True), ([nn.ReLU()], False)])
def test_one_pass_is_enough_where_weights_have_the_last_word(loaded, last, once):
    """Outputs above 0 may be shares, unless a layer of weights made them: on other scans those have either sign."""
    passes = []
    network = small_network(*last)
    network[5].bias.data.fill_(100.0)
    network.register_forward_pre_hook(lambda module, given: passes.append(1))
    loaded(network)
    assert (len(passes) == 1) == once


def test_nothing_is_remembered_of_code_without_a_digest(loaded):
    """Two networks of one name and the same weights are told apart."""
    assert loaded(small_network(nn.ReLU6())).independent
    model = loaded(small_network(Act(lambda x: x - x.mean(0))))
    assert not model.independent


def test_outputs_must_be_finite(loaded):
    with pytest.raises(ValueError, match="expected finite outputs for an image of noise"):
        loaded(small_network(Act(lambda x: x / 0)))


def test_images_of_the_probe_stay_as_they_are():
    """The second image and the batch are not what the first pass made of the first."""
    seen = []

    def forward(x):
        seen.append(float(x.double().sum()))
        x.zero_()
        return torch.ones(len(x), 2) / 2

    network = Act(forward)
    heads = load_model("demo", device="cpu").heads
    probe_network(network, heads, SHAPE, torch.device("cpu"), "n")
    assert min(seen) > 0


# ---- networks that change their input in place


CHANGES = {
    "-=": (lambda x: x.__isub__(x.mean((1, 2, 3, 4), keepdim=True)), lambda x: x - x.mean((1, 2, 3, 4), keepdim=True)),
    "mul_": (lambda x: x.mul_(0.3), lambda x: x * 0.3),
    "clamp_": (lambda x: x.clamp_(0.5, 3), lambda x: x.clamp(0.5, 3)),
    "relu_": (lambda x: F.relu(x.sub_(2), inplace=True), lambda x: F.relu(x - 2)),
    "part": (lambda x: x.mul_(torch.tensor([0.0, 0] + [1] * 7)), lambda x: x * torch.tensor([0.0, 0] + [1] * 7)),
}


@pytest.mark.parametrize("how", CHANGES)
def test_prediction_and_maps_of_networks_that_change_their_input(loaded, scan, how):
    """Every method gives what it gives for the same network written without the change in place."""
    changing, calm = (nn.Sequential(Act(function), small_network()) for function in CHANGES[how])
    model, twin = loaded(changing), loaded(calm)
    x = model.prepare(scan)
    before = x.clone()
    assert model.predict_tensor(x) == twin.predict_tensor(x)
    assert torch.equal(x, before)
    context = {"labels": torch.ones((2, *SHAPE), dtype=torch.int64)}
    for name in method_names():
        params = {k: v for k, v in SMALL.items() if k in get_method(name).parameters}
        try:
            expected = relevance(twin.module, x, name, target=1, context=context, **params)
        except ValueError:  # a network that the method cannot take, in neither form
            with pytest.raises(ValueError, match="expected"):
                relevance(model.module, x, name, target=1, context=context, **params)
            continue
        found = relevance(model.module, x, name, target=1, context=context, **params)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}")
        assert torch.equal(x, before), name
    ours, theirs = (explain(m, scan, "occlusion", target="yes", size=3, stride=2) for m in (model, twin))
    np.testing.assert_allclose(ours.volume.data, theirs.volume.data, atol=1e-6)


def test_too_little_memory_says_nothing_about_a_network():
    def run(index):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")

    assert reason_to_run_alone(run, torch.zeros(2, 2)) == ""


def test_the_module_of_a_model_may_be_occluded_as_it_is(loaded, scan):
    """As the guide has it, without asking the model for a copy."""
    assert is_marked_alone(loaded(Scaled()).module)
    assert not is_marked_alone(loaded(small_network()).module)
