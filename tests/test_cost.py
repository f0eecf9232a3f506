"""What is promised about the cost of a map, against what the method does."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from mriinterp import cost
from mriinterp.areas.atlas import Atlas
from mriinterp.cost import describe_cost, forward_seconds, map_seconds, pass_seconds
from mriinterp.image.volume import Grid, Volume
from mriinterp.methods import get_method, method_names
from mriinterp.models import Head, Model, ModelCard
from mriinterp.models.normalisation import Normalisation

SHAPE = (7, 8, 9)
GRID = Grid(SHAPE, np.array([[2.0, 0, 0, -7], [0, 2, 0, -8], [0, 0, 2, -9], [0, 0, 0, 1]]))


@pytest.fixture
def model():
    cost._seconds.clear()
    torch.manual_seed(0)
    layers = [nn.Conv3d(1, 2, 3), nn.ReLU(), nn.Conv3d(2, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 3 * 4 * 5, 2)]
    card = ModelCard("tiny", "tiny", GRID, (Head("group", ("CN", "AD")),))
    return Model(nn.Sequential(*layers).eval(), card, Normalisation(), "0" * 64, torch.device("cpu"))


@pytest.fixture
def atlas(model):
    labels = np.zeros(model.grid.shape, np.int32)
    labels[1:3, 2:5, 2:6], labels[4:6, 2:5, 2:6], labels[3, 6:, :2] = 1, 2, 5
    areas = pd.DataFrame(
        {"label": [1, 2, 5, 9], "name": ["Hip_L", "Hip_R", "Vermis", "Absent"], "hemisphere": ["L", "R", "", ""]}
    )
    return Atlas("three", Volume(labels, model.grid.affine), areas)


def settings(method, **given):
    return get_method(method).resolve(given)


def test_area_occlusion_is_told_by_the_areas_that_are_there(model, atlas):
    assert describe_cost(model, "area_occlusion", settings("area_occlusion"), atlas).startswith("3 areas, ")
    both = settings("area_occlusion", both_sides=True)
    assert describe_cost(model, "area_occlusion", both, atlas).startswith("2 areas, ")
    entry = get_method("area_occlusion")
    assert cost._regions(model, entry, settings("area_occlusion"), atlas) == [
        ((1, 3), (2, 5), (2, 6)),
        ((4, 6), (2, 5), (2, 6)),
        ((3, 4), (6, model.grid.shape[1]), (0, 2)),
    ]
    assert cost._regions(model, entry, both, atlas)[0] == ((1, 6), (2, 5), (2, 6))


def test_occlusion_is_told_by_its_boxes(model):
    params = settings("occlusion", size=3, stride=2, placement="published")
    text = describe_cost(model, "occlusion", params)
    assert text.startswith("80 boxes, under a second; each takes ")
    boxes = get_method("occlusion").boxes_on(SHAPE, params)
    assert cost._regions(model, get_method("occlusion"), params, None) == boxes.boxes


@pytest.mark.parametrize("method", [m for m in method_names() if not get_method(m).hides])
def test_seconds_grow_with_what_is_counted_and_words_tell_it(model, method):
    few, entry = settings(method), get_method(method)
    text = describe_cost(model, method, few)
    assert "pass" in text
    assert "second" in text or " s" in text
    assert map_seconds(model, method, few) == pytest.approx(entry.pass_count(few) * pass_seconds(model))
    if not entry.counted:
        assert text.startswith(("1 forward", "2 forward"))
        return
    many = {**few, entry.counted: 2 * few[entry.counted]}
    assert entry.pass_count(many) == 2 * few[entry.counted]
    assert describe_cost(model, method, many).startswith(f"{2 * few[entry.counted]} forward and backward passes")
    assert map_seconds(model, method, many) == pytest.approx(2 * map_seconds(model, method, few))


def test_a_network_is_timed_once(model, monkeypatch):
    runs = []
    real = cost.gradient_of_score
    monkeypatch.setattr(cost, "gradient_of_score", lambda *given: runs.append(given) or real(*given))
    seconds = map_seconds(model, "sensitivity", settings("sensitivity"))
    assert seconds == pass_seconds(model) > 0
    assert len(runs) == 2
    assert map_seconds(model, "smoothgrad", settings("smoothgrad", samples=3)) == pytest.approx(3 * seconds)
    assert len(runs) == 2
    assert forward_seconds(model) == forward_seconds(model) > 0


def test_promised_passes_are_those_of_the_network(model):
    """Guided Grad-CAM and the counted methods call the network as often as they say."""
    calls = []
    handle = model.module.register_forward_hook(lambda *_: calls.append(1))
    try:
        for method, given in [
            ("guided_grad_cam", {}),
            ("integrated_gradients", {"steps": 3}),
            ("smoothgrad", {"samples": 4}),
        ]:
            calls.clear()
            values = settings(method, **given)
            x = torch.rand(1, 1, *model.grid.shape)
            get_method(method).function(model.module, x, 0, **values)
            assert len(calls) == get_method(method).pass_count(values)
    finally:
        handle.remove()
