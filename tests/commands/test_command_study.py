"""``study``: what is wrong is told in words, and told once."""

import pytest
import torch

from mriinterp.cli import main
from mriinterp.study import load_study


@pytest.mark.parametrize("part", ["check", "normalise"])
def test_a_study_file_that_is_not_there_is_wrong_usage(tmp_path, capsys, part):
    assert main(["study", part, str(tmp_path / "nofile.toml")]) == 2
    told = capsys.readouterr().err
    assert "expected a study file (.toml), got a path where there is none" in told
    assert "nofile.toml" in told
    assert main(["study", part, str(tmp_path)]) == 2
    assert "got a folder" in capsys.readouterr().err


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("id,group,path\na,AD,a.nii.gz\nb,CN,b.nii.gz\n", encoding="utf-8")
    return path


def init(table, *more):
    return main(["study", "init", "--table", str(table), "--out", str(table.with_name("study.toml")), *more])


def test_init_tells_weights_that_do_not_fit_briefly(table, tmp_path, capsys):
    torch.save({f"layer{n}.weight": torch.zeros(1) for n in range(40)}, tmp_path / "w.pt")
    assert init(table, "--weights", str(tmp_path / "w.pt")) == 2
    told = capsys.readouterr().err
    assert "40 unexpected: layer0.weight, " in told
    assert "and 35 more" in told
    assert all(len(part) < 600 for part in told.split(" | ")), "one part for each architecture"


def test_init_tells_once_that_a_file_holds_no_weights(table, tmp_path, capsys):
    (tmp_path / "w.pt").write_text("these are notes", encoding="utf-8")
    assert init(table, "--weights", str(tmp_path / "w.pt")) == 2
    told = capsys.readouterr().err
    assert told.count("w.pt") == 1
    assert "got a text file" in told
    assert "notes" not in told


def test_options_are_called_as_one_types_them(table, tmp_path, capsys):
    assert init(table) == 2
    assert "--weights" in capsys.readouterr().err
    assert init(table, "--model", "demo") == 2
    assert "--images DIR" in capsys.readouterr().err
    options = ["--model", "ncomms2022", "--method", "sensitivity", "--out", str(tmp_path)]
    assert main(["explain", "scan.nii.gz", *options]) == 2
    assert "--weights on the command line" in capsys.readouterr().err


def test_what_simulate_writes_can_be_made_a_study_of(tmp_path, capsys):
    folder, file = tmp_path / "scans", tmp_path / "study.toml"
    assert main(["simulate", "--n", "4", "--out", str(folder)]) == 0
    assert f"study init --table {folder}" in capsys.readouterr().out
    assert main(["study", "init", "--table", str(folder), "--model", "demo", "--out", str(file)]) == 0
    study = load_study(file)
    assert study.simulated
    assert study.subjects["group"].value_counts().to_dict() == {"AD": 2, "CN": 2}
    assert set(study.subjects["split"]) == {"train", "test"}
    assert study.scan(study.subjects.index[0]).data.any()
    (folder / f"{study.subjects.index[0]}_T1w.json").unlink()  # not all are known to be simulated
    assert main(["study", "init", "--table", str(folder), "--model", "demo", "--out", str(file), "--overwrite"]) == 0
    assert not load_study(file).simulated
