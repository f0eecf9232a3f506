"""What a path leads to is judged before it is read, and no message holds what stands in a file."""

import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

from mriinterp.areas import load_atlas, read_area_table
from mriinterp.base.files import check_file, decode_text, read_json, read_text
from mriinterp.base.fingerprint import file_digest
from mriinterp.export.npz import read_original_npz
from mriinterp.image.nifti import read_labels, read_volume
from mriinterp.image.volume import Grid
from mriinterp.models import load_code, load_model
from mriinterp.models.card import read_card
from mriinterp.models.weights import read_state_dict
from mriinterp.prepare import PrepareJob
from mriinterp.study import load_study
from mriinterp.study.check import check_study
from mriinterp.subjects import read_subjects

NESTED = "[" * 200_000
SECRET = "root:$6$salt$hash:19000:0:99999:7:::"


@pytest.fixture
def special(tmp_path, monkeypatch):
    """Paths that are no files, by kind; whoever waits for one of them is stopped."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes on this system")
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    os.mkfifo("pipe")
    os.symlink("pipe", "link to a pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket")

    def stop(*args):
        raise TimeoutError("waited for a pipe")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    yield {"pipe": "pipe", "link to a pipe": "pipe", "socket": "socket", "/dev/zero": "device"}
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    server.close()


def study_with(entry):
    entries = {"subjects.table": "t.csv", "groups.reference": "CN", "model.card": "demo"} | entry
    return "\n".join(f'{key} = "{value}"' for key, value in entries.items())


def load_linked_study(path):
    """A study file must be called so."""
    link = os.path.basename(path) + ".toml"
    os.symlink(os.path.abspath(path), link)
    return load_study(link)


READERS = {
    "scan": read_volume,
    "labels": read_labels,
    "atlas": load_atlas,
    "table of areas": read_area_table,
    "atlas and table": lambda path: load_atlas("labels.nii", path),
    "subjects": read_subjects,
    "weights": read_state_dict,
    "card": read_card,
    "code": load_code,
    "averages": read_original_npz,
    "study": load_linked_study,
    "check": check_study,
    "text": read_text,
    "json": read_json,
}


@pytest.mark.parametrize("reader", READERS)
def test_pipes_sockets_and_devices_are_refused(special, small_volume, reader):
    from mriinterp.image.write import write_volume

    write_volume(small_volume.with_data(small_volume.data > 0), "labels.nii")
    for path, kind in special.items():
        with pytest.raises(ValueError, match=rf"expected .*, got a {kind}"):
            READERS[reader](path)


def test_a_network_of_pipes_is_refused(special, tmp_path):
    os.mkfifo("card.json")
    os.mkfifo("program.pt2")
    for path in ("card.json", "program.pt2"):
        with pytest.raises(ValueError, match="got a pipe"):
            load_model(tmp_path / path, trust_code=True)
    with pytest.raises(ValueError, match="got a pipe"):
        load_model("ClassificationModel3D", weights=tmp_path / "pipe")


def test_a_study_that_names_pipes_is_refused(special, tmp_path):
    for entry in ({"subjects.table": "pipe"}, {"subjects.corrupt": "pipe"}):
        (tmp_path / "study.toml").write_text(study_with(entry), encoding="utf-8")
        with pytest.raises(ValueError, match="got a pipe"):
            load_study(tmp_path / "study.toml")


def test_folders_and_nothing(tmp_path):
    with pytest.raises(ValueError, match="expected a card, got a folder"):
        check_file(tmp_path, "a card")
    for path in (tmp_path / "nothing", tmp_path / "file" / "below"):
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(FileNotFoundError, match="expected a card, got a path where there is none"):
            check_file(path, "a card")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le with mark"])
def test_text_of_any_encoding(tmp_path, encoding):
    raw = ("\ufeff" + "Größe").encode("utf-16-le") if "with mark" in encoding else "Größe".encode(encoding)
    (tmp_path / "t.txt").write_bytes(raw)
    assert read_text(tmp_path / "t.txt") == "Größe"


def test_bytes_that_are_no_text():
    assert decode_text("Größe".encode("cp1252"), "t.txt", fallback="cp1252") == "Größe"
    for raw, reason in (
        ("Größe".encode("cp1252"), "no utf-8"),
        (b"a\0b", "binary"),
        (b"\xff\xfea", "no utf-16"),
        (b"PK\x03\x04", "spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet"),
        (b"<HTML>", "web page"),
    ):
        with pytest.raises(ValueError, match=rf"^t\.txt: expected a list, got .*{reason}"):
            decode_text(raw, "t.txt", "a list")


def test_a_text_without_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("mriinterp.base.files.MAX_TEXT", 10)
    (tmp_path / "t.txt").write_text("x" * 10, encoding="utf-8")
    assert read_text(tmp_path / "t.txt") == "x" * 10
    (tmp_path / "t.txt").write_text("x" * 11, encoding="utf-8")
    with pytest.raises(ValueError, match="at most 0 MB, got more"):
        read_text(tmp_path / "t.txt")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_json(tmp_path, mark):
    (tmp_path / "c.json").write_text(mark + '{"a": [1, 2.5, "ä"]}', encoding="utf-8")
    assert read_json(tmp_path / "c.json") == {"a": [1, 2.5, "ä"]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NESTED, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        (SECRET, "something else"),
        ("1" * 10_000, "something else"),
        ("", "something else"),
    ],
)
def test_json_that_is_none(tmp_path, text, reason):
    (tmp_path / "c.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"^c\.json: expected a card.*{reason}") as caught:
        read_json(tmp_path / "c.json", "a card")
    assert len(str(caught.value)) < 300
    assert "root" not in str(caught.value)


@pytest.mark.parametrize("text", [f"name = {NESTED}", 'name = "' + "x" * 10 + "\n", SECRET, f"seed = {'9' * 10_000}"])
def test_toml_that_is_none(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    for read in (load_study, lambda p: print(check_study(p))):
        if read is load_study:
            with pytest.raises(ValueError, match=r"^study\.toml: expected a study file in TOML") as caught:
                load_study(path)
            told = str(caught.value)
        else:
            told = str(check_study(path))
            assert told.startswith("error: study.toml: expected a study file in TOML")
        assert "root" not in told
        assert len(told) < 400


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_study_file_with_a_mark(tmp_path, encoding):
    (tmp_path / "study.toml").write_text("name = 'x'\nnothing = 1", encoding=encoding)
    assert "unknown entry nothing" in str(check_study(tmp_path / "study.toml"))


@pytest.mark.parametrize("entry", ["subjects.table", "subjects.corrupt", "atlas.table", "model.weights", "atlas.image"])
def test_a_study_tells_no_word_of_the_files_it_names(tmp_path, entry, caplog):
    """A study file can name what its author may not read, and the server may."""
    (tmp_path / "t.csv").write_text("id,group\nI1,CN\nI2,CN\n", encoding="utf-8")
    (tmp_path / "secret").write_text(f"{SECRET}\ndaemon:*:1:2\n", encoding="utf-8")
    fields = {entry: "secret"}
    if entry == "model.weights":
        fields |= {"model.architecture": "ClassificationModel3D"}
    text = study_with(fields).replace('model.card = "demo"\n', "") if entry == "model.weights" else study_with(fields)
    if entry == "atlas.table":
        text += '\natlas.image = "labels.nii"'
        from mriinterp.image.volume import Volume
        from mriinterp.image.write import write_volume

        write_volume(
            Volume([[[1, 2]]], [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), tmp_path / "labels.nii"
        )
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    told = str(check_study(tmp_path / "study.toml")) + caplog.text
    assert "error" in told
    assert "root" not in told
    assert "daemon" not in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"clip": 1, "mean": 2, "clip": 3}', "'clip'"),
        ('{"model": {"weights": "a", "weights": "b"}}', "'weights'"),
        ('[{"a": 1}, {"b": 1, "b": 1, "c": 2, "c": 3}]', "'b', 'c'"),
        ('{"' + "x" * 500 + '": 1, "' + "x" * 500 + '": 2}', "'" + "x" * 60 + "'"),
    ],
)
def test_a_key_that_stands_twice_is_refused_by_name(tmp_path, text, words):
    path = tmp_path / "card.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"names each key once, got more than one {words};"):
        read_json(path)


def test_equal_keys_in_different_objects_are_no_conflict(tmp_path):
    path = tmp_path / "fine.json"
    path.write_text('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}', encoding="utf-8")
    assert read_json(path) == {"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}


def test_nobody_waits_for_a_raw_scan_that_is_a_pipe(special, tmp_path):
    """Its digest is taken before it is opened."""
    for path, kind in special.items():
        with pytest.raises(ValueError, match=f"expected a file, got a {kind}"):
            file_digest(path)
    job = PrepareJob.of(Path("pipe"), tmp_path / "out", "a", Grid((2, 2, 2), np.eye(4)))
    with pytest.raises(ValueError, match="got a pipe"):
        job.run()
