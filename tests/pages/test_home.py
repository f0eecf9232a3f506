"""The app where its home cannot be written: it says so once, and goes on."""

import pytest

from mriinterp.results import home as module
from mriinterp.ui.sources import resources, studies


@pytest.fixture
def no_home(tmp_path, monkeypatch):
    """A home that is a file."""
    home = tmp_path / "home"
    home.write_text("", encoding="utf-8")
    monkeypatch.setenv("MRIINTERP_HOME", str(home))
    monkeypatch.setattr(module, "_problems", {})
    monkeypatch.setattr(module, "_warned", set())
    monkeypatch.setattr(studies, "_unkept", [])
    resources.store.clear()
    resources.study_of.clear()
    resources._remember.clear()
    yield home
    resources.store.clear()
    resources.study_of.clear()
    resources._remember.clear()


def test_a_map_is_shown_and_known_again(no_home, open_page, finish):
    app = finish(open_page(method="sensitivity"))
    assert not app.error
    app.run()
    assert [tab.label for tab in app.tabs][:2] == ["Areas", "In space"]
    shown = " ".join(warning.value for warning in app.warning)
    assert "not kept on disk" in shown
    assert str(no_home) in shown.replace("\\", "")


def test_a_study_file_is_offered_until_the_server_ends(no_home, tmp_path):
    file = tmp_path / "study.toml"
    file.write_text("", encoding="utf-8")
    studies.remember_study(str(file))
    assert studies._known_files() == [str(file)]
    no_home.unlink()
    studies.remember_study(str(file))
    assert (no_home / "studies.json").is_file()
    assert studies._unkept == []
    assert studies._known_files() == [str(file)]


def test_a_list_of_studies_of_another_form_counts_as_empty(no_home):
    no_home.unlink()
    no_home.mkdir()
    for text in ("5", "{}", "[" * 100_000, "null"):
        (no_home / "studies.json").write_text(text, encoding="utf-8")
        assert studies._known_files() == []
