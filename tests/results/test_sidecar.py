"""Descriptions of maps: what is written, and what is read back of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mriinterp.models import Prediction
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.sidecar import (
    RESEARCH_USE,
    SIMULATED_ONLY,
    from_sidecar,
    read_prediction,
    read_warnings,
    to_sidecar,
    typed,
    versions,
)

SAID = Prediction({"CN": -1.0, "AD": 1.0}, {"CN": 0.12, "AD": 0.88}, "AD", ("the air is bright",))


@pytest.fixture
def relevance(small_volume):
    return RelevanceMap(
        volume=small_volume,
        method="sensitivity",
        target="AD",
        score="logit",
        prediction=SAID,
        params={"score": "logit"},
        digests={"scan": "1" * 64, "model": "2" * 64},
        reading="absolute",
        unit="change of the logit",
        chosen={"layer": "conv"},
        notes=("its outputs are probabilities",),
    )


def described(relevance, **more):
    return json.loads(json.dumps(to_sidecar(relevance, **more)))


def test_everything_but_the_image_is_described_and_read_back(relevance):
    entries = described(relevance, key="a key")
    again = from_sidecar(entries, relevance.volume)
    for name in ("method", "target", "score", "params", "digests", "reading", "unit", "chosen", "notes", "prediction"):
        assert getattr(again, name) == getattr(relevance, name), name
    assert again.volume is relevance.volume
    assert entries["key"] == "a key"
    assert entries["note"] == RESEARCH_USE
    assert entries["grid"] == {
        "shape": [7, 8, 9], "affine": relevance.volume.affine.tolist(), "space": "RAS+ mm",
    }  # fmt: skip
    assert entries["versions"] == versions()
    assert set(entries["versions"]) == {"mriinterp", "torch", "numpy", "python"}


def test_a_prediction_that_is_withheld_stays_so(relevance):
    entries = described(relevance, with_prediction=False)
    assert entries["caution"] == SIMULATED_ONLY
    assert "prediction" not in entries
    assert from_sidecar(entries, relevance.volume).prediction == Prediction({}, {}, "", SAID.warnings)


def test_a_prediction_is_missing_only_where_a_caution_stands(relevance):
    entries = described(relevance)
    assert from_sidecar({**entries, "caution": "beware"}, relevance.volume).prediction == SAID
    del entries["prediction"]
    with pytest.raises(KeyError, match="prediction"):
        from_sidecar(entries, relevance.volume)


def test_a_map_without_warnings_has_none(relevance):
    plain = replace(relevance, prediction=replace(SAID, warnings=()), notes=(), chosen={})
    entries = described(plain)
    assert not {"warnings", "chosen"} & entries.keys()
    assert from_sidecar(entries, plain.volume).prediction.warnings == ()
    assert read_warnings({"warnings": {"scan": ["bright"]}}, "network") == ()
    assert read_warnings({}, "scan") == ()


@pytest.mark.parametrize("warnings", [[], "bright", {"scan": "bright"}, {"scan": [1]}, {"scan": None}])
def test_warnings_that_are_no_texts_are_refused(warnings):
    with pytest.raises(ValueError, match=r"expected (warnings|scan) to be .*(list|str|dict)"):
        read_warnings({"warnings": warnings}, "scan")


def test_a_reading_that_is_none_is_refused_with_those_there_are(relevance):
    entries = {**described(relevance), "reading": "sideways"}
    with pytest.raises(ValueError, match="got 'sideways'; available: absolute, positive, negative, signed"):
        from_sidecar(entries, relevance.volume)


def test_a_prediction_needs_numbers_and_a_name():
    entries = {"outputs": {"AD": 2}, "probabilities": {}, "predicted": "AD"}
    assert read_prediction(entries) == Prediction({"AD": 2.0}, {}, "AD")
    assert isinstance(read_prediction(entries).outputs["AD"], float)
    for wrong in ({"outputs": {"AD": True}}, {"outputs": None}, {"probabilities": {"AD": "1"}}, {"predicted": 3}):
        with pytest.raises(ValueError, match="expected"):
            read_prediction({**entries, **wrong})
    with pytest.raises(ValueError, match="expected warnings to be a list of texts"):
        read_prediction({**entries, "warnings": "bright"})


def test_typed_names_what_is_wrong():
    entries = {"number": 1, "truth": True, "text": "a"}
    assert typed(entries, "number", float) == 1
    assert typed(entries, "text", str) == "a"
    with pytest.raises(ValueError, match="expected truth to be of type float, got bool"):
        typed(entries, "truth", float)
    with pytest.raises(ValueError, match="expected text to be of type dict, got str"):
        typed(entries, "text", dict)
    with pytest.raises(ValueError, match="expected entries by name, got list"):
        typed(["text"], "text", str)
    with pytest.raises(KeyError, match="absent"):
        typed(entries, "absent", str)


def test_numbers_of_the_volume_are_not_in_the_description(relevance):
    assert str(float(np.asarray(relevance.volume.data)[3, 3, 3])) not in json.dumps(described(relevance))
