"""Fetching publications from a server on this computer, and from a folder."""

import hashlib
import tomllib
from dataclasses import replace

import pytest

from fetch.conftest import CONTENT
from mriinterp.base.progress import Cancelled
from mriinterp.cli import main
from mriinterp.commands import fetch as command
from mriinterp.fetch import Publication, RemoteFile, fetch, fetched_study, get_publication, publication_names
from mriinterp.fetch import publication as publications
from mriinterp.fetch.published import qiu2022
from mriinterp.study import load_study, write_study_file


@pytest.fixture
def toy(monkeypatch, server):
    """A publication of two files."""

    def complete(folder):
        (folder / "made.txt").write_text("made", encoding="utf-8")
        return {"name": "toy", "subjects": {"table": "t.csv"}, "groups": {"reference": "g"}, "model": {"card": "demo"}}

    files = tuple(RemoteFile(path, hashlib.sha256(data).hexdigest(), len(data)) for path, data in CONTENT.items())
    made = Publication("toy", "Toy", "For tests.", server[0], files, "MIT", "Do as you like.", complete)
    monkeypatch.setitem(publications._PUBLICATIONS, "toy", made)
    return made


def test_files_come_whole_with_licence_and_study(toy, server, tmp_path):
    steps = []
    study = fetch("toy", accept_licence=True, home=tmp_path, progress=lambda *step: steps.append(step))
    assert study == fetched_study("toy", tmp_path)
    for path, data in CONTENT.items():
        assert (study.parent / path).read_bytes() == data
    assert (study.parent / "LICENSE.txt").read_text(encoding="utf-8") == "Do as you like."
    assert tomllib.loads(study.read_text(encoding="utf-8"))["name"] == "toy"
    assert steps[-1] == (toy.size, toy.size)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert not list(study.parent.rglob("*.part*"))


def test_nothing_is_sent_or_written_before_the_licence_is_accepted(toy, server, tmp_path):
    with pytest.raises(PermissionError, match=r"licence of Toy"):
        fetch("toy", home=tmp_path)
    assert server[1].asked == []
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_compared_and_not_asked_for_again(toy, server, tmp_path):
    study = fetch("toy", accept_licence=True, home=tmp_path)
    server[1].asked.clear()
    fetch("toy", accept_licence=True, home=tmp_path)
    assert server[1].asked == []
    (study.parent / "a/one.bin").write_bytes(b"damaged")
    fetch("toy", accept_licence=True, home=tmp_path)
    assert [path for path, _ in server[1].asked] == ["a/one.bin"]
    assert (study.parent / "a/one.bin").read_bytes() == CONTENT["a/one.bin"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_was_cut_off_is_continued(toy, server, tmp_path, ranges):
    server[1].ranges = ranges
    server[1].cut["a/one.bin"] = 150_000
    with pytest.raises(OSError, match=r"what has come is kept|What has come is kept"):
        fetch("toy", accept_licence=True, home=tmp_path)
    assert fetched_study("toy", tmp_path) is None
    study = fetch("toy", accept_licence=True, home=tmp_path)
    assert (study.parent / "a/one.bin").read_bytes() == CONTENT["a/one.bin"]
    assert server[1].asked[1] == ("a/one.bin", "bytes=131072-")  # whole blocks of 64 KiB are kept


def test_cancelling_keeps_what_has_come(toy, server, tmp_path):
    seen = []

    def cancel():
        return len(seen) > 1

    with pytest.raises(Cancelled):
        fetch("toy", accept_licence=True, home=tmp_path, cancel=cancel, progress=lambda done, _: seen.append(done))
    assert fetched_study("toy", tmp_path) is None
    fetch("toy", accept_licence=True, home=tmp_path)
    assert server[1].asked[1][1].startswith("bytes=")


@pytest.mark.parametrize("wrong", [b"x" * 256_000, b"x" * 300_000], ids=["other bytes", "more bytes"])
def test_another_file_is_refused_and_removed(toy, server, tmp_path, wrong):
    server[1].files["a/one.bin"] = wrong
    with pytest.raises(ValueError, match=r"expected the published a/one.bin.*SHA-256"):
        fetch("toy", accept_licence=True, home=tmp_path)
    assert fetched_study("toy", tmp_path) is None
    assert not list(tmp_path.rglob("one.bin*"))


def test_no_server_and_no_file_are_named(toy, server, tmp_path):
    del server[1].files["a/two.bin"]
    with pytest.raises(OSError, match=r"a/two.bin.*404"):
        fetch("toy", accept_licence=True, home=tmp_path)
    with pytest.raises(OSError, match=r"ConnectionError.*--from"):
        fetch("toy", accept_licence=True, home=tmp_path, source="http://127.0.0.1:9/nowhere")


@pytest.mark.parametrize("flat", [True, False])
def test_a_folder_serves_without_a_connection(toy, server, tmp_path, flat):
    for path, data in CONTENT.items():
        file = tmp_path / "mirror" / (path.split("/")[-1] if flat else path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    study = fetch("toy", accept_licence=True, home=tmp_path / "home", source=tmp_path / "mirror")
    assert (study.parent / "a/two.bin").read_bytes() == CONTENT["a/two.bin"]
    assert server[1].asked == []
    file.write_bytes(b"other")
    with pytest.raises(ValueError, match=r"expected the published a/two.bin"):
        fetch("toy", accept_licence=True, home=tmp_path / "other", source=tmp_path / "mirror")
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"a/two.bin"):
        fetch("toy", accept_licence=True, home=tmp_path / "other", source=tmp_path / "mirror")


def test_the_command_asks_lists_and_says_what_is_next(toy, server, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path))
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: False, raising=False)
    assert main(["fetch", "toy"]) == 2
    assert "--accept-licence" in capsys.readouterr().err
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "")
    assert main(["fetch", "toy"]) == 1
    assert "Do as you like." in capsys.readouterr().out
    assert server[1].asked == []
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert main(["fetch", "toy"]) == 0
    assert f"mriinterp app {fetched_study('toy')}" in capsys.readouterr().out
    assert main(["fetch"]) == 0
    assert "fetched: " in capsys.readouterr().out
    assert main(["fetch", "nothing"]) == 2
    assert "available: " in capsys.readouterr().err


def test_what_there_is_to_fetch():
    assert publication_names() == ["oasis1", "qiu2022"]
    assert len(get_publication("qiu2022").files) == 15
    assert len({file.sha256 for file in get_publication("qiu2022").files}) == 15


def test_the_network_of_qiu_et_al_from_the_file_of_one_fold(shared_data, tmp_path, monkeypatch):
    """The one fold that is at hand stands for all five: the study opens, and the card tells the facts."""
    names = {path: f"{path.split('/')[1].split('_')[0]}_58.pth" for fold in qiu2022.FOLDS.values() for path in fold}
    home = tmp_path / "home"
    first = replace(get_publication("qiu2022"), files=get_publication("qiu2022").files[:3])
    monkeypatch.setitem(publications._PUBLICATIONS, "qiu2022", first)
    for path, name in names.items():
        file = home / "fetched" / "qiu2022" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((shared_data / "ncomms2022" / name).read_bytes())
    study = load_study(fetch("qiu2022", accept_licence=True, source=shared_data / "ncomms2022", home=home))
    assert list(study.folds) == [f"fold {n}" for n in range(1, 6)]
    assert not study.simulated
    model = study.model("cpu")
    assert model.card.about["licence"] == "MIT"
    assert "NACC test set" in model.card.about["performance"]
    assert study.scan("MNI-template").data.shape == (197, 233, 189)


def test_a_study_file_alone_counts_as_fetched(tmp_path):
    assert fetched_study("toy", tmp_path) is None
    folder = tmp_path / "fetched" / "toy"
    folder.mkdir(parents=True)
    write_study_file({"name": "x"}, folder / "study.toml")
    assert fetched_study("toy", tmp_path) == folder / "study.toml"
