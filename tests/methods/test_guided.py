"""Guided backpropagation on every way to write a ReLU."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mriinterp.explain import relevance

from .networks import SHAPE, image, seeded

WAYS = {
    "nn.ReLU": nn.ReLU(),
    "nn.ReLU in place": nn.ReLU(inplace=True),
    "F.relu": F.relu,
    "F.relu in place": lambda x: F.relu(x, inplace=True),
    "F.relu by keyword": lambda x: F.relu(input=x, inplace=False),
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "Tensor.relu": lambda x: x.relu(),
    "Tensor.relu_": lambda x: x.relu_(),
    "aten": torch.ops.aten.relu.default,
}


class Net(nn.Module):
    """A skip connection, and one ReLU used for every layer, nested in a container."""

    def __init__(self, relu):
        super().__init__()
        self.first = nn.Conv3d(1, 3, 3, padding=1)
        self.second = nn.Conv3d(3, 3, 3, padding=1)
        self.dense = nn.Linear(3 * 3 * 4 * 4, 2)
        self.nested = nn.ModuleDict({"deep": nn.Sequential(relu)} if isinstance(relu, nn.Module) else {})
        self.relu = relu

    def forward(self, x):
        relu = self.nested["deep"] if len(self.nested) else self.relu
        x = relu(self.first(x))
        x = F.max_pool3d(x + relu(self.second(x)), 2)
        return self.dense(x.flatten(1))


def by_hand(net, x, target):
    """Backward pass written out, with the rule in two places."""
    a = net.first(x)
    b = net.second(a.clamp(min=0))
    pooled, winners = F.max_pool3d(a.clamp(min=0) + b.clamp(min=0), 2, return_indices=True)
    g = net.dense.weight[target].reshape(pooled.shape)
    g = F.max_unpool3d(g, winners, 2, output_size=a.shape[2:])
    through = g.clamp(min=0) * (b > 0)
    g = g + F.conv_transpose3d(through, net.second.weight, padding=1)
    return F.conv_transpose3d(g.clamp(min=0) * (a > 0), net.first.weight, padding=1).detach()


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_write_relu(way):
    net, x = seeded(Net(WAYS[way])), image(SHAPE)
    expected = by_hand(net, x, 1)
    plain = relevance(net, x, "sensitivity", target=1, score="logit")
    guided = relevance(net, x, "guided_backprop", target=1, score="logit")
    torch.testing.assert_close(guided, expected)
    assert not torch.allclose(guided, plain, atol=1e-3), "the plain gradient would be the silent failure"
    assert torch.equal(plain, relevance(net, x, "sensitivity", target=1, score="logit"))


def test_exported_program():
    net, x = seeded(Net(nn.ReLU())), image(SHAPE)
    program = torch.export.export(net, (x,)).module()
    for exported in (program, torch.export.export(net, (x,)).run_decompositions().module()):
        guided = relevance(exported, x, "guided_backprop", target=0, score="logit")
        torch.testing.assert_close(guided, by_hand(net, x, 0))


@pytest.mark.parametrize("other", [nn.LeakyReLU(), nn.ELU(), nn.Identity(), nn.Tanh()])
def test_network_without_relu_is_refused(other):
    with pytest.raises(ValueError, match="without"):
        relevance(seeded(Net(other)), image(SHAPE), "guided_backprop", target=0)
