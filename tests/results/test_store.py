"""Maps on disk: same request, same map; anything else, another."""

import json

import numpy as np
import pytest

from mriinterp.models import Model, Prediction
from mriinterp.models.card import Head, ModelCard
from mriinterp.models.normalisation import Normalisation
from mriinterp.results.sidecar import from_sidecar, to_sidecar
from mriinterp.results.store import Store, default_folder, request_key


@pytest.fixture
def model(small_volume):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(small_volume.data.size, 2)).eval()
    card = ModelCard("linear", "linear", small_volume.grid, (Head("output", ("CN", "AD")),))
    return Model(module, card, Normalisation(), "digest of the weights", torch.device("cpu"))


def test_tests_keep_out_of_the_users_own_folder(results_folder, monkeypatch, tmp_path):
    assert default_folder() == results_folder
    monkeypatch.delenv("MRIINTERP_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert default_folder() == tmp_path / "mriinterp"


def test_a_stored_map_is_read_back_whole(tmp_path, model, small_volume):
    store = Store(tmp_path)
    made = store.explain(model, small_volume, "sensitivity", score="logit")
    again = store.explain(
        model, small_volume, "sensitivity", score="logit", progress=lambda *_: pytest.fail("computed twice")
    )
    assert np.array_equal(made.volume.data, again.volume.data)
    np.testing.assert_allclose(made.volume.affine, again.volume.affine, atol=1e-5)
    assert (made.params, made.target, made.prediction) == (again.params, again.target, again.prediction)
    assert made.digests == again.digests


def test_everything_that_shapes_a_map_is_in_its_key(model, small_volume):
    base = request_key(model, small_volume, "sensitivity")
    other_scan = small_volume.with_data(small_volume.data + 1)
    from dataclasses import replace

    keys = {
        base,
        request_key(model, other_scan, "sensitivity"),
        request_key(model, small_volume, "guided_backprop"),
        request_key(model, small_volume, "sensitivity", score="logit"),
        request_key(model, small_volume, "sensitivity", target="AD"),
        request_key(model, small_volume, "sensitivity", preset="rieke2018"),
        request_key(replace(model, digest="other weights"), small_volume, "sensitivity"),
    }
    assert len(keys) == 7
    assert base == request_key(model, small_volume, "sensitivity", score="probability")  # the default, spelled out


def test_a_wrong_parameter_has_no_key(model, small_volume):
    with pytest.raises(ValueError, match="available"):
        request_key(model, small_volume, "sensitivity", size=3)


@pytest.mark.parametrize("damage", ["image", "description", "half an image"])
def test_a_damaged_entry_is_made_again(tmp_path, model, small_volume, damage):
    store = Store(tmp_path)
    key = request_key(model, small_volume, "sensitivity")
    made = store.explain(model, small_volume, "sensitivity")
    image = next(tmp_path.rglob("*.nii.gz"))
    if damage == "image":
        image.unlink()
    elif damage == "description":
        next(tmp_path.rglob("*.json")).write_text("{", encoding="utf-8")
    else:
        image.write_bytes(image.read_bytes()[:200])
    assert store.get(key) is None
    assert np.array_equal(store.explain(model, small_volume, "sensitivity").volume.data, made.volume.data)


def test_without_its_description_a_map_does_not_exist(tmp_path, model, small_volume):
    store = Store(tmp_path)
    store.explain(model, small_volume, "sensitivity")
    next(tmp_path.rglob("*.json")).unlink()
    assert request_key(model, small_volume, "sensitivity") not in store


def test_the_longest_unused_map_goes_first(tmp_path, model, small_volume):
    import os

    store = Store(tmp_path)
    store.explain(model, small_volume, "sensitivity")
    store.explain(model, small_volume, "gradient_x_input")
    old = request_key(model, small_volume, "gradient_x_input")
    os.utime(next(tmp_path.rglob(f"{old}.json")), (1, 1))
    store.limit = next(tmp_path.rglob("*.nii.gz")).stat().st_size + 100
    store.prune()
    assert old not in store
    assert request_key(model, small_volume, "sensitivity") in store


def test_sidecar_round_trip_through_json(model, small_volume):
    from mriinterp.explain import explain

    made = explain(model, small_volume, "occlusion", size=3, stride=2)
    entries = json.loads(json.dumps(to_sidecar(made, simulated_scan=True)))
    again = from_sidecar(entries, made.volume)
    assert again.params == made.params
    assert isinstance(again.prediction, Prediction)
    assert entries["simulated_scan"] is True
    assert entries["note"].startswith("Research use only")


def test_a_full_disk_does_not_lose_a_finished_map(tmp_path, model, small_volume, monkeypatch, caplog):
    store = Store(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "put", full)
    made = store.explain(model, small_volume, "sensitivity")
    key = request_key(model, small_volume, "sensitivity")
    assert key in store
    assert store.get(key) is made
    assert "could not be kept" in caplog.text
