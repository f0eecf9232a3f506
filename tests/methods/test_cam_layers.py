"""From which layer a class activation map is taken, on networks of many kinds, and how another is chosen."""

import numpy as np
import pytest
import torch
from scipy.ndimage import zoom
from torch import nn
from torch.nn import functional as F

from mriinterp.explain import relevance
from mriinterp.methods import get_method, method_names
from mriinterp.methods.cam import layer_names

from .networks import SHAPE, image, seeded, small_3d

CAMS = [name for name in method_names() if "layer" in get_method(name).parameters]
PLACED = [name for name in CAMS if name != "grad_cam"]
SIDE = 16


def chosen(net, x, name="hires_cam", **params):
    """The layer that a method says it took."""
    notes = {}
    relevance(net, x, name, target=0, context={"note": notes.__setitem__}, **params)
    return notes["layer"]


class Sfcn(nn.Module):
    """As Peng et al. 2021: the classifier is a convolution of 1 × 1 × 1 behind an average over all cells."""

    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4), nn.MaxPool3d(2), nn.ReLU())
        self.last = nn.Sequential(nn.Conv3d(4, 6, 1), nn.BatchNorm3d(6), nn.ReLU())
        self.average, self.classifier = nn.AvgPool3d((3, 4, 4)), nn.Conv3d(6, 2, 1)

    def forward(self, x):
        return self.classifier(self.average(self.last(self.block(x)))).flatten(1)


class Dense(nn.Module):
    """As DenseNet: every layer adds a few channels to all before it, as torchvision or MONAI write it."""

    def __init__(self, *, listed):
        super().__init__()
        self.stem, self.listed = nn.Conv2d(1, 4, 3, padding=1), listed
        self.grow = nn.ModuleList(nn.Conv2d(4 + 2 * n, 2, 3, padding=1) for n in range(3))
        self.norm, self.classifier = nn.BatchNorm2d(10), nn.Linear(10, 2)

    def forward(self, x):
        found = [self.stem(x)]
        for grow in self.grow:
            new = grow(torch.cat(found, 1).relu())
            found = [*found, new] if self.listed else [torch.cat([*found, new], 1)]
        x = F.relu(self.norm(torch.cat(found, 1)), inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Residual(nn.Module):
    """A branch of two convolutions beside a skip connection, with a gate (squeeze and excitation) or without."""

    def __init__(self, *, gated):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.branch = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
        self.gate, self.gated, self.classifier = nn.Conv2d(4, 4, 1), gated, nn.Linear(4, 2)

    def forward(self, x):
        x = self.stem(x).relu()
        y = self.branch(x)
        if self.gated:
            y = self.gate(y.mean((2, 3), keepdim=True)).sigmoid() * y
        return self.classifier((x + y).relu().mean((2, 3)))


class Shuffled(nn.Module):
    """Channels exchanged between groups (ShuffleNet), and a norm over channels in the last axis (ConvNeXt)."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm, self.last = nn.Conv2d(1, 4, 3, padding=1), nn.LayerNorm(4), nn.Conv2d(4, 3, 2, stride=2)
        self.classifier = nn.Linear(3, 2)

    def forward(self, x):
        x = self.stem(x)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        x = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.classifier(self.last(x).relu().mean((2, 3)))


class Transformer(nn.Module):
    """Patches become tokens; attention (ViT) or dense layers along the tokens (MLP-Mixer) mix them."""

    def __init__(self, *, attention):
        super().__init__()
        self.patches, self.attention = nn.Conv2d(1, 8, 4, stride=4), attention
        self.mix = nn.MultiheadAttention(8, 2, batch_first=True) if attention else nn.Linear(16, 16)
        self.dense, self.classifier = nn.Linear(8, 8), nn.Linear(8, 2)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        if self.attention:
            tokens = torch.cat([tokens.mean(1, keepdim=True), tokens], 1)
            tokens = tokens + self.mix(tokens, tokens, tokens, need_weights=False)[0]
        else:
            tokens = tokens + self.mix(tokens.transpose(1, 2)).transpose(1, 2)
        tokens = tokens + F.gelu(self.dense(tokens))
        return self.classifier(tokens[:, 0] if self.attention else tokens.mean(1))


FLAT = (SIDE, SIDE)
WHOLE = [
    (Sfcn, SHAPE, "last.2 (6 channels, 3 × 4 × 4 cells)", "last.0 (6 channels, 3 × 4 × 4 cells)"),
    (lambda: Dense(listed=True), FLAT, "relu:4 (10 channels, 16 × 16 cells)", None),
    (lambda: Dense(listed=False), FLAT, "relu:4 (10 channels, 16 × 16 cells)", None),
    (lambda: Residual(gated=False), FLAT, "relu:2 (4 channels, 8 × 8 cells)", None),
    (lambda: Residual(gated=True), FLAT, "relu:2 (4 channels, 8 × 8 cells)", None),
    (Shuffled, FLAT, "relu (3 channels, 8 × 8 cells)", "last (3 channels, 8 × 8 cells)"),
    (small_3d, SHAPE, "5 (6 channels, 3 × 4 × 4 cells)", "4 (6 channels, 3 × 4 × 4 cells)"),
]


@pytest.mark.parametrize(("net", "shape", "layer", "convolution"), WHOLE)
def test_the_last_map_with_space_that_all_of_the_output_depends_on(net, shape, layer, convolution):
    net, x = seeded(net()), image(shape)
    for name in PLACED:
        assert chosen(net, x, name) == layer
    assert chosen(net, x, "grad_cam") == (convolution or layer)


def test_the_map_of_a_residual_network_written_out():
    net, x = seeded(Residual(gated=False)), image(FLAT)
    with torch.no_grad():
        stem = net.stem(x).relu()
        values = (stem + net.branch(stem)).relu()[0].double()
    weights = (net.classifier.weight[0] / 64).detach().double()  # gradient of the logit: a mean over 8 × 8 cells
    coarse = torch.einsum("c,cij->ij", weights, values).numpy()
    ours = relevance(net, x, "hires_cam", target=0, score="logit")[0, 0].numpy()
    np.testing.assert_allclose(ours[::2, ::2], coarse, atol=1e-5)  # centres of the cells at 0, 2, 4, …
    drawn = relevance(net, x, "grad_cam", target=0, score="logit")[0, 0].numpy()
    np.testing.assert_allclose(drawn, zoom(coarse, 2, order=0), atol=1e-5)


@pytest.mark.parametrize("name", CAMS)
@pytest.mark.parametrize("attention", [True, False])
def test_networks_that_go_on_with_tokens_are_refused_unless_a_layer_is_named(name, attention):
    net, x = seeded(Transformer(attention=attention)), image(FLAT)
    if name == "guided_grad_cam":
        net.classifier = nn.Sequential(net.classifier, nn.ReLU())  # it needs one
    with pytest.raises(ValueError, match=r"tokens, as transformers do, behind patches .* available: patches \(8 ch"):
        relevance(net, x, name, target=0)
    assert relevance(net, x, name, target=0, layer="patches").shape == x.shape


@pytest.mark.parametrize("name", CAMS)
def test_layers_are_chosen_by_name(name):
    net, x = small_3d(), image(SHAPE)
    assert layer_names(net, x) == ["5", "4", "2", "1", "0"]
    assert chosen(net, x, name, layer="2") == "2 (4 channels, 7 × 8 × 9 cells)"
    if name != "grad_cam":
        earlier = relevance(net, x, name, target=0, depth=2)
        assert torch.equal(relevance(net, x, name, target=0, layer="2", depth=1), earlier)
    with pytest.raises(ValueError, match=r"got 'Conv_9'; available: 5 \(6 channels, 3 × 4 × 4 cells\), 4 \("):
        relevance(net, x, name, target=0, layer="Conv_9")
    with pytest.raises(ValueError, match=r"classifier \(2 channels, 1 × 1 × 1 cells\): it has fewer"):
        relevance(seeded(Sfcn()), x, name, target=0, layer="classifier")


def test_a_named_layer_need_not_be_whole():
    net, x = seeded(Residual(gated=True)), image(FLAT)
    assert chosen(net, x, layer="branch.2") == "branch.2 (4 channels, 8 × 8 cells)"
    assert "branch.2" not in layer_names(net, x)


def test_names_are_those_of_the_network_itself_inside_a_wrapper():
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def forward(self, x):
            return self.module(x)[:, :1]

    x = image(SHAPE)
    assert layer_names(Wrapper(small_3d()), x) == layer_names(small_3d(), x)


@pytest.mark.parametrize("name", CAMS)
def test_exported_programs(name):
    x = image(SHAPE)
    program = torch.export.export(small_3d(), (x,)).module()
    torch.testing.assert_close(relevance(program, x, name, target=0), relevance(small_3d(), x, name, target=0))
    assert layer_names(program, x)[0] == "relu:2"


@pytest.mark.parametrize("name", CAMS)
def test_networks_without_a_map_of_three_cells_are_refused(name):
    net = seeded(nn.Sequential(nn.Conv2d(1, 2, 4, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 2 * 2, 2)))
    with pytest.raises(ValueError, match="3 or more cells along each axis that everything passes through, got 0"):
        relevance(net, image((8, 8)), name, target=0)


def test_old_maps_are_made_again_when_they_are_asked_for(monkeypatch):
    net, x = small_3d(), image(SHAPE)
    expected = relevance(net, x, "layer_cam", target=0, layer="0")
    monkeypatch.setattr("mriinterp.methods.recording.KEPT_BYTES", 1000)
    assert torch.equal(relevance(net, x, "layer_cam", target=0, layer="0"), expected)


@pytest.mark.parametrize("resize", ["nearest", "linear"])
def test_published_code_clips_before_it_zooms(resize):
    net, x = small_3d(), image(SHAPE)
    net[5] = nn.ReLU()
    values = net[4](net[:4](x)).detach().requires_grad_(True)
    slope = torch.autograd.grad(torch.softmax(net[5:](values), 1)[0, 1], values)[0]
    coarse = (slope.mean((2, 3, 4), keepdim=True) * values).sum(1)[0].detach().numpy()
    assert coarse.min() < 0 < coarse.max()
    size = np.array(SHAPE) / coarse.shape
    expected = zoom(np.maximum(coarse, 0), size, order=int(resize == "linear"))
    ours = relevance(net, x, "grad_cam", target=1, preset="rieke2018", resize=resize)[0, 0].numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-6 * coarse.max())
    if resize == "linear":
        after = np.maximum(zoom(coarse, size, order=1), 0)
        assert np.abs(after - expected).max() > 0.1 * expected.max(), "clipping after stretching is another map"
