"""Which output maps explain: one for all scans, unless it is asked for otherwise; only then are groups compared."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from mriinterp.cli import main
from mriinterp.cohort import choose_methods, open_cohort, run_cohort, select_subjects
from mriinterp.cohort.choose import chosen_split
from mriinterp.cohort.targets import explained_words, positive_output, why_no_test, with_score
from mriinterp.models.card import Head
from mriinterp.study import load_study

from .conftest import make_study


def command(file, out, *more):
    return main(["cohort", str(file), "--trust-code", "--workers", "1", "--out", str(out), "--split", "all", *more])


def test_all_maps_explain_the_positive_class_by_its_margin(study, tmp_path):
    result = run_cohort(study, ["sensitivity", "occlusion"], out=tmp_path / "out", split="all")
    assert result.target == "ill"
    assert set(result.subjects["target"]) == {"ill"}
    assert result.params("sensitivity")["score"] == result.params("occlusion")["score"] == "margin"
    assert {m.score for m in result.maps("sensitivity")} == {"margin"}
    assert result.why_no_test("sensitivity") == ""
    assert result.explained_words() == "maps explain ill"
    assert np.isfinite(result.difference("sensitivity").data).all()
    assert np.isfinite(result.effect("sensitivity").data).all()


def test_the_positive_class_by_name_is_the_same_run(study, tmp_path):
    run_cohort(study, ["sensitivity"], out=tmp_path / "out")
    for target in ("positive", "ill"):
        assert run_cohort(study, ["sensitivity"], out=tmp_path / "out", target=target).run["maps_computed"] == 0


def test_another_pair_keeps_the_target(study, tmp_path):
    run_cohort(study, ["sensitivity"], out=tmp_path / "out")
    turned = run_cohort(study, ["sensitivity"], out=tmp_path / "out", pair=("CN", "AD"))
    assert (turned.positive, turned.target, turned.run["maps_computed"]) == ("CN", "ill", 0)


def test_a_score_that_is_asked_for_holds(study, tmp_path):
    chosen = {"sensitivity": {"score": "probability"}}
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", params=chosen, n=2)
    assert {m.score for m in result.maps("sensitivity")} == {"probability"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "predicted"}, "explain what the network predicts for each scan, as in Rieke et al. 2018"),
        ({"target": "true"}, r"another class in each group \(healthy, ill\)"),
        ({"preset": "rieke2018"}, "made as published (preset rieke2018)"),
        ({"preset": "rieke2018", "target": "ill"}, "made as published (preset rieke2018)"),
    ],
    ids=["predicted", "true", "preset", "preset and target"],
)
def test_maps_of_several_targets_are_averaged_and_not_tested(study, tmp_path, options, words):
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all", **options)
    assert words.replace("\\", "") in result.why_no_test("sensitivity")
    assert np.isfinite(result.mean("sensitivity", "AD").data).all()
    for statistic in (result.difference, result.effect):
        with pytest.raises(ValueError, match="Run the cohort with one target"):
            statistic("sensitivity")


def test_the_preset_averages_as_published(study, tmp_path):
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all", preset="rieke2018")
    assert result.target == "predicted"
    assert result.params("sensitivity")["score"] == "probability"
    table = result.subjects
    assert (table["target"] == table["predicted"]).all()
    assert "as in Rieke et al. 2018" in result.explained_words("sensitivity")
    assert "preset rieke2018" in result.explained_words("sensitivity")


def test_the_groups_own_class_is_one_target_where_both_have_the_same(tmp_path):
    file = make_study(tmp_path / "study", per_group=2, groups=("CN", "MCI", "AD"))
    study = load_study(file, trust_code=True)
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all", target="true", pair=("AD", "MCI"))
    assert result.why_no_test("sensitivity") == ""
    usual = open_cohort(tmp_path / "out", pair=("AD", "CN"))
    assert "another class in each group" in usual.why_no_test("sensitivity")


def test_the_command_says_what_it_explains_and_what_it_does_not_test(study_file, tmp_path, capsys):
    assert command(study_file, tmp_path / "a", "--methods", "sensitivity") == 0
    said = capsys.readouterr().out
    assert "target: ill; split: all" in said
    assert "CN: 4 scans, 2 of them trained the network" in said
    assert "not tested" not in said
    assert command(study_file, tmp_path / "b", "--methods", "sensitivity", "--target", "predicted") == 0
    assert "as in Rieke et al. 2018" in capsys.readouterr().out
    assert command(study_file, tmp_path / "c", "--methods", "sensitivity", "--preset", "rieke2018") == 0
    said = capsys.readouterr().out
    assert "target: predicted" in said
    assert "not to be tested" in said


def test_a_positive_group_without_a_class_is_an_error_in_words(tmp_path, capsys):
    file = make_study(tmp_path / "study", per_group=1)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('AD = "ill"\n', 'AD = "sick"\n'), encoding="utf-8")
    assert command(file, tmp_path / "out", "--methods", "sensitivity") == 2
    assert "expected a class of the network for the positive group AD" in capsys.readouterr().err
    assert command(file, tmp_path / "out", "--methods", "sensitivity", "--target", "ill") == 0


def network(*heads):
    return SimpleNamespace(heads=heads, classes=heads[0].classes)


def test_scales_and_second_heads():
    scale = Head("COG", ("COG",), "scale")
    model = network(scale, Head("ADD", ("other", "AD"), start=1))
    positive = SimpleNamespace(positive="dementia", class_of={"dementia": None}.get)
    assert positive_output(positive, model) == "COG"
    assert positive_output(SimpleNamespace(positive="d", class_of={"d": "AD"}.get), model) == "AD"
    assert positive_output(SimpleNamespace(positive="", class_of=None), network(Head("x", ("a", "b")))) == "b"
    choices = choose_methods(["sensitivity", "guided_backprop"], {"guided_backprop": {"score": "logit"}})
    assert [c.params.get("score") for c in with_score(choices, model, "AD")] == ["margin", "logit"]
    assert with_score(choices, model, "COG") == choices
    assert with_score(choices, model, "predicted") == choices
    published = choose_methods(["sensitivity"], preset="rieke2018")
    assert with_score(published, model, "AD") == published


def test_words():
    assert why_no_test({"CN": "AD", "AD": "AD"}, ("AD", "CN")) == ""
    assert "what the network predicts" in why_no_test({"CN": None, "AD": None}, ("AD", "CN"))
    assert explained_words("true") == "maps explain the class of each scan’s group"


# Splits ---------------------------------------------------------------------------------------------


def test_a_cohort_is_of_the_test_split_where_there_is_one(study, tmp_path):
    assert chosen_split(study) == "test"
    assert set(select_subjects(study)["split"]) == {"test"}
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out")
    assert result.run["split"] == "test"
    assert not result.subjects["training"].any()
    assert result.group_table["training"].sum() == 0
    assert run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="test").run["maps_computed"] == 0
    study.subjects = study.subjects.assign(split="demo")
    assert chosen_split(study) == "all"
    assert len(select_subjects(study)) == 8


def test_training_scans_are_marked_in_the_tables(study, tmp_path):
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    trained = study.subjects["split"] == "train"
    assert result.subjects["training"].tolist() == trained.tolist()
    assert result.group_table["training"].to_dict() == trained.groupby(study.subjects["group"]).sum().to_dict()
    assert "training" in result.layout.subjects.read_text(encoding="utf-8").splitlines()[0].split("\t")
    assert json.loads(result.layout.run.read_text(encoding="utf-8"))["split"] == "all"
