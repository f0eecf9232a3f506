"""A network in memory becomes a model: whatever it returns, the answers are those of the plain network."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.explain import explain, relevance
from mriinterp.image.volume import Grid
from mriinterp.methods import get_method, method_names
from mriinterp.models import Model, read_card, write_card

from .conftest import AFFINE, GRID, SHAPE, small_network

LATTICE = Grid(**GRID)
TWO = ["no", "yes"]
SMALL = {"size": 3, "stride": 2, "samples": 2, "steps": 3}
METHODS = [name for name in method_names() if name != "area_occlusion"]  # the small grid has no atlas


def of(net, classes=TWO, **given):
    return Model.from_module(net, grid=LATTICE, classes=classes, **given)


def params_for(name, score):
    known = get_method(name).parameters
    return {k: v for k, v in {**SMALL, "score": score}.items() if k in known}


class Last(nn.Module):
    """A network, and a function on what it returns."""

    def __init__(self, body, function):
        super().__init__()
        self.body, self.function = body, function

    def forward(self, x):
        return self.function(self.body(x))


class WithAge(nn.Module):
    """A network that reads a number beside the image."""

    def forward(self, x, age):
        return x.mean() + age


def one_logit(*last):
    """The difference of the logits of the small network, as a network of one output."""
    two = small_network()
    one = small_network(outputs=1)
    one.load_state_dict({k: v for k, v in two.state_dict().items() if not k.startswith("5.")}, strict=False)
    with torch.no_grad():
        one[5].weight.copy_(two[5].weight[1:] - two[5].weight[:1])
        one[5].bias.copy_(two[5].bias[1:] - two[5].bias[:1])
    return nn.Sequential(*one, *last).eval()


def two_logits(*last):
    """The same as a network of two outputs, of which the first is 0."""
    one, two = one_logit(), small_network()
    with torch.no_grad():
        two[5].weight.zero_()
        two[5].bias.zero_()
        two[5].weight[1:] = one[5].weight
        two[5].bias[1:] = one[5].bias
    return nn.Sequential(*two, *last).eval()


ONE_OUTPUT = {
    "logit": one_logit,
    "sigmoid": lambda: one_logit(nn.Sigmoid()),
    "a function": lambda: Last(one_logit(), torch.sigmoid),
    "a method": lambda: Last(one_logit(), lambda z: z.sigmoid()),
    "without an axis": lambda: Last(one_logit(), lambda z: torch.sigmoid(z).squeeze(1)),
    "squeezed": lambda: Last(one_logit(), lambda z: torch.sigmoid(z).squeeze()),
    "of a softmax": lambda: Last(two_logits(), lambda z: z.softmax(1)[:, 1]),
}


@pytest.fixture(params=ONE_OUTPUT)
def how(request):
    return request.param


def kind_of(how):
    return "logit" if how == "logit" else "sigmoid"


def test_one_output_is_found_and_predicts_as_two(how, scan):
    model, twin = of(ONE_OUTPUT[how]()), of(two_logits(nn.Softmax(dim=1)))
    assert model.heads[0].output == kind_of(how)
    assert any("if that is not so, say 'output'" in note for note in model.notes)
    found, expected = model.predict(scan), twin.predict(scan)
    assert found.predicted == expected.predicted
    assert found.probabilities == pytest.approx(expected.probabilities, rel=1e-4)
    told = of(ONE_OUTPUT[how](), output=kind_of(how))
    assert told.digest == of(ONE_OUTPUT[how]()).digest or how not in ("logit", "sigmoid")
    assert not any("if that is not so" in note for note in told.notes)


@pytest.mark.parametrize("score", ["margin", "probability"])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_explains_the_same_score(how, scan, name, score):
    """Relevance of a network of one output is that of the network of two classes, for either class."""
    if score == "probability" and name.startswith("lrp"):
        pytest.skip("its maps are shares of a score that is a sum")
    if how == "of a softmax" and name.startswith("lrp"):
        pytest.skip("the logits cannot be read in front of a part of a softmax")
    model, twin = of(ONE_OUTPUT[how]()), of(two_logits(nn.Softmax(dim=1)))
    for target in TWO:
        found = explain(model, scan, name, target=target, **params_for(name, score)).volume.data
        expected = explain(twin, scan, name, target=target, **params_for(name, score)).volume.data
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-5 * np.abs(expected).max())
        assert np.abs(expected).max() > 0


@pytest.mark.parametrize("name", METHODS)
def test_bare_networks_agree_as_well(scan, name):
    x = of(one_logit()).prepare(scan)
    maps = [
        relevance(net, x, name, target=1, output=output, **params_for(name, "margin"))
        for net, output in (
            (one_logit(), "logit"),
            (one_logit(nn.Sigmoid()), "sigmoid"),
            (two_logits(), "logits"),
            (two_logits(nn.Softmax(dim=1)), None),
        )
    ]
    for other in maps[1:]:
        torch.testing.assert_close(other, maps[0], rtol=2e-3, atol=2e-5 * float(maps[0].abs().max()))


def test_a_certain_network_keeps_its_margin(scan):
    """Where a probability rounds to 1, the logit in front of the sigmoid is still there."""
    for last in (nn.Sigmoid(), None):
        net = one_logit()
        with torch.no_grad():
            net[5].weight *= 50
        sure = nn.Sequential(net, last).eval() if last else Last(net, torch.sigmoid)
        model, bare = of(sure), of(net, output="logit")
        assert max(model.predict(scan).probabilities.values()) == 1.0
        for name in ("sensitivity", "lrp_epsilon", *(["occlusion"] if last else [])):
            found = explain(model, scan, name, target="yes", **params_for(name, "margin")).volume.data
            expected = explain(bare, scan, name, target="yes", **params_for(name, "margin")).volume.data
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_scores_of_one_logit(scan):
    model = of(one_logit())
    maps = {
        (score, target): explain(model, scan, "sensitivity", target=target, score=score).volume.data
        for score in ("logit", "margin", "raw")
        for target in TWO
    }
    for score in ("logit", "margin", "raw"):
        np.testing.assert_allclose(maps[score, "yes"], maps["margin", "yes"], rtol=1e-5)
        np.testing.assert_allclose(maps[score, "no"], -maps["margin", "yes"], rtol=1e-5)
    with pytest.raises(ValueError, match="got 'logit': the logits are inside"):
        explain(of(one_logit(nn.Sigmoid())), scan, "sensitivity", score="logit")


def test_raw_of_a_sigmoid_is_the_probability_of_either_class(scan):
    model = of(one_logit(nn.Sigmoid()))
    raw = explain(model, scan, "occlusion", target="no", score="raw", size=3, stride=2).volume.data
    share = explain(model, scan, "occlusion", target="no", score="probability", size=3, stride=2).volume.data
    np.testing.assert_allclose(raw, share, atol=1e-6)
    assert sum(model.predict(scan).outputs.values()) == pytest.approx(1)


def test_lrp_reads_in_front_of_a_softmax(scan):
    """It has no rule for one; a log-softmax, and one that is called, are left out alike."""
    plain = of(small_network())
    for last in (
        small_network(nn.Softmax(dim=1)),
        small_network(nn.LogSoftmax(dim=1)),
        Last(small_network(), lambda z: torch.softmax(z, 1)),
    ):
        found = explain(of(last), scan, "lrp_epsilon", target="yes").volume.data
        np.testing.assert_allclose(
            found, explain(plain, scan, "lrp_epsilon", target="yes").volume.data, rtol=1e-3, atol=1e-6
        )


def test_a_softmax_inside_is_none_that_ends_it(scan):
    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small_network()
            self.soft = nn.Softmax(dim=1)

        def forward(self, x):
            gate = self.soft(x.flatten(1)).sum(1, keepdim=True)
            return self.body(x * gate[..., None, None, None])

    model = of(Gate())
    assert model.closing is None
    assert model.heads[0].output == "logits"


# ---- scales and bins


def test_a_scale(scan):
    net = small_network(outputs=1)
    for classes in (["age"], "age"):
        model = of(net, classes, output="scale")
        with torch.no_grad():
            assert model.predict(scan).outputs["age"] == pytest.approx(float(net(model.prepare(scan))))
        assert model.predict(scan).probabilities == {}
        assert explain(model, scan, "sensitivity").score == "raw"
    assert of(net, "age").heads[0].kind == "scale"


CENTRES = [40.0, 50, 60, 70, 80]


@pytest.mark.parametrize(
    ("kind", "last"),
    [("log_probabilities", nn.LogSoftmax(dim=1)), ("probabilities", nn.Softmax(dim=1)), ("logits", None)],
)
def test_bins_give_the_expected_value(scan, kind, last):
    net = small_network(*([last] if last else []), outputs=5)
    model = of(Last(net, lambda z: [z.reshape(*z.shape, 1, 1, 1)]), "age", output="bins", centres=CENTRES)
    assert model.heads[0].output == kind
    x = model.prepare(scan).requires_grad_(True)
    returned = net(x)
    weights = (
        returned.exp() if kind == "log_probabilities" else returned if kind == "probabilities" else returned.softmax(1)
    )
    age = (weights * torch.tensor(CENTRES)).sum()
    assert model.predict(scan).outputs["age"] == pytest.approx(float(age), rel=1e-5)
    age.backward()
    found = explain(model, scan, "sensitivity").volume.data
    np.testing.assert_allclose(found, x.grad[0, 0].numpy(), rtol=1e-3, atol=1e-5 * float(x.grad.abs().max()))
    hidden = explain(model, scan, "occlusion", size=3, stride=3).volume.data
    image = x.detach().clone()
    image[..., :2, :2, :2] = 0
    changed = model.read_outputs(model.module(image)[0]).outputs["age"]
    assert hidden[0, 0, 0] == pytest.approx(float(age) - changed, abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "last"),
    [("log_probabilities", nn.LogSoftmax(dim=1)), ("probabilities", nn.Softmax(dim=1)), ("logits", None)],
)
@pytest.mark.parametrize("shaped", [False, True])
def test_relevance_propagation_of_an_expected_value_over_bins(scan, kind, last, shaped):
    """Nearly without a stabiliser the relevance of a network of ReLUs is the gradient of the value times the input."""
    net = small_network(*([last] if last else []), outputs=5)
    net = Last(net, lambda z: z.reshape(*z.shape, 1, 1, 1).flatten(1)) if shaped else net
    model = of(net, "age", output="bins", centres=CENTRES)
    assert model.heads[0].output == kind
    found = explain(model, scan, "lrp_epsilon", epsilon=0.0)
    expected = explain(model, scan, "gradient_x_input").volume.data
    assert (found.target, found.score) == ("age", "raw")
    np.testing.assert_allclose(found.volume.data, expected, rtol=1e-3, atol=1e-4 * float(abs(expected).max()))
    for method in ("lrp_alphabeta", "lrp_composite"):
        assert np.abs(explain(model, scan, method).volume.data).max() > 0


def test_bins_on_a_card(tmp_path, scan):
    model = of(small_network(outputs=5), "age", output="bins", centres=CENTRES)
    write_card(model.card, tmp_path / "card.json")
    head = read_card(tmp_path / "card.json").heads[0]
    assert (head.kind, head.centres, head.width, head.classes) == ("scale", tuple(CENTRES), 5, ("age",))
    assert model.digest != of(small_network(outputs=5), "age", output="bins", centres=[1, 2, 3, 4, 5]).digest
    with pytest.raises(ValueError, match="'centres' of the bins"):
        of(small_network(outputs=5), "age", output="bins")
    with pytest.raises(ValueError, match=r"expected 4 outputs .* got a tensor of shape \(1, 5\)"):
        of(small_network(outputs=5), "age", output="bins", centres=CENTRES[:4])


# ---- entries of what a network returns


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = small_network()

    def forward(self, x):
        z = self.body(x)
        return {"features": x, "logits": z, "other": z * 2}


def test_entries_by_name_and_place(scan):
    plain = of(small_network())
    for net, pick in (
        (Named(), "logits"),
        (Last(small_network(), lambda z: (z[:, :1], z)), 1),
        (Last(small_network(), lambda z: [z]), 0),
    ):
        model = of(net, pick=pick)
        assert model.predict(scan).outputs == pytest.approx(plain.predict(scan).outputs)
        found = explain(model, scan, "occlusion", size=3, stride=2).volume.data
        np.testing.assert_allclose(found, explain(plain, scan, "occlusion", size=3, stride=2).volume.data, atol=1e-5)
        assert model.card.pick == pick


def test_the_entry_that_alone_fits_is_taken_and_said(scan):
    model = of(Last(small_network(), lambda z: (z, [z, z])))
    assert model.card.pick == 0
    assert "it is the entry 0 that is read" in model.notes[0]
    with pytest.raises(ValueError, match=r"'features': .*'logits': \(1, 2\).*pick="):
        of(Named())
    with pytest.raises(ValueError, match="as its entry 'none', got a dict with 'features'"):
        of(Named(), pick="none")


def test_relevance_of_an_entry(scan):
    x = of(small_network()).prepare(scan)
    found = relevance(Named(), x, "sensitivity", target=1, pick="logits", score="logit")
    torch.testing.assert_close(found, relevance(small_network(), x, "sensitivity", target=1, score="logit"))


# ---- the module in memory


def test_the_network_is_left_alone(scan):
    net = small_network().train()
    before = copy.deepcopy(net.state_dict())
    model = of(net)
    explain(model, scan, "sensitivity")
    assert net.training
    assert all(parameter.requires_grad for parameter in net.parameters())
    for key, value in net.state_dict().items():
        assert torch.equal(value, before[key])
    with torch.no_grad():
        net[5].weight.zero_()
    assert model.predict(scan).probabilities["yes"] != 0.5, "training on does not change the model"
    assert of(net).digest != model.digest


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_weights_of_another_precision_run_as_float32(scan, kind):
    model = of(small_network().to(kind))
    assert model.notes[0] == f"its weights are {str(kind).removeprefix('torch.')}; here they run as float32"
    expected = small_network().to(kind).float()(model.prepare(scan))[0].tolist()
    assert list(model.predict(scan).outputs.values()) == pytest.approx(expected, rel=1e-5)
    assert explain(model, scan, "sensitivity").volume.data.any()


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_tensors_that_a_layer_computed_and_keeps(scan):
    """The older weight norm keeps the weight that it computes, which Python alone cannot copy."""
    net = small_network()
    nn.utils.weight_norm(net[0])
    expected = net(of(small_network()).prepare(scan))[0].tolist()
    assert list(of(net).predict(scan).outputs.values()) == pytest.approx(expected, rel=1e-5)


class Held(nn.Module):
    """A network that keeps functions of its own layers beside them, as attributes of the object."""

    def __init__(self, how):
        super().__init__()
        self.body = small_network()
        if how == "attribute":
            self.act = lambda x: self.body(x)
        elif how == "default":
            self.act = lambda x, run=self.body: run(x)
        elif how == "recursive":

            def again(x, depth=2):
                return self.body(x) if depth == 0 else again(x, depth - 1)

            self.act = lambda x: again(x)
        elif how == "forward":
            before = self.forward
            self.act = self.body.forward
            self.forward = lambda x: before(x)
        elif how == "compiled":
            self.act = torch.compile(self.body.forward, backend="eager")
        elif how == "compiled inside":
            self.act = self.body
            self.body = torch.compile(self.body, backend="eager")
        elif how == "partial":
            self.act = partial(nn.Module.__call__, self.body)
        elif how == "list":
            self.act, self.all = (lambda x: self.all[0](x)), [lambda x: self.body(x)]

    def forward(self, x):
        return self.act(x)


class Compiled(Held):
    @torch.compile(backend="eager")
    def forward(self, x):
        return self.act(x)


@pytest.mark.parametrize("how", ["attribute", "class", "default", "forward", "compiled", "compiled inside", "partial"])
def test_functions_beside_layers_run_those_of_the_copy(scan, how):
    """`copy.deepcopy` shares functions: the caller's network would run, in train mode, and change its batch norm."""
    net = (Compiled("attribute") if how == "class" else Held(how)).train()
    before = copy.deepcopy(net.state_dict())
    model = of(net)
    plain = of(small_network())
    assert model.predict(scan).outputs == pytest.approx(plain.predict(scan).outputs, rel=1e-5)
    for method in ("occlusion", "lrp_epsilon", "grad_cam"):
        given = {"size": 3, "stride": 2} if method == "occlusion" else {}
        found, expected = (explain(m, scan, method, target="yes", **given).volume.data for m in (model, plain))
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert net.training
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize("how", ["list", "recursive"])
def test_a_copy_that_runs_layers_of_the_caller_is_refused(how):
    net = Held(how).train()
    with pytest.raises(ValueError, match=r"copy runs body of the network that it was copied from.*method of the class"):
        of(net)
    assert net.body[1].num_batches_tracked == 0


def test_what_is_random_is_said(scan):
    model = of(Last(small_network(), lambda z: nn.functional.dropout(z, 0.5, True)))
    assert model.notes == (
        "the same scan gives another output at each run: it draws random numbers in eval mode (dropout), so maps differ "
        "as well; a dropout must be given training=self.training",
    )


def test_rounded_outputs_are_said():
    notes = of(Last(small_network(), torch.Tensor.half)).notes
    assert notes[0].startswith("its outputs are float16: small changes, as of a hidden box, are lost in rounding")


def test_grid_of_a_scan_and_wrappers(scan):
    model = Model.from_module(nn.DataParallel(small_network()), grid=scan, classes=TWO)
    assert model.grid.matches(Grid(SHAPE, AFFINE))
    assert model.digest == Model.from_module(small_network(), grid=scan.grid, classes=TWO).digest
    assert model.card.name == "Sequential"
    assert of(small_network(), name="ours").card.name == "ours"


def test_three_classes(scan):
    net = small_network(outputs=3)
    model = of(net, ["CN", "MCI", "AD"])
    for target in ("CN", "MCI", "AD"):
        assert explain(model, scan, "lrp_epsilon", target=target).target == target


def test_the_code_is_part_of_the_digest():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small_network()

        def forward(self, x):
            return self.body(x)

    class Halved(Plain):
        def forward(self, x):
            return self.body(x / 2)

    first, second = of(Plain(), name="n"), of(Halved(), name="n")
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: of(nn.Linear), r"got the class Linear; make an object of it"),
        (lambda: of("net"), r"expected a network \(torch.nn.Module\), got a str; of a file use load_model"),
        (lambda: of(small_network().state_dict()), r"make the network that they belong to, and net.load_state_dict"),
        (
            lambda: of(torch.jit.trace(small_network(), torch.zeros(1, 1, *SHAPE))),
            r"TorchScript module.*give the module that it was made from",
        ),
        (
            lambda: of(torch.export.export(small_network(), (torch.zeros(1, 1, *SHAPE),))),
            r"ExportedProgram; give its module: net.module\(\)",
        ),
        (lambda: of(small_network().to("meta")), r"on the device 'meta'.*net.load_state_dict"),
        (
            lambda: of(Last(small_network(), lambda z: z["image"])),
            r"called with one tensor of shape \(1, 1, 7, 8, 9\): scans, channels, voxels.*forward\(x\) hands it on",
        ),
        (lambda: of(nn.Sequential(nn.Flatten(), nn.LazyLinear(2))), r"run it once: net\(torch.zeros"),
        (lambda: of(nn.Sequential(torch.jit.script(small_network()))), r"TorchScript module inside \(0\)"),
        (lambda: of(Last(small_network().double(), lambda z: z.double() @ z.T)), r"convert with x.to\(weight.dtype\)"),
        (lambda: of(WithAge()), r"missing 1 required .*'age'.* numbers=\[…\] in Python"),
        (lambda: of(small_network(outputs=3)), r"expected 1 or 2 outputs .*no, yes.* Name all 3 classes"),
        (lambda: of(small_network(outputs=1), ["CN", "MCI", "AD"]), r"One output stands for two classes"),
        (lambda: of(small_network(outputs=2), "age"), r"Several outputs are classes"),
        (
            lambda: of(small_network(), output="sigmoid"),
            r"expected 1 outputs? as on the card.* leave out output 'sigmoid'",
        ),
        (
            lambda: of(small_network(outputs=4), "age", output="bins", centres=[45, 55]),
            r"Its 4 outputs are bins: give the centre of each, 4 centres",
        ),
        (lambda: of(small_network(), output="odds"), r"kind of output, got 'odds'; available"),
        (lambda: of(small_network(), ["CN", "MCI", "AD"], output="sigmoid"), r"two classes for one probability"),
        (lambda: of(small_network(), normalisation="zscore"), r"available: none, scan_mean"),
        (
            lambda: of(nn.Sequential(nn.Conv3d(2, 2, 3), nn.Flatten())),
            r"reads \(7, 8, 9\), got an error in its forward",
        ),
        (lambda: of(Last(small_network(), lambda z: 1 / 0)), r"test_own_module.py, line \d+\): ZeroDivisionError"),
        (lambda: of(Last(small_network(), lambda z: {}["x"])), r"test_own_module.py, line \d+\): KeyError: x"),
    ],
)
def test_refusals_name_the_way_out(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("function", [lambda z: torch.softmax(z, 1), lambda z: torch.log_softmax(z, 1)])
def test_a_view_gives_the_same_numbers_while_it_is_traced(scan, function):
    """The engine compares what it traced with the network, and would run whole passes."""
    model = of(Last(small_network(), function))
    module, _ = model.working_copy(model.heads[0])
    x = model.prepare(scan)
    with torch.no_grad():
        traced = torch.export.export(module, (x,)).module()(x)
        torch.testing.assert_close(traced, module(x), rtol=1e-4, atol=1e-5)
