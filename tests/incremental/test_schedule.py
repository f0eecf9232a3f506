"""Windows of many sizes run in a few groups."""

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.incremental import Occluder, schedule
from mriinterp.incremental.schedule import group_windows

SHAPE = (64, 72, 64)


@pytest.fixture(scope="module")
def occluder():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv3d(1, 8, 3), nn.BatchNorm3d(8), nn.ReLU(), nn.MaxPool3d(3), nn.Conv3d(8, 16, 3), nn.ReLU(),
        nn.MaxPool3d(3), nn.Conv3d(16, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(32, 2),
    )  # fmt: skip
    return Occluder(network.eval(), torch.rand(1, 1, *SHAPE))


def boxes_of_all_sizes(count: int, seed: int = 0) -> np.ndarray:
    """Return boxes (count, 3, 2), as those around the areas of an atlas are: hardly two of one size."""
    rng = np.random.default_rng(seed)
    length = rng.integers(4, 30, (count, 3))
    start = rng.integers(0, np.array(SHAPE) - length + 1)
    return np.stack([start, start + length], axis=-1)


def macs_of(groups) -> int:
    return sum(group.macs * len(group.index) for group in groups)


def test_areas_of_an_atlas_share_their_sizes(occluder, monkeypatch):
    boxes = boxes_of_all_sizes(116)
    network = occluder.network
    groups = group_windows(network, boxes)
    monkeypatch.setattr(schedule, "STEP_SECONDS", 0.0)  # no call costs anything: each size runs by itself
    network.schedules.clear()
    apart = group_windows(network, boxes)
    network.schedules.clear()
    assert len(apart) > 100
    assert len(groups) <= 40
    assert macs_of(apart) < macs_of(groups) < 2 * macs_of(apart)
    assert sorted(np.concatenate([group.index for group in groups])) == list(range(116))


def test_every_window_lies_in_the_box_that_is_recomputed_for_it(occluder):
    boxes = boxes_of_all_sizes(400, seed=1)  # more sizes than are kept apart
    seen = np.zeros(len(boxes), int)
    for group in group_windows(occluder.network, boxes):
        place = group.place[occluder.network.steps[0]]
        low, high = boxes[group.index, :, 0], np.minimum(boxes[group.index, :, 1], place.start + place.length)
        read = np.minimum(boxes[group.index, :, 1], schedule.read_shape(occluder.network.steps))
        assert (place.start <= low).all()
        assert (high == read).all()
        seen[group.index] += 1
    assert (seen == 1).all()


def test_large_windows_come_first(occluder):
    macs = [group.macs for group in group_windows(occluder.network, boxes_of_all_sizes(60, seed=2))]
    assert macs == sorted(macs, reverse=True)
    assert len(macs) > 3


def test_the_outputs_are_those_of_whole_passes(occluder):
    boxes = boxes_of_all_sizes(40, seed=3)
    regions = [tuple(map(tuple, box)) for box in boxes.tolist()]
    ours = occluder.run(regions, 0.25)
    for region, output in zip(regions, ours, strict=True):
        hidden = occluder.x.clone()
        hidden[(..., *(slice(*side) for side in region))] = 0.25
        with torch.inference_mode():
            torch.testing.assert_close(output, occluder.module(hidden)[0], atol=1e-6, rtol=1e-5)
