"""From a model and a scan to a relevance map."""

import threading

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.explain import explain, occlusion_labels, relevance
from mriinterp.image.volume import Volume, resample
from mriinterp.methods import method_names, register_method
from mriinterp.methods.guard import ExactFloat32
from mriinterp.methods.parameters import parameters_of
from mriinterp.models.card import card_from_dict
from mriinterp.models.model import Model
from mriinterp.models.normalisation import Normalisation

SHAPE = (7, 8, 9)
LAS = np.array([[-2.0, 0, 0, 6], [0, 2, 0, -8], [0, 0, 2, -9], [0, 0, 0, 1]])
RAS = np.array([[2.0, 0, 0, -6], [0, 2, 0, -8], [0, 0, 2, -9], [0, 0, 0, 1]])


class Linear(nn.Module):
    """COG-like single output beside two classes; all linear in the voxels."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn((3, *SHAPE), generator=torch.Generator().manual_seed(1)))

    def forward(self, x):
        return (x * self.weight[None]).flatten(2).sum(2)


HEADS = [{"name": "L", "kind": "scale", "classes": ["level"]}, {"name": "C", "classes": ["no", "yes"]}]


def make_model(affine=LAS, heads=HEADS, **normalisation):
    grid = {"shape": list(SHAPE), "affine": affine.tolist()}
    card = card_from_dict({"name": "linear", "architecture": "none", "grid": grid, "heads": heads})
    rule = Normalisation(**normalisation) if normalisation else Normalisation()
    return Model(Linear().requires_grad_(False).eval(), card, rule, "0" * 64, torch.device("cpu"))


@pytest.fixture
def model():
    return make_model()


@pytest.fixture
def scan(rng):
    return Volume(rng.uniform(0, 3, SHAPE).astype(np.float32), RAS)


def test_map_is_in_ras_and_weights_sit_where_the_network_sees_them(model, scan):
    result = explain(model, scan, "sensitivity", target="yes", score="logit")
    np.testing.assert_allclose(result.volume.data, model.module.weight[2].numpy()[::-1])
    np.testing.assert_array_equal(result.volume.affine, RAS)
    assert result.volume.grid.axis_codes == "RAS"
    assert result.volume.data.min() < 0, "signed and raw"
    contribution = explain(model, scan, "gradient_x_input", target="level").volume.data
    np.testing.assert_allclose(contribution, model.module.weight[0].numpy()[::-1] * scan.data, rtol=1e-5)


def test_same_map_whatever_the_voxel_order_of_the_scan(model, scan):
    turned = resample(scan, model.grid, order=1)
    assert turned.grid.axis_codes == "LAS"
    one, two = (explain(model, volume, "occlusion", target="yes", size=2, stride=2) for volume in (scan, turned))
    assert np.array_equal(one.volume.data, two.volume.data)
    assert one.volume.grid.matches(two.volume.grid)


def test_what_a_map_says_of_itself(model, scan):
    result = explain(model, scan, "occlusion", target="yes", size=3, stride=2)
    assert (result.method, result.target, result.score) == ("occlusion", "yes", "probability")
    assert result.params == {"score": "probability", "size": 3, "stride": 2, "fill": "zero", "placement": "cells"}
    assert result.digests == {"scan": scan.digest, "model": model.digest}
    assert result.reading == "positive"
    assert result.unit == "fall of P(yes) when the box is hidden"
    assert result.prediction.outputs.keys() == {"level", "no", "yes"}


def test_single_output_is_explained_as_it_is(model, scan):
    for name in method_names():
        if name in ("guided_backprop", "guided_grad_cam") or "cam" in name or "lrp" in name:
            continue  # the network has no layers
        result = explain(model, scan, name, atlas=None if name != "area_occlusion" else wide_atlas())
        assert (result.target, result.score) == ("level", "raw")
        assert "the output level" in result.unit
    with pytest.raises(ValueError, match="single output"):
        explain(model, scan, "sensitivity", score="probability")


def wide_atlas():
    """AAL has few voxels on the small grid: three slabs instead."""
    import pandas as pd

    from mriinterp.areas.atlas import Atlas

    labels = np.zeros(SHAPE, np.int16)
    labels[:3], labels[4:] = 1, 2
    areas = pd.DataFrame({"label": [1, 2], "name": ["Side_L", "Side_R"], "hemisphere": ["L", "R"]})
    return Atlas("sides", Volume(labels, RAS), areas)


def test_area_occlusion_uses_the_atlas_by_affine(model, scan):
    """Left of the atlas is left of the map although the network reads LAS."""
    atlas, weight = wide_atlas(), model.module.weight[2].numpy()[::-1]
    result = explain(model, scan, "area_occlusion", target="yes", score="logit", atlas=atlas)
    assert result.digests["atlas"] == atlas.digest
    for label in (1, 2):
        inside = atlas.labels.data == label
        np.testing.assert_allclose(result.volume.data[inside], (weight * scan.data)[inside].sum(), rtol=1e-4)
    both = explain(model, scan, "area_occlusion", target="yes", score="logit", atlas=atlas, both_sides=True)
    held = weight * scan.data
    np.testing.assert_allclose(both.volume.data[0], held[:3].sum() + held[4:].sum(), rtol=1e-4)
    assert (both.volume.data[3] == 0).all()


def test_reference_is_prepared_like_the_scan(scan, rng):
    model = make_model(kind="scan_mean")
    reference = scan.with_data(rng.uniform(1, 2, SHAPE).astype(np.float32))
    result = explain(
        model, scan, "integrated_gradients", target="yes", score="logit", baseline="reference", reference=reference
    )
    difference = scan.data / scan.data.mean() - reference.data / reference.data.mean()
    np.testing.assert_allclose(result.volume.data, model.module.weight[2].numpy()[::-1] * difference, atol=1e-4)
    assert result.digests["reference"] == reference.digest
    assert "reference" not in explain(model, scan, "sensitivity", reference=reference).digests
    with pytest.raises(ValueError, match="reference"):
        explain(model, scan, "integrated_gradients", target="yes", baseline="reference")


def test_preset_stores_the_published_reading(model, scan):
    signed = explain(model, scan, "sensitivity", target="yes")
    published = explain(model, scan, "sensitivity", target="yes", preset="rieke2018")
    np.testing.assert_array_equal(published.volume.data, np.abs(signed.volume.data))
    assert published.params["preset"] == "rieke2018"
    assert "preset" not in signed.params
    with pytest.raises(ValueError, match="preset"):
        explain(model, scan, "smoothgrad", preset="rieke2018")


def test_wrong_use(model, scan):
    with pytest.raises(KeyError, match="sensitivity"):
        explain(model, scan, "magic")
    with pytest.raises(ValueError, match="level, no, yes"):
        explain(model, scan, "sensitivity", target="maybe")
    with pytest.raises(ValueError, match="score"):
        explain(model, scan, "sensitivity", colour="red")
    with pytest.raises(ValueError, match="from 1 to 200 voxels"):
        explain(model, scan, "occlusion", size=0)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(int, 2.5), (int, "x"), (int, float("inf")), (float, float("nan")), (bool, "perhaps"), (bool, None), (int, None)],
)
def test_parameters_are_checked(kind, value):
    one = kind(1)

    def method(model, x, target, *, amount=one): ...

    method.__annotations__["amount"] = kind
    parameter = parameters_of(method)["amount"]
    with pytest.raises(ValueError, match="expected amount as"):
        parameter.check(value)
    assert parameter.check("1") == kind(1)
    assert type(parameter.check("1")) is kind


def test_a_method_without_a_score(model, scan, monkeypatch):
    from mriinterp.methods import method_registry

    monkeypatch.setattr(method_registry, "_METHODS", dict(method_registry._METHODS))

    @register_method("brightness", label="Brightness", reference="none", reading="signed")
    def brightness(model, x, target):
        """The scan itself."""
        return x

    result = explain(model, scan, "brightness")
    np.testing.assert_array_equal(result.volume.data, scan.data)
    assert result.score == ""


@pytest.mark.parametrize("bad", [lambda x: x[..., 1:], lambda x: x * torch.nan, lambda x: torch.cat([x, x])])
def test_what_methods_return_is_checked(model, scan, monkeypatch, bad):
    from mriinterp.methods import method_registry

    monkeypatch.setattr(method_registry, "_METHODS", dict(method_registry._METHODS))
    register_method("bad", label="Bad", reference="none")(lambda model, x, target: bad(x))
    with pytest.raises(ValueError, match="bad: expected"):
        explain(model, scan, "bad")


def test_two_threads_share_a_model(model, rng):
    """Each works on a copy of its own; maps equal those made alone."""
    scans = [Volume(rng.uniform(0, 3, SHAPE).astype(np.float32), RAS) for _ in range(2)]
    alone = [explain(model, scan, "smoothgrad", target="yes").volume.data for scan in scans]
    together: list = [None, None]

    def work(i):
        for _ in range(4):
            together[i] = explain(model, scans[i], "smoothgrad", target="yes").volume.data

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("inner", ["sensitivity", "smoothgrad", "occlusion"])
def test_a_long_map_does_not_hold_up_another(model, scan, inner):
    """While one is under way, in its progress callback, a second thread makes its own from beginning to end."""
    small = {"size": 3, "stride": 2}
    params = small if inner == "occlusion" else {}
    alone = explain(model, scan, inner, **params).volume.data
    found = []

    def progress(done, total):
        if done and not found:
            thread = threading.Thread(target=lambda: found.append(explain(model, scan, inner, **params)))
            thread.start()
            thread.join(60)
            assert found, "the second map waits for the first"

    long = explain(model, scan, "occlusion", progress=progress, **small)
    np.testing.assert_array_equal(found[0].volume.data, alone)
    np.testing.assert_array_equal(long.volume.data, explain(model, scan, "occlusion", **small).volume.data)


def test_a_module_that_cannot_be_copied_is_used_by_one_at_a_time(model, scan):
    expected = explain(model, scan, "sensitivity").volume.data
    model.module.log = threading.Lock()  # as an open file, a lock cannot be copied
    busy = []

    def work():
        with model.own_module() as module:
            busy.append(module is model.module)

    with model.own_module() as module:
        assert module is model.module
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(0.05)
        assert not busy
    thread.join(60)
    assert busy == [True]
    np.testing.assert_array_equal(explain(model, scan, "sensitivity").volume.data, expected)


def test_own_module_shares_weights_and_keeps_hooks_apart(model):
    with model.own_module() as one, model.own_module() as other:
        assert len({id(one), id(other), id(model.module)}) == 3
        for mine, yours in zip(one.parameters(), model.module.parameters(), strict=True):
            assert mine is yours
        one.register_forward_hook(lambda *_: None)
        assert not [*other._forward_hooks, *model.module._forward_hooks]


def test_exact_arithmetic_is_put_back_when_the_last_thread_leaves():
    assert ExactFloat32._inside == 0, "another test left a computation running"
    place = torch.backends.cudnn.conv
    before = place.fp32_precision
    one, other = ExactFloat32(), ExactFloat32()
    place.fp32_precision = "tf32"
    try:
        with one:
            with other:
                assert place.fp32_precision == "ieee"
            assert place.fp32_precision == "ieee", "one of the two still computes"
        assert place.fp32_precision == "tf32"
    finally:
        place.fp32_precision = before


def test_relevance_of_a_bare_network_finds_the_target():
    network, x = Linear(), torch.randn(1, 1, *SHAPE)
    best = int(network(x).argmax())
    result = relevance(network, x, "sensitivity", score="logit")
    torch.testing.assert_close(result, network.weight[None, best : best + 1].detach())


def test_sides_are_merged_and_namesakes_are_not():
    """ "A" without a side is no partner of A_L; voxels of labels that the table lacks stay what they are."""
    names = ["A_L", "A_R", "A", "B_R", "Mid"]
    areas = pd.DataFrame({"label": [2, 5, 7, 8, 9], "name": names, "hemisphere": ["L", "R", "", "R", ""]})
    labels = np.array([0, 2, 5, 7, 8, 9, 11], np.int16).reshape(7, 1, 1)
    apart, merged = occlusion_labels(Atlas("mine", Volume(labels, RAS), areas)).numpy()[..., 0, 0]
    assert apart.tolist() == [0, 2, 5, 7, 8, 9, 11]
    assert merged.tolist() == [0, 2, 2, 7, 8, 9, 11]


def test_default_atlas_is_aal(scan):
    """On a grid where AAL has voxels."""
    affine = np.diag([20.0, 22, 18, 1])
    affine[:3, 3] = -60, -88, -60
    model = make_model(affine)
    result = explain(model, Volume(scan.data, affine), "area_occlusion", target="yes", score="logit")
    atlas = load_atlas("AAL").on(model.grid)
    assert result.digests["atlas"] == load_atlas("AAL").digest
    assert ((result.volume.data != 0) <= (atlas.labels.data > 0)).all()
    assert (result.volume.data != 0).sum() > 20
