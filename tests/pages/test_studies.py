"""Opening a study file in the app."""

import re

import pytest
import torch

from mriinterp.cli import main
from mriinterp.ui.sources.studies import remember_study


@pytest.fixture(scope="module")
def real_study(shared_data, tmp_path_factory):
    """A study file of real scans and the published network, as ``study init`` writes it."""
    path = tmp_path_factory.mktemp("study") / "real.toml"
    weights = [str(shared_data / "ncomms2022" / f"{name}_58.pth") for name in ("backbone", "COG")]
    data = str(shared_data / "ds002748")
    assert main(["study", "init", "--table", data, "--images", data, "--weights", *weights, "--out", str(path)]) == 0
    return path


def test_a_study_of_real_scans_on_the_page(open_page, finish, real_study):
    remember_study(str(real_study))
    app = open_page(study=str(real_study), method="layer_cam")
    if any(button.key == "explain_here" for button in app.button):  # a slow machine asks before it begins
        app.button(key="explain_here").click().run()
    app = finish(app)
    shown = " ".join(element.value for element in app.markdown)
    assert app.selectbox(key="subject").value == "sub-52"
    assert "COG" in shown
    assert "Simulated data" not in shown
    assert "Research use only" in shown
    assert [tab.label for tab in app.tabs] == ["Areas", "In space", "Files"]


def test_folds_of_one_network_side_by_side(open_page, finish, real_study, shared_data, tmp_path):
    weights = shared_data / "ncomms2022"
    backbone = torch.load(weights / "backbone_58.pth", weights_only=True, map_location="cpu")
    moved = {k: v * 1.05 if v.is_floating_point() else v for k, v in backbone.items()}
    torch.save(moved, tmp_path / "fold1.pth")
    study = real_study.with_name("folds.toml")
    cog = (weights / "COG_58.pth").as_posix()
    folds = f'[model.folds]\n"fold 1" = ["{(tmp_path / "fold1.pth").as_posix()}", "{cog}"]\n\n'
    study.write_text(f"{real_study.read_text(encoding='utf-8')}\n{folds}", encoding="utf-8")
    remember_study(str(study))
    app = open_page("pages/compare.py", study=str(study), by="networks", method="layer_cam", networks=",fold 1")
    app = finish(app)
    assert app.multiselect(key="networks").value == ["", "fold 1"]
    shown = " ".join(element.value for element in app.markdown)
    said = re.findall(r"COG ([\d.]+)", shown.replace("\\", ""))
    assert len(set(said)) == 2, shown
    assert not app.error


@pytest.fixture
def chooser():
    """The study select box alone: page tests do not run app.py a second time."""
    from streamlit.testing.v1 import AppTest

    return AppTest.from_string("from mriinterp.ui.sources.studies import choose_study\nchoose_study(str)").run()


def test_opening_a_study_file(chooser, real_study):
    chooser.text_input(key="study_path").set_value(f'"{real_study}"').run()
    chooser.button(key="study_open").click().run()
    assert not chooser.exception
    assert chooser.selectbox(key="study").value == str(real_study)


def test_a_file_that_is_no_study_is_told_in_words(chooser, tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("name = 'x'", encoding="utf-8")
    chooser.text_input(key="study_path").set_value(str(wrong)).run()
    chooser.button(key="study_open").click().run()
    assert not chooser.exception
    assert "table" in chooser.error[0].value
    assert chooser.selectbox(key="study").value == "demo"
