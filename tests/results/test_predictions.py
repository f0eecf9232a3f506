"""Predictions remembered on disk."""

from mriinterp.models import Prediction
from mriinterp.results.predictions import Predictions

SAID = Prediction({"CN": -1.0, "AD": 1.0}, {"CN": 0.12, "AD": 0.88}, "AD")


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
