"""A trained network on the pages: what it has seen, its folds and their mean, averages out of fold."""

import sys

import numpy as np
import pandas as pd
import pytest
from crossval.conftest import make_cohort

from mriinterp.cohort import open_cohort
from mriinterp.crossval import train_study
from mriinterp.crossval.outoffold import run_out_of_fold
from mriinterp.models import read_card
from mriinterp.study import consent, load_study
from mriinterp.study.seen import sets_of_fold, unseeing_folds, what_it_was
from mriinterp.ui.cohort.folds import out_of_fold_folder
from mriinterp.ui.sources.studies import remember_study

TRAINED = {"folds": 3, "epochs": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study with two visits a patient, and its trained networks."""
    folder = tmp_path_factory.mktemp("trained")
    file = make_cohort(folder / "study", patients=12, visits=2)
    train_study(load_study(file, trust_code=True), folder / "nets", **TRAINED)
    return folder / "nets"


@pytest.fixture
def study(folder, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["app.py", "--allow-code"])
    file = folder / "study.toml"
    consent.agree(load_study(file).model_recipe.python().digest, file)
    remember_study(str(file))
    return load_study(file, trust_code=True)


def words(app):
    return " ".join(node.value for node in (*app.markdown, *app.caption)).replace("\\", "")


def test_what_a_scan_was_to_a_network(study):
    card = read_card(study.model_recipe.source)
    sets = sets_of_fold(study.folds["fold 1"])
    assert {what_it_was(study, card, name) for name in sets["train"]} == {"train"}
    assert {what_it_was(study, card, name) for name in sets["validation"]} == {"validation"}
    assert {what_it_was(study, card, name) for name in sets["test"]} == {"test"}
    assert what_it_was(study, card, "nobody") == ""
    data = {**card.about["training_data"], "train": sets["train"][1:]}
    card.about["training_data"] = data
    assert what_it_was(study, card, sets["train"][0]) == "patient"  # its other visit is still there
    assert unseeing_folds(study, sets["test"][0]) == ["fold 1"]


def test_a_map_of_a_training_scan_says_so(study, open_page, finish):
    sets = sets_of_fold(study.folds["fold 1"])
    app = finish(open_page(study=str(study.settings.path), subject=sets["train"][0], method="sensitivity"))
    assert "Seen in training" in words(app)
    [unseen] = unseeing_folds(study, sets["train"][0])
    assert f"Never seen by {unseen}" in words(app)
    app = finish(open_page(study=str(study.settings.path), subject=sets["test"][0], method="sensitivity"))
    assert "Seen in training" not in words(app)


def test_folds_are_columns_with_their_mean(study, open_page, finish, monkeypatch):
    shown = []
    from mriinterp.ui.compare import view as compare_view

    viewer = compare_view.linked_viewer
    monkeypatch.setattr(
        compare_view, "linked_viewer", lambda s, layers, **k: shown.append(layers) or viewer(s, layers, **k)
    )
    subject = sets_of_fold(study.folds["fold 1"])["train"][0]
    app = finish(
        open_page(
            "pages/compare.py", study=str(study.settings.path), by="networks", subject=subject, method="sensitivity",
            target="AD",
        )
    )  # fmt: skip
    assert app.multiselect(key="networks").value == ["fold 1", "fold 2", "fold 3"]
    layers = shown[-1]
    assert [layer.name for layer in layers] == ["fold 1", "fold 2", "fold 3", "Mean of 3 folds"]
    mean = np.mean([layer.volume.data for layer in layers[:3]], axis=0)
    np.testing.assert_allclose(layers[3].volume.data, mean, rtol=1e-5, atol=1e-9)
    assert "fold 1 :orange-badge[:material/school: Seen in training]" in words(app)
    assert "Not seen in training" in words(app)


def test_averages_out_of_fold_stand_beside_how_alike_the_folds_are(study, open_page, finish):
    file = str(study.settings.path)
    app = finish(open_page("pages/cohort.py", study=file))
    assert "Out of fold" in app.selectbox(key="of_split").options
    run_out_of_fold(study, ["sensitivity"], out=out_of_fold_folder(study), target="AD")
    table = pd.read_csv(out_of_fold_folder(study) / "agreement.tsv", sep="\t").set_index("group")
    for source in ("fold 2", "out of fold"):
        app = finish(open_page("pages/cohort.py", study=file, source=source))
        assert app.session_state["source"] == source
        address = app.query_params.get("source", ["out of fold"])  # what is shown first is not in it
        assert address in (source, [source])
        assert f"AD: areas ICC {table.icc_areas['AD']:.2f}".replace("-", "−") in words(app)
        assert not [w.value for w in app.warning if "other weights" in w.value]


def test_averages_of_all_folds_are_shown_fold_by_fold_with_their_mean(study, open_page, finish, monkeypatch):
    shown = []
    from mriinterp.ui.cohort import planes as page

    viewer = page.linked_viewer
    monkeypatch.setattr(page, "linked_viewer", lambda s, layers, **k: shown.append(layers) or viewer(s, layers, **k))
    run_out_of_fold(study, ["sensitivity"], out=out_of_fold_folder(study), target="AD")
    file = str(study.settings.path)
    app = finish(open_page("pages/cohort.py", study=file, source="out of fold", maps="folds-AD"))
    assert not app.exception
    layers = shown[-1]
    assert [one.name for one in layers] == ["AD, fold 1", "AD, fold 2", "AD, fold 3", "AD, mean of 3 folds"]
    pooled = open_cohort(out_of_fold_folder(study))
    counts = [open_cohort(pooled.folder / name).n("sensitivity", "AD") for name in pooled.run["pooled"]]
    mean = np.average([one.volume.data for one in layers[:3]], axis=0, weights=counts)
    np.testing.assert_allclose(layers[3].volume.data, mean, rtol=1e-4, atol=1e-9)
    assert {one.range for one in layers} == {layers[0].range}


def test_the_page_computes_averages_out_of_fold(study, open_page, finish):
    import shutil

    shutil.rmtree(out_of_fold_folder(study), ignore_errors=True)
    app = finish(
        open_page(
            "pages/cohort.py", study=str(study.settings.path), of_split="out of fold", run_methods="sensitivity",
            explained="AD",
        )
    )  # fmt: skip
    app.button(key="compute_cohort").click().run()
    finish(app, 400)
    assert (out_of_fold_folder(study) / "agreement.tsv").is_file()
    assert "Agreement of 3 folds" in words(app)
