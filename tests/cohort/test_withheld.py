"""Real people and a network of simulated brains: what the network says of them is written and shown nowhere."""

import json

import pytest

from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.cli import main
from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.study import load_study

from .conftest import make_study


@pytest.fixture
def file(tmp_path):
    """The tiny study, whose network says that it was trained on simulated brains only."""
    file = make_study(tmp_path / "study")
    card = file.parent / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_text(encoding="utf-8")), "simulated": True}), encoding="utf-8")
    return file


def texts(folder):
    """Every text that a run leaves, by name."""
    kinds = (".json", ".tsv", ".md", ".csv")
    return {
        p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.suffix in kinds
    }


@pytest.mark.parametrize("maps", [True, False])
def test_no_file_tells_what_the_network_says(file, tmp_path, maps):
    study, out = load_study(file, trust_code=True), tmp_path / "out"
    model = study.model("cpu")
    result = run_cohort(study, ["sensitivity", "occlusion"], out=out, split="all", maps=maps)
    assert result.withheld
    table = result.subjects
    assert table[["predicted", "correct", "p_healthy", "p_ill"]].isna().all(axis=None)
    assert set(table["target"]) == {"ill"}
    assert (result.group_table["judged"] == 0).all()
    assert result.group_table["share_correct"].isna().all()
    assert result.run["performance"] == {}
    assert result.run["caution"] == SIMULATED_ONLY
    numbers = {f"{v:.4f}" for i in table.index for v in model.predict(study.scan(i)).probabilities.values()}
    for name, text in texts(out).items():
        assert "probabilities" not in text, name
        assert '"prediction"' not in text, name
        assert not [number for number in numbers if number in text], name
    if maps:
        assert result.map("sensitivity", "I100").prediction.predicted == ""


def test_the_command_prints_no_accuracy(file, tmp_path, capsys):
    command = ["cohort", str(file), "--trust-code", "--workers", "1", "--split", "all", "--methods", "sensitivity"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert SIMULATED_ONLY in said.out
    for word in ("predicted right", "AUC", "%"):
        assert word not in said.out + said.err
    assert main([*command, "--out", str(tmp_path / "no"), "--target", "predicted"]) == 2
    assert "would reveal the prediction" in capsys.readouterr().err
    assert not list(tmp_path.glob("no/sub-*"))


def test_a_preset_explains_one_class_where_the_predicted_one_would_tell(file, tmp_path):
    result = run_cohort(load_study(file, trust_code=True), ["sensitivity"], out=tmp_path / "out", preset="rieke2018")
    assert result.target == "ill"


def test_groups_without_a_class_take_the_last_one(tmp_path, file):
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('AD = "ill"\n', 'AD = "sick"\n'), encoding="utf-8")
    assert run_cohort(load_study(file, trust_code=True), ["sensitivity"], out=tmp_path / "out").target == "ill"


@pytest.mark.parametrize("maps", [True, False])
def test_predictions_that_an_earlier_run_wrote_are_gone_after_the_next(file, tmp_path, maps):
    """The study file said that the scans were simulated; now it does not."""
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('name = "tiny"\n', 'name = "tiny"\nsimulated = true\n', 1), encoding="utf-8")
    first = run_cohort(load_study(file, trust_code=True), ["sensitivity"], out=tmp_path / "out", maps=maps)
    assert not first.withheld
    assert first.subjects["predicted"].notna().all()
    file.write_text(text, encoding="utf-8")
    run_cohort(load_study(file, trust_code=True), ["sensitivity"], out=tmp_path / "out", maps=maps)
    assert open_cohort(tmp_path / "out").withheld
    assert not [name for name, content in texts(tmp_path / "out").items() if "probabilities" in content]


def test_a_simulated_study_may_be_told(file, tmp_path):
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('name = "tiny"\n', 'name = "tiny"\nsimulated = true\n', 1), encoding="utf-8")
    result = run_cohort(load_study(file, trust_code=True), ["sensitivity"], out=tmp_path / "out", split="all")
    assert not result.withheld
    assert result.subjects["predicted"].notna().all()
    assert result.run["performance"]
