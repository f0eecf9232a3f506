"""Networks of several images and of numbers beside them; kinds of normalisation."""

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.cost import describe_cost
from mriinterp.explain import explain
from mriinterp.image.intensity import measure_intensities
from mriinterp.image.scanset import ScanSet, as_scan
from mriinterp.image.volume import Grid, Volume
from mriinterp.methods import get_method, method_names
from mriinterp.methods.cam import model_layers
from mriinterp.methods.guard import ExactFloat32
from mriinterp.models import Model, read_card, write_card
from mriinterp.models.normalisation import Normalisation

from .conftest import AFFINE, GRID, SHAPE, small_network

LATTICE = Grid(**GRID)
TWO = ["no", "yes"]
SMALL = {"size": 3, "stride": 2, "samples": 2, "steps": 3}


class TwoImages(nn.Module):
    """A dense layer on both images, so that the relevance of each is known."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv3d(2, 3, 3), nn.ReLU(), nn.Conv3d(3, 3, 3), nn.ReLU(), nn.Flatten())
        self.last = nn.Linear(3 * 3 * 4 * 5, 2)

    def forward(self, x):
        return self.last(self.body(x))


class WithAge(nn.Module):
    def __init__(self, keywords=False):
        super().__init__()
        self.body, self.keywords = small_network(), keywords

    def forward(self, x, numbers=None, **named):
        z = torch.cat([named["age"], named["tiv"]], dim=1) if self.keywords else numbers
        return self.body(x) + z * torch.tensor([0.5, -2.0])


@pytest.fixture
def both(scan, rng):
    return {"t1": scan, "gm": Volume(rng.uniform(0, 1, SHAPE).astype(np.float32), AFFINE)}


def two_images(**given):
    return Model.from_module(TwoImages(), grid=LATTICE, classes=TWO, images=["t1", "gm"], **given)


# ---- several images


def test_channels_are_the_images_in_the_order_of_the_card(both):
    model = two_images(normalisation={"t1": {"kind": "scan_mean"}, "gm": {"kind": "none"}})
    for given in (both, dict(reversed(both.items())), {**both, "wm": both["gm"]}):
        x = model.prepare(as_scan(given))
        assert x.shape == (1, 2, *SHAPE)
        np.testing.assert_allclose(x[0, 0], both["t1"].data / both["t1"].data.mean(), rtol=1e-5)
        np.testing.assert_array_equal(x[0, 1], both["gm"].data)


@pytest.mark.parametrize("name", [name for name in method_names() if name != "area_occlusion"])
def test_relevance_of_each_image(both, name):
    model = two_images()
    params = {k: v for k, v in SMALL.items() if k in get_method(name).parameters}
    found = explain(model, both, name, target="yes", **params)
    if found.images:
        assert list(found.images) == ["t1", "gm"]
        total = sum(image.data.astype(np.float64) for image in found.images.values())
        np.testing.assert_allclose(found.volume.data, total, atol=1e-5 * np.abs(total).max())
    else:
        assert get_method(name).kind in ("boxes", "activation")
    if name == "sensitivity":
        x = model.prepare(as_scan(both)).requires_grad_(True)
        model.module(x).softmax(1)[0, 1].backward()
        np.testing.assert_allclose(found.images["gm"].data, x.grad[0, 1].numpy(), rtol=1e-4, atol=1e-8)


def test_costs_and_layers_know_the_channels():
    model = two_images()
    params = get_method("occlusion").resolve({"size": 3, "stride": 3})
    assert "boxes" in describe_cost(model, "occlusion", params)
    assert model_layers(model)


def test_images_that_are_missing_are_named(both, scan):
    model = two_images()
    with pytest.raises(ValueError, match=r"images t1, gm, got t1; missing: gm"):
        model.predict(as_scan({"t1": scan}))
    with pytest.raises(ValueError, match=r"got one without a name; missing: t1, gm"):
        model.predict(scan)
    one = Model.from_module(small_network(), grid=LATTICE, classes=TWO)
    assert one.predict(as_scan({"t1": scan})) == one.predict(scan)
    with pytest.raises(ValueError, match=r"expected a scan of one image, got t1, gm"):
        one.predict(as_scan(both))
    flat = {**both, "gm": both["gm"].with_data(np.ones(SHAPE, np.float32))}
    with pytest.raises(ValueError, match=r"^gm: expected a scan with varying .*; each image may have a normalisation"):
        two_images(normalisation="scan_zscore").predict(flat)
    with pytest.raises(ValueError, match=r"normalisation for each of t1, gm, got t1"):
        two_images(normalisation={"t1": {"kind": "none"}})


def test_a_scan_of_several_images_is_its_first_one(both):
    scan = as_scan(both)
    assert isinstance(scan, ScanSet)
    np.testing.assert_array_equal(scan.data, both["t1"].data)
    assert scan.digest != as_scan({**both, "age": 70}).digest != as_scan({**both, "age": 71}).digest
    assert scan.digest != both["t1"].digest
    for wrong, words in (
        ({}, "at least one image"),
        ({"t1": "x.nii"}, "as a Volume or a finite"),
        ("x.nii", "got a str"),
    ):
        with pytest.raises(ValueError, match=words):
            as_scan(wrong)


def test_the_card_of_several_inputs(tmp_path):
    model = two_images()
    write_card(model.card, tmp_path / "card.json")
    card = read_card(tmp_path / "card.json")
    assert card.images == ("t1", "gm")
    assert card.channels == 2
    assert model.digest != Model.from_module(TwoImages(), grid=LATTICE, classes=TWO, images=["t1", "wm"]).digest
    with pytest.raises(ValueError, match="different names"):
        Model.from_module(TwoImages(), grid=LATTICE, classes=TWO, images=["t1", "t1"])


# ---- numbers


@pytest.mark.parametrize("keywords", [False, True])
def test_numbers_are_constants_of_a_scan(scan, keywords, tmp_path):
    model = Model.from_module(
        WithAge(keywords),
        grid=LATTICE,
        classes=TWO,
        numbers={"age": {"mean": 70, "std": 10}, "tiv": {"mean": 1500, "std": 100, "default": 1500}},
        numbers_as="keywords" if keywords else "vector",
    )
    plain = small_network()
    with torch.no_grad():
        logits = plain(model.prepare(scan))[0] + torch.tensor([0.5 * (80 - 70) / 10, 0])
    asked = as_scan({"t1": scan, "age": 80})
    assert model.predict({"t1": scan, "age": 80}) == model.predict(asked)
    assert list(model.predict(asked).outputs.values()) == pytest.approx(logits.tolist(), rel=1e-5)
    old, young = (explain(model, {"t1": scan, "age": age}, "sensitivity") for age in (90, 40))
    assert old.digests["scan"] != young.digests["scan"]
    assert np.abs(old.volume.data - young.volume.data).max() > 0
    hidden = explain(model, asked, "occlusion", target="yes", score="logit", size=3, stride=3).volume.data
    plain_hidden = explain(
        Model.from_module(plain, grid=LATTICE, classes=TWO),
        scan,
        "occlusion",
        target="yes",
        score="logit",
        size=3,
        stride=3,
    )
    np.testing.assert_allclose(hidden, plain_hidden.volume.data, atol=1e-5)
    with pytest.raises(ValueError, match=r"numbers age, tiv, missing: age"):
        model.predict(scan)
    write_card(model.card, tmp_path / "card.json")
    assert read_card(tmp_path / "card.json").numbers == model.card.numbers


@pytest.mark.parametrize(
    "numbers", [{"age": {"std": 0}}, {"age": {"mean": "x"}}, {"age": {"median": 1}}, {"age": 3}, 7, ["age", "age"]]
)
def test_numbers_that_make_no_sense(numbers):
    with pytest.raises(ValueError, match=r"std above 0|as numbers|mean, std and default|list of names|different names"):
        Model.from_module(small_network(), grid=LATTICE, classes=TWO, numbers=numbers)


# ---- normalisation


def test_kinds_against_their_formulas(scan):
    data = scan.data.astype(np.float64)
    low, high = np.percentile(data, [2, 98])
    inside_low, inside_high = np.percentile(data[data > 0], [1, 99])
    expected = {
        ("volume_zscore",): (data - data.mean()) / data.std(),
        ("min_max",): (data - data.min()) / (data.max() - data.min()),
        ("min_max", ("range", (-1, 1))): (data - data.min()) / (data.max() - data.min()) * 2 - 1,
        ("percentile", ("lower", 2), ("upper", 98)): np.clip((data - low) / (high - low), 0, 1),
        ("percentile", ("lower", 2), ("upper", 98), ("clip", False)): (data - low) / (high - low),
        ("percentile", ("over", "brain"), ("range", (0, 255))): np.clip(
            (data - inside_low) / (inside_high - inside_low), 0, 1
        )
        * 255,
        ("fixed", ("mean", 3.0), ("std", 2.0)): (data - 3) / 2,
    }
    for (kind, *params), values in expected.items():
        found = Normalisation(kind, dict(params)).apply(scan.data)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, values, rtol=1e-5, atol=1e-5, err_msg=f"{kind} {params}")


@pytest.mark.parametrize(
    ("kind", "params", "words"),
    [
        ("min_max", {"range": [1, 0]}, "lowest, highest"),
        ("percentile", {"lower": 99, "upper": 1}, "lower < upper"),
        ("percentile", {"upper": 101}, "lower < upper"),
        ("percentile", {"clip": 1}, "true or false"),
        ("percentile", {"over": "head"}, "'all' or 'brain'"),
        ("fixed", {}, "missing: mean, std"),
        ("fixed", {"mean": 1, "std": 0}, "std above 0"),
        ("volume_zscore", {"clip": [0, 1]}, "available: none"),
    ],
)
def test_parameters_that_make_no_sense(kind, params, words):
    with pytest.raises(ValueError, match=words):
        Normalisation(kind, params)


def test_scans_that_cannot_be_normalised():
    flat = np.ones(SHAPE, np.float32)
    for kind in ("volume_zscore", "min_max", "percentile"):
        with pytest.raises(ValueError, match="varying intensities"):
            Normalisation(kind).apply(flat)
    with pytest.raises(ValueError, match="above zero, got none"):
        Normalisation("percentile", {"over": "brain"}).apply(-flat)


def test_each_kind_names_the_scans_it_holds_for(rng):
    """A brain of 100 ± 10 in air of 0, and what breaks it for one kind and not for another."""
    good = np.zeros((20, 21, 22), np.float32)
    good[4:16, 4:16, 4:16] = rng.normal(100, 10, (12, 12, 12)).clip(60, 140)

    def warned(data, kind, **params):
        return " ".join(Normalisation(kind, params).warnings_of(measure_intensities(Volume(data, AFFINE))))

    kinds = {
        "volume_zscore": {},
        "min_max": {},
        "percentile": {},
        "fixed": {"mean": 100, "std": 15},
        "scan_zscore": {},
    }
    for kind, params in kinds.items():
        assert not warned(good, kind, **params), kind
    spike = good.copy()
    spike[8, 8, 8] = 1e5
    assert {kind for kind, params in kinds.items() if "spike" in warned(spike, kind, **params)} == {
        "volume_zscore",
        "min_max",
        "fixed",
        "scan_zscore",
    }
    assert "spike" in warned(spike, "percentile", clip=False)
    shifted = good - 1000
    assert {kind for kind, params in kinds.items() if warned(shifted, kind, **params)} == {"fixed", "scan_zscore"}
    assert "standard deviations from the mean of the training scans (100)" in warned(
        good * 50, "fixed", mean=100, std=15
    )
    assert "above 0" in warned(shifted, "percentile", over="brain")
    assert Normalisation("percentile").holds_for == (
        "it holds for scans whose air has one value, whose air is darker than the brain and not far from it, whose "
        "brain has many intensities"
    )


def test_exact_arithmetic_leaves_export_at_work():
    """`torch.export` reads all settings of precision, and refuses those that contradict each other."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.conv.fp32_precision
    with ExactFloat32():
        program = torch.export.export(small_network(), (torch.zeros(1, 1, *SHAPE),))
    assert program.graph_module is not None
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.conv.fp32_precision) == before


@pytest.mark.parametrize("ends", [(0, 100), (0, 99), (1, 100)])
def test_percentiles_may_be_the_ends(ends):
    data = np.arange(8.0, dtype=np.float32).reshape(2, 2, 2)
    lower, upper = ends
    made = Normalisation("percentile", {"lower": lower, "upper": upper}).apply(data)
    low, high = np.percentile(data, ends)
    np.testing.assert_allclose(made, (np.clip(data, low, high) - low) / (high - low), atol=1e-6)
    for wrong in ((-1, 99), (1, 101), (50, 50)):
        with pytest.raises(ValueError, match="expected percentiles lower < upper within 0 to 100"):
            Normalisation("percentile", {"lower": wrong[0], "upper": wrong[1]})
