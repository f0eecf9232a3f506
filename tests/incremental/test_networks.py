"""Known networks: every window equal to a plain loop over full passes."""

import pytest
import torch
from monai.networks.nets import DenseNet121, SEResNet50, resnet18
from torch import nn

from mriinterp.incremental import Occluder, occluded_outputs
from mriinterp.incremental.boxes import grid_boxes
from mriinterp.models.classification3d import ClassificationModel3D

from .occlusion_networks import Gate, Plane, Published, assert_exact, calm, plain_loop


def image(channels, *shape, seed=3):
    return torch.randn(1, channels, *shape, generator=torch.Generator().manual_seed(seed))


def some(boxes, count):
    """A few of many boxes, corners included."""
    return [boxes[round(k * (len(boxes) - 1) / (count - 1))] for k in range(count)]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize(("size", "stride"), [(40, 25), (10, 5), (7, 3)])
def test_paper_network_at_1_5_mm(size, stride):
    network = calm(ClassificationModel3D(128))
    x = image(1, 113, 137, 113)
    boxes = some(grid_boxes(x.shape[2:], size, stride), 7)
    occluder = Occluder(network, x)
    assert occluder.reason is None
    assert_exact(occluder.clean[None], network(x).detach())
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))


@pytest.mark.slow
def test_paper_network_at_1_mm():
    network = calm(ClassificationModel3D(5120))
    x = image(1, 193, 229, 193)
    boxes = [((0, 25),) * 3, ((75, 125), (200, 229), (50, 100)), ((90, 100), (120, 130), (95, 105)), ((188, 193),) * 3]
    assert_exact(occluded_outputs(network, x, boxes), plain_loop(network, x, boxes))


@pytest.mark.slow
def test_published_network():
    network = calm(Published())
    x = image(1, 182, 218, 182)
    boxes = [((0, 20),) * 3, ((70, 110), (100, 140), (30, 70)), ((172, 182), (213, 218), (177, 182))]
    occluder = Occluder(network, x)
    assert occluder.reason is None
    assert_exact(occluder.run(boxes), plain_loop(network, x, boxes))


MONAI = {
    "resnet18": lambda: resnet18(spatial_dims=3, n_input_channels=1, num_classes=2),
    "densenet121": lambda: DenseNet121(spatial_dims=3, in_channels=1, out_channels=2),
    "seresnet50": lambda: SEResNet50(spatial_dims=3, in_channels=1, num_classes=2),
}


@pytest.mark.parametrize("name", MONAI)
def test_monai(name):
    network = MONAI[name]().eval()
    x = image(1, 50, 60, 53)
    boxes = [((0, 7),) * 3, ((20, 30), (25, 35), (21, 31)), ((45, 55), (50, 70), (46, 99)), ((0, 50), (0, 60), (0, 53))]
    occluder = Occluder(network, x)
    assert occluder.reason is None
    assert_exact(occluder.run(boxes, 0.3), plain_loop(network, x, boxes, 0.3))


def test_plane():
    network = calm(Plane())
    x = image(1, 41, 38)
    boxes = grid_boxes(x.shape[2:], 9, 6)
    assert_exact(occluded_outputs(network, x, boxes, x.mean()), plain_loop(network, x, boxes, x.mean()))


def test_gate():
    network = calm(Gate())
    x = image(2, 14, 17, 12)
    boxes = grid_boxes(x.shape[2:], 5, 4)
    occluder = Occluder(network, x)
    assert {step.kind for step in occluder.network.border} == {"map", "conv"}
    assert_exact(occluder.run(boxes, x.flip(2)), plain_loop(network, x, boxes, x.flip(2)))


def test_masks_of_areas():
    network = calm(ClassificationModel3D(128))
    x = image(1, 113, 137, 113)
    masks = [torch.zeros(113, 137, 113, dtype=torch.bool) for _ in range(3)]
    masks[0][20:40, 30:60, 50:70] = torch.rand(20, 30, 20) < 0.5
    masks[1][[15, 90]] = True  # both hemispheres: the box spans the brain
    masks[2][:56] = True
    fill = torch.nn.functional.avg_pool3d(x, 5, 1, 2)
    assert_exact(occluded_outputs(network, x, masks, fill), plain_loop(network, x, masks, fill))


def test_several_heads_and_maps():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.last = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 1, 2)

        def forward(self, x):
            x = self.stem(x).relu()
            return {"score": x.mean((2, 3)), "map": self.last(x)}

    network, x = Heads().eval(), image(1, 9, 8)
    boxes = grid_boxes((9, 8), 4, 3)
    found = occluded_outputs(network, x, boxes)
    expected = plain_loop(lambda x: torch.cat([network(x)["score"].flatten(), network(x)["map"].flatten()]), x, boxes)
    assert_exact(found, expected)
