"""A training in a process of its own: its command, the list of trainings, the demo study as files."""

import os

import pytest

from crossval.conftest import make_cohort
from mriinterp.cli import build_parser, main
from mriinterp.crossval.process import (
    TrainRequest,
    forget_training,
    known_trainings,
    remember_training,
    request_in,
    start_training,
    training_state,
)
from mriinterp.crossval.state import RECORD, WORK
from mriinterp.study import StudyFolders, load_study
from mriinterp.study.demo_files import write_demo_study
from mriinterp.study.folders import VARIABLE, own_networks


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path / "home"))


def test_a_request_is_the_command(tmp_path):
    request = TrainRequest("a.toml", 3, "rieke2018", "ncomms2022", 7, "cpu", ("sex", "age"), True)
    args = build_parser().parse_args(request.arguments(tmp_path))
    said = (args.study, args.folds, args.preset, args.architecture, args.epochs, args.device, args.check_leakage)
    assert said == ("a.toml", 3, "rieke2018", "ncomms2022", 7, "cpu", True)
    assert (args.stratify, args.resume, args.out) == ("sex,age", True, str(tmp_path))
    plain = build_parser().parse_args(TrainRequest("demo", 2, epochs=3, scans=20).arguments(tmp_path))
    assert (plain.architecture, plain.stratify, plain.scans, plain.check_leakage) == (None, "", 20, False)


def test_a_process_that_cannot_begin_says_why_in_its_folder(tmp_path):
    out = tmp_path / "out"
    start_training(TrainRequest(str(tmp_path / "none.toml")), out)
    assert training_state(out).state in ("starting", "failed")
    from mriinterp.crossval import process

    process._processes[out].wait(180)
    found = training_state(out)
    assert found.state == "failed"
    assert "none.toml" in found.error
    assert known_trainings() == [(out, str(tmp_path / "none.toml"))]
    assert request_in(out) == TrainRequest(str(tmp_path / "none.toml"))


def test_code_runs_only_if_a_person_has_agreed_to_it(tmp_path, capsys):
    file = make_cohort(tmp_path / "study", patients=12)
    assert main(["train", str(file), "--agreed-code", "--folds", "2", "--out", str(tmp_path / "out")]) == 2
    assert "net.py" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_scans_are_an_option_of_the_demo_study_alone(tmp_path, capsys):
    assert main(["train", "a.toml", "--scans", "9", "--out", str(tmp_path / "x")]) == 2
    assert "with the demo study and --folds only" in capsys.readouterr().err
    assert main(["train", "demo", "--folds", "2", "--scans", "3", "--out", str(tmp_path / "x")]) == 2
    assert "expected 8 to 60 scans of the demo study, got 3" in capsys.readouterr().err


def test_trainings_are_known_the_latest_first_as_long_as_they_are_there(tmp_path):
    for name in "ab":
        (tmp_path / name / WORK).mkdir(parents=True)
        remember_training(tmp_path / name, f"{name}.toml")
    assert known_trainings() == [(tmp_path / "b", "b.toml"), (tmp_path / "a", "a.toml")]
    remember_training(tmp_path / "a", "a.toml")
    assert [path.name for path, _ in known_trainings()] == ["a", "b"]
    (tmp_path / "b" / WORK).rmdir()
    assert [path.name for path, _ in known_trainings()] == ["a"]
    forget_training(tmp_path / "a")
    assert known_trainings() == []
    (tmp_path / "home" / "trainings.json").write_text('[{"folder": 3}, 7, {"folder": "x"}]', encoding="utf-8")
    assert known_trainings() == []
    (tmp_path / "home" / "trainings.json").write_text("{", encoding="utf-8")
    assert known_trainings() == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this account may write anywhere")
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(OSError, match="closed"):
        start_training(TrainRequest("demo"), tmp_path / "closed" / "out")


def test_the_demo_study_is_a_study_file_of_simulated_scans(tmp_path):
    file = write_demo_study(tmp_path / "demo", 8, simulate=False)
    study = load_study(file)
    assert study.simulated
    assert study.subjects["group"].value_counts().to_dict() == {"CN": 4, "AD": 4}
    assert set(study.subjects["split"]) == {"train", "test"}
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "demo").glob("*.nii.gz")}
    write_demo_study(tmp_path / "demo", 8)  # made once
    assert before == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "demo").glob("*.nii.gz")}


def test_networks_of_the_app_may_be_opened_on_a_server_that_allows_no_folder(tmp_path):
    folders = StudyFolders.of_server({VARIABLE: ""})
    assert folders.allow(own_networks() / "demo" / "study.toml")
    assert not folders.allow(own_networks().parent / "elsewhere")
    assert not (own_networks() / "demo" / RECORD).exists()
