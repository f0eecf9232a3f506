"""A number of each scan against areas: agrees with SciPy, people count once, within groups, files and command."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriinterp.base.numerals import decimals
from mriinterp.cli import main
from mriinterp.cohort import run_cohort
from mriinterp.cohort.number_comparison import compare_number, number_columns, numbers_of
from mriinterp.export.number_words import number_words, people_words
from mriinterp.study import load_study

from .conftest import make_study


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    study = load_study(make_study(tmp_path_factory.mktemp("numbers") / "study", per_group=8), trust_code=True)
    return run_cohort(study, ["sensitivity"], out=study.output / "cohort", split="all")


def test_it_is_scipys_of_the_stored_areas_with_fdr(result):
    found = compare_number(result, "sensitivity", "age", within=False)
    areas = result.areas("sensitivity", value="mean")
    age = result.subjects["age"]
    for row in found.areas.itertuples():
        wanted = stats.spearmanr(age, areas[row.area])
        assert (row.rho, row.p) == pytest.approx((wanted.statistic, wanted.pvalue))
    np.testing.assert_allclose(found.areas["p_fdr"], stats.false_discovery_control(found.areas["p"]))
    assert found.areas["p"].is_monotonic_increasing
    assert (found.areas["n"] == 16).all()
    assert not found.within


def test_groups_are_held_fixed_by_default_and_can_be_chosen(result):
    assert compare_number(result, "sensitivity", "age").within
    one = compare_number(result, "sensitivity", "age", groups=["AD"])
    assert not one.within
    rows = result.subjects[result.subjects["group"] == "AD"]
    wanted = stats.spearmanr(rows["age"], result.areas("sensitivity", value="mean").loc[rows.index, "A"])
    assert one.areas.set_index("area").loc["A", "rho"] == pytest.approx(wanted.statistic)
    assert "8 people (8 AD), all together" in people_words(one)
    assert "within groups" in people_words(compare_number(result, "sensitivity", "age"))


def test_ranks_are_compared_within_folds_whose_networks_differ(result):
    fold = np.where(np.arange(16) % 2 == 0, "fold1", "fold2")
    result.__dict__["subjects"], before = result.subjects.assign(fold=fold), result.subjects
    try:
        number = pd.Series((fold == "fold2") * 100 + np.arange(16.0), before.index)  # follows the fold above all
        found = compare_number(result, "sensitivity", "number", number, within=False)
        assert found.by_fold
        assert "ranks compared within folds." in people_words(found)
        areas = result.areas("sensitivity", value="mean")
        ranks = pd.DataFrame({"number": number, "A": areas["A"]}).rank()
        rest = ranks - ranks.groupby(fold).transform("mean")
        wanted = np.corrcoef(rest["number"], rest["A"])[0, 1]
        assert found.areas.set_index("area").loc["A", "rho"] == pytest.approx(wanted)
        both = compare_number(result, "sensitivity", "age")
        assert both.within
        assert both.by_fold
        assert "within folds and within groups" in people_words(both)
        few = compare_number(result, "sensitivity", "age", groups=["AD"])
        assert not few.by_fold
    finally:
        result.__dict__["subjects"] = before


def test_scans_of_one_person_count_once(result):
    twice = result.subjects.copy()
    twice.loc[twice.index[[0, 2]], "subject"] = "P-both"  # two scans of CN
    result.__dict__["subjects"], before = twice, result.subjects
    try:
        found = compare_number(result, "sensitivity", "age")
    finally:
        result.__dict__["subjects"] = before
    assert len(found.numbers) == 15
    assert found.numbers["P-both"] == before["age"].iloc[[0, 2]].mean()


def test_unknown_numbers_are_left_out_and_said(result):
    values = result.subjects["age"].astype(float).copy()
    values.iloc[[1, 4]] = np.nan
    found = compare_number(result, "sensitivity", "volume", values)
    assert found.left_out == {"of unknown volume": 2}
    assert "2 scans of unknown volume left out" in people_words(found)
    assert len(found.numbers) == 14


def test_sentences_hold_the_figures(result):
    found = compare_number(result, "sensitivity", "age")
    row = found.areas.iloc[0]
    words = number_words(found)
    assert f"In {(found.areas['p_fdr'] < 0.05).sum()} of {len(found.areas)} areas" in words
    interval = f"ρ = {decimals(row.rho, 2)} (95% interval {decimals(row.low, 2)} to {decimals(row.high, 2)})"
    assert interval in words


def test_columns_of_numbers(result):
    table = pd.DataFrame(
        {"a": ["1", "2", "", "4"], "b": ["x", "1", "2", "3"], "c": [1, 1, 2, 2], "training": [0.1, 0.2, 0.3, 0.4]}
    )
    found = number_columns(table)
    assert list(found) == ["a"]
    assert np.isnan(found["a"].iloc[2])
    assert "age" in number_columns(result.subjects)


def test_a_table_names_scans_or_people(result):
    people = pd.DataFrame({"who": result.subjects["subject"][::-1], "ml": range(16)}).astype(str)
    assert numbers_of(result, people, "ml").tolist() == list(range(15, -1, -1))
    scans = pd.DataFrame({"scan": result.subjects["id"][:5], "ml": range(5)}).astype(str)
    found = numbers_of(result, scans, "ml")
    assert found.tolist()[:5] == list(range(5))
    assert found.isna().sum() == 11
    with pytest.raises(ValueError, match="ids of scans or people"):
        numbers_of(result, pd.DataFrame({"who": ["x", "y", "z"], "ml": ["1", "2", "3"]}), "ml")
    with pytest.raises(ValueError, match="several for P000"):
        numbers_of(result, pd.DataFrame({"who": ["P000", "P000", "P001"], "ml": ["1", "2", "3"]}), "ml")
    with pytest.raises(KeyError, match="available: ml"):
        numbers_of(result, people, "volume")


def test_unknown_columns_and_groups_are_named(result):
    with pytest.raises(KeyError, match=r"available: .*age"):
        compare_number(result, "sensitivity", "volume")
    with pytest.raises(KeyError, match="available: CN, AD"):
        compare_number(result, "sensitivity", "age", groups=["MCI"])


def test_the_command_writes_what_the_function_finds(result, tmp_path, capsys):
    table = tmp_path / "volumes.csv"
    rng = np.random.default_rng(0)
    volumes = pd.DataFrame({"id": result.subjects["id"], "hippocampus": rng.normal(size=16).round(3)})
    table.write_text(volumes.to_csv(index=False), encoding="utf-8")
    out = tmp_path / "out"
    command = ["statistics", str(result.folder), "--number", "hippocampus", "--table", str(table), "--out", str(out)]
    assert main([*command, "--hemispheres"]) == 0
    wanted = compare_number(
        result,
        "sensitivity",
        "hippocampus",
        volumes.set_index("id")["hippocampus"],
        kind="signed",
        merge_hemispheres=False,
    )
    written = pd.read_csv(out / "sensitivity_hippocampus.csv")
    np.testing.assert_allclose(written["rho"], wanted.areas["rho"], atol=1e-12)
    assert number_words(wanted) in capsys.readouterr().out
    entries = json.loads((out / "sensitivity_hippocampus.json").read_text(encoding="utf-8"))
    assert entries["within_groups"] is True
    assert entries["people"] == {"CN": 8, "AD": 8}
    assert len(pd.read_csv(out / "sensitivity_hippocampus_people.csv")) == 16
    assert main([*command[:2], "--table", str(table)]) == 2
