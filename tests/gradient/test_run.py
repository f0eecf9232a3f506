"""Which networks are explained by their steps, and that all others are explained as autograd does."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mriinterp.explain import relevance
from mriinterp.gradient import Gradients, by_autograd, run
from mriinterp.gradient.run import by_steps
from mriinterp.incremental.traced import take_apart
from mriinterp.methods.score import gradient_of_score, score_of
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.models.closing import Closing
from mriinterp.models.exported import load_exported
from mriinterp.models.output_view import OutputView
from mriinterp.models.outputs import OUTPUT_KINDS
from tests.incremental.occlusion_networks import PaddedPools, calm

from .comparing import assert_as_autograd, weighted

SHAPE = (14, 15, 13)


@pytest.fixture(autouse=True)
def any_size(monkeypatch, nothing_known):
    """Small images go by steps as well, and nothing is known of networks of other tests."""
    monkeypatch.setattr(run, "SMALL_IMAGE", 0)


@pytest.fixture
def counted(monkeypatch):
    """Counts of gradients by autograd and by steps."""
    counts = {"autograd": 0, "steps": 0}
    for name, function in (("autograd", run.by_autograd), ("steps", run.by_steps)):

        def wrapped(*args, name=name, function=function, **kwargs):
            counts[name] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(run, f"by_{name}", wrapped)
    return counts


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.second = nn.Conv3d(1, 4, 3), nn.BatchNorm3d(4), nn.Conv3d(4, 5, 2)
        self.dense = nn.Linear(5, 2)

    def between(self, x):
        return x

    def forward(self, x):
        x = F.max_pool3d(F.relu(self.norm(self.first(x))), 2)
        return self.dense(F.relu(self.second(self.between(x))).mean((2, 3, 4)))


class Detached(Small):
    """Half of its first map is cut off from the gradient."""

    def between(self, x):
        return x + x.detach()


class Double(torch.autograd.Function):
    """The identity, with twice its gradient."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


class OwnGradient(Small):
    def between(self, x):
        return Double.apply(x)


def made(cls, seed=0):
    torch.manual_seed(seed)
    return calm(cls())


def image(seed=0, shape=SHAPE):
    return torch.randn(1, 1, *shape, generator=torch.Generator().manual_seed(seed))


def test_both_ways_are_tried_on_noise_once(counted):
    network = made(Small)
    gradients = Gradients(network, image())
    assert gradients.reason is None
    for number in range(3):
        found, _ = gradients(image(number), weighted)
        torch.testing.assert_close(found, by_autograd(network, image(number), weighted)[0])
    assert counted == {"autograd": 1, "steps": 4}


def test_other_weights_are_other_gradients_and_need_no_comparison(counted):
    for seed in (0, 1):
        network = made(Small, seed)
        found, _ = Gradients(network, image())(image(), weighted)
        torch.testing.assert_close(found, by_autograd(network, image(), weighted)[0])
    assert counted["autograd"] == 1
    with torch.no_grad():
        network.first.weight.mul_(-1)
    found, _ = Gradients(network, image())(image(), weighted)
    torch.testing.assert_close(found, by_autograd(network, image(), weighted)[0])


@pytest.mark.parametrize("cls", [Detached, OwnGradient])
@pytest.mark.parametrize("guided", [False, True])
def test_gradients_of_their_own_are_kept(cls, guided):
    network = made(cls)
    gradients = Gradients(network, image())
    for number in range(2):
        found, _ = gradients(image(number), weighted, guided=guided)
        assert torch.equal(found, by_autograd(network, image(number), weighted, guided=guided)[0])


def test_hooks_on_gradients_are_kept():
    network = made(Small)
    Gradients(network, image())(image(), weighted)
    network.second.register_full_backward_hook(lambda _, inputs, __: (3 * inputs[0],))
    found, _ = Gradients(network, image())(image(), weighted)
    torch.testing.assert_close(found, 3 * by_autograd(made(Small), image(), weighted)[0])


@pytest.mark.parametrize("score", ["probability", "logit", "margin"])
@pytest.mark.parametrize("guided", [False, True])
def test_methods_are_those_of_autograd(score, guided):
    network, x = made(Small), image()
    method = "guided_backprop" if guided else "sensitivity"
    first = relevance(network, x, method, target=1, score=score)
    assert torch.equal(first, relevance(network, x, method, target=1, score=score))
    expected, _ = by_autograd(network, x, lambda outputs: score_of(outputs, 1, score), guided=guided)
    torch.testing.assert_close(first, expected, atol=1e-5 * float(expected.abs().max()), rtol=0)


class Closed(Small):
    def forward(self, x):
        return F.softmax(30 * super().forward(x), dim=1)


@pytest.mark.parametrize("score", ["probability", "margin"])
def test_a_last_softmax_is_left_out(score):
    """Where it is all but certain, too, as its logits are read in front of it."""
    network, x, kind = made(Closed), image(), OUTPUT_KINDS["probabilities"]
    view = OutputView(network, slice(0, 2), kind.to_logits, Closing("softmax", 0), kind.inside)
    gradients = Gradients(view, x)
    assert gradients.reason is None
    found = gradient_of_score(view, x, 1, score)
    leaf = x.clone().requires_grad_(True)
    expected = torch.autograd.grad(score_of(view(leaf), 1, score).sum(), leaf)[0]
    torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.abs().max()), rtol=0)


@pytest.mark.parametrize("exported", [False, True])
def test_views_of_one_network_read_their_outputs(exported, tmp_path):
    """An exported program returns its output in a tuple where it is taken apart."""
    network, x = made(Small), image()
    if exported:
        torch.export.save(torch.export.export(network, (x,)), tmp_path / "net.pt2")
        network = copy.deepcopy(load_exported(tmp_path / "net.pt2", trust_code=True)[0])
        for part in network.modules():
            part.training = False  # exported programs refuse eval()
    view = OutputView(network, slice(1, 2), lambda outputs: torch.cat([0 * outputs, outputs], 1))
    found = gradient_of_score(view, x, 1, "logit")
    torch.testing.assert_close(found, gradient_of_score(network, x, 1, "logit"))
    assert Gradients(view, x).reason is None


@pytest.mark.parametrize("act", [nn.ReLU(), nn.LeakyReLU(0.2)])
def test_guided_gradients_of_windows_that_overlap_are_added_first(act):
    """A ReLU in front of the pooling drops what all windows together hand to an element, not what each one does."""
    torch.manual_seed(0)
    network = calm(
        nn.Sequential(nn.Conv3d(1, 2, 3), act, nn.MaxPool3d(3, 1), nn.Conv3d(2, 3, 2), nn.ReLU(), nn.Flatten())
    )
    assert_as_autograd(network, image(), guided=True)


@pytest.mark.parametrize("number", [torch.float32, torch.float64])
def test_padded_pooling_and_double_precision(number):
    torch.manual_seed(0)
    network = calm(PaddedPools((13, 15, 12))).to(number)
    assert_as_autograd(network, torch.randn(1, 1, 13, 15, 12).to(number))


def test_training_mode_is_left_to_autograd():
    network = made(Small).train()
    assert "training" in Gradients(network, image()).reason


def test_the_papers_network_with_background():
    """At the size of scans: no voxel differs, those without tissue included."""
    torch.manual_seed(0)
    network = calm(ClassificationModel3D())
    x = image(shape=(113, 137, 113))
    x[:, :, :40], x[..., 90:] = 0, -0.7
    assert_as_autograd(network, x)
    assert_as_autograd(network, x, guided=True)


def test_near_ties_are_told_apart_no_worse_than_by_autograd():
    """Of a smooth image many maxima of a pooling differ by less than float32's rounding: the exact gradient decides."""
    torch.manual_seed(0)
    network = calm(ClassificationModel3D())
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    smooth = F.avg_pool3d(F.avg_pool3d(image(shape=(113, 137, 113)), 9, 1, 4), 9, 1, 4)
    ours, _ = by_steps(take_apart(network, smooth).network, smooth, weighted)
    theirs, _ = by_autograd(network, smooth, weighted)
    exact, _ = by_autograd(network.double(), smooth.double(), weighted)
    wrong, wrong_autograd = (
        ((found - exact).abs() > 1e-5 * exact.abs().max()).float().mean() for found in (ours, theirs)
    )
    assert wrong < max(1e-3, wrong_autograd), f"{wrong:.2%} of the voxels differ, of autograd's {wrong_autograd:.2%}"
    assert wrong < 0.01
