"""Study files of a shared server name only what its owner allows."""

import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest

from mriinterp.cli import main
from mriinterp.study import StudyFolders, load_study, read_study_file
from mriinterp.study.check import check_study
from mriinterp.study.folders import VARIABLE
from mriinterp.study.tomlfile import read_toml, write_study_file
from tests.cohort.conftest import make_study


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "allowed"))
    return make_study(tmp_path / "allowed" / "study", per_group=2)


def changed(file: Path, section: str, **entries) -> Path:
    content = read_toml(file)
    inside = content if not section else content.setdefault(section, {})
    inside.update(entries)
    write_study_file(content, file)
    return file


def test_a_study_inside_is_as_ever(file):
    study = load_study(file, trust_code=True)
    assert len(study.subjects) == 4
    assert study.scan(study.subjects.index[0]).grid.shape == (14, 15, 13)
    assert study.model("cpu").classes == ("healthy", "ill")


SECRET = "secret-content"


@pytest.mark.parametrize(
    ("section", "entries"),
    [
        ("", {"output": "OUTSIDE/out"}),
        ("", {"output": "../../out"}),
        ("subjects", {"table": "OUTSIDE/secret.csv"}),
        ("subjects", {"table": "../../outside/secret.csv"}),
        ("subjects", {"images": "OUTSIDE"}),
        ("subjects", {"corrupt": "OUTSIDE/secret.csv"}),
        ("subjects", {"prefixes": {"D:/": "OUTSIDE"}}),
        ("model", {"weights": ["OUTSIDE/secret.csv"]}),
        ("model", {"weights": "OUTSIDE/secret.csv"}),
        ("model", {"folds": {"one": ["OUTSIDE/secret.csv"]}}),
        ("model", {"folds": {"one": "OUTSIDE/secret.csv"}}),
        ("model", {"card": "OUTSIDE/secret.csv"}),
        ("model", {"code": "OUTSIDE/secret.csv"}),
        ("model", {"brain_mask": "OUTSIDE/secret.csv"}),
        ("atlas", {"image": "OUTSIDE/secret.csv"}),
        ("atlas", {"table": "OUTSIDE/secret.csv"}),
        ("atlas", {"table": "OUTSIDE/absent.csv"}),
        ("atlas", {"table": "LINK"}),
    ],
)
def test_a_path_outside_is_refused_in_words(file, tmp_path, section, entries, capsys):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.csv").write_text(f"{SECRET},b\n1,2\n", encoding="utf-8")
    if "LINK" in str(entries):
        if sys.platform == "win32":
            pytest.skip("links need rights on Windows")
        (file.parent / "link.csv").symlink_to(outside / "secret.csv")
    text = json.dumps(entries).replace("OUTSIDE", outside.as_posix()).replace("LINK", "link.csv")
    changed(file, section, **json.loads(text))
    key = ".".join(filter(None, [section, next(iter(entries))]))
    for read in (load_study, read_study_file):
        with pytest.raises(ValueError, match="folders that study files may name") as error:
            read(file)
        assert key in str(error.value)
        assert str(tmp_path / "allowed") in str(error.value)
        assert SECRET not in str(error.value)
    report = check_study(file, trust_code=True)
    assert any(f"{key}: expected a path in the folders" in finding.message for finding in report.errors)
    assert SECRET not in report.text()
    assert main(["study", "check", str(file), "--trust-code"]) == 1
    assert SECRET not in "".join(capsys.readouterr())


@pytest.mark.parametrize("key", ["weights", "brain_mask"])
def test_what_a_card_names_counts_as_well(file, tmp_path, key):
    card = file.parent / "card.json"
    entries = json.loads(card.read_text(encoding="utf-8"))
    entries[key] = ["../../outside/weights.pt"] if key == "weights" else "../../outside/mask.nii.gz"
    card.write_text(json.dumps(entries), encoding="utf-8")
    with pytest.raises(ValueError, match=r"model\.card: expected a path in the folders"):
        load_study(file, trust_code=True)


def test_a_normalisation_outside_is_refused(file):
    card = file.parent / "card.json"
    entries = json.loads(card.read_text(encoding="utf-8"))
    entries["normalisation"] = {"kind": "voxelwise", "mean": "../../mean.nii.gz", "std": "std.nii.gz"}
    card.write_text(json.dumps(entries), encoding="utf-8")
    with pytest.raises(ValueError, match=r"model\.card: expected a path in the folders"):
        load_study(file, trust_code=True)


@pytest.mark.parametrize(
    "model",
    [{"card": "net.pt2"}, {"architecture": "ClassificationModel3D", "weights": ["net.pt"]}],
    ids=["of a program", "beside weights"],
)
def test_a_card_that_is_found_beside_a_file_counts_as_one_that_is_named(file, model):
    entries = json.loads((file.parent / "card.json").read_text(encoding="utf-8"))
    (file.parent / "net.json").write_text(json.dumps({**entries, "brain_mask": "../../mask.nii.gz"}), encoding="utf-8")
    for name in ("net.pt2", "net.pt"):
        (file.parent / name).write_bytes(b"")
    content = read_toml(file)
    write_study_file({**content, "model": model}, file)
    with pytest.raises(ValueError, match="expected a path in the folders"):
        load_study(file, trust_code=True)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_code_beside_the_networks_file_that_lies_outside_is_refused(file, tmp_path):
    (tmp_path / "secret.py").write_text("PASSWORD = 1", encoding="utf-8")
    (file.parent / "helper.py").symlink_to(tmp_path / "secret.py")
    net = file.parent / "net.py"
    net.write_text(f"import helper\n{net.read_text(encoding='utf-8')}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a link that leads out: helper\.py"):
        load_study(file, trust_code=True).model("cpu")


@pytest.mark.parametrize("way", ["absolute", "dots", "link"])
def test_scans_outside_are_refused(file, tmp_path, way):
    scan = file.parent / "scans" / "I101.nii.gz"
    away = tmp_path / "outside" / "I101.nii.gz"
    away.parent.mkdir()
    scan.rename(away)
    if way == "link":
        if sys.platform == "win32":
            pytest.skip("links need rights on Windows")
        scan.symlink_to(away)
    else:
        table = pd.read_csv(file.parent / "table.csv")
        path = str(away) if way == "absolute" else "../../outside/I101.nii.gz"
        table.loc[table["scan_id"] == "I101", "filepath"] = path
        table.to_csv(file.parent / "table.csv", index=False)
    with pytest.raises(ValueError, match=r"outside of the folders that study files may name on this server .*I101"):
        load_study(file, trust_code=True)


def test_the_study_file_itself(tmp_path, monkeypatch, capsys):
    file = make_study(tmp_path / "elsewhere", per_group=2)
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]))
    for absent in (file, tmp_path / "no.toml"):  # whether there is such a file is not told
        with pytest.raises(ValueError, match="study file: expected a path in the folders"):
            load_study(absent)
        with pytest.raises(ValueError, match="study file: expected a path in the folders"):
            check_study(absent)
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "elsewhere")]))
    assert len(load_study(file).subjects) == 4
    monkeypatch.delenv(VARIABLE)
    assert len(load_study(file).subjects) == 4


def test_folders_of_the_environment(tmp_path):
    assert StudyFolders.of_server({}).allow("/etc/passwd")
    assert not StudyFolders.of_server({VARIABLE: ""}).allow(tmp_path)
    folders = StudyFolders.of_server({VARIABLE: f"{tmp_path / 'a'}{os.pathsep}{os.pathsep}~"})
    assert folders.folders == (tmp_path / "a", Path.home())
    assert folders.allow(tmp_path / "a" / "x" / "..")
    assert not folders.allow(tmp_path / "a" / ".." / "b")
    assert not folders.allow(tmp_path / "ab")


def test_packaged_names_stay_allowed(file):
    changed(file, "model", card="demo")
    changed(file, "atlas", image="aal")
    content = read_toml(file)
    del content["model"]["code"], content["atlas"]["table"]
    write_study_file(content, file)
    assert read_study_file(file).model.source == "demo"
