"""Study files: read, checked, written from what is found; normalisation fitted on the training scans."""

import json
import pickle
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from cohort.conftest import AFFINE, SHAPE, make_study
from nibabel.affines import from_matvec

from mriinterp.cli import main
from mriinterp.image.nifti import read_volume
from mriinterp.image.template import template
from mriinterp.image.volume import Grid, Volume, resample
from mriinterp.image.write import write_volume
from mriinterp.models import read_card
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.study import load_study, read_study_file, write_study_file
from mriinterp.study.check import check_study
from mriinterp.study.create import propose_study
from mriinterp.study.training import fit_normalisation, mean_training_scan

COARSE = Grid((46, 55, 46), from_matvec(np.diag([4.0, 4.0, 4.0]), [-90.0, -126.0, -72.0]))


@pytest.fixture
def file(tmp_path):
    return make_study(tmp_path / "study")


def rewrite(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_written_is_read(tmp_path):
    entries = {
        "name": "a b",
        "title": 'Grüße, "quoted" and \\ more',
        "simulated": True,
        "subjects": {
            "table": "t.csv",
            "prefixes": {"D:\\ADNI": "images", "\\\\server\\share": "other"},
            "columns": {"group": "DX bl"},
            "corrupt": ["I1", "it's"],
        },
        "groups": {
            "reference": "CN",
            "positive": "AD",
            "labels": {"AD": ["AD", "Dementia"], "C N": ["CN"], "CN": ["NC"]},
        },
        "split": {"test": 0.25, "seed": 3},
        "model": {"card": "demo", "brain_mask": "mask.nii.gz"},
    }
    write_study_file(entries, tmp_path / "s.toml")
    settings = read_study_file(tmp_path / "s.toml")
    assert settings.title == entries["title"]
    assert settings.simulated
    assert settings.groups == ("CN", "AD", "C N")
    assert settings.labels["AD"] == ("AD", "Dementia")
    assert dict(settings.prefixes) == {
        "D:\\ADNI": str(tmp_path / "images"),
        "\\\\server\\share": str(tmp_path / "other"),
    }
    assert tuple(settings.corrupt) == ("I1", "it's")
    assert settings.columns == {"group": "DX bl"}
    assert (settings.test, settings.seed) == (0.25, 3)
    assert settings.table == tmp_path / "t.csv"
    assert settings.model.brain_mask == str(tmp_path / "mask.nii.gz")
    assert settings.model.source == "demo"


def test_folds_are_the_network_with_other_weights(file):
    state = torch.load(file.parent / "weights.pt", weights_only=True)
    torch.save({key: 2 * value for key, value in state.items()}, file.parent / "fold1.pt")
    rewrite(file, "[atlas]", """[model.folds]
"fold 1" = "fold1.pt"
"fold 2" = ["fold2.pt"]

[atlas]""")  # fmt: skip
    study = load_study(file, trust_code=True)
    assert list(study.folds) == ["fold 1", "fold 2"]
    own, fold = study.model("cpu"), study.folds["fold 1"].load("cpu")
    assert fold.digest != own.digest
    assert fold.grid.matches(own.grid)
    for mine, other in zip(own.module.parameters(), fold.module.parameters(), strict=True):
        torch.testing.assert_close(2 * mine, other)
    said = [finding.text() for finding in check_study(file, trust_code=True, scans=0).errors]
    assert len(said) == 1
    assert "fold 2" in said[0]
    assert "fold2.pt" in said[0]


def test_every_fault_of_a_file_is_named_at_once(tmp_path):
    (tmp_path / "s.toml").write_text(
        """
        titel = "x"
        [subjects]
        kind = "lonii"
        columns = { grp = "DX" }
        corrupt = "nowhere.txt"
        [groups]
        positive = "AD"
        labels = { CN = ["CN"], AD = ["AD", "CN"] }
        classes = { XX = "a" }
        [split]
        test = 1.5
        [model]
        architecture = "ClassificationModel3D"
        [colour]
        """,
        encoding="utf-8",
    )
    with pytest.raises(ValueError) as caught:
        read_study_file(tmp_path / "s.toml")
    for fault in (
        "titel; did you mean title?",
        "subjects.table is missing",
        "'lonii'; available: auto, original",
        "unknown fields grp",
        "nowhere.txt",
        "groups.reference is missing",
        "several groups: CN (CN and AD)",
        "unknown groups XX",
        "split.test is 1.5",
        "model.weights is missing",
        "unknown entry colour",
    ):
        assert fault in str(caught.value), fault


def test_windows_paths_in_double_quotes_are_explained(tmp_path):
    (tmp_path / "s.toml").write_text('[subjects]\ntable = "D:\\Users\\x.csv"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="single quotes"):
        read_study_file(tmp_path / "s.toml")


def test_a_table_study(file):
    study = load_study(file, trust_code=True)
    assert study.groups == ("CN", "AD")
    assert study.reference_group == "CN"
    assert study.positive == "AD"
    assert study.class_of("CN") == "healthy"
    assert not study.simulated
    assert len(study.subjects) == 8
    assert study.subjects.at["I104", "split"] == "train"
    assert study.scan("I100").data.shape == SHAPE
    assert study.truth("I100") is None
    assert study.model("cpu").classes == ("healthy", "ill")
    assert study.atlas().areas["name"].tolist() == ["A_L", "A_R", "B_L", "B_R", "Mid"]
    with pytest.raises(KeyError, match="I100, I101"):
        study.scan("I999")
    again = pickle.loads(pickle.dumps(study))
    assert again.subjects.equals(study.subjects)


def test_code_runs_on_the_users_word_only(file):
    with pytest.raises(ValueError, match=r"permission to run net\.py"):
        load_study(file).model("cpu")
    rewrite(file, "[model]", "[model]\ntrust_code = true")
    with pytest.raises(ValueError, match=r"unknown entry model\.trust_code"):
        load_study(file)


def test_split_by_patient_where_the_table_has_none(file):
    table = pd.read_csv(file.parent / "table.csv").drop(columns="split")
    table["subject"] = [
        f"P{i // 2}" for i in range(8)
    ]  # two scans each; groups differ, so an ill scan makes an ill patient
    table.to_csv(file.parent / "table.csv", index=False)
    rewrite(file, "[model]", "[split]\ntest = 0.5\nseed = 1\n\n[model]")
    study = load_study(file, trust_code=True)
    sides = study.subjects.groupby("subject")["split"].nunique()
    assert (sides == 1).all()
    assert set(study.subjects["split"]) == {"train", "test"}


def test_corrupt_scans_from_a_file(file):
    (file.parent / "corrupt.txt").write_text("# bad ones\nI100\n\nI103\n", encoding="utf-8")
    rewrite(file, 'table = "table.csv"', 'table = "table.csv"\ncorrupt = "corrupt.txt"')
    assert sorted(load_study(file, trust_code=True).subjects.index) == [f"I{n}" for n in (101, 102, 104, 105, 106, 107)]


def test_a_group_without_scans_can_be_looked_at_and_fails_the_check(file):
    rewrite(file, "[model]", '[groups.labels]\nCN = ["CN"]\nAD = ["Dementia"]\n\n[model]')
    study = load_study(file, trust_code=True)
    assert set(study.subjects["group"]) == {"CN"}
    errors = [f.text() for f in check_study(file, trust_code=True).errors]
    assert any("No scan is left of group AD" in e and "AD (4)" in e for e in errors)


def test_brain_mask_on_load(file):
    mask = np.zeros(SHAPE, np.uint8)
    mask[:7] = 1  # LAS: the right half
    write_volume(Volume(mask, AFFINE), file.parent / "mask.nii.gz")
    rewrite(file, 'card = "card.json"', 'card = "card.json"\nbrain_mask = "mask.nii.gz"')
    study = load_study(file, trust_code=True)
    plain, masked = study.scan("I100"), study.model("cpu").prepare(study.scan("I100"))[0, 0].numpy()
    raw = resample(plain, study.model("cpu").grid).data
    np.testing.assert_array_equal(masked[:7], raw[:7])
    assert (masked[7:] == 0).all()
    inside = study.brain_mask()
    assert inside.data.sum() == 7 * SHAPE[1] * SHAPE[2]


def test_normalisation_against_numpy(file):
    study = load_study(file, trust_code=True)
    grid = study.model("cpu").grid
    scans = np.stack([resample(study.scan(i), grid).data for i in ("I100", "I104")]).astype(np.float64)
    fitted = fit_normalisation(study)
    assert fitted.n == 2
    card = read_card(fitted.card)
    assert card.about["fitted"]["training_scans"] == ["I100", "I104"]
    mean = resample(read_volume(fitted.card.parent / "mean.nii.gz"), grid)
    std = resample(read_volume(fitted.card.parent / "std.nii.gz"), grid)
    np.testing.assert_allclose(mean.data, scans.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(std.data, scans.std(axis=0), rtol=1e-5, atol=1e-6)
    rewrite(file, 'card = "card.json"', 'card = "card.json"\nnormalisation = "voxelwise"')
    network = load_study(file, trust_code=True).model("cpu")
    wanted = (resample(study.scan("I101"), grid).data - scans.mean(axis=0)) / (scans.std(axis=0) + 1e-10)
    np.testing.assert_allclose(network.prepare(study.scan("I101"))[0, 0].numpy(), wanted, rtol=1e-3, atol=1e-3)
    assert network.digest != study.model("cpu").digest


def test_voxels_that_never_vary_become_zero_and_bad_scans_are_left_out(file):
    rng = np.random.default_rng(0)
    for name in ("I100", "I104"):
        data = rng.gamma(2.0, size=SHAPE).astype(np.float32)
        data[:, :, :3] = 0  # background
        write_volume(Volume(data, AFFINE), file.parent / "scans" / f"{name}.nii.gz")
    table = pd.read_csv(file.parent / "table.csv")
    table.loc[table["scan_id"] == "I102", "split"] = "train"
    table.to_csv(file.parent / "table.csv", index=False)
    (file.parent / "scans" / "I102.nii.gz").write_bytes(b"no image")
    rewrite(file, 'card = "card.json"', 'card = "card.json"\nnormalisation = "voxelwise"')
    study = load_study(file, trust_code=True)
    with pytest.raises(ValueError, match="study normalise"):
        study.model("cpu")
    fitted = fit_normalisation(study)
    assert (fitted.n, list(fitted.failed)) == (2, ["I102"])
    assert fitted.flat == pytest.approx(3 / 13)
    x = study.model("cpu").prepare(study.scan("I101"))[0, 0].numpy()
    assert np.isfinite(x).all()
    assert (x[:, :, :3] == 0).all()
    assert (x[:, :, 3:] != 0).mean() > 0.99


def test_one_training_scan_is_too_few(file):
    table = pd.read_csv(file.parent / "table.csv")
    table.loc[table["scan_id"] == "I104", "split"] = "test"
    table.to_csv(file.parent / "table.csv", index=False)
    with pytest.raises(ValueError, match=r"at least two training scans.*got 1"):
        fit_normalisation(load_study(file, trust_code=True))


def test_background_is_the_mean_training_scan_made_once(file, monkeypatch):
    study = load_study(file, trust_code=True)
    wanted = np.stack([study.scan(i).data for i in ("I100", "I104")]).astype(np.float64).mean(axis=0)
    found = study.background()
    np.testing.assert_allclose(found.data, wanted, rtol=1e-6)
    np.testing.assert_allclose(found.affine, study.scan("I100").affine)
    monkeypatch.setattr("mriinterp.study.training._stream", lambda *a: pytest.fail("made again"))
    again = load_study(file, trust_code=True).background()
    np.testing.assert_array_equal(again.data, found.data)
    monkeypatch.undo()
    write_volume(Volume(np.ones(SHAPE, np.float32) + found.data, found.affine), file.parent / "scans" / "I100.nii.gz")
    assert np.abs(mean_training_scan(load_study(file, trust_code=True)).data - found.data).max() > 0.1


def test_another_image_in_the_place_of_the_mean_training_scan_is_not_taken(file):
    found = load_study(file, trust_code=True).background()
    path = next(file.parent.rglob("background/mean.nii.gz"))
    write_volume(found.with_data(found.data[::-1].copy()), path, space="mni")
    np.testing.assert_array_equal(load_study(file, trust_code=True).background().data, found.data)


def test_background_without_training_scans_is_the_template(file):
    table = pd.read_csv(file.parent / "table.csv").assign(split="test")
    table.to_csv(file.parent / "table.csv", index=False)
    study = load_study(file, trust_code=True)
    np.testing.assert_allclose(study.background().data, template(study.model("cpu").grid).canonical().data)


def test_check_names_everything_that_is_wrong(file, capsys):
    folder = file.parent
    table = pd.read_csv(folder / "table.csv")
    table.loc[1, "split"] = "train"
    table.loc[3, "subject"] = table.loc[1, "subject"]  # a patient on both sides
    table.loc[len(table)] = ["I200", "P200", "AD", 70, "scans/absent.nii.gz", "test"]
    table.loc[len(table)] = ["I201", "P201", "MCI", 70, "scans/I100.nii.gz", "test"]
    table.loc[len(table)] = table.loc[4]  # twice
    table.to_csv(folder / "table.csv", index=False)
    (folder / "scans" / "I106.nii.gz").write_bytes(b"no image")
    rewrite(file, 'CN = "healthy"', 'CN = "well"')
    rewrite(file, 'image = "labels.nii.gz"', 'image = "atlas.nii.gz"')
    rewrite(file, 'name = "tiny"', 'name = "tiny"\ncolour = "red"')
    assert main(["study", "check", str(file), "--trust-code", "--scans", "8"]) == 1
    said = capsys.readouterr().out
    for finding in (
        "unknown entry colour",
        "one split, got 1 in several: P001",
        "their files are missing: I200",
        "the row is there twice: I104",
        "class 'well' of the network, which has healthy, ill",
        "Atlas: ",
        "several ids lead to the same file: I100, I201",
        "Scans that cannot be read (1 of 7 opened): I106",
        "Scans that do not lie in MNI space",
    ):
        assert finding in said, finding
    rewrite(file, 'colour = "red"\n', "")
    rewrite(file, 'card = "card.json"', 'card = "nothing.json"')
    texts = check_study(file, trust_code=True).text()
    assert "nothing.json" in texts
    assert "got 1 in several" in texts  # goes on after the first problem


def test_check_names_unusual_intensities_and_what_the_network_is_like(file):
    image = read_volume(file.parent / "scans" / "I103.nii.gz")
    data = image.data.copy()
    data[0, 0, 0] = 1e5
    write_volume(image.with_data(data), file.parent / "scans" / "I103.nii.gz")
    code = file.parent / "net.py"
    text = code.read_text(encoding="utf-8")
    code.write_text(text.replace("return self.out(", "x = x / x.amax()\n        return self.out("), encoding="utf-8")
    said = check_study(file, trust_code=True, scans=8).text()
    assert "Scans of unusual intensities, whose maps may be wrong (8 opened): " in said
    assert "I103 (the highest intensity is 1e+05" in said
    assert "tiny: its output for a scan depends on the other scans of a batch" in said


def test_check_of_groups_the_network_does_not_know(file):
    rewrite(file, '[groups.classes]\nCN = "healthy"\nAD = "ill"\n', "")
    text = check_study(file, trust_code=True, scans=0).text()
    assert "Groups CN, AD are no classes of the network (healthy, ill)" in text
    assert 'CN = "healthy", AD = "ill"' in text


def loni(folder, per_group=2):
    """A LONI table with its faults, and scans of the template with noise."""
    rng = np.random.default_rng(0)
    brain = template(COARSE).data
    rows = []
    for index in range(2 * per_group):
        image = f"I{45117 + index}"
        noisy = Volume(np.where(brain > 0, brain + rng.normal(0, 4, brain.shape), 0).astype(np.float32), COARSE.affine)
        write_volume(noisy, folder / "ADNI" / f"002_S_{index:04d}" / f"ADNI_002_S_{index:04d}_{image}.nii.gz")
        date = "2006-02-05 00:00:00" if index % 2 else "11/29/2006"
        rows.append(
            [image, f"002_S_{index:04d}", ("AD", "CN")[index % 2], "M", 70, "m12", "MRI", "N3", "Processed", date]
        )
    rows.append(["I999", "002_S_9999", "LMCI", "F", 80, "bl", "MRI", "N3", "Processed", "11/29/2006"])
    columns = [
        "Image Data ID",
        "Subject",
        "Group",
        "Sex",
        "Age",
        "Visit",
        "Modality",
        "Description",
        "Type",
        "Acq Date",
    ]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "search.csv", index=False)
    torch.save(ClassificationModel3D().state_dict(), folder / "weights.pt")
    return folder / "search.csv"


def test_init_from_an_adni_folder_and_a_state_dict(tmp_path, capsys):
    table = loni(tmp_path)
    out = tmp_path / "adni.toml"
    code = main(
        ["study", "init", "--table", str(table), "--images", str(tmp_path / "ADNI"),
         "--weights", str(tmp_path / "weights.pt"), "--out", str(out)]
    )  # fmt: skip
    assert code == 0
    said = capsys.readouterr().out
    assert f"study check {out}" in said
    assert "LMCI" in said
    settings = read_study_file(out)
    assert settings.kind == "loni"
    assert (settings.reference, settings.positive) == ("CN", "AD")
    assert dict(settings.classes) == {"CN": "NC", "AD": "AD"}
    assert settings.model.source == "ClassificationModel3D"
    assert main(["study", "check", str(out), "--scans", "2"]) == 0
    said = capsys.readouterr().out
    assert "Ambiguous dates: 2" in said
    assert "is ready" in said
    study = load_study(out)
    assert sorted(study.subjects.index) == ["I45117", "I45118", "I45119", "I45120"]
    with pytest.raises(ValueError, match="one that exists"):
        propose_study(table, tmp_path / "ADNI", [tmp_path / "weights.pt"], out=out)


def test_init_says_which_weights_it_does_not_know(tmp_path):
    table = loni(tmp_path, per_group=1)
    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"known architecture, got other\.pt"):
        propose_study(table, tmp_path / "ADNI", [tmp_path / "other.pt"], out=tmp_path / "s.toml")
    with pytest.raises(FileNotFoundError, match=r"absent\.pt"):
        propose_study(table, tmp_path / "ADNI", [tmp_path / "absent.pt"], out=tmp_path / "s.toml")
    assert not (tmp_path / "s.toml").exists()


def test_init_and_check_of_real_scans(shared_data, tmp_path):
    weights = [shared_data / "ncomms2022" / f"{name}_58.pth" for name in ("backbone", "COG", "ADD")]
    made = propose_study(
        shared_data / "ds002748", shared_data / "ds002748" / "mni", weights, out=tmp_path / "real.toml"
    )
    assert "one group, control" in made.report.text()
    report = check_study(tmp_path / "real.toml", scans=1)
    assert report.ok, report.text()
    study = load_study(tmp_path / "real.toml")
    assert (study.groups, study.positive) == (("control",), "")
    assert len(study.subjects) == 8
    assert json.loads(json.dumps(list(study.model("cpu").classes))) == ["COG"]


def test_demo_study_and_unknown_names():
    demo = load_study("demo")
    assert demo.simulated
    assert demo.class_of("AD") == "AD"
    assert pickle.loads(pickle.dumps(demo)).source("sim-003").fingerprint() == demo.source("sim-003").fingerprint()
    assert demo.source("sim-003").fingerprint() != demo.source("sim-004").fingerprint()
    with pytest.raises(KeyError, match="demo, or the path of a study file"):
        load_study("dmo")
    with pytest.raises(FileNotFoundError, match=r"nothing\.toml"):
        load_study("nothing.toml")


def test_the_documented_file_is_valid(tmp_path):
    text = (Path(__file__).resolve().parents[2] / "docs" / "study.md").read_text(encoding="utf-8")
    (tmp_path / "s.toml").write_text(text.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    settings = read_study_file(tmp_path / "s.toml")
    assert settings.groups == ("CN", "AD")
    assert settings.prefixes == {"D:\\ADNI": "/data/adni"} or settings.prefixes["D:\\ADNI"].endswith("adni")


@pytest.mark.parametrize("code", [True, False])
def test_the_commands_that_messages_name_can_be_typed_as_they_stand(tmp_path, code):
    model = {"card": "card.json", "normalisation": "voxelwise"}
    file = make_study(tmp_path / "my study", model={**model, "code": "net.py"} if code else model)
    with pytest.raises(ValueError, match="study normalise") as caught:
        _ = load_study(file).model_recipe
    command = shlex.split(str(caught.value).partition("make it: ")[2])
    assert command[3:] == [str(file), *(["--trust-code"] if code else [])]


def test_a_file_of_other_settings_is_not_quoted(tmp_path, capsys):
    """Its keys may be nobody's business: a file of passwords is TOML, too."""
    file = tmp_path / "env.toml"
    file.write_text("DATABASE_PASSWORD = 1\n[vault]\nroot = 2\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match="none of the 2 entries is one of a study file; known: atlas, authors"
    ) as found:
        load_study(file)
    assert main(["study", "check", str(file)]) == 1
    said = capsys.readouterr()
    for text in (str(found.value), said.out + said.err):
        assert "PASSWORD" not in text
        assert "vault" not in text
