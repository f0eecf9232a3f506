"""Maps on disk: same request, same map; anything else, another."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

import mriinterp
from mriinterp.explain import explain
from mriinterp.models import Model, Prediction
from mriinterp.models.card import Head, ModelCard
from mriinterp.models.normalisation import Normalisation
from mriinterp.results.home import NOWHERE
from mriinterp.results.maps import MemoryMaps, request_key
from mriinterp.results.sidecar import from_sidecar, to_sidecar
from mriinterp.results.store import Store


@pytest.fixture
def model(small_volume):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(small_volume.data.size, 2)).eval()
    card = ModelCard("linear", "linear", small_volume.grid, (Head("output", ("CN", "AD")),))
    return Model(module, card, Normalisation(), "digest of the weights", torch.device("cpu"))


def test_warnings_and_notes_are_read_back(model, small_volume):
    made = explain(model, small_volume, "sensitivity", score="logit")
    made = replace(made, prediction=replace(made.prediction, warnings=("odd", "very odd")), notes=("mixes",))
    entries = json.loads(json.dumps(to_sidecar(made)))
    assert entries["warnings"] == {"scan": ["odd", "very odd"], "network": ["mixes"]}
    assert "warnings" not in entries["prediction"]
    again = from_sidecar(entries, made.volume)
    assert (again.warnings, again.notes, again.prediction) == (made.warnings, made.notes, made.prediction)
    withheld = json.loads(json.dumps(to_sidecar(made, with_prediction=False)))
    assert from_sidecar(withheld, made.volume).warnings == made.warnings
    for wrong in ("odd", {"scan": "odd"}, {"scan": [1]}, ["odd"]):
        with pytest.raises(ValueError, match="expected"):
            from_sidecar({**entries, "warnings": wrong}, made.volume)


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


def test_the_layer_a_method_chose_is_kept_with_its_map(model, small_volume):
    import torch
    from torch import nn

    from mriinterp.explain import explain

    net = nn.Sequential(nn.Conv3d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 5 * 6 * 7, 2)).eval()
    model = Model(net.requires_grad_(False), model.card, model.normalisation, "1" * 64, torch.device("cpu"))
    made = explain(model, small_volume, "layer_cam")
    assert made.chosen == {"layer": "1 (2 channels, 5 × 6 × 7 cells)"}
    assert to_sidecar(made)["chosen"] == made.chosen
    assert from_sidecar(json.loads(json.dumps(to_sidecar(made))), made.volume).chosen == made.chosen
    assert "chosen" not in to_sidecar(explain(model, small_volume, "sensitivity"))


def other_scan(small_volume):
    return small_volume.with_data(small_volume.data + 1)


def test_the_version_of_the_package_is_in_the_key(model, small_volume, monkeypatch):
    before = request_key(model, small_volume, "sensitivity")
    monkeypatch.setattr(mriinterp, "__version__", "0.0.1")
    assert request_key(model, small_volume, "sensitivity") != before


def test_a_map_that_is_asked_for_counts_as_used(tmp_path, model, small_volume):
    store = Store(tmp_path)
    for method in ("sensitivity", "gradient_x_input"):
        store.explain(model, small_volume, method)
        os.utime(next(tmp_path.rglob(f"{request_key(model, small_volume, method)}.json")), (1, 1))
    used = request_key(model, small_volume, "sensitivity")
    assert store.get(used) is not None
    store.limit = max(path.stat().st_size for path in tmp_path.rglob("*.nii.gz"))
    store.prune()
    assert used in store
    assert request_key(model, small_volume, "gradient_x_input") not in store


def test_the_image_of_another_map_is_a_miss(tmp_path, model, small_volume):
    """Same grid, same size: only the digest tells."""
    store = Store(tmp_path)
    key = request_key(model, small_volume, "sensitivity")
    made = store.explain(model, small_volume, "sensitivity")
    other = other_scan(small_volume)
    store.explain(model, other, "gradient_x_input")
    other_key = request_key(model, other, "gradient_x_input")
    shutil.copy(next(tmp_path.rglob(f"{other_key}.nii.gz")), next(tmp_path.rglob(f"{key}.nii.gz")))
    assert Store(tmp_path).get(key) is None
    assert key not in store  # what is damaged is removed
    assert np.array_equal(store.explain(model, small_volume, "sensitivity").volume.data, made.volume.data)


def test_a_whole_entry_at_the_key_of_another_scan_is_a_miss(tmp_path, model, small_volume):
    store = Store(tmp_path)
    store.explain(model, other_scan(small_volume), "sensitivity")
    key = request_key(model, small_volume, "sensitivity")
    wrong = request_key(model, other_scan(small_volume), "sensitivity")
    (tmp_path / "maps" / key[:2]).mkdir(exist_ok=True)
    for ending in (".nii.gz", ".json"):
        shutil.copy(tmp_path / "maps" / wrong[:2] / f"{wrong}{ending}", tmp_path / "maps" / key[:2] / f"{key}{ending}")
    assert store.get(key) is None


@pytest.mark.parametrize("kept", [Store, MemoryMaps])
@pytest.mark.parametrize("other", ["scan", "model", "method"])
def test_a_map_of_something_else_is_not_taken(tmp_path, model, small_volume, kept, other):
    """Whoever put it there: a map of another scan, network or method is no answer."""
    store = kept(tmp_path) if kept is Store else kept()
    asked = {"scan": small_volume, "model": model, "method": "sensitivity"}
    stranger = {
        "scan": other_scan(small_volume),
        "model": replace(model, digest="other weights"),
        "method": "gradient_x_input",
    }
    given = {**asked, other: stranger[other]}
    key = request_key(asked["model"], asked["scan"], asked["method"])
    store.keep(key, MemoryMaps().explain(given["model"], given["scan"], given["method"]))
    assert store.find(key, model, small_volume, "sensitivity") is None
    made = store.explain(model, small_volume, "sensitivity")
    assert (made.digests["scan"], made.digests["model"], made.method) == (
        small_volume.digest, model.digest, "sensitivity",
    )  # fmt: skip
    assert store.find(key, model, small_volume, "sensitivity") is not None


WRONG = {
    "no object": lambda e: [e],
    "nothing": lambda e: None,
    "another version": lambda e: {**e, "versions": {**e["versions"], "mriinterp": "0.0.1"}},
    "versions as a text": lambda e: {**e, "versions": "1.0"},
    "another shape": lambda e: {**e, "grid": {**e["grid"], "shape": [7, 8, 10]}},
    "a shape of text": lambda e: {**e, "grid": {**e["grid"], "shape": ["a", 8, 9]}},
    "an endless shape": lambda e: {**e, "grid": {**e["grid"], "shape": [float("inf"), 8, 9]}},
    "an affine moved by 1 mm": lambda e: {
        **e, "grid": {**e["grid"], "affine": (np.array(e["grid"]["affine"]) + np.eye(4)[0] * 1.0).tolist()},
    },
    "an affine of text": lambda e: {**e, "grid": {**e["grid"], "affine": "RAS"}},
    "a target that is no text": lambda e: {**e, "target": 1},
    "a unit that is no text": lambda e: {**e, "unit": None},
    "no method": lambda e: {k: v for k, v in e.items() if k != "method"},
    "a reading that is none": lambda e: {**e, "reading": "upside down"},
    "parameters as a list": lambda e: {**e, "parameters": ["score"]},
    "digests as a text": lambda e: {**e, "sha256": "00"},
    "a digest that is a number": lambda e: {**e, "sha256": {**e["sha256"], "scan": 5}},
    "a prediction as a list": lambda e: {**e, "prediction": []},
    "an output of text": lambda e: {**e, "prediction": {**e["prediction"], "outputs": {"CN": "much"}}},
    "probabilities as a number": lambda e: {**e, "prediction": {**e["prediction"], "probabilities": 1}},
    "warnings that are no words": lambda e: {**e, "prediction": {**e["prediction"], "warnings": [None]}},
    "a predicted class of null": lambda e: {**e, "prediction": {**e["prediction"], "predicted": None}},
    "no digest of the image": lambda e: {k: v for k, v in e.items() if k != "image_sha256"},
    "another key": lambda e: {**e, "key": "0" * 64},
    "another parameter": lambda e: {**e, "parameters": {**e["parameters"], "size": 20}},
    "another unit": lambda e: {**e, "unit": "mm"},
    "another target": lambda e: {**e, "target": "somebody"},
    "another probability": lambda e: {
        **e, "prediction": {**e["prediction"], "probabilities": dict.fromkeys(e["prediction"]["probabilities"], 0.123)},
    },
    "a probability of NaN": lambda e: {
        **e, "prediction": {**e["prediction"], "probabilities": dict.fromkeys(e["prediction"]["probabilities"], np.nan)},
    },
    "a warning that nobody wrote": lambda e: {**e, "warnings": {"scan": ["bright"]}},
    "no digest of its own": lambda e: {k: v for k, v in e.items() if k != "entries_sha256"},
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_description_is_a_miss(tmp_path, model, small_volume, what, caplog):
    store = Store(tmp_path)
    store.explain(model, small_volume, "sensitivity")
    key = request_key(model, small_volume, "sensitivity")
    path = next(tmp_path.rglob(f"{key}.json"))
    path.write_text(json.dumps(WRONG[what](json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    assert store.get(key) is None
    assert "damaged" in caplog.text
    assert not path.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
@pytest.mark.parametrize("ending", [".nii.gz", ".json"])
def test_a_pipe_in_the_place_of_a_file_is_a_miss(tmp_path, model, small_volume, ending):
    store = Store(tmp_path)
    store.explain(model, small_volume, "sensitivity")
    path = next(tmp_path.rglob(f"*{ending}"))
    path.unlink()
    os.mkfifo(path)
    assert store.get(request_key(model, small_volume, "sensitivity")) is None


@pytest.mark.parametrize("text", [b"[" * 200_000, b"\xff\xfe{", b"", b'{"key": "a", "key": "b"}'])
def test_a_description_that_cannot_be_parsed_is_a_miss(tmp_path, model, small_volume, text):
    store = Store(tmp_path)
    store.explain(model, small_volume, "sensitivity")
    next(tmp_path.rglob("*.json")).write_bytes(text)
    assert store.get(request_key(model, small_volume, "sensitivity")) is None


def test_what_a_killed_process_left_half_written_is_removed(tmp_path, model, small_volume):
    store = Store(tmp_path)
    store.explain(model, small_volume, "sensitivity")
    folder = next((tmp_path / "maps").iterdir())
    old, fresh, foreign = (folder / n for n in (".a.nii.gz.0123abcd.part", ".b.json.0123abcd.part", ".mine.part"))
    for path in (old, fresh, foreign):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    os.utime(foreign, (1, 1))
    store.explain(model, small_volume, "gradient_x_input")
    assert not old.exists()
    assert fresh.exists()  # somebody may be writing it now
    assert foreign.exists()  # not one of ours


def test_the_latest_maps_are_kept_in_memory(model, small_volume):
    maps = MemoryMaps(2)
    for n, score in enumerate(("logit", "probability", "margin")):
        maps.keep(str(n), maps.explain(model, small_volume, "sensitivity", score=score))
        assert str(n) in maps
    assert len([n for n in "012" if n in maps]) <= 2
    assert maps.get("2").score == "margin"
    assert maps.get("0") is None


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
    assert np.array_equal(Store(tmp_path).explain(model, small_volume, "sensitivity").volume.data, made.volume.data)


@pytest.mark.parametrize("home", ["a file", "read-only", "nowhere"])
def test_maps_of_a_home_that_cannot_be_written_stay_in_memory(tmp_path, model, small_volume, caplog, home, locked):
    folder = {"a file": tmp_path / "file", "read-only": tmp_path / "locked" / "home", "nowhere": NOWHERE}[home]
    (tmp_path / "file").write_text("", encoding="utf-8")
    locked(tmp_path / "locked")
    store = Store(folder)
    made = [store.explain(model, small_volume, method) for method in ("sensitivity", "gradient_x_input")]
    for one in made:
        key = request_key(model, small_volume, one.method)
        assert key in store
        assert store.get(key) is one
    store.prune()
    assert caplog.text.count("could not be kept") == 1
    assert "MRIINTERP_HOME" in caplog.text
