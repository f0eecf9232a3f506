"""A header whose two transforms disagree is told wherever a scan is read."""

import json

import nibabel as nib
import numpy as np
import pytest
from cohort.conftest import make_study

from mriinterp.cli import main
from mriinterp.cohort import open_cohort

SAID = "the header's two transforms disagree (one mirrors the other, "


def mirror_qform(path):
    """Let the quaternion of a scan mirror its matrix."""
    image = nib.load(path)
    image = nib.Nifti1Image(image.get_fdata(dtype=np.float32), image.affine, image.header)
    image.set_sform(image.affine, 4)
    image.set_qform(np.diag([-1, 1, 1, 1]) @ image.affine, 1)
    nib.save(image, path)


@pytest.fixture
def study_file(tmp_path):
    file = make_study(tmp_path / "study")
    mirror_qform(file.parent / "scans" / "I103.nii.gz")
    return file


def test_explain_says_so_and_writes_it_down(tmp_path, capsys, caplog):
    assert main(["simulate", "--n", "1", "--out", str(tmp_path)]) == 0
    scan = tmp_path / "sim-001_T1w.nii.gz"
    mirror_qform(scan)
    more = ["--model", "demo", "--method", "sensitivity", "--out", str(tmp_path / "out")]
    assert main(["explain", str(scan), *more]) == 0
    assert (capsys.readouterr().err + caplog.text).count(SAID) == 1
    assert f"sim-001_T1w.nii.gz: {SAID}" in caplog.text
    sidecar = json.loads(next((tmp_path / "out").glob("*_relevance.json")).read_text(encoding="utf-8"))
    (text,) = sidecar["warnings"]["scan"]
    assert text.startswith(SAID)
    for part in ("sform (MNI152) RAS [1.5 0 0 -84; ", "qform (scanner) LAS [-1.5 0 0 84; "):
        assert part in text


def test_study_check_says_so(study_file, capsys):
    main(["study", "check", str(study_file), "--trust-code", "--scans", "8"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if SAID in line]
    assert line.startswith("warning: Scans whose files are doubtful (8 opened): I103 (")


def test_a_cohort_says_so(study_file, tmp_path, capsys):
    arguments = ["--trust-code", "--methods", "sensitivity", "--out", str(tmp_path / "out")]
    assert main(["cohort", str(study_file), *arguments]) == 0
    assert f"warning: scan I103: {SAID}" in capsys.readouterr().err
    result = open_cohort(tmp_path / "out")
    assert [scan for scan, text in result.warnings.items() if SAID in text] == ["I103"]
    assert result.subjects.loc["I103", "warnings"].startswith(SAID)
