"""The command: exit codes, parameters, words."""

import json

import nibabel as nib
import pytest

from mriinterp.cli import main
from mriinterp.cohort import open_cohort


def cohort(file, out, *more):
    """All scans, unless a test is about a split."""
    every = () if "--split" in more else ("--split", "all")
    return main(["cohort", str(file), "--trust-code", "--workers", "1", "--out", str(out), *every, *more])


def test_a_run_and_what_it_says(study_file, tmp_path, capsys):
    more = [
        "--methods",
        "sensitivity,occlusion",
        "--set",
        "occlusion.size=4",
        "--set",
        "occlusion.stride=5",
        "--n",
        "4",
    ]
    assert cohort(study_file, tmp_path / "out", *more, "--target", "true") == 0
    said = capsys.readouterr().out
    assert "4 scans, 8 maps computed" in said
    assert "target: true" in said
    result = open_cohort(tmp_path / "out")
    params = {m["name"]: m["params"] for m in result.run["methods"]}
    assert (params["occlusion"]["size"], params["occlusion"]["stride"]) == (4, 5)
    assert params["occlusion"]["fill"] == "zero"  # those that were not given are recorded as well
    assert (
        result.run["model"]["sha256"]
        == json.loads(result.layout.record(result.subjects["label"].iloc[0], "occlusion").read_text(encoding="utf-8"))[
            "sha256"
        ]["model"]
    )


def test_left_out_scans_are_named_and_the_code_is_1(study_file, tmp_path, capsys):
    (study_file.parent / "scans" / "I103.nii.gz").write_bytes(b"no image")
    assert cohort(study_file, tmp_path / "out", "--methods", "sensitivity") == 1
    assert "I103 left out" in capsys.readouterr().err


def test_unusual_intensities_are_said(study_file, tmp_path, capsys):
    """In the command's words, in the table of scans, in run.json, and read back."""
    image = nib.load(study_file.parent / "scans" / "I103.nii.gz")
    data = image.get_fdata(dtype="f4")
    data[0, 0, 0] = 1e5
    nib.save(nib.Nifti1Image(data, image.affine), study_file.parent / "scans" / "I103.nii.gz")
    for maps in ([], ["--no-maps"]):
        out = tmp_path / f"out{len(maps)}"
        assert cohort(study_file, out, "--methods", "sensitivity", *maps) == 0
        assert "warning: scan I103: " in capsys.readouterr().err
        result = open_cohort(out)
        assert "the highest intensity is 1e+05" in result.warnings["I103"]
        assert result.subjects.loc["I103", "warnings"] == result.warnings["I103"]
        assert json.loads((out / "run.json").read_text(encoding="utf-8"))["warnings"] == result.warnings
        record = json.loads(
            result.layout.record(result.subjects.loc["I103", "label"], "sensitivity").read_text("utf-8")
        )
        assert "; ".join(record["warnings"]["scan"]) == result.warnings["I103"]
    assert cohort(study_file, out, "--methods", "sensitivity", "--no-maps") == 0
    assert "warning: scan I103: " in capsys.readouterr().err, "said again where nothing had to be computed"


def test_many_warnings_are_counted(study_file, tmp_path):
    assert cohort(study_file, tmp_path, "--methods", "sensitivity") == 0
    result = open_cohort(tmp_path)
    result.run["warnings"] = {f"I{n}": "odd" for n in range(12)}
    assert result.warning_lines(10) == [
        *(f"scan I{n}: odd" for n in range(10)),
        f"12 scans in all are doubtful, see {result.layout.subjects.name}",
    ]
    assert len(result.warning_lines(12)) == 12


def test_what_was_found_out_about_the_network_is_said(study_file, tmp_path, capsys):
    code = study_file.parent / "net.py"
    code.write_text(
        code.read_text(encoding="utf-8").replace("return self.out(", "x = x / x.amax()\n        return self.out("),
        encoding="utf-8",
    )
    assert cohort(study_file, tmp_path, "--methods", "sensitivity", "--n", "2") == 0
    note = "network tiny: its output for a scan depends on the other scans of a batch: scans and occlusion windows are run one by one"
    assert f"note: {note}" in capsys.readouterr().err
    assert open_cohort(tmp_path).network_notes == (note,)


def test_tissue_that_is_never_hidden_is_said(study_file, tmp_path, capsys):
    settings = ["--set", "occlusion.size=2", "--set", "occlusion.stride=5"]
    assert cohort(study_file, tmp_path, "--methods", "occlusion,sensitivity", "--n", "2", *settings) == 0
    warning = "are never hidden: the stride of 5 is larger than the box of 2 voxels"
    assert warning in capsys.readouterr().err
    (note,) = open_cohort(tmp_path).method_notes.values()
    assert note.startswith("Occlusion: ")
    assert note.endswith(warning)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--methods", "sensitivty"], "available"),
        (["--methods", "sensitivity", "--set", "size=4"], "METHOD.NAME=VALUE"),
        (["--methods", "sensitivity", "--set", "occlusion.size=4"], "one of the methods sensitivity"),
        (["--methods", "occlusion", "--set", "occlusion.sise=4"], "sise"),
        (["--methods", "sensitivity", "--target", "AD"], "healthy"),
        (["--methods", "sensitivity", "--split", "validation"], "available: test, train"),
        (["--methods", "sensitivity", "--n", "0"], "1 or more"),
    ],
)
def test_wrong_requests_are_wrong_usage(study_file, tmp_path, capsys, more, word):
    assert cohort(study_file, tmp_path / "out", *more) == 2
    assert word in capsys.readouterr().err
    assert not list(tmp_path.glob("out/sub-*"))


def test_without_leave_no_code_is_run(study_file, tmp_path, capsys):
    assert main(["cohort", str(study_file), "--methods", "sensitivity", "--out", str(tmp_path / "out")]) == 2
    assert "permission to run" in capsys.readouterr().err


def test_a_mean_of_no_training_scans_cannot_be_put_in(study_file, tmp_path, capsys):
    fill = ["--methods", "occlusion", "--set", "occlusion.fill=reference", "--set", "occlusion.size=9"]
    assert cohort(study_file, tmp_path / "out", *fill) == 0
    table = study_file.parent / "table.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",train", ",test"), encoding="utf-8")
    capsys.readouterr()
    assert cohort(study_file, tmp_path / "other", *fill) == 2
    assert "expected training scans in study 'tiny'" in capsys.readouterr().err
    assert not list(tmp_path.glob("other/sub-*"))
