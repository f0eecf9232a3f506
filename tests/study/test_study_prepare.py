"""Studies of raw scans: [prepare] in a study file."""

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from cohort.conftest import AFFINE, SHAPE, content, make_study

from mriinterp.cli import main
from mriinterp.cohort import run_cohort
from mriinterp.image.preparation import Preparation
from mriinterp.image.volume import Grid
from mriinterp.prepare import PrepareOptions, batch
from mriinterp.prepare.pipeline import pipeline_digest
from mriinterp.study import PreparedScan, load_study, read_study_file
from mriinterp.study.check import check_study
from mriinterp.study.training import fit_normalisation

spec = importlib.util.spec_from_file_location("stand_in", Path(__file__).parents[1] / "prepare" / "stand_in.py")
stand_in = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stand_in)


@pytest.fixture
def file(tmp_path, monkeypatch):
    stand_in.use(monkeypatch.setattr)
    return make_study(tmp_path / "study", per_group=3, prepare={"nonlinear": False})


def rename_scan(file, old, new):
    folder = file.parent
    (folder / "scans" / f"{old}.nii.gz").rename(folder / "scans" / f"{new}.nii.gz")
    table = folder / "table.csv"
    table.write_text(table.read_text().replace(f"scans/{old}.nii.gz", f"scans/{new}.nii.gz"))


def test_the_section_is_enough(tmp_path):
    for entry, expected in (("", None), ("[prepare]\n", PrepareOptions()),
                            ("[prepare]\nnonlinear = true\n", PrepareOptions(nonlinear=True))):  # fmt: skip
        file = make_study(tmp_path / f"s{len(entry)}")
        file.write_text(file.read_text() + "\n" + entry)
        assert read_study_file(file).prepare == expected
    file.write_text(file.read_text() + "\nlinear = 3\n")
    with pytest.raises(ValueError, match=r"unknown entry prepare.linear; did you mean nonlinear"):
        read_study_file(file)


def test_a_scan_is_prepared_once_and_kept(file, monkeypatch):
    study = load_study(file, trust_code=True)
    source = study.source("I100")
    assert isinstance(source, PreparedScan)
    assert not source.is_ready()
    assert pickle.loads(pickle.dumps(source)) == source
    first = source.load()
    assert source.is_ready()
    assert first.preparation == Preparation("linear", pipeline_digest()[:32])
    assert first.source.matches(Grid(SHAPE, AFFINE))
    monkeypatch.setattr(batch, "prepare_scan", None)  # would fail if it was called
    assert study.scan("I100").digest == first.digest
    assert (study.prepared_folder / "sub-I100" / "anat" / "sub-I100_desc-qc_T1w.png").is_file()
    mark = source.fingerprint()
    assert load_study(file, trust_code=True).source("I100").fingerprint() == mark
    stand_in.write_scan(source.job.path, 77)
    assert source.fingerprint() != mark


def test_a_cohort_uses_prepared_scans_and_names_bad_ones(file, tmp_path):
    for old, new in (("I101", "broken"), ("I102", "refused"), ("I103", "doubtful")):
        rename_scan(file, old, new)
    study, seen = load_study(file, trust_code=True), []
    result = run_cohort(
        study, ["sensitivity"], out=tmp_path / "out", split="all", progress=lambda d, t: seen.append((d, t))
    )
    assert set(result.failures) == {"I101", "I102"}
    assert "no brain was found" in result.failures["I101"]["scan"]
    assert "preparation is not usable" in result.failures["I102"]["scan"]
    doubts = {scan for scan, text in result.warnings.items() if "its preparation is in doubt: The brain mask" in text}
    assert doubts == {"I103"}
    assert sum(result.n("sensitivity", group) for group in ("CN", "AD")) == 4
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
    assert seen[-1][0] == seen[-1][1]
    page = (study.prepared_folder / "qc.html").read_text()
    assert all(f"sub-I10{n}" in page for n in range(6))


def test_a_second_run_prepares_nothing_and_makes_the_same(file, tmp_path, monkeypatch):
    study = load_study(file, trust_code=True)
    run_cohort(study, ["sensitivity"], out=tmp_path / "a", split="all")
    monkeypatch.setattr(batch, "prepare_scan", None)
    run_cohort(study, ["sensitivity"], out=tmp_path / "b", split="all")
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "a", split="all")
    assert result.run["maps_computed"] == 0
    assert content(tmp_path / "a").keys() == content(tmp_path / "b").keys()
    name = "sub-I100/anat/sub-I100_space-MNI152NLin2009aSym_desc-sensitivity_relevance.nii.gz"
    assert content(tmp_path / "a")[name] == content(tmp_path / "b")[name]


def test_a_network_that_was_trained_on_scans_prepared_otherwise(file, tmp_path):
    card = json.loads((file.parent / "card.json").read_text())
    (file.parent / "card.json").write_text(json.dumps({**card, "preparation": "nonlinear"}))
    result = run_cohort(load_study(file, trust_code=True), ["sensitivity"], out=tmp_path / "out", split="all")
    assert sum("trained on scans that were warped" in text for text in result.warnings.values()) == 6
    assert any("trained on scans that were warped" in line for line in result.warning_lines())


def test_a_normalisation_fitted_on_prepared_scans_says_so(file):
    study = load_study(file, trust_code=True)
    fitted = fit_normalisation(study)
    assert json.loads(fitted.card.read_text())["preparation"] == {"kind": "linear", "pipeline": pipeline_digest()}


def test_check_says_how_many_are_prepared_and_proposes_the_command(file):
    text = check_study(file, trust_code=True).text()
    assert "0 of 6 are there" in text
    assert "mriinterp prepare" in text
    assert "MNI space" not in text
    load_study(file, trust_code=True).scan("I100")
    assert "1 of 6 are there" in check_study(file, trust_code=True).text()


def test_check_proposes_the_section_for_raw_scans(tmp_path):
    file = make_study(tmp_path / "study")
    file.write_text(file.read_text().replace("check_space = false", "check_space = true"))
    report = check_study(file, trust_code=True)
    assert any("add a section [prepare] to the study file" in finding.message for finding in report.errors)


def test_the_command_prepares_a_study_where_its_cohort_looks(file, capsys):
    assert main(["prepare", str(file), "--trust-code", "--jobs", "1"]) == 0
    study = load_study(file, trust_code=True)
    assert all(study.source(subject).is_ready() for subject in study.subjects.index)
    assert "6 good" in capsys.readouterr().out
    assert main(["prepare", str(file), "--trust-code", "--nonlinear"]) == 2
    assert "the file says how its scans are prepared" in capsys.readouterr().err


def test_prepared_scans_are_never_taken_for_raw_ones(file):
    study = load_study(file, trust_code=True)
    study.scan("I100")
    from mriinterp.subjects.images import walk_images

    assert not [path for path in walk_images(file.parent) if "prepared" in str(path)]
    np.testing.assert_equal(len(list(walk_images(file.parent / "scans"))), 6)
