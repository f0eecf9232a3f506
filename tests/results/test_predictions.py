"""Predictions remembered on disk."""

import json
from dataclasses import asdict

import pytest

import mriinterp
from mriinterp.models import Prediction
from mriinterp.results.home import why_not_kept
from mriinterp.results.predictions import Predictions
from mriinterp.results.verified import sealed

SAID = Prediction({"CN": -1.0, "AD": 1.0}, {"CN": 0.12, "AD": 0.88}, "AD", ("the air is bright",))


def test_predictions_are_kept_by_network_and_scan(tmp_path):
    Predictions("a", tmp_path).add("scan 1", SAID)
    Predictions("a", tmp_path).add("scan 2", SAID)
    assert Predictions("a", tmp_path).all() == {"scan 1": SAID, "scan 2": SAID}
    assert Predictions("b", tmp_path).all() == {}


def test_a_damaged_file_counts_as_empty(tmp_path):
    known = Predictions("a", tmp_path)
    known.add("scan", SAID)
    known.path.write_text("[1", encoding="utf-8")
    assert known.all() == {}
    known.add("scan", SAID)
    assert known.all() == {"scan": SAID}


def test_predictions_of_another_version_are_not_used(tmp_path, monkeypatch):
    Predictions("a", tmp_path).add("scan", SAID)
    monkeypatch.setattr(mriinterp, "__version__", "0.0.1")
    assert Predictions("a", tmp_path).all() == {}


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        "AD",
        {**asdict(SAID), "outputs": {"AD": "much"}},
        {**asdict(SAID), "predicted": 1},
        {"outputs": {}},
        {**asdict(SAID), "warnings": [1]},
        {**asdict(SAID), "warnings": "bright"},
        asdict(SAID),  # without a digest of its own
        {**sealed(asdict(SAID)), "predicted": "somebody"},
    ],
)
def test_a_prediction_of_wrong_types_is_unknown_and_the_others_stay(tmp_path, entry, caplog):
    known = Predictions("a", tmp_path)
    known.add("scan", SAID)
    content = json.loads(known.path.read_text(encoding="utf-8"))
    content["predictions"]["other"] = entry
    known.path.write_text(json.dumps(content), encoding="utf-8")
    assert known.all() == {"scan": SAID}
    (message,) = caplog.messages
    assert message.startswith("a known prediction is damaged and is made again: ")
    assert not message.endswith(("None", ": "))


@pytest.mark.parametrize("text", ["null", "[]", '{"version": 1}', '{"scan": {}}', "[" * 200_000])
def test_a_file_of_another_form_counts_as_empty(tmp_path, text, caplog):
    known = Predictions("a", tmp_path)
    known.path.parent.mkdir()
    known.path.write_text(text, encoding="utf-8")
    assert known.all() == {}
    (message,) = caplog.messages
    assert message.startswith("known predictions cannot be read and are made again: ")
    assert not message.endswith(("None", ": "))


def test_where_the_home_cannot_be_written_predictions_stay_in_memory(tmp_path, locked, caplog):
    locked(tmp_path / "locked")
    home = tmp_path / "locked" / "home"
    Predictions("a", home).add("scan 1", SAID)
    Predictions("a", home).add("scan 2", SAID)
    assert Predictions("a", home).all() == {"scan 1": SAID, "scan 2": SAID}
    assert Predictions("b", home).all() == {}
    assert caplog.text.count(f"predictions could not be kept in {home}") == 1
    assert "expected an output folder" in why_not_kept(home)


def test_what_was_in_memory_is_written_once_the_disk_takes_it(tmp_path):
    home = tmp_path / "home"
    home.write_text("", encoding="utf-8")
    Predictions("a", home).add("scan 1", SAID)
    home.unlink()
    Predictions("a", home).add("scan 2", SAID)
    content = json.loads((home / "predictions" / "a.json").read_text(encoding="utf-8"))
    assert content["predictions"].keys() == {"scan 1", "scan 2"}
    home.joinpath("predictions", "a.json").unlink()
    assert Predictions("a", home).all() == {}  # nothing is held in memory any more
