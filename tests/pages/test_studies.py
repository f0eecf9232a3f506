"""Opening a study file in the app."""

import pytest

from mriinterp.cli import main
from mriinterp.ui.studies import remember_study


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
    app = finish(open_page(study=str(real_study), method="layer_cam"))
    shown = " ".join(element.value for element in app.markdown)
    assert app.selectbox(key="subject").value == "sub-52"
    assert "COG" in shown
    assert "Simulated data" not in shown
    assert "Research use only" in shown
    assert [tab.label for tab in app.tabs] == ["Areas", "In space", "Files"]


@pytest.fixture
def chooser():
    """The study select box alone: page tests do not run app.py a second time."""
    from streamlit.testing.v1 import AppTest

    return AppTest.from_string("from mriinterp.ui.studies import choose_study\nchoose_study(str)").run()


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
