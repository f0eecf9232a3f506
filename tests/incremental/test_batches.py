"""Networks that mix their batch, change their input, or take another way for some images."""

import logging

import pytest
import torch
from torch import nn

from mriinterp.incremental import Occluder, grid_boxes, plan
from mriinterp.models.batch import mark_alone, reason_to_run_alone

from .occlusion_networks import Gate, Plane, assert_exact, calm, plain_loop

SHAPE = (12, 14)


class Mixing(nn.Module):
    """A convolution, something that mixes the images of a batch, a pooled head."""

    def __init__(self, how, where="middle"):
        super().__init__()
        self.how, self.where = how, where
        self.conv = nn.Conv2d(1, 4, 3)
        self.head = nn.Linear(4, 2)

    def mix(self, x):
        if self.how == "batch norm":
            if x.ndim == 4:
                return nn.functional.batch_norm(x, None, None, training=True)
            return (x - x.mean(0, keepdim=True)) / (x.var(0, keepdim=True, correction=0) + 0.1).sqrt() + x
        if self.how == "min-max":
            return (x - x.min()) / (x.max() - x.min())
        if self.how == "largest":
            return x / x.max()
        if self.how == "whitening":
            return x - x.mean(0, keepdim=True) * 0.5
        if self.how == "softmax over the batch":
            return x.softmax(0) * x
        if self.how == "attention":
            flat = x.flatten(1)
            return ((flat @ flat.T / flat.shape[1]).softmax(1) @ flat).view(x.shape)
        return x * x.shape[0]  # "size of the batch"

    def forward(self, x):
        x = self.mix(x) if self.where == "first" else x
        x = torch.relu(self.conv(x))
        x = self.mix(x) if self.where == "middle" else x
        x = x.amax((2, 3))
        x = self.mix(x) if self.where == "last" else x
        return self.head(x)


HOW = ["batch norm", "min-max", "largest", "whitening", "softmax over the batch", "attention", "size of the batch"]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def image(seed=3):
    return torch.rand((1, 1, *SHAPE), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("where", ["first", "middle", "last"])
@pytest.mark.parametrize("how", HOW)
def test_networks_that_mix_their_batch(how, where):
    network, x, boxes = Mixing(how, where).eval(), image(), grid_boxes(SHAPE, 5, 3)
    occluder = Occluder(network, x)
    assert_exact(occluder.clean[None], network(x).detach())
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))
    assert occluder.alone


def test_it_would_matter():
    """The networks above are wrong in a batch by far more than rounding."""
    for how in HOW:
        for where in ("first", "middle", "last"):
            network = Mixing(how, where).eval()
            with torch.no_grad():
                pair = torch.cat([image(), image(4) / 2])
                alone = torch.cat([network(pair[:1]), network(pair[1:])])
                assert (network(pair) - alone).abs().max() > 1e-3 * alone.abs().max()


def test_a_network_for_one_image_at_a_time():
    """Hard-coded for a batch of one, as many are."""

    class One(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(1, 2, 3), nn.Linear(2 * 10 * 12, 2)

        def forward(self, x):
            return self.head(self.conv(x).view(1, -1))

    network, x, boxes = One().eval(), image(), grid_boxes(SHAPE, 5, 3)
    occluder = Occluder(network, x)
    assert "two scans at once" in occluder.alone
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))


@pytest.mark.parametrize("network", [Plane, Gate])
def test_networks_that_do_not(network):
    network = calm(network())
    x = torch.rand(1, 2 if isinstance(network, Gate) else 1, *((14, 17, 12) if isinstance(network, Gate) else SHAPE))
    assert Occluder(network, x).alone == ""


@pytest.mark.parametrize("where", ["first", "middle"])
def test_said_in_the_log(caplog, where):
    with caplog.at_level(logging.WARNING):
        Occluder(Mixing("min-max", where).eval(), image())
    assert "one by one: its output for a scan depends on the other scans of a batch" in caplog.text


def test_a_marked_network_runs_one_by_one():
    """What loading found out is kept to, whatever the image at hand shows."""
    network = calm(Plane())
    mark_alone(network)
    seen = []
    network.head.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    occluder = Occluder(network, image())
    occluder.run(grid_boxes(SHAPE, 5, 3))
    assert occluder.alone
    assert set(seen) == {1}


def test_a_random_network_is_no_mixing_one():
    class Random(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x.flatten(1), 0.5)

    x = torch.rand(2, 1, *SHAPE)
    network = Random().eval()
    assert reason_to_run_alone(lambda index: network(x[index]), torch.cat([network(x[:1]), network(x[1:])])) == ""


def test_rounding_is_no_mixing():
    """Other kernels for two images than for one; but the other image has no say."""
    values = torch.tensor([[1.0, -3.0], [2.0, 5.0]])

    def run(index, by=2e-4):
        return values[index] + (by if len(index) == 2 else 0)

    assert reason_to_run_alone(run, values) == ""
    assert reason_to_run_alone(lambda index: run(index, 0.1), values)
    assert reason_to_run_alone(lambda index: values[index] + 2e-4 * (index[0] != index[-1]), values)


# ---- networks whose flow depends on values


class Branching(nn.Module):
    """Looks at the brightest voxel of the batch to choose its way."""

    def __init__(self):
        super().__init__()
        self.low, self.high = nn.Linear(12 * 14, 2), nn.Linear(12 * 14, 2)

    def forward(self, x):
        return (self.high if x.max() > 5 else self.low)(x.flatten(1))


def test_flow_that_depends_on_values_is_followed_for_each_region():
    """Neither the image nor a darker one shows the other way: only the fill does."""
    network, x = Branching().eval(), image()
    fill = torch.zeros(SHAPE)
    fill[0, 0] = 9
    boxes = grid_boxes(SHAPE, 4, 3)
    occluder = Occluder(network, x)
    assert occluder.reason is not None
    assert occluder.alone == "its flow may depend on values"
    assert_exact(occluder.run(boxes, fill), plain_loop(network, x, boxes, fill))


# ---- networks that change their input in place


class Changing(nn.Module):
    """Changes what it is given before it looks at it."""

    def __init__(self, how):
        super().__init__()
        self.how, self.conv, self.head = how, nn.Conv2d(1, 3, 3), nn.Linear(3, 2)

    def forward(self, x):
        if self.how == "-=":
            x -= x.mean(dim=(1, 2, 3), keepdim=True)
        elif self.how == "mul_":
            x.mul_(3)
        elif self.how == "relu_":
            nn.functional.relu(x.sub_(0.5), inplace=True)
        elif self.how == "clamp_":
            x = x.clamp_(0.2, 0.7)
        elif self.how == "index":
            x[..., :3] = 0
        elif self.how == "copy_":
            x.copy_((x - x.amin(dim=(1, 2, 3), keepdim=True)) * 2)
        elif self.how == "view":
            x.view(-1).add_(1)
        return self.head(self.conv(x).relu().mean((2, 3)))


@pytest.mark.parametrize("how", ["-=", "mul_", "relu_", "clamp_", "index", "copy_", "view"])
def test_networks_that_change_their_input(how):
    network, x, boxes = Changing(how).eval(), image(), grid_boxes(SHAPE, 5, 3)
    before = x.clone()
    occluder = Occluder(network, x)
    assert torch.equal(x, before)
    assert_exact(occluder.clean[None], plain_loop(network, x, [((0, 0), (0, 0))]))
    for fill in (0.0, 0.4):
        assert_exact(occluder.run(boxes, fill), plain_loop(network, x, boxes, fill))
    assert torch.equal(x, before)
    cost = plan(network, x, 5, 3)
    cost.estimate_seconds()
    assert torch.equal(x, before)
