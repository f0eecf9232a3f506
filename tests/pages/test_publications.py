"""Fetching a published network from the sidebar, and asking all its versions."""

from dataclasses import replace

import numpy as np
import pytest

from mriinterp.fetch import fetch, fetched_study, get_publication
from mriinterp.fetch import publication as publications
from mriinterp.fetch.published import qiu2022
from mriinterp.models import Prediction, load_model
from mriinterp.ui.single.folds import ensemble_words


@pytest.fixture
def one_fold(shared_data, monkeypatch, tmp_path):
    """The publication with the files of one fold, which are at hand, in a home of its own."""
    folder, fold = shared_data / "ncomms2022", qiu2022.FOLDS["fold 1"]
    entries = qiu2022.complete
    files = get_publication("qiu2022").files[:3]
    assert [file.path for file in files] == fold

    def complete(target):
        return entries(target) | {"model": {"card": "card.json", "folds": {"one": fold, "two": fold}}}

    made = replace(get_publication("qiu2022"), files=files, base=str(folder), complete=complete)
    monkeypatch.setitem(publications._PUBLICATIONS, "qiu2022", made)
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path))
    return made


def texts(app):
    return [element.value for element in app.markdown]


def test_licence_then_files_then_the_study_is_chosen(open_page, finish, one_fold):
    app = open_page()
    button = app.button(key="fetch_qiu2022")
    assert button.disabled
    assert any("MIT License" in element.value for element in app.text)
    app.checkbox(key="licence_qiu2022").check().run()
    app.button(key="fetch_qiu2022").click().run()
    finish(app)
    assert app.session_state["study"] == str(fetched_study("qiu2022"))
    assert any("COG" in text for text in texts(app))
    assert not any(button.key == "fetch_qiu2022" for button in app.button)


def test_a_fetch_that_fails_says_so_and_can_be_tried_again(open_page, finish, one_fold, monkeypatch, tmp_path):
    broken = replace(one_fold, base=str(tmp_path / "nowhere"))
    monkeypatch.setitem(publications._PUBLICATIONS, "qiu2022", broken)
    app = open_page()
    app.checkbox(key="licence_qiu2022").check().run()
    app.button(key="fetch_qiu2022").click().run()
    finish(app)
    assert any("failed" in element.value and "backbone" in element.value for element in app.error)
    assert not app.button(key="fetch_qiu2022").disabled
    assert fetched_study("qiu2022") is None


def test_all_versions_are_asked_when_wanted(open_page, finish, one_fold):
    study = fetch("qiu2022", accept_licence=True)
    app = open_page(study=str(study), method="sensitivity")
    assert not any("All 2 versions" in text for text in texts(app))
    app.toggle(key="folds").set_value(True).run()
    (words,) = [text for text in texts(app) if "All 2 versions" in text]
    assert "standard deviation 0.00" in words  # the same weights twice
    assert app.query_params["folds"] == "True"
    finish(app)


def test_one_version_alone_offers_nothing(open_page):
    app = open_page()
    assert "folds" not in [toggle.key for toggle in app.toggle]


def test_mean_and_spread_of_classes():
    model = load_model("demo", device="cpu")
    chances = (0.9, 0.6, 0.2)
    found = {
        f"f{n}": Prediction({"CN": 0.0, "AD": 0.0}, {"CN": 1 - p, "AD": p}, "AD" if p > 0.5 else "CN")
        for n, p in enumerate(chances)
    }
    sd = np.std(chances, ddof=1)
    assert ensemble_words(model, found) == (
        f"All 3 versions: mean P(AD) {np.mean(chances):.1%}, standard deviation {sd:.1%} (f0 90.0%, f1 60.0%, f2 20.0%)"
    )
