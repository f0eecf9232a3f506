"""LRP through residuals and gates: random networks, both signs of the score, and what the rule for gates says."""

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from monai.networks.nets import SEResNet50, resnet10
from torch import nn
from torch.nn import functional as F

from mriinterp.explain import relevance

SHAPE = (6, 7, 6)
BLOCKS = (
    "plain",
    "iadd",
    "add_",
    "module",
    "twice",
    "alias",
    "gate",
    "gate in place",
    "swish",
    "attention",
    "cat",
    "max",
)


class Block(nn.Module):
    """A convolution with batch norm and one of the ways in which networks go on."""

    def __init__(self, kind, channels):
        super().__init__()
        self.kind = kind
        self.conv = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.norm, self.relu = nn.BatchNorm3d(channels), nn.ReLU(inplace=True)
        self.squeeze, self.mask = nn.Linear(channels, channels), nn.Conv3d(channels, 1, 1)
        self.narrow = nn.Conv3d(2 * channels, channels, 1, bias=False)

    def gate(self, x):
        weights = torch.sigmoid(self.squeeze(F.adaptive_avg_pool3d(x, 1).flatten(1)))
        return weights.view(*x.shape[:2], 1, 1, 1)

    def forward(self, x):
        residual, out = x, self.norm(self.conv(x))
        if self.kind == "iadd":
            out += residual
        elif self.kind == "add_":
            out.add_(residual)
        elif self.kind == "module":
            out = out + residual
        elif self.kind == "twice":
            out += residual
            out += out
        elif self.kind == "alias":
            same = out
            out += residual
            out = same + residual
        elif self.kind == "gate":
            out = out * self.gate(out) + residual
        elif self.kind == "gate in place":
            out *= self.gate(out).expand_as(out)
            out += residual
        elif self.kind == "swish":
            out = out * out.sigmoid()
        elif self.kind == "attention":
            out = (1 + torch.sigmoid(self.mask(residual))) * out
        elif self.kind == "cat":
            out = self.narrow(torch.cat([out, residual], 1))
        elif self.kind == "max":
            out = F.max_pool3d(out, 3, 1, 1)
        return self.relu(out)


class Blocks(nn.Module):
    """Blocks in a row, without anything that absorbs relevance."""

    def __init__(self, kinds):
        super().__init__()
        self.first = nn.Conv3d(1, 3, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*(Block(kind, 3) for kind in kinds))
        self.dense = nn.Linear(3, 2, bias=False)

    def forward(self, x):
        return self.dense(self.blocks(F.relu_(self.first(x))).mean((2, 3, 4)))


def made(kinds, sign=1, seed=0):
    """Blocks whose first output has a sign, and an image."""
    torch.manual_seed(seed)
    net, x = Blocks(kinds).double().eval(), torch.rand(1, 1, *SHAPE, dtype=torch.double)
    for block in net.blocks:
        nn.init.uniform_(block.norm.running_var, 0.5, 2)
    with torch.no_grad():
        net.dense.weight[0] *= sign * net(x)[0, 0].sign()
    return net, x


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=4),
    st.sampled_from([-1, 1]),
    st.integers(0, 9),
    st.sampled_from(
        [("lrp_epsilon", {"epsilon": 0}), ("lrp_composite", {"epsilon": 0}), ("lrp_alphabeta", {"beta": 0})]
    ),
)
def test_random_networks_sum_to_the_score(kinds, sign, seed, method):
    net, x = made(kinds, sign, seed)
    logit = net(x)[0, 0].item()
    assume(abs(logit) > 1e-3)  # a score near 0 is a difference of large parts
    assert (logit > 0) == (sign > 0)
    before = x.clone()
    name, params = method
    found = relevance(net, x, name, target=0, score="logit", **params)
    assert torch.equal(x, before)
    assert found.sum().item() == pytest.approx(logit, rel=1e-2)


@pytest.mark.parametrize("kind", ["iadd", "add_"])
def test_a_sum_in_place_is_the_sum(kind):
    """The same map as when the block makes a new tensor."""
    (net, x), (plain, _) = made([kind, kind]), made(["module", "module"])
    torch.testing.assert_close(net(x), plain(x))
    for name in ("lrp_epsilon", "lrp_composite", "lrp_alphabeta"):
        torch.testing.assert_close(relevance(net, x, name, target=1), relevance(plain, x, name, target=1))


def test_a_gate_gets_nothing():
    """Signal takes all: relevance is that of the network whose gates are the constants they have on this scan."""
    net, x = made(["gate", "attention"])

    class Fixed(Blocks):
        def forward(self, x):
            x = F.relu_(self.first(x))
            for block in self.blocks:
                gates = block.gate(block.norm(block.conv(x))) if block.kind == "gate" else 1 + block.mask(x).sigmoid()
                out = block.norm(block.conv(x)) * gates.detach()
                x = F.relu(out + x if block.kind == "gate" else out)
            return self.dense(x.mean((2, 3, 4)))

    fixed = Fixed(["gate", "attention"]).double().eval()
    fixed.load_state_dict(net.state_dict())
    torch.testing.assert_close(fixed(x), net(x))
    expected = relevance(fixed, x, "gradient_x_input", target=0, score="logit")
    found = relevance(net, x, "lrp_epsilon", target=0, score="logit", epsilon=0)
    torch.testing.assert_close(found, expected, atol=1e-4 * expected.abs().max().item(), rtol=1e-3)


def test_a_swish_is_the_activation():
    net, x = made(["swish"])

    class Silu(Block):
        def forward(self, x):
            return F.relu(F.silu(self.norm(self.conv(x))))

    other, _ = made(["swish"])
    other.blocks[0].__class__ = Silu
    for name in ("lrp_epsilon", "lrp_composite"):
        torch.testing.assert_close(relevance(net, x, name, target=1), relevance(other, x, name, target=1))


NETWORKS = {
    "resnet10": lambda: resnet10(spatial_dims=3, n_input_channels=1, num_classes=2, bias_downsample=False),
    "seresnet50": lambda: SEResNet50(spatial_dims=3, in_channels=1, num_classes=2),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_monai(name):
    """`out += residual`, ReLU in place behind it, and gates; the last bias is all that absorbs."""
    torch.manual_seed(0)
    net, x = NETWORKS[name]().eval(), torch.rand(1, 1, 33, 32, 34)
    last = [layer for layer in net.modules() if isinstance(layer, nn.Linear)][-1]
    for target in (0, 1):
        wanted = (net(x)[0, target] - last.bias[target]).item()
        found = relevance(net, x, "lrp_epsilon", target=target, score="logit", epsilon=0).double()
        assert found.sum().item() == pytest.approx(wanted, rel=2e-2, abs=2e-4)
        if name == "resnet10":  # gradient × input is the same on a network of ReLU and sums
            expected = relevance(net, x, "gradient_x_input", target=target, score="logit").double()
            assert (found - expected).abs().max() < 2e-3 * expected.abs().max()


def test_an_exported_residual_network():
    net, x = made(["iadd", "gate", "swish"])
    net, x = net.float(), x.float()
    program = torch.export.export(net, (x,)).module()
    for name in ("lrp_epsilon", "lrp_composite"):
        torch.testing.assert_close(
            relevance(program, x, name, target=1), relevance(net, x, name, target=1), atol=1e-6, rtol=1e-3
        )
