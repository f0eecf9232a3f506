"""Random networks: the gradient by steps equals autograd's, ties of max pooling included."""

from unittest.mock import patch

import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from mriinterp.gradient import bags, by_autograd, forward, maxima
from mriinterp.gradient.forward import has_codes
from mriinterp.incremental import unread
from mriinterp.incremental.traced import take_apart
from tests.incremental.occlusion_networks import calm
from tests.incremental.test_random_networks import networks

from .comparing import assert_as_autograd, weighted

SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True}


@settings(max_examples=200, **SETTINGS)
@given(networks(), st.booleans(), st.sampled_from([1, 400, 2**22]), st.sampled_from([1.0, 1.0, 0.0]))
def test_any_network(case, guided, slab, worth):
    assume(take_apart(case.network, case.x).network is not None)
    try:
        by_autograd(case.network, case.x, weighted)
    except RuntimeError:  # a layer overwrites what autograd needs of the one before
        assume(False)
    with patch.object(forward, "MAP_BYTES", slab), patch.object(unread, "WORTH", worth):
        assert_as_autograd(case.network, case.x, guided=guided)


@st.composite
def halving_networks(draw):
    """Networks that begin as the paper's: convolution, perhaps batch norm, ReLU and pooling by halves."""
    channels, kernel = draw(st.sampled_from([(1, 3), (1, 2), (2, 3), (1, 4), (3, 2)]))
    out = draw(st.integers(1, 9))
    convolution = nn.Conv3d(
        channels, out, kernel, draw(st.integers(1, 3)), draw(st.integers(0, 2)), draw(st.integers(1, 2))
    )
    norm = [nn.BatchNorm3d(out)] if draw(st.booleans()) else []
    pool = nn.MaxPool3d(2, padding=draw(st.integers(0, 1)), ceil_mode=draw(st.booleans()))
    order = [nn.ReLU(), pool] if draw(st.booleans()) else [pool, nn.ReLU(inplace=True)]
    rest = [nn.Conv3d(out, 3, 2), nn.ReLU()] if draw(st.booleans()) else []
    shape = [draw(st.integers(12, 21)) for _ in range(3)]
    torch.manual_seed(draw(st.integers(0, 99)))
    for layer in (convolution, *rest):
        layer.reset_parameters() if isinstance(layer, nn.Conv3d) else None
    x = torch.randn(1, channels, *shape)
    if draw(st.booleans()):  # a background, where all elements of a window are equal
        x[:, :, : shape[0] // 2] = draw(st.sampled_from([0.0, -1.3]))
    network = calm(nn.Sequential(convolution, *norm, *order, *rest, nn.Flatten()))
    try:
        network(x)
    except RuntimeError:  # a kernel is larger than what it reads
        assume(False)
    return network, x


@settings(max_examples=100, **SETTINGS)
@given(halving_networks(), st.booleans(), st.sampled_from([1, 2**12, 2**22]))
def test_pooling_by_halves(case, guided, slab):
    network, x = case
    with patch.object(maxima, "SLAB_BYTES", slab), patch.object(bags, "MAP_BYTES", slab):
        taken_apart = assert_as_autograd(network, x, guided=guided)
    assert any(has_codes(step) for step in taken_apart.steps)


@st.composite
def exact_networks(draw):
    """Networks of small whole numbers: sums are exact in any order, and ties many and true."""
    axes = draw(st.sampled_from([2, 3]))
    conv, pool = (nn.Conv3d, nn.MaxPool3d) if axes == 3 else (nn.Conv2d, nn.MaxPool2d)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    layers, channels = [], 1
    for _ in range(draw(st.integers(1, 3))):
        out = draw(st.integers(1, 4))
        layers.append(conv(channels, out, draw(st.integers(1, 3)), padding=draw(st.integers(0, 1))))
        size, channels = draw(st.integers(2, 3)), out
        pooling = pool(size, draw(st.integers(1, 3)), draw(st.integers(0, 1)), ceil_mode=draw(st.booleans()))
        act = [nn.ReLU(inplace=draw(st.booleans()))] if draw(st.booleans()) else []
        layers += [*act, pooling] if draw(st.booleans()) else [pooling, *act]
    for layer in layers:
        if isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            for weight in layer.parameters():
                weight.data = torch.randint(-1, 2, weight.shape, generator=generator).float()
    shape = [draw(st.integers(9, 20)) for _ in range(axes)]
    x = torch.randint(0, draw(st.integers(2, 4)), (1, 1, *shape), generator=generator).float()
    return nn.Sequential(*layers, nn.Flatten()).eval(), x


@settings(max_examples=100, **SETTINGS)
@given(exact_networks(), st.booleans(), st.sampled_from([1.0, 0.0]))
def test_ties(case, guided, worth):
    network, x = case
    try:
        network(x)
    except RuntimeError:  # a map became too small for the next layer
        assume(False)
    with patch.object(unread, "WORTH", worth):
        assert_as_autograd(network, x, guided=guided)
