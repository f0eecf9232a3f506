"""Networks made anew for a grid, and those that cannot be trained, in words."""

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.crossval.new_network import check_trainable, crop_of, new_network
from mriinterp.image.volume import Grid
from mriinterp.models import Model
from mriinterp.models.classification3d import ClassificationModel3D

SMALL = Grid((8, 9, 8), np.diag([20.0, 20, 20, 1]))


class Plain(nn.Module):
    def __init__(self, *last, outputs=2):
        super().__init__()
        self.conv = nn.Conv3d(1, 3, 3)
        self.norm = nn.BatchNorm3d(3)
        self.out = nn.Linear(3, outputs)
        self.last = nn.Sequential(*last)

    def forward(self, x):
        return self.last(self.out(torch.relu(self.norm(self.conv(x))).mean((2, 3, 4))))


class Scaled(Plain):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))


def model_of(net, classes=("CN", "AD"), grid=SMALL):
    return Model.from_module(net, grid=grid, classes=list(classes))


def test_weights_are_drawn_anew_by_the_seed():
    net = Plain()
    with torch.no_grad():
        for value in net.parameters():
            value.fill_(7.0)
        net.norm.running_mean.fill_(7.0)
    model = model_of(net)
    one, two, three = (new_network(model, None, (0, 0), seed).state_dict() for seed in (1, 1, 2))
    for name, value in one.items():
        assert not (value == 7).any(), name
        assert torch.equal(value, two[name])
    assert not torch.equal(one["conv.weight"], three["conv.weight"])
    assert (model.module.conv.weight == 7).all()  # the study's own network is as it was


def test_random_state_of_the_caller_stays():
    model = model_of(Plain())
    before = torch.get_rng_state()
    new_network(model, None, (0, 0), 0)
    assert torch.equal(before, torch.get_rng_state())


def test_the_papers_network_fits_any_grid_and_sees_part_of_it():
    grid = Grid((79, 95, 79), np.diag([2.0, 2, 2, 1]))
    net = new_network(model_of(Plain(), grid=grid), "ClassificationModel3D", (0.8, 0.1), 0)
    assert isinstance(net, ClassificationModel3D)
    assert (net.dropout.p, net.dropout2.p) == (0.8, 0.1)
    crop = crop_of(net, grid.shape)
    assert crop == (78, 78, 78)
    x = torch.rand(1, 1, *grid.shape)
    with torch.inference_mode():
        whole, part = net.eval()(x), net(x[:, :, : crop[0], : crop[1], : crop[2]])
    torch.testing.assert_close(whole, part, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="at least one feature"):
        new_network(model_of(Plain()), "ClassificationModel3D", (0, 0), 0)


def test_what_cannot_be_trained_is_named():
    check_trainable(model_of(Plain()))
    with pytest.raises(ValueError, match="logits of two classes, got Plain, which returns A, B, C"):
        check_trainable(model_of(Plain(outputs=3), "ABC"))
    with pytest.raises(ValueError, match="leave out its last softmax"):
        check_trainable(model_of(Plain(nn.Softmax(1))))
    with pytest.raises(ValueError, match="draw their weights anew, got Scaled in Scaled"):
        new_network(model_of(Scaled()), None, (0, 0), 0)
    with pytest.raises(ValueError, match=r"made without weights, got ncomms2022 \(ValueError: expected a backbone"):
        new_network(model_of(Plain()), "ncomms2022", (0, 0), 0)
