"""Gradients by the steps of a network beside autograd's."""

import torch

from mriinterp.gradient import by_autograd
from mriinterp.gradient.run import by_steps
from mriinterp.incremental.plain import flat_outputs
from mriinterp.incremental.traced import take_apart


def weighted(outputs):
    """A score that every output counts in."""
    outputs = flat_outputs(outputs)
    return outputs @ torch.linspace(-1, 2, outputs.shape[1], dtype=outputs.dtype)


def assert_as_autograd(network, x, *, guided=False):
    """Both gradients are equal to 1e-5 of the largest on all but a thousandth of the voxels."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    apart = take_apart(network, x)
    assert apart.network is not None, apart.reason
    before = x.clone()
    found, relus = by_steps(apart.network, x, weighted, guided=guided)
    expected, count = by_autograd(network, x, weighted, guided=guided)
    assert torch.equal(x, before)
    assert not guided or relus == count
    assert found.shape == expected.shape == x.shape
    wrong = (found - expected).abs() > 1e-5 * expected.abs().max()
    assert wrong.float().mean() <= 1e-3, f"{int(wrong.sum())} of {wrong.numel()} voxels differ"
    return apart.network
