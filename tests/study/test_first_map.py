"""What the demo study opens with ships with the package, and is what would be computed."""

import numpy as np
import pytest

from mriinterp.image.dense import dense_part
from mriinterp.results.store import Store
from mriinterp.study import DemoStudy
from mriinterp.study.first_map import FIRST_MAP, compute_first_map, first_place, first_prediction
from mriinterp.study.kept_scans import EXAMPLE


@pytest.fixture(scope="module")
def computed():
    return compute_first_map()


def test_what_ships_is_what_would_be_computed(computed, tmp_path):
    """Run ``write_first_map()`` if this fails, and look at the map: what it depends on has changed."""
    key, relevance = computed
    (description,) = FIRST_MAP.glob("maps/*/*.json")
    shipped = Store(tmp_path, shipped=FIRST_MAP).get(description.stem)
    assert {**shipped.digests, "reference": ""} == {**relevance.digests, "reference": ""}
    if shipped.digests == relevance.digests:  # another SciPy may resample the template in other last digits
        assert description.stem == key
    about = ("method", "target", "score", "params", "reading", "unit", "notes", "doubts", "images")
    for name in about:
        assert getattr(shipped, name) == getattr(relevance, name), name
    largest = np.abs(relevance.volume.data).max()
    np.testing.assert_allclose(shipped.volume.data, relevance.volume.data, atol=1e-5 * largest, rtol=0)
    assert shipped.prediction.probabilities == pytest.approx(relevance.prediction.probabilities, abs=1e-6)
    assert shipped.prediction.warnings == relevance.prediction.warnings


def test_its_prediction_ships_too(computed):
    _, relevance = computed
    model, scan = relevance.digests["model"], relevance.digests["scan"]
    shipped = first_prediction(model, scan)
    assert shipped.outputs == pytest.approx(relevance.prediction.outputs, abs=1e-5)
    assert shipped.probabilities == pytest.approx(relevance.prediction.probabilities, abs=1e-6)
    assert (shipped.predicted, shipped.warnings) == (relevance.prediction.predicted, relevance.prediction.warnings)
    assert first_prediction(model, "0" * 64) is None
    assert first_prediction("0" * 64, scan) is None


def test_the_place_of_the_disease_ships_too():
    truth = DemoStudy().truth(EXAMPLE)
    shipped, computed = first_place(truth.digest), dense_part(truth)
    assert shipped.grid.matches(truth.grid)
    assert shipped.data.dtype == bool
    assert (shipped.data != computed.data).sum() <= 1e-3 * computed.data.sum()  # another SciPy may filter otherwise
    assert first_place("0" * 64) is None


def test_a_store_reads_what_ships_and_leaves_it_as_it_is(tmp_path, caplog):
    (image,) = FIRST_MAP.glob("maps/*/*.nii.gz")
    home = tmp_path / "shipped"
    (home / "maps" / image.parent.name).mkdir(parents=True)
    key = image.name.removesuffix(".nii.gz")
    for path in image.parent.iterdir():
        (home / "maps" / image.parent.name / path.name).write_bytes(path.read_bytes())
    store = Store(tmp_path / "own", shipped=home)
    assert key in store
    assert store.get(key) is not None
    assert not (tmp_path / "own").exists()
    damaged = home / "maps" / image.parent.name / image.name
    damaged.write_bytes(b"nothing")
    assert store.get(key) is None
    assert "damaged" in caplog.text
    assert damaged.read_bytes() == b"nothing"
    assert store.get("0" * 64) is None
