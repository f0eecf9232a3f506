"""Random networks, windows, strides and fills: the engine equals a plain loop."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

from mriinterp.incremental import Occluder, copying, engine, kernels, unread
from mriinterp.incremental.boxes import grid_boxes

from .occlusion_networks import assert_exact, calm, plain_loop

NORMALISED = (
    lambda layer: layer,
    lambda layer: layer,
    nn.utils.weight_norm,
    nn.utils.spectral_norm,
    nn.utils.parametrizations.weight_norm,
    nn.utils.parametrizations.spectral_norm,
    lambda layer: prune.l1_unstructured(layer, "weight", amount=0.5),
)
"""Ways to hold the weights of a convolution."""


class ConstantPad(nn.Module):
    """Padding as a function, by the pair of the last axis first; negative numbers crop."""

    def __init__(self, counts, value):
        super().__init__()
        self.counts, self.value = counts, value

    def forward(self, x):
        return F.pad(x, self.counts, value=self.value)

    def extra_repr(self):
        return f"{self.counts}, {self.value}"


class Drawn(nn.Module):
    """Layers in a row; some of them join their input with what came before."""

    def __init__(self, layers, kinds, axes):
        super().__init__()
        self.layers, self.kinds = nn.ModuleList(layers), kinds
        self.global_pool = nn.AdaptiveAvgPool3d(1) if axes == 3 else nn.AdaptiveAvgPool2d(1)

    def body(self, x):
        for layer, kind in zip(self.layers, self.kinds, strict=True):
            if kind == "plain":
                x = layer(x)
            elif kind == "add":
                x = x + layer(x)
            elif kind == "iadd":
                y = layer(x)
                y += x
                x = y
            elif kind == "alias":  # x and kept are one tensor, so the addition below changes both
                kept = x.clone()
                y = kept
                kept += layer(x)
                x = y * 0.5
            elif kind == "cat":
                x = torch.cat([x, layer(x), x], 1)
            elif kind == "relu":
                x = F.relu(layer(x), inplace=True)
            elif kind == "residual":
                y = layer(x)
                y += x
                x = F.relu(y, inplace=True)
            elif kind == "widen":
                x = F.pad(layer(x), (0, 0) * (x.ndim - 2) + (1, 2), value=0.5)
            elif kind == "gate":
                x = layer(x) * torch.sigmoid(self.global_pool(x))
            elif kind == "minus":
                x = 1.5 - torch.maximum(x, layer(x))
        return x

    def forward(self, x):
        x = self.body(x)
        return torch.cat([self.global_pool(x).flatten(1), x.flatten(1)[:, :7]], 1)


def _numbers(draw, axes, low, high):
    return tuple(draw(st.integers(low, high)) for _ in range(axes))


def _layer(draw, axes, channels, same):
    """A layer and the channels it gives; with `same`, one that keeps shape and channels."""
    conv, norm = (nn.Conv3d, nn.BatchNorm3d) if axes == 3 else (nn.Conv2d, nn.BatchNorm2d)
    if same:
        kind = draw(st.sampled_from(["conv", "norm", "act", "max"]))
        if kind == "conv":
            kernel, dilation = _numbers(draw, axes, 1, 4), _numbers(draw, axes, 1, 2)
            return conv(channels, channels, kernel, padding="same", dilation=dilation), channels
        if kind == "max":
            return (nn.MaxPool3d if axes == 3 else nn.MaxPool2d)(3, 1, 1), channels
    else:
        kind = draw(st.sampled_from(["conv", "conv", "max", "avg", "norm", "act", "pad", "pad"]))
        if kind == "pad":
            counts = _numbers(draw, 2 * axes, -2, 3)
            counts = tuple(draw(st.sampled_from([0, count])) for count in counts)
            return ConstantPad(counts, draw(st.sampled_from([0.0, 0.0, -0.5, 2.0, float("-inf")]))), channels
        kernel, stride = _numbers(draw, axes, 1, 4), _numbers(draw, axes, 1, 3)
        if kind == "conv":
            groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
            out = groups * draw(st.integers(1, 3))
            padding, dilation = _numbers(draw, axes, 0, 3), _numbers(draw, axes, 1, 2)
            bias = draw(st.booleans())
            layer = conv(channels, out, kernel, stride, padding, dilation, groups, bias)
            return draw(st.sampled_from(NORMALISED))(layer), out
        padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
        ceil = draw(st.booleans())
        if kind == "max":
            pool = nn.MaxPool3d if axes == 3 else nn.MaxPool2d
            return pool(kernel, stride, padding, draw(st.integers(1, 2)), ceil_mode=ceil), channels
        if kind == "avg":
            pool = nn.AvgPool3d if axes == 3 else nn.AvgPool2d
            divisor = draw(st.sampled_from([None, None, 3]))
            counted = draw(st.booleans())
            return pool(kernel, stride, padding, ceil, counted, divisor), channels
    if kind == "norm":
        return norm(channels), channels
    act = [
        nn.ReLU(),
        nn.ReLU(inplace=True),
        nn.LeakyReLU(0.1, inplace=True),
        nn.LeakyReLU(-0.2),
        nn.SiLU(),
        nn.Dropout(),
    ]
    return draw(st.sampled_from(act)), channels


KINDS = ["relu", "add", "iadd", "alias", "cat", "gate", "minus", "residual", "widen"]


class Case:
    def __init__(self, network, x, regions, fill):
        self.network, self.x, self.regions, self.fill = network, x, regions, fill

    def __repr__(self):
        boxes = [tuple(r.shape) if isinstance(r, torch.Tensor) else r for r in self.regions]
        return f"{self.network.kinds} {self.network.layers} {tuple(self.x.shape)} {boxes}"


@st.composite
def networks(draw):
    """A random network, an image, and regions with a fill."""
    axes = draw(st.sampled_from([2, 3, 3]))
    channels = draw(st.sampled_from([1, 1, 2, 4]))
    shape = _numbers(draw, axes, 3, 15 if axes == 3 else 30)
    torch.manual_seed(draw(st.integers(0, 99)))
    x = torch.randn(1, channels, *shape)
    layers, kinds, y = [], [], x
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["plain"] * 8 + KINDS))
        layer, _ = _layer(draw, axes, y.shape[1], same=kind not in ("plain", "relu", "widen"))
        try:
            z = Drawn([*layers, layer], [*kinds, kind], axes).eval().body(x.clone())
        except RuntimeError:  # the map became too small for this layer
            continue
        if z.numel() and z.isfinite().all() and z.shape[1] < 40:  # of an empty map the mean is not a number
            layers, kinds, y = [*layers, layer], [*kinds, kind], z
    network = calm(Drawn(layers, kinds, axes))
    size, stride = _numbers(draw, axes, 1, 9), _numbers(draw, axes, 3, 9)
    regions = list(grid_boxes(shape, size, stride))
    regions = regions[: draw(st.integers(1, 40))]
    regions.append(tuple((draw(st.integers(-4, 9)), draw(st.integers(-2, 40))) for _ in shape))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    regions.append(torch.from_numpy(rng.random(shape) < 0.1))
    fill = draw(st.sampled_from(["zero", "mean", "image", "channel"]))
    fills = {"zero": 0.0, "mean": x.mean().item(), "image": torch.randn(shape), "channel": x.mean((2, 3), True)}
    return Case(network, x, regions, fills[fill])


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(networks(), st.sampled_from([1, 400, 2**22]), st.sampled_from([1, 2**15]), st.sampled_from([1.0, 1.0, 0.0]))
def test_equal_to_the_plain_loop(case, slab, gather, worth):
    network, x, regions, fill = case.network, case.x, case.regions, case.fill
    with (
        patch.object(engine, "MAP_BYTES", slab),
        patch.object(kernels, "SLAB_BYTES", slab),
        patch.object(copying, "GATHER_LOOP_BYTES", gather),
        patch.object(unread, "WORTH", worth),
    ):
        occluder = Occluder(network, x)
        found = occluder.run(regions, fill)
    expected = plain_loop(network, x, regions, fill if isinstance(fill, float) else fill.expand_as(x))
    assert_exact(found, expected)
    assert_exact(occluder.clean[None], network(x.clone()).detach())


FIRST = [
    *(nn.ConstantPad2d(p, 0.0) for p in [(0, 0, 0, 0), (1, 1, 1, 1), (-1, 0, 0, 0)]),
    nn.MaxPool2d(1),
    nn.MaxPool2d(1, 2),
]


@pytest.mark.parametrize("first", FIRST, ids=repr)
def test_a_batch_norm_behind_what_may_return_its_input_leaves_the_image_alone(first):
    norm = nn.BatchNorm2d(1).eval()
    norm.running_mean.fill_(0.3)
    norm.running_var.fill_(2.0)
    network = nn.Sequential(first, norm, nn.Flatten()).eval()
    x = torch.randn((1, 1, 3, 3), generator=torch.Generator().manual_seed(0))
    before, regions = x.clone(), [((0, 1), (0, 1)), ((1, 3), (0, 2))]
    found = Occluder(network, x).run(regions, 0.0)
    assert torch.equal(x, before)
    assert_exact(found, plain_loop(network, before, regions, 0.0))
