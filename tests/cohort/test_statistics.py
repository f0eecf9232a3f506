"""Groups compared: the total first, then areas in their own unit; shares shown and not tested; covariates held fixed."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriinterp.base.numerals import format_value
from mriinterp.base.reading import apply_reading
from mriinterp.cli import main
from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.cohort.sample import draw_sample
from mriinterp.cohort.statistics import TOTAL, compare_areas, describe_shares
from mriinterp.export.comparison import area_words, sample_words, total_words, value_words, write_comparison
from mriinterp.methods import get_method
from mriinterp.methods.meaning import Meaning, percent
from mriinterp.stats import compare_groups
from mriinterp.study import load_study

from .conftest import make_study

AREAS = ["Hippocampus", "Insula", "Precuneus", "Cuneus"]


class Cohort:
    """A cohort of which only the tables are known."""

    positive, reference_group, target, simulated = "AD", "CN", "AD", False
    run = {"study": "made up", "model": {}}  # noqa: RUF012

    def __init__(self, means, groups, voxels=10, **columns):
        self.subjects = pd.DataFrame({"group": groups, "training": False, **columns})
        self.subjects.index = [f"s{n}" for n in range(len(groups))]
        self.subjects.insert(0, "id", self.subjects.index)
        self.means = pd.DataFrame(means, self.subjects.index, AREAS)
        self.voxels = voxels

    def check_testable(self, method):
        pass

    def ids(self, method, group=None):
        return self.subjects.index.tolist()

    def params(self, method):
        return {"score": "margin"}

    def reading(self, method):
        return "positive"

    def meaning(self, method):
        return Meaning(get_method("occlusion"), "margin", "AD")

    def hidden_words(self, method, kind, ids):
        return f"Hidden in {len(list(ids))} scans."

    def areas(self, method, *, merge_hemispheres=True, value="share", kind="reading"):
        sums = self.means * self.voxels
        return {"mean": self.means, "sum": sums, "share": sums.div(sums.sum(axis=1), axis=0)}[value]


@pytest.fixture
def raised(rng):
    """Relevance of the hippocampus twice as high in AD; the other areas alike in both groups."""
    groups = np.repeat(["AD", "CN"], 30)
    half = rng.gamma(40, 1 / 40, (30, 4))
    means = np.concatenate([rng.permuted(half, axis=0), half])  # the same values in both groups
    means[:30, 0] *= 2
    return Cohort(means, groups)


def test_shares_manufacture_decreases_and_are_not_tested(raised):
    comparison = compare_areas(raised, "sensitivity")
    found = comparison.areas[comparison.areas["p_fdr"] < 0.05]
    assert found["area"].tolist() == ["Hippocampus"]
    assert (found["difference"] > 0).all()
    assert "1 of 4 areas differ" in area_words(comparison)
    assert "(1 more in AD, 0 less): Hippocampus" in area_words(comparison)
    shares = describe_shares(raised, "sensitivity")
    assert not {"p", "p_fdr", "t", "g"} & set(shares.means.columns)
    tested = compare_groups(shares.values, shares.sample.groups, "AD", "CN").set_index("area")
    # what a test of shares would say of areas that are alike:
    assert (tested.loc[AREAS[1:], "difference"] < 0).all()
    assert (tested.loc[AREAS[1:], "p_fdr"] < 0.05).all()


def test_the_total_comes_first(raised):
    comparison = compare_areas(raised, "sensitivity", covariates=())
    total = raised.areas("", value="sum").sum(axis=1)
    wanted = stats.ttest_ind(total[:30], total[30:], equal_var=False)
    assert comparison.total.p == pytest.approx(wanted.pvalue, rel=1e-9)
    table = comparison.table
    assert table["area"].tolist() == [TOTAL, *AREAS]
    assert table["quantity"].tolist() == ["sum over all areas"] + ["mean of a voxel"] * 4
    assert table.loc[0, "p"] == comparison.total.p
    assert table["p"].dtype.kind == "f"
    words = total_words(comparison)
    assert "more in AD" in words
    assert f"p = {format_value(wanted.pvalue, 2)}" in words


def test_areas_are_compared_by_their_mean(raised):
    comparison = compare_areas(raised, "sensitivity", covariates=())
    values = raised.areas("", value="mean")
    for row in comparison.areas.itertuples():
        wanted = stats.ttest_ind(values[row.area][:30], values[row.area][30:], equal_var=False)
        assert row.p == pytest.approx(wanted.pvalue, rel=1e-9)
        assert row.mean_a == pytest.approx(values[row.area][:30].mean())


# Samples and covariates -----------------------------------------------------------------------------


def people(rng, n=40, **columns):
    groups = np.tile(["AD", "CN"], n // 2)
    return Cohort(rng.gamma(3, size=(n, 4)), groups, **columns)


def test_covariates_that_are_known_of_everybody_are_held_fixed(rng):
    cohort = people(rng, age=rng.normal(70, 5, 40), sex=np.where(rng.random(40) < 0.5, "F", "M"))
    sample = draw_sample(cohort, "x")
    assert sample.used == ("age", "sex")
    assert sample.covariates.columns.tolist() == ["age", "sex M"]
    assert set(sample.covariates["sex M"]) == {0, 1}
    comparison = compare_areas(cohort, "x")
    assert (comparison.areas["df"] == 40 - 4).all()
    assert comparison.total.df == 36
    assert "Age and sex held fixed (analysis of covariance)." in sample_words(comparison.sample)
    statsmodels = pytest.importorskip("statsmodels.api")
    design = np.column_stack([sample.in_positive, np.ones(40), sample.covariates]).astype(float)
    wanted = statsmodels.OLS(cohort.means["Insula"].to_numpy(), design).fit()
    row = comparison.areas.set_index("area").loc["Insula"]
    assert (row.difference, row.p) == pytest.approx((wanted.params[0], wanted.pvalues[0]))


def pooled_folds(rng):
    """Three networks whose maps differ, in folds with other shares of the groups, which are alike in each fold."""
    folds = np.repeat(["fold1", "fold2", "fold3"], 20)
    groups = np.concatenate([np.where(np.arange(20) < ill, "AD", "CN") for ill in (4, 10, 16)])
    means = rng.gamma(40, 1 / 40, (60, 4)) * np.repeat([1.0, 2.0, 3.0], 20)[:, None]
    return Cohort(means, groups, fold=folds, age=rng.normal(70, 5, 60))


def test_folds_whose_networks_differ_are_held_fixed(rng):
    statsmodels = pytest.importorskip("statsmodels.formula.api")
    cohort = pooled_folds(rng)
    found = compare_areas(cohort, "x")
    assert found.sample.used == ("fold", "age")
    assert found.sample.unused == {"sex": "it is not known"}
    assert "Fold and age held fixed (analysis of covariance)." in sample_words(found.sample)
    assert not (found.areas["p_fdr"] < 0.05).any()
    frame = cohort.subjects.assign(insula=cohort.means["Insula"], ill=(cohort.subjects["group"] == "AD").astype(float))
    wanted = statsmodels.ols("insula ~ ill + C(fold) + age", frame).fit()
    row = found.areas.set_index("area").loc["Insula"]
    assert (row.difference, row.t, row.p) == pytest.approx(
        (wanted.params["ill"], wanted.tvalues["ill"], wanted.pvalues["ill"])
    )
    without = compare_areas(cohort, "x", covariates=())
    assert (without.areas["p_fdr"] < 0.05).all()  # what the networks' difference looks like
    assert "3 networks, and the fold is not held fixed" in " ".join(sample_words(without.sample))
    few = draw_sample(cohort, "x", ids=[f"s{n}" for n in (0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 58, 59)])
    assert few.unused["fold"] == "there are only 12 people"
    assert "the fold is not held fixed" in " ".join(sample_words(few))


def test_why_a_covariate_is_not_held_fixed(rng):
    age = rng.normal(70, 5, 40)
    age[3] = np.nan
    sample = draw_sample(people(rng, age=age, sex="F"), "x")
    assert sample.used == ()
    assert sample.unused == {"age": "it is not known of 1 scan", "sex": "it is the same in all scans"}
    assert draw_sample(people(rng), "x").unused["sex"] == "it is not known"
    few = people(rng, n=12, age=np.arange(12.0))
    assert draw_sample(few, "x").unused["age"] == "there are only 12 people"
    apart = people(rng, sex=np.tile(["F", "M"], 20))
    assert draw_sample(apart, "x").unused["sex"] == "it follows from the group"
    assert sample_words(sample)[0] == "No covariate held fixed (Welch's t)."


def test_chosen_covariates_leave_out_whom_they_are_not_known_of(rng):
    age = rng.normal(70, 5, 40)
    age[[3, 4, 5]] = np.nan
    cohort = people(rng, age=age, sex=np.where(np.arange(40) < 7, "", "F"))
    sample = draw_sample(cohort, "x", covariates=["age"])
    assert len(sample.ids) == 37
    assert sample.left_out == {"of unknown age": 3}
    assert "3 scans of unknown age left out." in sample_words(sample)
    assert draw_sample(cohort, "x", covariates=[]).left_out == {}
    with pytest.raises(ValueError, match="available: age, sex"):
        draw_sample(cohort, "x", covariates=["weight"])
    with pytest.raises(ValueError, match="covariates that vary"):
        draw_sample(cohort, "x", covariates=["sex"])
    with pytest.raises(ValueError, match="scans of AD to compare, got none; 40 scans of unknown sex"):
        draw_sample(people(rng), "x", covariates=["sex"])


def test_people_in_both_groups_are_left_out_and_scans_of_one_person_averaged(rng):
    subjects = [f"p{n // 4}" for n in range(40)]  # four scans a person, in turns of both groups
    cohort = people(rng, subject=subjects)
    with pytest.raises(ValueError, match="40 scans of people with scans in both groups"):
        draw_sample(cohort, "x")
    cohort.subjects["subject"] = [f"{g}{n // 4}" for n, g in enumerate(cohort.subjects["group"])]
    cohort.subjects.loc[["s0", "s1"], "subject"] = "both"
    sample = draw_sample(cohort, "x")
    assert len(sample.ids) == 38
    assert sample.left_out == {"of people with scans in both groups": 2}
    assert sample.people_of("AD") == 10
    assert compare_areas(cohort, "x").areas["n_a"].tolist() == [10] * 4


def test_a_group_of_one_has_no_test(rng):
    cohort = people(rng, n=12)
    ids = [*cohort.ids("x")[1::2], "s0"]
    comparison = compare_areas(cohort, "x", ids=ids)
    assert not comparison.areas["defined"].any()
    assert total_words(comparison).endswith("It cannot be tested.")
    with pytest.raises(ValueError, match="scans of AD to compare"):
        compare_areas(cohort, "x", ids=cohort.ids("x")[1::2])


def test_training_scans_are_counted(rng):
    cohort = people(rng)
    cohort.subjects["training"] = np.arange(40) < 5
    assert draw_sample(cohort, "x").training == 5
    assert "5 of the 40 scans trained the network." in sample_words(draw_sample(cohort, "x"))


def test_the_files(raised, tmp_path):
    comparison = compare_areas(raised, "occlusion")
    csv, description = write_comparison(tmp_path, raised, comparison)
    pd.testing.assert_frame_equal(pd.read_csv(csv), comparison.table, check_dtype=False)
    entries = json.loads(description.read_text(encoding="utf-8"))
    assert (entries["target"], entries["compared"], entries["people"]) == ("AD", ["AD", "CN"], {"AD": 30, "CN": 30})
    assert entries["kind"] == "signed"
    assert entries["values"] == (
        "Fall of the logit margin of AD when the box is hidden: supports AD / speaks against AD. Hidden in 60 scans."
    )


# A run ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    root = tmp_path_factory.mktemp("statistics")
    study = load_study(make_study(root / "study"), trust_code=True)
    run_cohort(study, ["sensitivity", "occlusion"], out=root / "out", split="all", params={"occlusion": {"size": 4}})
    run_cohort(study, ["sensitivity"], out=root / "mixed", split="all", target="predicted")
    return SimpleNamespace(study=study, out=root / "out", mixed=root / "mixed", file=root / "study" / "study.toml")


def test_signed_maps_are_compared_by_their_signed_means(done):
    result = open_cohort(done.out)
    signed = compare_areas(result, "sensitivity", kind="signed", merge_hemispheres=False)
    atlas = done.study.atlas()
    maps = {i: result.map("sensitivity", i).volume.data.astype(float) for i in signed.sample.ids}
    labels = atlas.on(result.grid).labels.data
    for label, area in zip((10, 20, 30, 40, 50), ("A_L", "A_R", "B_L", "B_R", "Mid"), strict=True):
        wanted = [maps[i][labels == label].mean() for i in signed.sample.ids]
        np.testing.assert_allclose(signed.values[area], wanted, rtol=1e-6, atol=1e-12)
    both = compare_areas(result, "sensitivity", merge_hemispheres=True)
    assert both.areas["area"].tolist() == ["A", "B", "Mid"]


def test_the_command(done, tmp_path, capsys):
    out = tmp_path / "stats"
    assert main(["statistics", str(done.out), "--methods", "sensitivity", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    result = open_cohort(done.out)
    comparison = compare_areas(result, "sensitivity")  # both signs, as the page shows them
    assert comparison.kind == "signed"
    values = value_words(result, "sensitivity", "signed")
    for sentence in (*values, total_words(comparison), area_words(comparison), *sample_words(comparison.sample)):
        assert sentence in said
    assert "sensitivity, maps explain ill:" in said
    assert "2 of the 8 scans trained the network." in said
    table = pd.read_csv(out / "sensitivity_areas.csv")
    np.testing.assert_allclose(table["p"], comparison.table["p"].astype(float))
    turned = main(["statistics", str(done.out), "--groups", "CN", "AD", "--hemispheres", "--out", str(out)])
    assert turned == 0
    flipped = pd.read_csv(out / "sensitivity_areas.csv")
    assert flipped.loc[0, "difference"] == pytest.approx(-table.loc[0, "difference"])
    assert len(flipped) == 1 + 5
    assert (out / "occlusion_areas.json").is_file()


def test_the_command_compares_one_part_and_says_what_it_hides(done, tmp_path, capsys):
    out, result = tmp_path / "stats", open_cohort(done.out)
    run = ["statistics", str(done.out), "--methods", "occlusion", "--out", str(out), "--part"]
    shares = result.part_shares("occlusion")
    for part, kind, other in (("supports", "positive", "against"), ("against", "negative", "supports")):
        assert main([*run, part]) == 0
        said = capsys.readouterr().out
        assert {"supports": ": supports ill.", "against": ": speaks against ill, by size."}[part] in said
        hidden = {"supports": "speaks against ill", "against": "supports ill"}[part]
        assert f"Hidden: what {hidden}, {percent(shares[other])} of the relevance in all areas." in said
        table = pd.read_csv(out / f"occlusion_{part}_areas.csv")
        values = [apply_reading(result.map("occlusion", i).volume.data, kind) for i in result.ids("occlusion", "AD")]
        areas = done.study.atlas().on(result.grid).labels.data > 0
        np.testing.assert_allclose(table.loc[0, "mean_a"], np.mean([v[areas].sum() for v in values]), rtol=1e-5)
        entries = json.loads((out / f"occlusion_{part}_areas.json").read_text(encoding="utf-8"))
        assert entries["kind"] == kind
        assert "Hidden: " in entries["values"]
    assert main([*run, "both"]) == 0
    assert "Hidden" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--methods", "grad_cam"], "available: sensitivity, occlusion"),
        (["--covariates", "weight"], "available: fold, age, sex, none"),
        (["--covariates", "sex"], "unknown sex"),
        (["--groups", "AD", "MCI"], "available: CN, AD"),
    ],
)
def test_wrong_requests(done, tmp_path, capsys, more, words):
    assert main(["statistics", str(done.out), "--out", str(tmp_path / "no"), *more]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.glob("no/*"))


def test_maps_of_several_targets_are_refused(done, tmp_path, capsys):
    assert main(["statistics", str(done.mixed), "--voxels", "--out", str(tmp_path / "no")]) == 2
    assert "Run the cohort with one target" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
