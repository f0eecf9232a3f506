"""Class activation maps: where cells look, found by brute force, and what is drawn there."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator
from torch import nn
from torch.nn import functional as F

from mriinterp.explain import relevance
from mriinterp.methods.recording import record

from .networks import SHAPE, image, seeded, small_3d

pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
kinds = st.sampled_from(["conv", "max", "avg", "pad", "same", "act"])
strides = st.tuples(st.integers(1, 2), st.integers(1, 2))
layers = st.lists(st.tuples(kinds, pair, strides, pair, pair), min_size=1, max_size=4)


class Padded(nn.Module):
    def __init__(self, pad):
        super().__init__()
        self.pad = pad

    def forward(self, x):
        return F.pad(x, self.pad)


def layer_of(kind, kernel, stride, extra, dilation):
    padding = tuple(min(e - 1, k // 2) for e, k in zip(extra, kernel, strict=True))
    if kind == "conv":
        return nn.Conv2d(1, 1, kernel, stride, padding, dilation)
    if kind == "same":
        odd = tuple(k | 1 for k in kernel)
        return nn.Conv2d(1, 1, odd, 1, "same", dilation)
    if kind == "max":
        return nn.MaxPool2d(kernel, stride, padding, dilation)
    if kind == "avg":
        return nn.AvgPool2d(kernel, stride, padding)
    if kind == "pad":
        return Padded((extra[0], dilation[0], extra[1], dilation[1]))
    return nn.ReLU()


def support(net, shape, axis):
    """For each cell along an axis: first and last input it depends on; NaN passes through every layer."""
    x = torch.zeros((shape[axis], 1, *shape))
    for i, scan in enumerate(x):
        scan.select(1 + axis, i).fill_(torch.nan)
    with torch.no_grad():
        hit = net(x).isnan().amax(dim=(1, 3 - axis)).numpy()
    return [(np.flatnonzero(column).min(), np.flatnonzero(column).max()) for column in hit.T if column.any()]


@given(layers)
@settings(max_examples=20, deadline=None)
def test_centres_of_receptive_fields(chosen):
    net = nn.Sequential(*[layer_of(*layer) for layer in chosen], nn.Conv2d(1, 1, 1), nn.ReLU())
    shape = (121, 117)  # the widest field is 91, so that some cells see no border
    steps = record(net, torch.zeros((1, 1, *shape))).steps
    for axis, centres in enumerate(steps[-1].centres()):
        found = support(net, shape, axis)
        widest = max(hi - lo for lo, hi in found)
        middles = [(lo + hi) / 2 for lo, hi in found if hi - lo == widest and lo > 0 and hi < shape[axis] - 1]
        assert middles
        np.testing.assert_allclose([min((centres - m).abs()) for m in middles], 0, atol=1e-5)


def test_centres_of_the_papers_network():
    from mriinterp.models.classification3d import ClassificationModel3D

    net = seeded(ClassificationModel3D(64))
    last = [s for s in record(net, image((78, 84, 78))).steps if s.kind == "activation"][-1]
    # by hand: jump 2·3·2; half extents of conv 1, pool .5, conv 2·1, pool 2·1, conv 6·1, pool 6·.5, conv 12·1
    np.testing.assert_allclose(last.centres()[0], [1 + 0.5 + 2 + 2 + 6 + 3 + 12 + 12 * c for c in range(3)])


@pytest.mark.parametrize(
    ("lost", "kept"),
    [(nn.AdaptiveAvgPool2d(5), False), (nn.Upsample(scale_factor=2), False), (nn.BatchNorm2d(2), True)],
)
def test_cells_without_a_place(lost, kept):
    body = nn.Sequential(nn.Conv2d(1, 2, 3), lost, nn.ReLU(), nn.Flatten())
    net = seeded(nn.Sequential(body, nn.Linear(body(image((12, 11))).shape[1], 2)))
    last = record(net, image((12, 11))).steps[-1]
    assert (last.geometry.jump is not None) == kept
    if not kept:
        with pytest.raises(ValueError, match="no known place"):
            last.centres()
        with pytest.raises(ValueError, match=r"no known place on the scan; .* available: 0\.0"):
            relevance(net, image((12, 11)), "layer_cam", target=0)
    assert relevance(net, image((12, 11)), "grad_cam", target=0).shape == (1, 1, 12, 11)


def test_flipped_maps_have_no_simple_place():
    class Flips(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.dense = nn.Conv2d(1, 2, 3), nn.Linear(2 * 6 * 6, 2)

        def forward(self, x):
            return self.dense(self.conv(x).flip(2).relu().flatten(1))

    net = seeded(Flips())
    assert [step.geometry.turned for step in record(net, image((8, 8))).steps] == [False, True, True]
    with pytest.raises(ValueError, match="no known place"):
        relevance(net, image((8, 8)), "layer_cam", target=0)
    assert relevance(net, image((8, 8)), "grad_cam", target=0).any(), "the convolution is taken before it is flipped"


@pytest.mark.parametrize("name", ["hires_cam", "layer_cam"])
def test_drawn_between_the_centres_of_receptive_fields(name):
    """Dense weights are the gradient of a logit at the last activation; scipy draws the cells."""
    net, x = small_3d(), image(SHAPE)
    with torch.no_grad():
        activation = net[:6](x)[0].double()
        gradient = net[8].weight[1].reshape(6, 3, 4, 4).double()
    coarse = ((gradient.clamp(min=0) if name == "layer_cam" else gradient) * activation).sum(0).numpy()
    centres = [0.5 + 2 * np.arange(n) for n in coarse.shape]
    interpolator = RegularGridInterpolator(centres, coarse, bounds_error=False, fill_value=0)
    expected = interpolator(np.stack(np.indices(SHAPE), -1))
    ours = relevance(net, x, name, target=1, score="logit")[0, 0].numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_depth_and_its_limits():
    net, x = small_3d(), image(SHAPE)
    deeper, earlier = (relevance(net, x, "layer_cam", target=1, depth=depth) for depth in (1, 2))
    assert not deeper[0, 0, 0].any(), "before the first centre of the deep layer nothing is claimed"
    assert earlier[0, 0, 0].any()
    with pytest.raises(ValueError, match="at least 3 layers"):
        relevance(net, x, "layer_cam", target=1, depth=3)


def test_recorded_maps_survive_in_place_layers():
    net, x = small_3d(), image(SHAPE)
    step = next(s for s in record(net, x).steps if s.name == "4")
    assert step.lost, "the ReLU in place has written over it"
    again = next(s for s in record(net, x, keep=step.call).steps if s.name == "4")
    with torch.no_grad():
        torch.testing.assert_close(again.values.detach(), net[:5](x))
    assert again.values.min() < 0, "what the convolution gave, before the ReLU in place"


def test_published_grad_cam_is_drawn_far_from_where_it_looks():
    """Fault of the original, kept under the preset only: corner-aligned cells of a network with a wide border."""
    from mriinterp.methods.placement import published_resize
    from mriinterp.models.classification3d import ClassificationModel3D

    with torch.no_grad():
        recording = record(seeded(ClassificationModel3D(128)), torch.zeros(1, 1, 113, 137, 113))
    last = [s for s in recording.steps if s.kind == "convolution"][-1]
    for centres, cells, voxels in zip(last.centres(), last.cells, (113, 137, 113), strict=True):
        shown = published_resize(cells, voxels).argmax(1)
        first = torch.arange(voxels)[shown == 0].double().mean()
        assert 15 < centres[0] - first < 40


def test_ties_in_max_pooling_are_left_to_the_network():
    """A flat background: the gradient goes where the untouched network sends it, to one voxel of each window."""
    net = seeded(
        nn.Sequential(nn.Conv3d(1, 2, 1), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(), nn.Linear(2 * 3 * 4 * 4, 2))
    )
    with torch.no_grad():
        net[0].bias.fill_(0.5)
    x = torch.zeros(1, 1, *SHAPE, requires_grad=True)
    expected = torch.autograd.grad(net(x)[0, 1], x)[0]
    assert (expected != 0).sum() == 3 * 4 * 4
    assert torch.equal(relevance(net, x.detach(), "sensitivity", target=1, score="logit"), expected)


@pytest.mark.parametrize("score", ["logit", "margin"])
def test_grad_cam_pp_written_out(score):
    """Weights of the channels by plain loops over cells; scipy draws."""
    net, x = small_3d(), image(SHAPE)
    with torch.no_grad():
        activation = net[:6](x)[0].double().numpy()
        weight = net[8].weight.double().numpy()
    slope = (weight[1] if score == "logit" else weight[1] - weight[0]).reshape(6, 3, 4, 4)
    coarse = np.zeros((3, 4, 4))
    for channel in range(6):
        factor = 0.0
        for g in slope[channel].flat:
            factor += g**2 / (2 * g**2 + activation[channel].sum() * g**3) * max(g, 0)
        coarse += factor * activation[channel]
    interpolator = RegularGridInterpolator(
        [0.5 + 2 * np.arange(n) for n in (3, 4, 4)], coarse, bounds_error=False, fill_value=0
    )
    ours = relevance(net, x, "grad_cam_pp", target=1, score=score)[0, 0].numpy()
    np.testing.assert_allclose(ours, interpolator(np.stack(np.indices(SHAPE), -1)), atol=1e-5 * coarse.max())


def test_guided_grad_cam_is_the_product():
    net, x = small_3d(), image(SHAPE)
    with torch.no_grad():
        activation = net[:6](x)[0].double().numpy()
    weights = net[8].weight[1].detach().reshape(6, -1).mean(1).double().numpy()
    coarse = np.maximum(np.tensordot(weights, activation, 1), 0)
    assert coarse.max() > 0
    interpolator = RegularGridInterpolator(
        [0.5 + 2 * np.arange(n) for n in (3, 4, 4)], coarse, bounds_error=False, fill_value=0
    )
    guided = relevance(net, x, "guided_backprop", target=1, score="logit")[0, 0].numpy()
    ours = relevance(net, x, "guided_grad_cam", target=1, score="logit")[0, 0].numpy()
    np.testing.assert_allclose(ours, guided * interpolator(np.stack(np.indices(SHAPE), -1)), atol=1e-5)
