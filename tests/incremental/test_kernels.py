"""Single operations against PyTorch's own, on the layouts that the engine uses."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mriinterp.incremental.kernels import apply_windowed, convolve, max_pool
from mriinterp.incremental.layers import conv
from mriinterp.incremental.steps import Step, Window


def channels_last(*shape):
    """Random numbers (n, C, *spatial) with channels last in memory."""
    return torch.randn(shape[0], *shape[2:], shape[1]).movedim(-1, 1)


@pytest.mark.parametrize(("channels", "axes"), [(1, 2), (1, 3), (2, 3), (3, 3), (5, 2), (5, 3)])
def test_convolution(channels, axes):
    torch.manual_seed(0)
    reference = F.conv2d if axes == 2 else F.conv3d
    for kernel, stride, dilation, n in itertools.product((1, 2, 3, 4), (1, 2, 3), (1, 2), (1, 4)):
        shape = [(kernel - 1) * dilation + 1 + extra for extra in (3, 0, 5)[:axes]]
        x, weight = channels_last(n, channels, *shape), torch.randn(3, channels, *(kernel,) * axes)
        step = conv(Step("input", [], channels, tuple(shape)), weight, torch.randn(3), stride, 0, dilation)
        torch.full((4096,), float("nan"))  # what is read without having been written shows
        found = convolve(step, step.window, x)
        expected = reference(x.double(), weight.double(), step.bias.double(), stride, 0, dilation)
        torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_max_pooling_is_bitwise_equal(kernel):
    x = channels_last(2, 3, 11, 12, 13)
    for stride, dilation in itertools.product((1, 2, 3), (1, 2)):
        window = Window((kernel,) * 3, (stride,) * 3, (dilation,) * 3, (0,) * 3, (0,) * 3)
        assert torch.equal(max_pool(x, window), F.max_pool3d(x, kernel, stride, 0, dilation))


def test_a_first_layer_in_slabs(monkeypatch):
    """Convolution and pooling in one, whole and in slabs, with even and odd depths."""
    from mriinterp.incremental import kernels
    from mriinterp.incremental.trace import trace

    torch.manual_seed(0)
    for depth, slab in itertools.product((11, 12, 13, 14), (1, 5_000, 2**21)):
        monkeypatch.setattr(kernels, "SLAB_BYTES", slab)
        network = nn.Sequential(nn.Conv3d(1, 8, 3), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten()).eval()
        x = channels_last(2, 1, depth, 9, 10)
        step = trace(network, 1, (depth, 9, 10)).steps[1]
        assert step.kind == "convmax"
        torch.testing.assert_close(apply_windowed(step, x).relu().flatten(1), network(x).detach())
