"""Every scan is explained once, by the network that never saw its patient."""

import numpy as np
import pandas as pd
import pytest
import torch

from mriinterp.cli import main
from mriinterp.cohort import open_cohort
from mriinterp.crossval import train_study
from mriinterp.crossval.outoffold import fold_studies
from mriinterp.image.nifti import read_volume
from mriinterp.models import read_card
from mriinterp.study import load_study


@pytest.fixture(scope="module")
def networks(cohort_file, tmp_path_factory):
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("networks") / "out"
    train_study(load_study(cohort_file, trust_code=True), out, folds=2, epochs=8, device="cpu")
    return out


def test_each_scan_is_explained_by_the_network_that_never_saw_its_patient(networks, tmp_path, capsys):
    out = tmp_path / "maps"
    study_file = str(networks / "study.toml")
    command = ["cohort", study_file, "--methods", "sensitivity", "--out-of-fold", "--trust-code", "--workers", "1"]
    assert main([*command, "--device", "cpu", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "fold 1: 20 scans" in said
    assert "sensitivity, AD: agreement of 2 folds: ICC of areas" in said
    folds = pd.read_csv(networks / "folds.tsv", sep="\t").set_index("id")
    explained = []
    for number in (1, 2):
        result = open_cohort(out / f"fold{number}")
        assert set(result.subjects.index) == set(folds.index[folds["fold"] == str(number)])
        assert not result.subjects["training"].any()
        weights = read_card(networks / f"fold{number}" / "card.json").name
        assert result.run["model"]["name"] == weights
        explained.append(result)
    total = sum(result.n("sensitivity", "AD") for result in explained)
    mean = sum(result.mean("sensitivity", "AD").data * result.n("sensitivity", "AD") for result in explained) / total
    np.testing.assert_allclose(read_volume(out / "mean_sensitivity_AD.nii.gz").data, mean, rtol=1e-4, atol=1e-9)
    areas = pd.read_csv(out / "areas.tsv", sep="\t")
    assert areas["n_a"].unique().tolist() == [10]  # patients, not their 20 scans
    shares = pd.concat([result.areas("sensitivity") for result in explained])
    ill = shares.loc[[i for i in shares.index if folds.loc[i, "group"] == "AD"]]
    np.testing.assert_allclose(areas["mean_a"], ill.mean(), rtol=1e-4)
    agreement = pd.read_csv(out / "agreement.tsv", sep="\t")
    assert agreement["group"].tolist() == ["CN", "AD"]
    assert agreement["rho"].between(-1, 1).all()


def test_studies_without_such_folds_are_refused_in_words(cohort_file, networks, capsys):
    assert main(["cohort", str(cohort_file), "--methods", "sensitivity", "--out-of-fold", "--trust-code"]) == 2
    assert "expected a study file whose [model.folds] are the networks of a cross-validation" in capsys.readouterr().err
    command = ["cohort", str(networks / "study.toml"), "--methods", "sensitivity", "--out-of-fold", "--trust-code"]
    assert main([*command, "--split", "test"]) == 2
    assert "either --split or --out-of-fold" in capsys.readouterr().err


def test_a_patient_on_both_sides_is_refused(networks, tmp_path):
    study = load_study(networks / "study.toml", trust_code=True)
    card = networks / "fold1" / "card.json"
    text = card.read_text(encoding="utf-8")
    one = fold_studies(study)["fold 1"].subjects
    name = one["id"][one["split"] == "test"].iloc[0]
    other = one["id"][(one["subject"] == one.loc[name, "subject"]) & (one["id"] != name)].iloc[0]
    about = read_card(card).about["training_data"]
    try:
        moved = text.replace(f'"{other}"', '"gone"').replace(f'"{about["train"][0]}"', f'"{other}"')
        card.write_text(moved, encoding="utf-8")
        with pytest.raises(ValueError, match="folds that share no patient, got patients"):
            fold_studies(study)
    finally:
        card.write_text(text, encoding="utf-8")
