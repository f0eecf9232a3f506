"""Scans outside MNI space are left out of a cohort and named, unless one says otherwise."""

import json

import numpy as np
import pytest

from mriinterp.cli import main
from mriinterp.cohort import run_cohort
from mriinterp.image.space import MNI_CORRELATION, mni_correlation
from mriinterp.image.template import template
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume
from mriinterp.study import load_study
from mriinterp.study.check import check_study

from .conftest import content, make_study

GRID = Grid((48, 58, 48), np.array([[4, 0, 0, -94], [0, 4, 0, -130], [0, 0, 4, -76], [0, 0, 0, 1.0]]))


@pytest.fixture
def file(tmp_path, rng):
    """Four brains; that of I102 lies 4 cm further up."""
    file = make_study(tmp_path / "study", per_group=2, subjects={"table": "table.csv"})
    brain = template(GRID).data
    for name in ("I100", "I101", "I102", "I103"):
        affine = GRID.affine.copy()
        affine[2, 3] += 40 * (name == "I102")
        noisy = (brain * rng.normal(1, 0.05, brain.shape)).astype(np.float32)
        write_volume(Volume(noisy, affine), file.parent / "scans" / f"{name}.nii.gz", space="mni")
    return file


@pytest.mark.parametrize("maps", [True, False], ids=["maps", "no-maps"])
def test_a_scan_elsewhere_is_left_out_and_comes_back_on_request(file, tmp_path, maps):
    study = load_study(file, trust_code=True)
    assert mni_correlation(study.scan("I100")) > MNI_CORRELATION > mni_correlation(study.scan("I102"))
    first = run_cohort(study, ["sensitivity"], out=tmp_path / "out", maps=maps, split="all")
    assert set(first.failures) == {"I102"}
    assert "does not lie in MNI space" in first.failures["I102"]["scan"]
    assert "--no-space-check" in first.subjects.loc["I102", "failure"]
    assert (first.n("sensitivity", "CN"), first.n("sensitivity", "AD")) == (1, 2)
    assert first.run["space_checked"] is True
    trained = content(tmp_path / "out")

    every = run_cohort(study, ["sensitivity"], out=tmp_path / "out", maps=maps, check_space=False, split="all")
    assert (every.failures, every.n("sensitivity", "CN")) == ({}, 2)
    assert every.run["maps_computed"] == 1
    assert every.run["space_checked"] is False

    again = run_cohort(study, ["sensitivity"], out=tmp_path / "out", maps=maps, split="all")
    assert set(again.failures) == {"I102"}, "its map is there, and is not taken"
    groups = [name for name in trained if name.startswith("groups/") or name in ("areas.parquet", "subjects.tsv")]
    assert len(groups) > 5
    assert all(content(tmp_path / "out")[name] == trained[name] for name in groups)


def test_the_command_names_it_and_the_way_out(file, tmp_path, capsys):
    command = ["cohort", str(file), "--trust-code", "--workers", "1", "--methods", "sensitivity", "--split", "all"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().err
    assert "I102 left out: it does not lie in MNI space" in told
    assert "--no-space-check" in told
    assert main([*command, "--out", str(tmp_path / "out"), "--no-space-check"]) == 0
    told = capsys.readouterr().err
    assert "warning: scans that do not look like MNI space were explained all the same" in told
    assert "I102 (" in told
    assert "I100" not in told


def test_an_unchecked_scan_leaves_a_trace(file, tmp_path):
    study = load_study(file, trust_code=True)
    checked = run_cohort(study, ["sensitivity"], out=tmp_path / "a", split="all")
    assert checked.outside_space == {}
    assert "outside_space" not in checked.run
    place = json.loads(next((tmp_path / "a").rglob("sub-I100_*relevance.json")).read_text(encoding="utf-8"))[
        "space_check"
    ]
    assert (place["checked"], place["matches"]) == (True, True)
    assert place["correlation"] == pytest.approx(mni_correlation(study.scan("I100")), abs=1e-4)

    unchecked = run_cohort(study, ["sensitivity"], out=tmp_path / "b", split="all", check_space=False)
    correlation = mni_correlation(study.scan("I102"))
    assert unchecked.outside_space == {"I102": pytest.approx(correlation, abs=1e-4)}
    place = json.loads(next((tmp_path / "b").rglob("sub-I102_*relevance.json")).read_text(encoding="utf-8"))[
        "space_check"
    ]
    assert (place["checked"], place["matches"]) == (False, False)
    assert place["correlation"] == pytest.approx(correlation, abs=1e-4)


def test_the_study_file_may_say_that_scans_are_no_t1(file, tmp_path):
    assert "Scans that do not lie in MNI space (1 of 4 opened" in "\n".join(
        finding.text() for finding in check_study(file, trust_code=True).errors
    )
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[subjects]", "[subjects]\ncheck_space = false"), encoding="utf-8")
    report = check_study(file, trust_code=True)
    assert report.ok, report.text()
    assert "Scans that do not lie in MNI space (1 of 4 opened" in report.text()
    study = load_study(file, trust_code=True)
    assert run_cohort(study, ["sensitivity"], out=tmp_path / "a", split="all").failures == {}
    assert set(run_cohort(study, ["sensitivity"], out=tmp_path / "b", check_space=True, split="all").failures) == {
        "I102"
    }
