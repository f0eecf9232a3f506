"""Studies whose scans are DICOM folders and archives."""

import importlib.util
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cohort.conftest import make_study

from mriinterp.cli import main
from mriinterp.cohort import run_cohort
from mriinterp.image.volume import Volume
from mriinterp.prepare import batch
from mriinterp.study import load_study, read_study_file
from mriinterp.study.check import check_study
from mriinterp.subjects import find_images, read_subjects

HERE = Path(__file__).parents[1] / "prepare"


def module(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


stand_in, dicom_files = module("stand_in"), module("dicom_files")


def head(seed=0):
    data = np.random.default_rng(seed).gamma(2.0, size=(14, 15, 64)).astype(np.float32)
    return Volume(data, np.array([[12.0, 0, 0, -80], [0, 12.0, 0, -90], [0, 0, 2.5, -70], [0, 0, 0, 1]]))


def write_person(folder, seed=0, numbers=(5,)):
    """A localiser and T1 scans of one person, as a scanner lays them out."""
    dicom_files.write_series(head(), folder / "S1", number=1, description="localizer", slices=range(3))
    for number in numbers:
        dicom_files.write_series(head(seed + number), folder / f"S{number}", number=number)
    return folder


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A study of two DICOM folders, an archive of one, and an image file."""
    stand_in.use(monkeypatch.setattr)
    file = make_study(tmp_path / "study", per_group=2, prepare={"nonlinear": False})
    scans = file.parent / "scans"
    for number, name in enumerate(("I100", "I101", "I102")):
        (scans / f"{name}.nii.gz").unlink()
        write_person(scans / name, number)
    with zipfile.ZipFile(scans / "I102.zip", "w") as archive:
        for path in sorted((scans / "I102").rglob("IM*")):
            archive.write(path, path.relative_to(scans))
    shutil.rmtree(scans / "I102")
    table = pd.read_csv(file.parent / "table.csv")
    table["filepath"] = ["scans/I100", "scans/I101", "scans/I102.zip", "scans/I103.nii.gz"]
    table.to_csv(file.parent / "table.csv", index=False)
    return file


def test_a_cohort_of_folders_archives_and_files(file, tmp_path):
    study = load_study(file, trust_code=True)
    assert list(study.subjects.index) == ["I100", "I101", "I102", "I103"]
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    assert not result.failures
    assert all(study.source(subject).is_ready() for subject in study.subjects.index)
    assert study.scan("I100").digest != study.scan("I101").digest


def test_they_are_found_by_their_ids_below_a_folder(file):
    table = pd.read_csv(file.parent / "table.csv").drop(columns="filepath")
    table.to_csv(file.parent / "table.csv", index=False)
    file.write_text(file.read_text().replace('table = "table.csv"', 'table = "table.csv"\nimages = "scans"'))
    study = load_study(file, trust_code=True)
    scans = file.parent / "scans"
    assert [study.path_of(name) for name in study.subjects.index] == [
        scans / "I100", scans / "I101", scans / "I102.zip", scans / "I103.nii.gz"
    ]  # fmt: skip


def test_the_outermost_folder_that_holds_the_id_is_taken(tmp_path):
    for folder in ("ADNI/P1/MPRAGE/2006-04-18/I1001", "ADNI/P1/MPRAGE/2007-04-18/I1002", "ADNI/P2/T1/2006-04-18/I1003"):
        place = tmp_path / folder
        place.mkdir(parents=True)
        (place / "a.dcm").write_bytes(b"\0" * 128 + b"DICM")
    found = find_images(tmp_path, ["I1001", "P1", "P2", "I10"], raw=True)
    assert found == {
        "I1001": [tmp_path / "ADNI/P1/MPRAGE/2006-04-18/I1001"],
        "P1": [tmp_path / "ADNI/P1"],
        "P2": [tmp_path / "ADNI/P2"],
    }
    assert find_images(tmp_path, ["I1001"]) == {}, "without [prepare] only image files are scans"


def test_a_folder_that_changes_is_prepared_anew(file):
    study = load_study(file, trust_code=True)
    source = study.source("I100")
    source.load()
    marks = source.fingerprint(), source.stamp()
    assert source.is_ready()
    path = next((source.job.path / "S5").iterdir())
    path.write_bytes(path.read_bytes() + b"\0\0")
    assert source.fingerprint() != marks[0]
    assert source.stamp() != marks[1]
    assert not source.is_ready()


def test_the_series_is_chosen_in_the_study_file(file, tmp_path, monkeypatch):
    study = load_study(file, trust_code=True)
    for name in study.subjects.index[:2]:
        write_person(study.path_of(name), 3, (7,))
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "a", split="all")
    assert set(result.failures) == {"I100", "I101"}
    assert "series = N under [prepare]" in result.failures["I100"]["scan"]
    text = file.read_text()
    for entry in ("series = 7", 'series = "7"'):
        file.write_text(text.replace("nonlinear = false", f"nonlinear = false\n{entry}"))
        with pytest.raises(ValueError, match="expected the number or description of a series, got 7; available: 1 '"):
            load_study(file, trust_code=True).scan("I102")
        chosen = load_study(file, trust_code=True).scan("I100")
    monkeypatch.setattr(batch, "prepare_scan", None)  # a number and its text are one request
    assert load_study(file, trust_code=True).scan("I100").digest == chosen.digest
    file.write_text(text.replace("nonlinear = false", "series = 1.5"))
    with pytest.raises(ValueError, match=r"prepare\.series is not text, or a whole number"):
        read_study_file(file)


def test_check_opens_them_and_says_which_series(file):
    text = check_study(file, trust_code=True).text()
    assert "2 series; taken as the T1 scan: series 5" in text
    assert "Doe" not in text
    assert not check_study(file, trust_code=True).errors


def test_check_proposes_the_section_for_folders(file):
    file.write_text(file.read_text().replace("[prepare]\nnonlinear = false", ""))
    text = check_study(file, trust_code=True).text()
    assert "Scans that are folders, as of DICOM files (2); add a section [prepare] to the study file" in text


def test_init_writes_the_section(file, tmp_path, capsys):
    table = pd.read_csv(file.parent / "table.csv").drop(columns="filepath").iloc[:3]
    table.to_csv(tmp_path / "people.csv", index=False)
    scans = file.parent / "scans"
    (scans / "I103.nii.gz").unlink()
    out = tmp_path / "new.toml"
    assert main(["study", "init", "--table", str(tmp_path / "people.csv"), "--images", str(scans), "--model", "demo",
                 "--out", str(out)]) == 0  # fmt: skip
    assert read_study_file(out).prepare is not None
    assert "folders of DICOM files or archives" in capsys.readouterr().out
    assert len(load_study(out).subjects) == 3


def test_several_images_are_not_prepared_in_silence(file):
    text = file.read_text()
    file.write_text(text.replace('table = "table.csv"', 'table = "table.csv"\nnumbers = ["age"]'))
    with pytest.raises(ValueError, match=r"\[prepare\] is for networks that read one T1 scan"):
        read_study_file(file)


def test_folders_are_no_scans_without_the_section(file):
    frame, report = read_subjects(file.parent / "table.csv")
    assert list(frame["id"]) == ["I102", "I103"], "an archive is a file, and refused in words when it is opened"
    assert any("Scans that are folders" in finding.message for finding in report.of("warning"))
