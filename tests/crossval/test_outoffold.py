"""Every scan is explained once, by the network that never saw its patient."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from mriinterp.cli import main
from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.crossval import train_study
from mriinterp.crossval.outoffold import fold_studies, run_out_of_fold
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
    assert "sensitivity: Agreement of 2 folds, CN: areas ICC" in said
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
    np.testing.assert_allclose(open_cohort(out).mean("sensitivity", "AD").data, mean, rtol=1e-5, atol=1e-9)
    areas = pd.read_csv(out / "areas.tsv", sep="\t")
    assert areas["n_a"].unique().tolist() == [10]  # patients, not their 20 scans
    shares = pd.concat([result.areas("sensitivity") for result in explained])
    ill = shares.loc[[i for i in shares.index if folds.loc[i, "group"] == "AD"]]
    np.testing.assert_allclose(areas["mean_a"], ill.mean(), rtol=1e-4)
    agreement = pd.read_csv(out / "agreement.tsv", sep="\t")
    assert agreement["group"].tolist() == ["CN", "AD"]
    assert agreement[["rho_areas", "rho_maps"]].stack().between(-1, 1).all()


@pytest.fixture(scope="module")
def pooled(networks, tmp_path_factory):
    out = tmp_path_factory.mktemp("pooled") / "maps"
    study_file = str(networks / "study.toml")
    command = ["cohort", study_file, "--methods", "sensitivity,occlusion", "--set", "occlusion.size=6"]
    command += ["--set", "occlusion.stride=6", "--out-of-fold", "--trust-code", "--workers", "1", "--device", "cpu"]
    assert main([*command, "--out", str(out)]) == 0
    return out


def test_all_scans_together_are_a_cohort_as_any_other(pooled):
    """What is put together from the folds is what the maps of all scans give."""
    result = open_cohort(pooled)
    ids = result.ids("sensitivity", "AD")
    assert len(ids) == 20
    for kind in ("reading", "signed"):
        mean, deviation = result.moments_by_kind("occlusion", result.ids("occlusion", "CN"), (kind,))[kind]
        np.testing.assert_allclose(result.mean("occlusion", "CN", kind).data, mean.data, rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(result.std("occlusion", "CN", kind).data, deviation.data, rtol=1e-3, atol=1e-8)
    assert result.count("sensitivity", "AD").data.max() == 20
    assert result.all_mean("sensitivity").data.any()
    assert result.subjects["fold"].unique().tolist() == ["fold1", "fold2"]
    assert result.map("sensitivity", ids[0]).volume.data.any()
    assert 0 <= result.run["performance"]["auc"]["value"] <= 1
    assert result.effect("sensitivity").data.any()


def test_area_statistics_figure_and_tables_are_written_with_the_agreement(pooled, capsys):
    names = {path.name for path in (pooled / "paper").iterdir()}
    assert {"figure1.png", "figure1.pdf", "table1.csv", "table1.tex", "table2.csv", "table2.tex"} <= names
    assert "Agreement of 2 folds" in (pooled / "paper" / "table1.tex").read_text(encoding="utf-8")
    areas = pd.read_csv(pooled / "statistics" / "sensitivity_areas.csv")
    assert areas["n_a"].tolist() == [10] * len(areas)  # patients
    about = json.loads((pooled / "statistics" / "sensitivity_areas.json").read_text(encoding="utf-8"))
    assert about["covariates"][0] == "fold"
    group = next(path for path in (pooled / "groups").glob("group-AD_desc-sensitivity_part-*_mean.json"))
    assert json.loads(group.read_text(encoding="utf-8"))["agreement"]["folds"] == 2
    assert main(["statistics", str(pooled), "--methods", "occlusion", "--voxels", "--permutations", "50"]) == 0


def test_other_runs_are_not_mixed_with_one_out_of_fold(networks, pooled, capsys):
    study = load_study(networks / "study.toml", trust_code=True)
    with pytest.raises(ValueError, match="which holds a run out of fold"):
        run_cohort(study, ["sensitivity"], out=pooled)
    with pytest.raises(ValueError, match="which holds another run"):
        run_out_of_fold(study, ["sensitivity"], out=pooled / "fold1")


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
