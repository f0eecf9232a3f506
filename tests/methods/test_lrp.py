"""Layer-wise relevance propagation against matrices written out, and what it conserves."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mriinterp.explain import relevance
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.models.ncomms2022 import Ncomms2022

from .networks import SHAPE, image, seeded, small_3d

SMALL = (5, 6, 7)


def network():
    """Like both published networks: batch norm before and behind the pooling, ReLU and leaky ReLU, a strided layer."""
    return seeded(
        nn.Sequential(
            nn.Conv3d(1, 3, 3, padding=1),
            nn.BatchNorm3d(3),
            nn.ReLU(),
            nn.Conv3d(3, 4, (2, 2, 3), stride=(1, 2, 2), bias=False),
            nn.MaxPool3d((2, 1, 2)),
            nn.BatchNorm3d(4),
            nn.LeakyReLU(0.1),
            nn.Flatten(),
            nn.Linear(4 * 2 * 3 * 1, 5),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(5, 2),
        ),
        seed=6,
    )


def matrix_of(function, shape):
    """Matrix (outputs, inputs) of a linear function of a tensor (1, *shape)."""
    size = int(np.prod(shape))
    columns = [function(column.reshape(1, *shape)).flatten() for column in torch.eye(size)]
    return torch.stack(columns, dim=1).double().numpy()


def batch_norm_of(layer):
    scale = (layer.running_var + layer.eps).rsqrt() * layer.weight
    return scale.detach().double().numpy(), (layer.bias - layer.running_mean * scale).detach().double().numpy()


@torch.no_grad()
def layers_of(net, x):
    """The network as matrices: a list of (weights, bias, reached inputs, activation), pooling chosen as for `x`."""
    layers = []
    first = matrix_of(lambda v: F.conv3d(v, net[0].weight, padding=1), (1, *SMALL))
    seen = matrix_of(lambda v: F.conv3d(v, torch.ones_like(net[0].weight), padding=1), (1, *SMALL))
    scale, shift = (np.repeat(v, np.prod(SMALL)) for v in batch_norm_of(net[1]))
    bias = np.repeat(net[0].bias.double().numpy(), np.prod(SMALL))
    layers.append((first * scale[:, None], bias * scale + shift, seen, 0.0))
    raw = net[3](net[:3](x))
    pooled, winners = F.max_pool3d(raw, (2, 1, 2), return_indices=True)
    second = matrix_of(lambda v: F.conv3d(v, net[3].weight, stride=(1, 2, 2)), (3, *SMALL))
    per_channel, cells = int(np.prod(raw.shape[2:])), int(np.prod(pooled.shape[2:]))
    rows = [c * per_channel + int(w) for c in range(4) for w in winners[0, c].flatten()]
    scale, shift = (np.repeat(v, cells) for v in batch_norm_of(net[5]))
    layers.append((second[rows] * scale[:, None], shift, None, 0.1))
    for index, slope in ((8, 0.0), (11, 1.0)):
        layers.append((net[index].weight.double().numpy(), net[index].bias.double().numpy(), None, slope))
    return layers


def propagate(layers, x, target, rules):
    """Relevance of the inputs; `rules` are functions (contributions, bias, seen, relevance) → contributions' shares."""
    inputs = [x.flatten().double().numpy()]
    for weights, bias, _, slope in layers:
        z = weights @ inputs[-1] + bias
        inputs.append(np.where(z > 0, z, slope * z))
    logit, out = inputs[-1][target], np.zeros(2)
    out[target] = logit
    for (weights, bias, seen, _), values, rule in zip(layers[::-1], inputs[-2::-1], rules[::-1], strict=True):
        out = rule(weights * values, bias, seen, out)
    return out


def divided(part, bias, relevance):
    total = part.sum(1) + bias
    return (part * np.divide(relevance, total, out=np.zeros_like(total), where=total != 0)[:, None]).sum(0)


def epsilon(part, bias, seen, relevance):
    return divided(part, bias, relevance)


def alpha_beta(beta):
    def rule(part, bias, seen, relevance):
        up = divided(part.clip(0), bias.clip(0), relevance)
        return (1 + beta) * up - beta * divided(part.clip(None, 0), bias.clip(None, 0), relevance)

    return rule


def gamma(strength):
    def rule(part, bias, seen, relevance):
        up = part.sum(1) + bias > 0
        more = np.where(up[:, None], part.clip(0), part.clip(None, 0))
        return divided(
            part + strength * more, bias + strength * np.where(up, bias.clip(0), bias.clip(None, 0)), relevance
        )

    return rule


def flat(part, bias, seen, relevance):
    return divided((seen != 0).astype(float), np.zeros_like(bias), relevance)


CASES = {
    "epsilon": ("lrp_epsilon", {"epsilon": 0}, [epsilon] * 4),
    "alpha 1": ("lrp_alphabeta", {"beta": 0}, [alpha_beta(0)] * 4),
    "alpha 1.5": ("lrp_alphabeta", {"beta": 0.5}, [alpha_beta(0.5)] * 4),
    "alpha 2": ("lrp_alphabeta", {"beta": 1}, [alpha_beta(1)] * 4),
    "composite": ("lrp_composite", {"epsilon": 0, "gamma": 0.25}, [flat, gamma(0.25), epsilon, epsilon]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("target", [0, 1])
def test_rules_in_matrix_form(case, target):
    name, params, rules = CASES[case]
    net, x = network(), image(SMALL)
    expected = propagate(layers_of(net, x), x, target, rules).reshape(SMALL)
    ours = relevance(net, x, name, target=target, score="logit", **params)[0, 0].numpy()
    np.testing.assert_allclose(ours, expected, atol=2e-5 * np.abs(expected).max())


def test_stabiliser_is_a_share_of_the_layers_mean_output():
    net, x = seeded(nn.Sequential(nn.Flatten(), nn.Linear(504, 2))), image(SHAPE)
    with torch.no_grad():
        z = net(x)[0]
        expected = net[1].weight[1] * x.flatten() * z[1] / (z[1] + z[1].sign() * 0.3 * z.abs().mean())
    ours = relevance(net, x, "lrp_epsilon", target=1, score="logit", epsilon=0.3)
    torch.testing.assert_close(ours.flatten(), expected)


def without_biases(net):
    """Biases, and what batch norm adds, set to 0: relevance has nowhere to leak."""
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if name.endswith(("bias", "running_mean")):
                tensor.zero_()
    return net


CONSERVING = [("lrp_epsilon", {"epsilon": 0}), ("lrp_alphabeta", {"beta": 0}), ("lrp_composite", {"epsilon": 0})]


def assert_conserved(net, x, name, params, tolerance):
    for target in (0, 1):
        logit = net(x)[0, target].item()
        ours = relevance(net, x, name, target=target, score="logit", **params).double().sum().item()
        assert ours == pytest.approx(logit, rel=tolerance)


@pytest.mark.parametrize(("name", "params"), CONSERVING)
def test_conservation_on_the_papers_network(name, params):
    net = without_biases(seeded(ClassificationModel3D(64), seed=3))
    assert_conserved(net, image((78, 84, 78)).abs(), name, params, 2e-3)


@pytest.mark.parametrize(("name", "params"), CONSERVING[2:])  # the rules of both others, each in its layers
def test_conservation_on_the_network_of_qiu(name, params, monkeypatch):
    """The published architecture on a smaller scan: 160 × 1 × 2 × 1 cells reach the heads."""
    monkeypatch.setattr(Ncomms2022, "FEATURES", 320)
    net = without_biases(seeded(Ncomms2022({"COG": (10, 1), "ADD": (5, 2)}), seed=3))
    assert_conserved(net, image((118, 150, 118)).abs(), name, params, 2e-3)


SIGN_KEEPING = [
    nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.1), nn.PReLU(init=0.2), nn.RReLU(), nn.ELU(), nn.SELU(), nn.CELU(), nn.GELU(),
    nn.SiLU(), nn.Mish(), nn.Hardswish(), nn.Hardtanh(), nn.Tanh(), nn.Softsign(), nn.ReLU(inplace=True),
    nn.SiLU(inplace=True),
]  # fmt: skip
SIGN_TURNING = [
    nn.Sigmoid(), nn.Hardsigmoid(), nn.LogSigmoid(), nn.Softplus(), nn.PReLU(init=-0.2), nn.LeakyReLU(-0.1),
    nn.Hardtanh(0.5, 1.0), nn.Softmax(1), nn.LogSoftmax(1), nn.Softmin(1), nn.Threshold(0.1, 0.3),
]  # fmt: skip


def activated(activation, last=None):
    """Two layers, an activation behind each, no biases; one output is positive, the other negative."""
    plain = [nn.Conv3d(1, 4, 3), nn.Identity(), nn.Conv3d(4, 4, 3), nn.Identity(), nn.Flatten(), nn.Linear(4 * 60, 2)]
    net = without_biases(seeded(nn.Sequential(*plain, *([] if last is None else [last])), seed=4))
    net[1] = net[3] = activation.eval()
    with torch.no_grad():
        net[5].weight[1] = -0.7 * net[5].weight[0]
    return net


@pytest.mark.parametrize("activation", SIGN_KEEPING, ids=repr)
@pytest.mark.parametrize(("name", "params"), [*CONSERVING, ("lrp_alphabeta", {"beta": 0.5})])
@pytest.mark.parametrize("score", ["logit", "raw", "margin"])
def test_maps_sum_to_the_score_of_either_sign(activation, name, params, score):
    net, x = activated(activation), image(SHAPE)
    logits = net(x)[0].detach()
    assert logits.min() < -0.01 < 0.01 < logits.max()
    for target in (0, 1):
        wanted = (logits[target] - logits[1 - target] if score == "margin" else logits[target]).item()
        ours = relevance(net, x, name, target=target, score=score, **params).double().sum().item()
        assert ours == pytest.approx(wanted, rel=5e-3)


@pytest.mark.parametrize("activation", SIGN_TURNING, ids=repr)
@pytest.mark.parametrize("name", ["lrp_epsilon", "lrp_alphabeta", "lrp_composite"])
def test_activations_that_turn_a_sign_are_refused(activation, name):
    with pytest.raises(ValueError, match=r"for LRP, got the (activation|operation)"):
        relevance(activated(activation), image(SHAPE), name, target=0)


@pytest.mark.parametrize("last", [nn.Sigmoid(), nn.Softmax(1), nn.LogSoftmax(1), nn.Softplus()], ids=repr)
@pytest.mark.parametrize("exported", [False, True])
def test_outputs_that_are_no_logits_are_refused(last, exported):
    net, x = activated(nn.ReLU(), last), image(SHAPE)
    net = torch.export.export(net, (x,)).module() if exported else net
    with pytest.raises(ValueError, match="for LRP, got the"):
        relevance(net, x, "lrp_epsilon", target=1, score="raw")


def test_a_final_tanh_keeps_sign_and_sum():
    net, x = activated(nn.ReLU(), nn.Tanh()), image(SHAPE)
    for target in (0, 1):
        ours = relevance(net, x, "lrp_epsilon", target=target, score="raw", epsilon=0).sum().item()
        assert ours == pytest.approx(net(x)[0, target].item(), rel=5e-3)


@pytest.mark.parametrize("name", ["lrp_epsilon", "lrp_alphabeta", "lrp_composite"])
def test_a_probability_is_no_sum_of_relevance(name):
    with pytest.raises(ValueError, match="score as one of logit, margin, raw, got 'probability'"):
        relevance(small_3d(), image(SHAPE), name, target=0, score="probability")


def test_margin_of_three_classes_sums_to_it_and_the_entropy_of_the_others():
    net, x = without_biases(small_3d(classes=3)), image(SHAPE)
    logits = net(x)[0].detach()
    margin = logits[1] - torch.logsumexp(logits[[0, 2]], 0)
    others = torch.softmax(logits[[0, 2]], 0)
    entropy = -(others * others.log()).sum()
    ours = relevance(net, x, "lrp_epsilon", target=1, score="margin", epsilon=0)
    assert ours.sum().item() == pytest.approx((margin + entropy).item(), rel=1e-3)


class Shifted(nn.Module):
    """A constant inside the network, added or subtracted in one of many ways, as a bias would be."""

    def __init__(self, shift, bias):
        super().__init__()
        self.conv, self.dense, self.shift = nn.Conv3d(1, 4, 3, bias=True), nn.Linear(4 * 5 * 6 * 7, 2), shift
        self.amount = bias

    def forward(self, x):
        return self.dense(self.shift(self.conv(x), self.amount).relu().flatten(1))


@pytest.mark.parametrize(
    ("shift", "sign"),
    [
        (lambda h, c: h + c, 1),
        (lambda h, c: c + h, 1),
        (lambda h, c: h - c, -1),
        (lambda h, c: h.sub(c, alpha=2), -2),
        (lambda h, c: h.add_(c), 1),
        (lambda h, c: h + torch.full_like(h, c), 1),
    ],
)
def test_constants_inside_absorb_relevance_as_biases_do(shift, sign):
    x = image(SHAPE)
    net, biased = (seeded(Shifted(how, 0.8), seed=2) for how in (shift, lambda h, c: h))
    with torch.no_grad():
        biased.conv.bias += sign * 0.8
    torch.testing.assert_close(net(x), biased(x))
    for target in (0, 1):
        ours, expected = (relevance(n, x, "lrp_epsilon", target=target, epsilon=0) for n in (net, biased))
        torch.testing.assert_close(ours, expected, atol=2e-3 * expected.abs().max().item(), rtol=1e-2)


def test_scaling_of_intensities_before_the_first_layer_keeps_the_relevance():
    class Scaled(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net((x - 3) / 2)

    net, x = without_biases(small_3d()), image(SHAPE)
    ours = relevance(Scaled(net), 2 * x + 3, "lrp_epsilon", target=1)
    torch.testing.assert_close(ours, relevance(net, x, "lrp_epsilon", target=1), atol=1e-5, rtol=1e-3)


def test_margin_of_two_classes_is_shared_between_them():
    net, x = without_biases(small_3d()), image(SHAPE)
    logits = net(x)[0]
    ours = relevance(net, x, "lrp_epsilon", target=1, score="margin", epsilon=0)
    assert ours.sum().item() == pytest.approx((logits[1] - logits[0]).item(), rel=1e-3)
    one, other = (relevance(net, x, "lrp_epsilon", target=t, score="logit", epsilon=0) for t in (1, 0))
    torch.testing.assert_close(ours, one - other, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("net", [small_3d, network])
def test_epsilon_near_zero_is_gradient_times_input(net):
    """A theorem for networks of (leaky) ReLU: Ancona et al. 2018."""
    x = image(SHAPE if net is small_3d else SMALL)
    ours = relevance(net(), x, "lrp_epsilon", target=1, score="logit", epsilon=0)
    expected = relevance(net(), x, "gradient_x_input", target=1, score="logit")
    torch.testing.assert_close(ours, expected, atol=1e-4 * expected.abs().max().item(), rtol=1e-3)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv3d(1, 2, 3, padding=1), nn.Conv3d(2, 2, 3, padding=1)
        self.norm, self.dense = nn.BatchNorm3d(2), nn.Linear(2, 2)

    def forward(self, x):
        x = F.relu(self.norm(self.a(x / 2)))
        x = F.relu(x + self.b(x))
        return self.dense(torch.cat([x[:, :1], x[:, 1:]], dim=1).mean(dim=(2, 3, 4)))


def test_skip_connections_averages_and_exported_programs():
    net, x = without_biases(seeded(Residual())), image(SHAPE).abs()
    ours = relevance(net, x, "lrp_epsilon", target=1, score="logit", epsilon=0)
    assert ours.sum().item() == pytest.approx(net(x)[0, 1].item(), rel=1e-3)
    expected = relevance(net, x, "gradient_x_input", target=1, score="logit")
    torch.testing.assert_close(ours, expected, atol=1e-3 * expected.abs().max().item(), rtol=1e-2)
    for name, _ in CONSERVING:
        program = torch.export.export(net, (x,)).module()
        torch.testing.assert_close(relevance(program, x, name, target=1), relevance(net, x, name, target=1))


class Cubed(torch.autograd.Function):
    """A function with a gradient of its own."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x.sigmoid() ** 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Odd(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.conv, self.norm, self.dense, self.how = nn.Conv3d(1, 2, 1), nn.BatchNorm3d(2), nn.Linear(2 * 504, 2), how

    def forward(self, x):
        x = self.conv(x)
        return self.dense(self.how(self, x).flatten(1))


@pytest.mark.parametrize(
    "how",
    [
        lambda net, x: F.softmax(x, dim=1),
        lambda net, x: torch.add(x, x.relu(), alpha=2),
        lambda net, x: x.relu().add_(x.tanh(), alpha=2),
        lambda net, x: x * x,
        lambda net, x: x * x.tanh(),
        lambda net, x: x.sigmoid().flatten(1),
        lambda net, x: x + x.sigmoid(),
        lambda net, x: x.relu() * x.sigmoid() * x.relu(),
        lambda net, x: x.sigmoid() * x.sigmoid(),
        lambda net, x: x.mean((2, 3, 4), keepdim=True) * x.sigmoid(),  # grows with its gate
        lambda net, x: x.sigmoid().mul_(x),
        lambda net, x: Cubed.apply(x),
        lambda net, x: x.add_(x.relu()).add_(net.norm(x)),
        lambda net, x: F.layer_norm(x, x.shape[1:]),
        lambda net, x: F.instance_norm(x),
        lambda net, x: F.interpolate(x, scale_factor=1.0, mode="trilinear"),
        lambda net, x: x + net.norm(x),  # read before and behind its batch norm
        lambda net, x: net.norm(x) + x,
    ],
)
def test_operations_without_a_rule_are_refused(how):
    with pytest.raises(ValueError, match=r"for LRP, got|read both"):
        relevance(seeded(Odd(how)), image(SHAPE), "lrp_epsilon", target=0)


def test_batch_norm_of_its_own():
    """Behind an activation it is a layer; with β = 0 nothing is lost but its shift."""
    net = seeded(nn.Sequential(nn.Conv3d(1, 2, 1), nn.ReLU(), nn.BatchNorm3d(2), nn.Flatten(), nn.Linear(2 * 504, 2)))
    x = image(SHAPE)
    ours = relevance(net, x, "lrp_epsilon", target=1, score="logit", epsilon=0)
    expected = relevance(net, x, "gradient_x_input", target=1, score="logit")
    torch.testing.assert_close(ours, expected, atol=1e-3 * expected.abs().max().item(), rtol=1e-2)


def test_a_network_without_layers_is_refused():
    with pytest.raises(ValueError, match="without a convolution"):
        relevance(nn.Sequential(nn.ReLU(), nn.Flatten()), image((2, 1, 1)), "lrp_epsilon", target=0)


class Reads(nn.Module):
    """A recurrent layer over slices."""

    def __init__(self, layer):
        super().__init__()
        self.read, self.dense = layer(8 * 9, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.dense(self.read(x.flatten(3)[:, 0])[0][:, -1])


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_are_refused(layer):
    """They return several tensors: what is no single one was let through in silence."""
    with pytest.raises(ValueError, match=f"got the operation '{layer.__name__.lower()}"):
        relevance(Reads(layer).eval(), torch.rand(1, 1, 7, 8, 9), "lrp_epsilon", target=0)
