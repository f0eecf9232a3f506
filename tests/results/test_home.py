"""Where results are kept, and what happens where they cannot be."""

import sys
from pathlib import Path

import pytest

from mriinterp.base.atomic import FolderError, made_folder
from mriinterp.results.home import NOWHERE, default_folder, try_to_keep, why_not_kept

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have their cache folder elsewhere")


@pytest.fixture
def unset(monkeypatch):
    """No variable that names a folder."""
    for name in ("MRIINTERP_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_tests_keep_out_of_the_users_own_folder(results_folder):
    assert default_folder() == results_folder


def test_the_variable_names_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"


@linux
def test_the_home_is_in_the_users_cache(unset, tmp_path):
    unset.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "mriinterp"
    unset.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert default_folder() == tmp_path / "elsewhere" / "mriinterp"


def test_the_on_scan_grid_an_earlier_version_is_found(unset, tmp_path):
    """As on macOS, where the cache of the system is another folder than the one used before."""
    unset.setenv("HOME", str(tmp_path))
    unset.setenv("USERPROFILE", str(tmp_path))
    new, earlier = tmp_path / "Library" / "Caches" / "mriinterp", tmp_path / ".cache" / "mriinterp"
    unset.setattr("mriinterp.results.home.user_cache_path", lambda *_, **__: new)
    assert default_folder() == new
    earlier.mkdir(parents=True)
    assert default_folder() == earlier
    new.mkdir(parents=True)
    assert default_folder() == new


def test_the_folder_is_named_by_the_program_alone(unset, tmp_path):
    """On Windows neither an author nor a folder "Cache" comes between: results of earlier versions lie there."""
    asked = {}

    def answer(name, **options):
        asked.update(options, name=name)
        return tmp_path

    unset.setattr("mriinterp.results.home.user_cache_path", answer)
    assert default_folder() == tmp_path
    assert asked == {"name": "mriinterp", "appauthor": False, "opinion": False}


@linux
@pytest.mark.parametrize("platformdirs", ["as installed", "earlier"])
def test_an_account_without_a_home(unset, caplog, platformdirs):
    unset.setattr("os.path.expanduser", lambda path: path)
    if platformdirs == "earlier":
        unset.setattr("mriinterp.results.home.user_cache_path", lambda *_, **__: Path("~/.cache/mriinterp"))
    assert default_folder() == NOWHERE
    assert not try_to_keep(default_folder(), "maps", lambda: default_folder().mkdir(parents=True))
    assert "no home folder" in caplog.text
    assert why_not_kept() == "this account has no home folder"


def test_a_home_that_cannot_be_written_is_reported_once(tmp_path, caplog):
    def full():
        raise OSError(28, "No space left on device")

    for _ in range(3):
        assert not try_to_keep(tmp_path, "maps", full)
        assert not try_to_keep(tmp_path, "predictions", full)
    assert caplog.text.count("No space left") == 1
    assert f"maps could not be kept in {tmp_path}" in caplog.text
    assert "No space left" in why_not_kept(tmp_path)
    assert try_to_keep(tmp_path, "maps", lambda: None)
    assert why_not_kept(tmp_path)  # of the predictions
    assert try_to_keep(tmp_path, "predictions", lambda: None)
    assert why_not_kept(tmp_path) == why_not_kept(tmp_path / "never tried") == ""
    assert not try_to_keep(tmp_path / "other", "maps", full)
    assert caplog.text.count("No space left") == 2  # another home


def test_a_fault_of_the_program_is_no_fault_of_the_disk(tmp_path):
    with pytest.raises(ValueError, match="a bug"):
        try_to_keep(tmp_path, "maps", lambda: int("a bug"))


def test_a_folder_that_cannot_be_made_is_an_error_of_both_kinds(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for kind in (OSError, ValueError, FolderError):
        with pytest.raises(kind, match="expected an output folder, got a file"):
            made_folder(tmp_path / "file" / "out")
