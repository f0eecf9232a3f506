"""Boxes, masks and fills against a plain loop written out here."""

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.base.progress import Cancelled
from mriinterp.incremental import Occluder, occluded_outputs

SHAPE = (7, 8, 9)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(), nn.Linear(144, 2)
    ).eval()


@pytest.fixture
def image():
    return torch.randn(1, 1, *SHAPE, generator=torch.Generator().manual_seed(1))


def loop(module, x, masks, fill):
    """One full pass per mask."""
    fill = torch.as_tensor(fill, dtype=x.dtype).expand_as(x)
    with torch.no_grad():
        return torch.cat([module(torch.where(torch.as_tensor(mask), fill, x)) for mask in masks])


def test_boxes_are_cut_at_the_border(network, image):
    boxes = [
        ((1, 4), (2, 5), (3, 6)),
        ((-3, 2), (6, 99), (0, 9)),
        ((-9, 99),) * 3,
        ((9, 12), (0, 8), (0, 9)),
        ((2, 2),) * 3,
    ]
    masks = np.zeros((5, *SHAPE), bool)
    masks[0, 1:4, 2:5, 3:6] = masks[1, 0:2, 6:8] = masks[2] = True
    for fill in (0.0, -1.5, image.mean(), image.flip(2), torch.tensor(2.0).reshape(1, 1, 1, 1, 1)):
        torch.testing.assert_close(occluded_outputs(network, image, boxes, fill), loop(network, image, masks, fill))


def test_masks_numpy_or_torch(network, image, rng):
    masks = [rng.random(SHAPE) < 0.3, torch.from_numpy(rng.random(SHAPE) < 0.05), np.zeros(SHAPE, bool)]
    torch.testing.assert_close(occluded_outputs(network, image, masks, 0.5), loop(network, image, masks, 0.5))


def test_clean_and_empty(network, image):
    occluder = Occluder(network, image)
    torch.testing.assert_close(occluder.clean, network(image)[0].detach())
    assert occluder.run([]).shape == (0, 2)
    torch.testing.assert_close(occluder.run([((5, 5),) * 3])[0], occluder.clean)


def test_what_is_refused(network, image):
    with pytest.raises(ValueError, match="eval mode"):
        occluded_outputs(nn.Sequential(nn.Flatten()).train(), image, [])
    with pytest.raises(ValueError, match="one image"):
        occluded_outputs(network, image[0, 0], [])
    with pytest.raises(ValueError, match="3 \\(start, stop\\)"):
        occluded_outputs(network, image, [((0, 1), (0, 1))])
    with pytest.raises(ValueError, match="boolean mask"):
        occluded_outputs(network, image, [np.zeros((7, 8, 8), bool)])
    with pytest.raises(ValueError, match="broadcasts"):
        occluded_outputs(network, image, [((0, 1),) * 3], torch.zeros(3))


def test_progress_and_cancel(network, image):
    seen = []
    boxes = [((i, i + 2), (0, 3), (0, 3)) for i in range(7)]
    occluded_outputs(network, image, boxes, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (7, 7)
    assert seen == sorted(seen)
    with pytest.raises(Cancelled):
        occluded_outputs(network, image, boxes, cancel=lambda: True)


EMPTY, FULL = ((3, 3), (0, 3), (0, 3)), ((1, 3), (0, 3), (0, 3))


class Whole(nn.Module):
    """Runs whole passes: its first operation reads the whole image."""

    def forward(self, x):
        return (x - x.mean(dim=(1, 2, 3, 4), keepdim=True)).flatten(1)[:, :2]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    "boxes", [[EMPTY, FULL, EMPTY, FULL, EMPTY], [EMPTY, EMPTY], [FULL, EMPTY], [EMPTY, FULL], [FULL]]
)
def test_progress_counts_empty_boxes(network, image, boxes, whole):
    """They cost nothing and are done: the last report is all of all, and none comes twice or runs back."""
    seen = []
    module = Whole().eval() if whole else network
    occluded_outputs(module, image, boxes, progress=lambda done, total: seen.append((done, total)))
    assert {total for _, total in seen} == {len(boxes)}
    counts = [done for done, _ in seen]
    assert counts[-1] == len(boxes)
    assert counts == sorted(set(counts))
    if not whole and FULL in boxes:
        assert counts[0] > boxes.count(EMPTY)


def test_progress_of_no_box_at_all(network, image):
    seen = []
    occluded_outputs(network, image, [], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 0)]
