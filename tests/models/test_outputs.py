"""What a network returns: logits, probabilities or their logarithms give the same answers."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.explain import explain, relevance
from mriinterp.incremental import Occluder, grid_boxes
from mriinterp.methods import get_method, method_names
from mriinterp.methods.score import score_of
from mriinterp.models import read_card, write_card
from mriinterp.models.card import card_from_dict
from mriinterp.models.outputs import OUTPUT_KINDS, detect_output, get_output_kind

from .conftest import GRID, SHAPE, small_network

INSIDE = {
    "probabilities": lambda: nn.Softmax(dim=1),
    "log_probabilities": lambda: nn.LogSoftmax(dim=1),
}
SCORED = [name for name in method_names() if "score" in get_method(name).parameters and "lrp" not in name]
SMALL = {"size": 3, "stride": 2, "samples": 2, "steps": 3}


def params_for(name, score):
    return {"score": score, **{k: v for k, v in SMALL.items() if k in get_method(name).parameters}}


@pytest.fixture(params=INSIDE)
def kind(request):
    return request.param


@pytest.mark.parametrize("outputs", [2, 3])
def test_probabilities_are_those_of_the_network(loaded, scan, kind, outputs):
    classes = [f"class {n}" for n in range(outputs)]
    bare = loaded(small_network(outputs=outputs), classes=classes)
    model = loaded(small_network(INSIDE[kind](), outputs=outputs), classes=classes)
    assert [bare.heads[0].output, model.heads[0].output] == ["logits", kind]
    expected, found = bare.predict(scan), model.predict(scan)
    assert found.probabilities == pytest.approx(expected.probabilities, rel=1e-5)
    assert found.predicted == expected.predicted
    raw = model.module(model.prepare(scan))[0].tolist()
    assert list(found.outputs.values()) == pytest.approx(raw), "what it returned is kept as it is"
    if kind == "probabilities":
        assert found.probabilities == pytest.approx(found.outputs, rel=1e-5)


@pytest.mark.parametrize("score", ["probability", "margin"])
@pytest.mark.parametrize("name", SCORED)
def test_maps_are_those_of_the_network_without_its_last_layer(loaded, scan, kind, name, score):
    bare, model = loaded(small_network()), loaded(small_network(INSIDE[kind]()))
    context = {"labels": torch.arange(7 * 8 * 9).reshape(1, *SHAPE).div(100, rounding_mode="floor").repeat(2, 1, 1, 1)}
    maps = []
    for module, output in ((bare.module, None), (model.module, None), (model.module, kind)):
        x = model.prepare(scan)
        maps.append(relevance(module, x, name, target=1, output=output, context=context, **params_for(name, score)))
    if name != "area_occlusion":  # the small grid has no atlas
        found = explain(model, scan, name, target="yes", **params_for(name, score))
        maps.append(torch.from_numpy(found.volume.data.copy())[None, None])
    assert maps[0].abs().max() > 0
    for other in maps[1:]:
        torch.testing.assert_close(other, maps[0], rtol=1e-3, atol=1e-5 * float(maps[0].abs().max()))


def test_raw_is_what_the_network_returns(loaded, scan, kind):
    model = loaded(small_network(INSIDE[kind]()))
    x = model.prepare(scan).requires_grad_(True)
    model.module(x)[0, 1].backward()
    found = explain(model, scan, "sensitivity", target="yes", score="raw").volume.data
    np.testing.assert_allclose(found, x.grad[0, 0].numpy(), rtol=1e-5, atol=1e-9)
    bare = relevance(model.module, x.detach(), "sensitivity", target=1, score="raw")
    torch.testing.assert_close(bare, x.grad)


def test_the_logit_is_inside(loaded, scan, kind):
    model = loaded(small_network(INSIDE[kind]()))
    words = "expected a score of probability, margin, raw for a network that returns .*softmax.*, got 'logit'"
    with pytest.raises(ValueError, match=words):
        explain(model, scan, "sensitivity", score="logit")
    with pytest.raises(ValueError, match=words):
        relevance(model.module, model.prepare(scan), "sensitivity", target=1, score="logit")


def test_what_occlusion_scores(loaded, scan, kind):
    """Through the engine, against a plain loop over the network's own probabilities."""
    model = loaded(small_network(INSIDE[kind]()))
    x, boxes = model.prepare(scan), grid_boxes(SHAPE, 4, 3)
    module, _ = model.working_copy(model.heads[0])
    outputs = Occluder(module, x).run(boxes)
    hidden = []
    for box in boxes:
        image = x.clone()
        image[(..., *(slice(*side) for side in box))] = 0
        hidden.append(model.module(image)[0])
    expected = torch.stack(hidden) if kind == "probabilities" else torch.stack(hidden).exp()
    torch.testing.assert_close(score_of(outputs, 1, "probability"), expected[:, 1])
    log_odds = (expected[:, 1] / (1 - expected[:, 1])).log()
    torch.testing.assert_close(score_of(outputs, 1, "margin"), log_odds, rtol=1e-4, atol=1e-5)


def test_certain_networks_stay_finite(loaded, scan):
    network = small_network(nn.Softmax(dim=1))
    with torch.no_grad():
        network[5].weight *= 1000
    model = loaded(network)
    assert max(model.predict(scan).probabilities.values()) == 1
    for score in ("probability", "margin"):
        assert np.isfinite(explain(model, scan, "sensitivity", score=score).volume.data).all()


def test_several_heads_each_of_its_kind(loaded, scan):
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small_network(outputs=5)

        def forward(self, x):
            x = self.body(x)
            return torch.cat([x[:, :1], x[:, 1:3].softmax(1), x[:, 3:]], dim=1)

    heads = [
        {"name": "level", "kind": "scale", "classes": ["level"]},
        {"name": "A", "classes": ["a1", "a2"]},
        {"name": "B", "classes": ["b1", "b2"]},
    ]
    entries = {"heads": heads}
    model = loaded(Heads(), **entries)
    assert [head.output for head in model.heads] == ["", "probabilities", "logits"]
    prediction = model.predict(scan)
    assert prediction.probabilities["a1"] == pytest.approx(prediction.outputs["a1"])
    logits = torch.tensor([prediction.outputs["b1"], prediction.outputs["b2"]])
    assert prediction.probabilities["b2"] == pytest.approx(float(logits.softmax(0)[1]))
    x = model.prepare(scan).requires_grad_(True)
    model.module(x)[0, 2].backward()
    found = explain(model, scan, "sensitivity", target="a2", score="probability").volume.data
    np.testing.assert_allclose(found, x.grad[0, 0].numpy(), rtol=1e-4, atol=1e-7)
    with pytest.raises(ValueError, match="got 'logit'"):
        explain(model, scan, "sensitivity", target="a2", score="logit")
    assert explain(model, scan, "sensitivity", target="b2", score="logit").score == "logit"


# ---- the card


def test_the_card_may_say_it(loaded, kind, tmp_path):
    model = loaded(small_network(INSIDE[kind]()), output=kind)
    assert model.heads[0].output == kind
    assert model.digest == loaded(small_network(INSIDE[kind]())).digest, "said or found, it is the same network"
    write_card(model.card, tmp_path / "again.json")
    assert read_card(tmp_path / "again.json").heads[0].output == kind
    assert "output" not in read_card(tmp_path / "own.json").about


def test_a_card_that_is_wrong(loaded, kind):
    with pytest.raises(
        ValueError, match=rf"own: expected .*softmax.*as the card says of output \('{kind}'\), got \[\["
    ):
        loaded(small_network(), output=kind)
    for entries in (
        {"output": "odds"},
        {"output": 3},
        {"heads": [{"name": "h", "classes": ["a", "b"], "output": "odds"}]},
    ):
        with pytest.raises(
            ValueError, match=r"kind of output, got 'odds'; available: probabilities|'output' of a head"
        ):
            loaded(small_network(), **entries)
    with pytest.raises(ValueError, match="for the scale"):
        card_from_dict({"name": "n", "architecture": "a", "grid": GRID, "classes": ["one"], "output": kind})


def test_a_card_that_says_logits_is_believed_and_doubted(loaded, scan):
    model = loaded(small_network(nn.Softmax(dim=1)), output="logits")
    values = torch.tensor(list(model.predict(scan).outputs.values()))
    assert list(model.predict(scan).probabilities.values()) == pytest.approx(values.softmax(0).tolist())
    assert model.notes == (
        "its card says 'logits' for output, but the outputs look like probabilities (it ends in a softmax)",
    )


class Percent(nn.Module):
    def forward(self, x):
        return 100 * torch.softmax(x, dim=1)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (Percent(), "none is below 0 and they sum to 100 in every scan: they look like shares; divide by that sum"),
        (nn.Sigmoid(), "each ends in a sigmoid of its own"),
    ],
)
def test_outputs_of_no_known_kind_are_doubted(loaded, last, words):
    (note,) = loaded(small_network(last)).notes
    assert note.startswith("its outputs for no, yes are taken for logits, but ")
    assert words in note


@pytest.mark.parametrize("last", [(), (nn.Softplus(),), (nn.Tanh(),)])
def test_logits_of_one_sign_are_not_doubted(loaded, last):
    assert loaded(small_network(*last)).notes == ()


def test_what_a_network_returns_is_part_of_the_digest(loaded):
    """The same weights, with and without a last layer that has none."""
    digests = {loaded(small_network(*last)).digest for last in ((), (nn.Softmax(dim=1),), (nn.LogSoftmax(dim=1),))}
    assert len(digests) == 3


# ---- detection


def test_two_scans_are_needed():
    rows = torch.tensor([[0.25, 0.75], [0.5, 1.5]])
    assert detect_output(rows) == "logits"
    assert detect_output(rows[:1]) == "probabilities"
    assert detect_output(torch.tensor([[0.25, 0.75], [0.0, 1.0]])) == "probabilities"
    assert detect_output(torch.tensor([[-0.25, 1.25], [0.5, 0.5]])) == "logits"
    assert detect_output(torch.tensor([[0.2, 0.8], [0.3, 0.7]]).log()) == "log_probabilities"
    assert detect_output(torch.tensor([[1.0], [1.0]])) == "logits", "one output is no distribution"
    half = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).softmax(1).half()
    assert detect_output(half) == "probabilities"


def test_a_bare_network_that_sums_to_one_by_chance():
    class Chance(nn.Module):
        def forward(self, x):
            total = x.flatten(1).sum(1)
            return torch.stack([total / 4, total * 0.75], dim=1)

    x = torch.zeros(1, 1, *SHAPE)
    x[0, 0, 3, 4, 5] = 1
    found = relevance(Chance(), x, "sensitivity", target=1, score="logit")
    torch.testing.assert_close(found, torch.full_like(x, 0.75))


def test_kinds_by_name():
    assert get_output_kind("").name == "logits"
    with pytest.raises(ValueError, match="available: probabilities, log_probabilities, sigmoid, logit, logits"):
        get_output_kind("softmax")
    outputs = torch.tensor([[0.1, 0.9], [0.5, 0.5]])
    for name, given in (("probabilities", outputs), ("log_probabilities", outputs.log()), ("logits", outputs.logit())):
        kind = OUTPUT_KINDS[name]
        expected = outputs if name != "logits" else outputs.logit().softmax(1)
        torch.testing.assert_close(kind.probabilities(given), expected)


def test_the_sidecar_of_a_card_is_plain_json(loaded, tmp_path):
    model = loaded(small_network(nn.Softmax(dim=1)))
    write_card(model.card, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))["heads"] == [
        {"name": "output", "kind": "classes", "classes": ["no", "yes"], "output": "probabilities"}
    ]
