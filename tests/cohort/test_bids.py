"""A cohort's folder is a BIDS derivative: names, description and the official validator."""

import json
import shutil
import subprocess

import nibabel as nib
import pandas as pd
import pytest

from mriinterp.cli import main
from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.cohort.bids import space_label
from mriinterp.cohort.layout import Layout, group_labels, method_label, subject_labels
from mriinterp.study import load_study

from .conftest import content, make_study


def bids_errors(folder) -> list[str]:
    """What the official validator calls an error; skips where it is not installed."""
    command = shutil.which("bids-validator-deno")
    if command is None:
        pytest.skip("the BIDS validator is not installed (pip install bids-validator-deno)")
    made = subprocess.run(
        [command, str(folder), "--format", "json"], capture_output=True, text=True, timeout=300, check=False
    )
    issues = json.loads(made.stdout)["issues"]["issues"]
    return [f"{i['code']} {i.get('location')}" for i in issues if i["severity"] == "error"]


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    """A cohort with maps, one without, and one of BIDS ids with sessions and an odd group name."""
    root = tmp_path_factory.mktemp("bids")
    study = load_study(make_study(root / "study", per_group=2, authors=["A. One", "B. Two"]), trust_code=True)
    methods = ["sensitivity", "guided_backprop"]
    made = {"maps": run_cohort(study, methods, out=root / "maps", split="all")}
    made["no maps"] = run_cohort(study, methods, out=root / "slim", split="all", maps=False)
    file = make_study(root / "visits", per_group=2, groups=("CN", "early MCI / +"))
    table = pd.read_csv(file.parent / "table.csv")
    table["scan_id"] = ["sub-01_ses-m00", "sub-01_ses-m12", "x" * 225, "sub-" + "y" * 230]
    table.to_csv(file.parent / "table.csv", index=False)
    text = file.read_text(encoding="utf-8").replace('"AD"', '"early MCI / +"').replace("AD =", '"early MCI / +" =')
    file.write_text(text, encoding="utf-8")
    made["visits"] = run_cohort(load_study(file, trust_code=True), methods, out=root / "visits_out", split="all")
    return made


@pytest.mark.parametrize("kind", ["maps", "no maps", "visits"])
def test_the_official_validator_finds_no_error(cohorts, kind):
    result = cohorts[kind]
    assert result.failures == {}
    if kind == "maps":
        assert main(["statistics", str(result.folder)]) == 0
        assert list((result.folder / "statistics").iterdir())
    assert bids_errors(result.folder) == []


def test_the_validator_would_object(cohorts, tmp_path):
    """Without the list of own files there are errors: the check above is not blind."""
    shutil.copytree(cohorts["maps"].folder, tmp_path / "copy")
    (tmp_path / "copy" / ".bidsignore").unlink()
    assert any("NOT_INCLUDED" in error for error in bids_errors(tmp_path / "copy"))


def test_what_stands_where(cohorts):
    folder = cohorts["maps"].folder
    stem = "sub-I100/anat/sub-I100_space-MNI152NLin2009aSym_desc-guidedBackprop"
    assert {f"{stem}_relevance.nii.gz", f"{stem}_relevance.json", f"{stem}_areas.tsv"} <= content(folder).keys()
    visits = content(cohorts["visits"].folder).keys()
    stem = "sub-01/ses-m12/anat/sub-01_ses-m12_space-MNI152NLin2009aSym_desc-sensitivity"
    assert f"{stem}_relevance.nii.gz" in visits
    description = json.loads((folder / "dataset_description.json").read_text(encoding="utf-8"))
    assert description["Authors"] == ["A. One", "B. Two"]
    assert description["DatasetType"] == "derivative"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "Research use only" in readme
    assert "Sensitivity analysis" in readme


@pytest.mark.parametrize("kind", ["maps", "no maps"])
def test_every_image_has_a_sidecar_and_every_json_there_is_one(cohorts, kind):
    folder = cohorts[kind].folder
    images = [p for p in folder.rglob("*.nii.gz") if ".work" not in p.parts]
    assert len(images) == {"maps": 8, "no maps": 0}[kind] + 2 * (2 * 5 + 3)
    for image in images:
        sidecar = image.with_name(image.name.removesuffix(".nii.gz") + ".json")
        entries = json.loads(sidecar.read_text(encoding="utf-8"))
        assert entries["method"] in ("sensitivity", "guided_backprop")
    for path in (folder / "groups").glob("*.json"):
        image = path.with_suffix(".nii.gz")
        entries = json.loads(path.read_text(encoding="utf-8"))
        if image.name.endswith("_count.nii.gz"):
            assert int(nib.load(image).get_fdata().max()) == entries["n"]
            assert "part" not in entries
        else:
            assert f"part-{entries['part']}" in image.name
        assert ("group-" in image.name) == (entries["group"] != "all")


def test_a_lost_sidecar_is_written_again(cohorts, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(cohorts["maps"].folder, folder)
    before = content(folder)
    next((folder / "groups").glob("group-AD*_std.json")).unlink()
    study = load_study(cohorts["maps"].folder.parent / "study" / "study.toml", trust_code=True)
    again = run_cohort(study, ["sensitivity", "guided_backprop"], out=folder, split="all")
    assert again.run["maps_computed"] == 0
    assert content(folder) == before


def test_a_folder_of_the_older_layout_is_refused(cohorts, tmp_path, capsys):
    study_file = cohorts["maps"].folder.parent / "study" / "study.toml"
    for name, place in (("plain", "sub-I100"), ("visits", "sub-01/ses-m12")):
        out = tmp_path / name
        (out / place).mkdir(parents=True)
        old = out / place / f"{place.replace('/', '_')}_space-MNI152_desc-sensitivity_relevance.json"
        old.write_text("{}", encoding="utf-8")
        with pytest.raises(ValueError, match="older version of mriinterp"):
            run_cohort(load_study(study_file, trust_code=True), ["sensitivity"], out=out)
        (out / "run.json").write_text("{}", encoding="utf-8")
        with pytest.raises(ValueError, match="older version of mriinterp"):
            open_cohort(out)
        command = ["cohort", str(study_file), "--trust-code", "--methods", "sensitivity", "--out", str(out)]
        assert main(command) != 0
        assert "name another folder" in capsys.readouterr().err
        assert sorted(p.name for p in out.iterdir()) == sorted([place.split("/")[0], "run.json"]), "nothing is written"


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("MNI152", "MNI152NLin2009aSym"),
        ("MNI", "MNI152NLin2009aSym"),
        ("", "MNI152NLin2009aSym"),
        ("MNI152 (ICBM 2009a nonlinear symmetric template)", "MNI152NLin2009aSym"),
        ("ICBM 2009c Nonlinear Asymmetric", "MNI152NLin2009cAsym"),
        ("MNI152NLin6Asym", "MNI152NLin6Asym"),
        ("mni152nlin2009casym, res 2", "MNI152NLin2009cAsym"),
        ("FSL MNI152", "MNI152NLin6Asym"),
        ("MNI Colin 27", "MNIColin27"),
        ("my own space", "myownspace"),
    ],
)
def test_template_spaces_have_the_names_of_the_standard(words, label):
    assert space_label(words) == label


def test_a_long_name_of_a_space_is_cut():
    assert len(space_label("a template of our own with very many words in its name")) == 32


@pytest.mark.parametrize("name", ["x" * 225, "sub-" + "y" * 225, f"sub-{'a' * 225}_ses-{'b' * 225}", "ü" * 225])
def test_long_names_fit_into_file_names(tmp_path, name):
    other = name[:-1] + "z"
    labels = subject_labels([name, other])
    assert labels[name].lower() != labels[other].lower()
    layout = Layout(tmp_path, "a template of our own with very many words in its name")
    group = group_labels([name, other])[name]
    method = "m" * 300
    for path in (
        layout.map(labels[name], method),
        layout.seen(labels[name]),
        layout.scratch(labels[name], method),
        layout.group(method, group, "positive", "mean"),
        layout.moments(method, group),
        layout.group_record(method, group),
    ):
        written = f".{path.name}.01234567.part"  # see `mriinterp.base.atomic.replacing`
        assert max(len(part.encode()) for part in (*path.relative_to(tmp_path).parts, written)) <= 255
    assert len(method_label(method)) <= 48


def test_names_of_either_unicode_form_have_one_label():
    assert subject_labels(["Mu\u0308ller"])["Mu\u0308ller"] == subject_labels(["M\u00fcller"])["M\u00fcller"]
