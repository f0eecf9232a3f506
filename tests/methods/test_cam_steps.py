"""Class activation by the steps of a network: the map and the gradient of a layer are those of PyTorch's autograd."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from mriinterp import explain
from mriinterp.explain import relevance
from mriinterp.gradient import run
from mriinterp.gradient.forward import run_forward
from mriinterp.image.volume import Grid, Volume
from mriinterp.methods import cam_steps, clean, get_method, method_names
from mriinterp.methods.cam import activation_and_gradient
from mriinterp.methods.recording import record
from mriinterp.models import Model
from tests.incremental.occlusion_networks import calm
from tests.incremental.test_random_networks import networks

from .networks import SHAPE, image, small_3d

CAMS = [name for name in method_names() if "layer" in get_method(name).parameters]


@pytest.fixture
def any_size(monkeypatch, nothing_known):
    """Small images go by steps as well, and nothing is known of networks of other tests."""
    for module in (run, cam_steps, clean):
        monkeypatch.setattr(module, "SMALL_IMAGE", 0)


def by_steps(network, x, *, depth=1, layer="", first=False):
    """Layer, map and gradient by the steps, once they are known; None where autograd is used."""
    with patch.object(run, "SMALL_IMAGE", 0), patch.object(cam_steps, "SMALL_IMAGE", 0):
        activation_and_gradient(network, x, 0, "raw", depth, layer, first=first)
        return cam_steps.values_by_steps(network, x, lambda out: out[:, 0], depth, layer, first)


def assert_as_autograd(network, x, **wanted):
    found = by_steps(network, x, **wanted)
    if found is None:
        return False
    expected = activation_and_gradient(network, x, 0, "raw", **wanted)
    assert str(found[0]) == str(expected[0])
    for ours, theirs in zip(found[1:], expected[1:], strict=True):
        assert ours.shape == theirs.shape
        wrong = (ours - theirs).abs() > 1e-5 * theirs.abs().max()
        assert wrong.float().mean() <= 1e-3, f"{int(wrong.sum())} of {wrong.numel()} cells of {found[0]} differ"
    return True


def test_any_layer_of_any_network():
    """Most layers go by steps, and none differs."""
    served = []

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(networks(), st.data())
    def compare(case, data):
        for parameter in case.network.parameters():
            parameter.requires_grad_(False)
        try:
            names = [step.name for step in record(case.network, case.x).steps if min(step.cells) >= 3]
            assume(names)
            served.append(assert_as_autograd(case.network, case.x, layer=data.draw(st.sampled_from(names))))
        except (RuntimeError, ValueError) as error:  # autograd cannot follow it, or cells without a place
            assume("inplace" not in str(error) and "no known place" not in str(error))
            raise

    compare()
    assert sum(served) > 0.5 * len(served) > 20


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("first", [False, True])
def test_the_layers_of_a_network_like_the_papers(depth, first):
    net = nn.Sequential(
        *(nn.Conv3d(1, 3, 3), nn.BatchNorm3d(3), nn.ReLU(), nn.MaxPool3d(2)),
        *(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.ReLU(inplace=True), nn.MaxPool3d(2)),
        *(nn.Flatten(), nn.Linear(4 * 2 * 2 * 2, 2)),
    )
    assert assert_as_autograd(calm(net), image((15, 14, 15)), depth=depth, first=first)


class Detached(nn.Module):
    """Half of the layer's map is cut off from the gradient."""

    def __init__(self):
        super().__init__()
        self.first, self.dense = nn.Conv3d(1, 4, 3), nn.Linear(4, 2)

    def forward(self, x):
        x = F.relu(self.first(x))
        return self.dense((x + x.detach()).mean((2, 3, 4)))


def test_gradients_of_their_own_are_kept():
    assert by_steps(calm(Detached()), image(SHAPE), layer="first") is None


@pytest.mark.parametrize("name", CAMS)
def test_a_map_takes_one_pass_and_is_that_of_autograd(name, any_size, monkeypatch):
    """Prediction and map share the clean pass, once the layer is known; no whole pass is run."""
    affine = np.diag([2.0, 2, 2, 1])
    loaded = Model.from_module(small_3d(), grid=Grid(SHAPE, affine), classes=["a", "b"])
    volume = Volume(image(SHAPE)[0, 0].numpy(), affine)
    with monkeypatch.context() as patched:
        patched.setattr(run, "SMALL_IMAGE", 2**40)
        patched.setattr(cam_steps, "SMALL_IMAGE", 2**40)
        expected = explain(loaded, volume, name).volume.data
    explain(loaded, volume, name)
    passes = []
    monkeypatch.setattr(run, "run_forward", lambda *args, **kwargs: passes.append(1) or run_forward(*args, **kwargs))
    monkeypatch.setattr("mriinterp.methods.cam.record", lambda *_: pytest.fail("the network was run as a whole"))
    found = explain(loaded, volume, name).volume.data
    assert len(passes) == (2 if name == "guided_grad_cam" else 1)
    assert abs(found - expected).max() <= 1e-5 * abs(expected).max() > 0


def test_a_network_that_refuses_noise_is_explained_as_before(any_size):
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = small_3d()

        def forward(self, x):
            if not torch.fx._symbolic_trace.is_fx_tracing() and bool((x[:, :, 0] == 0).all()):
                raise ValueError("expected a scan")
            return self.net(x)

    found = relevance(Careful().eval(), image(SHAPE), "hires_cam", target=0)
    assert torch.equal(found, relevance(small_3d(), image(SHAPE), "hires_cam", target=0))


def test_networks_whose_flow_depends_on_the_scan_choose_anew(any_size):
    class Fork(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right, self.dense = nn.Conv3d(1, 2, 3), nn.Conv3d(1, 2, 3), nn.Linear(2, 2)

        def forward(self, x):
            x = self.left(x) if x.mean() > 0 else self.right(x.relu())
            return self.dense(x.relu().mean((2, 3, 4)))

    torch.manual_seed(0)
    network, notes = calm(Fork()), []
    for sign in (1, -1, 1):
        relevance(
            network, sign * image(SHAPE).abs(), "grad_cam", target=0, context={"note": lambda _, n: notes.append(n)}
        )
    assert [note.partition(" ")[0] for note in notes] == ["left", "right", "left"]
