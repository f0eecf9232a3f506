"""A tiny cohort trained: what is learnt, what is written, what a killed run ends with."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from crossval.conftest import AFFINE, SHAPE, make_cohort
from mriinterp.base.progress import Cancelled
from mriinterp.cli import main
from mriinterp.cohort import run_cohort
from mriinterp.crossval import plan_training, train_study
from mriinterp.crossval.scans import keep_scans
from mriinterp.image.nifti import read_volume
from mriinterp.image.volume import Volume, resample
from mriinterp.image.write import write_volume
from mriinterp.models import read_card
from mriinterp.study import load_study
from mriinterp.study.check import check_study

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {"folds": 3, "epochs": 40, "device": "cpu"}


@pytest.fixture(scope="module")
def trained(cohort_file, tmp_path_factory):
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("trained") / "out"
    told = []
    study = load_study(cohort_file, trust_code=True)
    result = train_study(
        study, out, check_leakage=True, progress=lambda done, total: told.append((done, total)), **OPTIONS
    )
    return result, told


def test_what_can_be_learnt_is_learnt_and_permuted_labels_are_not(trained):
    measures = trained[0].measures.query("measure == 'auc'").set_index(["classifier", "set"])["value"]
    assert measures["network", "pooled"] > 0.85
    assert measures["network", "test"] > 0.85
    permuted = trained[0].measures.query("classifier == 'network, permuted labels'").iloc[0]
    assert permuted["low"] < 0.5 < permuted["high"]
    said = " ".join(trained[0].verdicts)
    assert "The network does better than age and sex" in said


def test_everything_is_written_and_nothing_else(trained):
    names = sorted(p.name for p in trained[0].folder.iterdir() if not p.name.startswith("."))
    assert names == [
        "confusion.tsv", "fold1", "fold2", "fold3", "folds.tsv", "measures.tsv", "predictions.tsv", "report.html", "study.toml",
        "training.json",
    ]  # fmt: skip
    done, totals = zip(*trained[1], strict=True)
    assert list(done) == sorted(done)
    assert set(totals) == {done[-1]}
    page = (trained[0].folder / "report.html").read_text(encoding="utf-8")
    for text in ("Does the network beat simple models?", "ROC", "Calibration", "falls to chance", "Confusion"):
        assert text in page


def test_right_and_wrong_are_counted_by_sex_age_and_site(trained):
    table = pd.read_csv(trained[0].folder / "confusion.tsv", sep="\t").set_index("scans of")
    assert table.index.tolist() == [
        "all", "sex F", "sex M", "age 60–69", "age 70–79", "site A", "site B", "site C"
    ]  # fmt: skip
    counts = table.iloc[:, :4]
    for name in ("sex", "age", "site"):
        assert counts[counts.index.str.startswith(name)].sum().tolist() == counts.loc["all"].tolist()
    inside = trained[0].predictions.query("fold != 'test'")
    ill, called = inside["label"] == 1, inside["margin"] > 0
    of_site = inside["site"] == "B"
    assert counts.loc["site B", "ill, called ill"] == (ill & called & of_site).sum()
    assert counts.loc["all", "healthy, called ill"] == (~ill & called).sum()
    report = (trained[0].folder / "report.html").read_text(encoding="utf-8")
    assert "site B" in report


def test_the_study_file_opens_with_the_networks_and_says_what_was_predicted(trained, tmp_path):
    folder = trained[0].folder
    study = load_study(folder / "study.toml", trust_code=True)
    assert list(study.folds) == ["fold 1", "fold 2", "fold 3"]
    assert check_study(folder / "study.toml", trust_code=True, scans=2).ok
    predictions = trained[0].predictions.set_index("id")
    for name, recipe in study.folds.items():
        model = recipe.load("cpu")
        assert model.classes == ("CN", "AD")
        for subject in predictions.index[predictions["fold"] == name[-1]][:3]:
            outputs = model.predict(study.scan(subject)).outputs
            assert outputs["AD"] - outputs["CN"] == pytest.approx(predictions.loc[subject, "margin"], abs=5e-3)
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "maps", n=1)
    assert len(result.subjects) == 1


def test_a_card_tells_what_the_network_was_made_of(trained):
    folds = pd.read_csv(trained[0].folder / "folds.tsv", sep="\t").set_index("id")
    for number in (1, 2, 3):
        card = read_card(trained[0].folder / f"fold{number}" / "card.json")
        about = card.about
        assert set(about["training_data"]["train"]) == set(folds.index[folds[f"round_{number}"] == "train"])
        assert about["training"]["preset"] == "recommended"
        content = (card.folder / "weights.safetensors").read_bytes()
        assert about["sha256"] == hashlib.sha256(content).hexdigest()
        assert 0 <= about["performance"]["auc"]["value"] <= 1


def test_mean_and_normalisation_are_of_the_folds_own_training_scans(cohort_file, tmp_path):
    study = load_study(cohort_file, trust_code=True)
    result = train_study(study, tmp_path / "out", folds=2, epochs=1, preset="rieke2018", device="cpu")
    for number in (1, 2):
        card = read_card(tmp_path / "out" / f"fold{number}" / "card.json")
        assert card.normalisation == {"kind": "voxelwise", "mean": "mean.nii.gz", "std": "std.nii.gz"}
        scans = np.stack([study.scan(name).data for name in card.about["training_data"]["train"]])
        mean, std = (read_volume(card.folder / f"{kind}.nii.gz").data for kind in ("mean", "std"))
        np.testing.assert_allclose(mean, scans.mean(0), rtol=1e-3)
        np.testing.assert_allclose(std, scans.std(0), rtol=1e-2, atol=1e-3)
        assert card.about["training"]["kept_epoch"] == 1
    rows = result.measures.query("set == 'pooled' and classifier == 'network'").set_index("measure")["value"]
    assert rows["auc_from_labels"] == rows["balanced_accuracy"] != rows["auc"]


def test_a_brain_mask_goes_with_the_networks(tmp_path):
    file = make_cohort(tmp_path / "study", patients=12)
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:-1, 1:-1, 1:-1] = 1
    write_volume(Volume(mask, AFFINE), tmp_path / "study" / "mask.nii.gz")
    text = file.read_text(encoding="utf-8").replace("[model]", '[model]\nbrain_mask = "mask.nii.gz"')
    file.write_text(text, encoding="utf-8")
    train_study(load_study(file, trust_code=True), tmp_path / "out", folds=2, epochs=1, device="cpu")
    study = load_study(tmp_path / "out" / "study.toml", trust_code=True)
    for recipe in study.folds.values():
        model = recipe.load("cpu")
        np.testing.assert_array_equal(model.mask.data > 0, mask > 0)
        assert not model.card.simulated


def arguments(study_file, out):
    """The command line of a short training."""
    what = ["train", str(study_file), "--folds", "3", "--epochs", "4", "--device", "cpu"]
    return [*what, "--trust-code", "--out", str(out)]


def run_command(study_file, out, *more, **environment):
    command = [sys.executable, "-m", "mriinterp", *arguments(study_file, out), *more]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", **environment}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_killed_run_ends_with_the_same_weights(cohort_file, cohort, tmp_path, capsys):
    train_study(cohort, tmp_path / "whole", folds=3, epochs=4, device="cpu")
    hold = tmp_path / "cut" / "work" / "fold2.pt"  # within the second epoch of fold 2
    cut = run_command(cohort_file, tmp_path / "cut", SMALL_HOLD=str(hold))
    deadline = time.monotonic() + 180
    while not hold.exists() and cut.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert cut.poll() is None, cut.communicate()
    cut.kill()
    cut.wait()
    if os.name != "nt":
        assert cut.returncode == -signal.SIGKILL
    assert main(arguments(cohort_file, tmp_path / "cut")) == 2
    assert "go on with it (--resume)" in capsys.readouterr().err
    resumed = run_command(cohort_file, tmp_path / "cut", "--resume")
    out, error = resumed.communicate()
    assert resumed.returncode == 0, error
    assert "out of fold:" in out
    assert "--methods sensitivity --out-of-fold --trust-code --out DIR" in out  # as it stands, it runs
    for name in [f"fold{n}/weights.safetensors" for n in (1, 2, 3)] + ["predictions.tsv", "folds.tsv", "measures.tsv"]:
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert not (tmp_path / "cut" / "work").exists()


def test_what_is_finished_is_not_done_again_and_another_training_is_refused(trained, cohort):
    told = []
    again = train_study(
        cohort, trained[0].folder, resume=True, check_leakage=True, progress=lambda *n: told.append(n), **OPTIONS
    )
    assert not told
    pd.testing.assert_frame_equal(again.measures, trained[0].measures, rtol=1e-3, check_dtype=False)
    assert again.verdicts == trained[0].verdicts
    with pytest.raises(ValueError, match=r"another in .*: different preset.fitting.epochs \(3 wanted, 40 there\);"):
        train_study(cohort, trained[0].folder, resume=True, check_leakage=True, **{**OPTIONS, "epochs": 3})
    with pytest.raises(ValueError, match="a new output folder"):
        train_study(cohort, trained[0].folder, **OPTIONS)


def test_a_damaged_checkpoint_is_named(cohort, tmp_path):
    with pytest.raises(Cancelled):
        train_study(cohort, tmp_path, cancel=lambda: (tmp_path / "work" / "fold1.pt").is_file(), **OPTIONS)
    (tmp_path / "work" / "fold1.pt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ValueError, match=r"fold 1: expected a checkpoint of a training, got a damaged one"):
        train_study(cohort, tmp_path, resume=True, **OPTIONS)


def test_a_loss_that_is_no_number_is_named(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda out, *_, **__: out.sum() * float("nan"))
    with pytest.raises(ValueError, match="fold 1: expected a loss that is a number, got nan in epoch 1"):
        train_study(cohort, tmp_path, **OPTIONS)


def test_no_memory_left_is_named(cohort, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", refuse)
    words = r"fold 1: expected memory for batches of \d+ scans on cpu, got none left; take smaller batches \(--batch\)"
    with pytest.raises(ValueError, match=words):
        train_study(cohort, tmp_path, **OPTIONS)
    assert not (tmp_path / "fold1").exists()


def test_an_image_under_two_patients_is_refused(tmp_path):
    file = make_cohort(tmp_path / "twins", patients=12)
    scans = tmp_path / "twins" / "scans"
    (scans / "I007v0.nii.gz").write_bytes((scans / "I002v0.nii.gz").read_bytes())
    with pytest.raises(ValueError, match=r"the same one as I002v0 \(patient P002\) and I007v0 \(patient P007\)"):
        train_study(load_study(file, trust_code=True), tmp_path / "out", **OPTIONS)


def test_scans_that_cannot_be_read_are_left_out_and_none_is_an_error(tmp_path, caplog):
    file = make_cohort(tmp_path / "study", patients=16)
    study = load_study(file, trust_code=True)
    (tmp_path / "study" / "scans" / "I005v0.nii.gz").write_bytes(b"no image")
    result = train_study(study, tmp_path / "out", folds=2, epochs=1, device="cpu")
    assert "I005v0" not in set(result.predictions["id"])
    assert "I005v0" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "scan I005v0 is left out" in caplog.text
    for path in (tmp_path / "study" / "scans").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(ValueError, match="expected scans that can be read, got none of 16"):
        train_study(study, tmp_path / "none", folds=2, epochs=1, device="cpu")


def test_scans_are_kept_once_and_close_to_what_they_were(cohort, tmp_path):
    plan = plan_training(cohort, **OPTIONS)
    ids = sorted(plan.frame["id"])[:6]
    kept = keep_scans(cohort, plan.model, ids, tmp_path)
    assert kept.data.dtype == np.float16
    for name in ids:
        np.testing.assert_allclose(kept[name], resample(cohort.scan(name), plan.model.grid).data, rtol=1e-3, atol=1e-3)
    before = (tmp_path / "scans.npy").stat().st_mtime_ns
    keep_scans(cohort, plan.model, ids, tmp_path)
    assert (tmp_path / "scans.npy").stat().st_mtime_ns == before
    keep_scans(cohort, plan.model, ids[:5], tmp_path)
    assert (tmp_path / "scans.npy").stat().st_mtime_ns != before


def test_wrong_usage_is_named(cohort_file, tmp_path, capsys):
    def said(*more):
        assert main(["train", str(cohort_file), "--trust-code", "--out", str(tmp_path / "x"), *more]) == 2
        return capsys.readouterr().err

    assert "expected a preset, got 'rieke'; available: recommended, rieke2018" in said("--preset", "rieke")
    assert "at least 12 patients of each group" in said("--folds", "12")
    assert "known architecture, got 'resnet'" in said("--architecture", "resnet")
    assert "expected epochs of 1 or more, got 0" in said("--epochs", "0")
    assert not (tmp_path / "x").exists()


def test_a_study_that_is_no_file_is_refused_in_words():
    with pytest.raises(ValueError, match=r"a study from a file \(.toml\), got 'demo'; write one: mriinterp study init"):
        plan_training(load_study("demo"))


def test_plan_says_what_will_be_done(cohort):
    plan = plan_training(cohort, **OPTIONS)
    lines = plan.lines()
    assert lines[0].startswith("48 scans (24 CN, 24 AD) of 24 patients; preset recommended")
    assert lines[-1] == "held out: 8 scans (4 CN, 4 AD) of 4 patients"
    assert plan.seconds() > 0
    assert plan.kept_bytes == 48 * 12 * 14 * 12 * 2


def test_how_classes_are_balanced_can_be_chosen(cohort):
    settings = {how: plan_training(cohort, folds=2, balance=how).options.preset.fitting for how in ("sampling", "none")}
    assert (settings["sampling"].balanced, settings["sampling"].sampling) == (True, "balanced")
    assert (settings["none"].balanced, settings["none"].sampling) == (False, "shuffled")
    assert plan_training(cohort, folds=2).options.preset.fitting.balanced
    with pytest.raises(ValueError, match="balance of weights, sampling, none, got 'both'"):
        plan_training(cohort, folds=2, balance="both")


def test_risks_are_named_before_a_training_begins_and_by_the_check(tmp_path, capsys):
    file = make_cohort(tmp_path / "study", patients=12)
    table = pd.read_csv(file.parent / "table.csv")
    site = np.where(table["group"] == "AD", "Bonn", "Ulm")
    table.assign(SITE_ID=site, age=table["age"] + 15 * (table["group"] == "AD")).to_csv(
        file.parent / "table.csv", index=False
    )
    command = ["train", str(file), "--trust-code", "--folds", "2", "--epochs", "1", "--device", "cpu"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    sites = "Sites with patients of one group only (2, 100% of the patients)"
    assert said.index(f"warning: {sites}") < said.index("at most ")
    assert "warning: Age differs between groups" in said
    found = check_study(file, trust_code=True)
    assert any(sites in finding.text() for finding in found.of("warning"))
    found = check_study(make_cohort(tmp_path / "mixed", patients=12), trust_code=True)
    assert not any("Sites" in finding.text() for finding in found.of("warning"))
