"""``python -m mriinterp trust``, on the tiny study."""

from dataclasses import replace
from functools import wraps

import numpy as np
import pandas as pd
import pytest

from mriinterp import cli
from mriinterp.commands.trust import names_of
from mriinterp.trust.measure_registry import _MEASURES, get_measure
from tests.trust.tiny_study import TinyStudy


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr("mriinterp.study.load_study", lambda source, **options: TinyStudy())


def test_plan_is_printed_and_nothing_done(tiny, tmp_path, capsys):
    code = cli.main(["trust", "demo", "--quick", "--plan", "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert code == 0
    assert "methods (6)" in said
    assert "white noise, edge filter, |x|, blurred noise" in said
    assert "left out: reproducibility" in said
    assert "about " in said
    assert not (tmp_path / "out" / "units").exists()


def test_quick_run_writes_tables_and_report_and_goes_on(tiny, tmp_path, capsys):
    command = ["trust", "demo", "--quick", "--methods", "sensitivity,occlusion[size=4,stride=4]"]
    command += ["--subjects", "2", "--costly", "2", "--out", str(tmp_path)]
    assert cli.main(command) == 0
    said = capsys.readouterr().out
    assert "On localisation" in said
    assert "research" in (tmp_path / "report.md").read_text(encoding="utf-8").lower()
    first = (tmp_path / "trust_results.csv").read_text(encoding="utf-8")
    assert cli.main(command) == 0
    assert (tmp_path / "trust_results.csv").read_text(encoding="utf-8") == first


def test_quick_runs_to_its_end_by_itself_on_a_study_that_knows_age_severity_and_site(monkeypatch, tmp_path, caplog):
    study = TinyStudy()
    study.diseased_areas = ("Temporal_Sup", "Temporal_Mid", "Hippocampus")
    ill = study.subjects["group"] == "AD"
    study.subjects = study.subjects.assign(
        age=np.arange(60.0, 68.0), severity=np.where(ill, np.linspace(0.3, 1, 8), 0.0), site=list("AABBAABB")
    )
    monkeypatch.setattr("mriinterp.study.load_study", lambda source, **options: study)
    assert cli.main(["trust", "demo", "--quick", "--out", str(tmp_path)]) == 0
    assert "not measured" not in caplog.text
    table = pd.read_csv(tmp_path / "trust_summary.csv")
    assert table.loc[table["measure"] == "dose_response", "mean"].notna().any()


def test_a_measure_that_cannot_be_taken_loses_nothing_of_the_others(tiny, tmp_path, caplog, monkeypatch):
    for name in ("group_effect", "stability"):

        @wraps(get_measure(name).function)
        def fails(*args, **options):
            raise ValueError("expected more people")

        monkeypatch.setitem(_MEASURES, name, replace(get_measure(name), function=fails))
    command = ["trust", "demo", "--quick", "--methods", "sensitivity", "--out", str(tmp_path)]
    assert cli.main(command) == 0
    assert "not measured by group_effect: expected more people" in caplog.text
    assert "not measured by stability: expected more people" in caplog.text
    measured = set(pd.read_csv(tmp_path / "trust_summary.csv")["measure"])
    assert {"localisation", "randomisation"} <= measured
    assert not {"group_effect", "stability"} & measured
    for report in ("report.md", "report.html"):
        said = (tmp_path / report).read_text(encoding="utf-8")
        assert "Left out: group effect: expected more people." in said
        assert "Left out: stability: expected more people." in said
    monkeypatch.undo()  # they can be taken now: nothing is said of what was left out before
    monkeypatch.setattr("mriinterp.study.load_study", lambda source, **options: TinyStudy())
    assert cli.main(command) == 0
    assert "expected more people" not in (tmp_path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--methods", "magic"], "expected a relevance method"),
        (["--measures", "beauty"], "expected a measure of trust"),
        (["--subjects", "0"], "expected --subjects of 1 or more"),
        (["--methods", "occlusion[depth=2]"], "expected a parameter of 'occlusion'"),
    ],
)
def test_wrong_usage_is_told(tiny, tmp_path, capsys, more, message):
    assert cli.main(["trust", "demo", "--out", str(tmp_path), *more]) == 2
    assert message in capsys.readouterr().err


def test_replicates_must_fit(tiny, tmp_path, capsys):
    (tmp_path / "broken.json").write_text("{}", encoding="utf-8")
    code = cli.main(["trust", "demo", "--replicates", str(tmp_path), "--out", str(tmp_path / "out")])
    assert code == 2
    assert "got none that fit" in capsys.readouterr().err


def test_only_the_demo_study_can_train_replicates(tiny, tmp_path, capsys):
    assert cli.main(["trust", "demo", "--train-replicates", "1", "--out", str(tmp_path)]) == 2
    assert "expected the demo study" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given",
    [
        ["sensitivity,occlusion[size=4,stride=4]"],
        ["sensitivity", "occlusion[size=4,stride=4]"],
        ["sensitivity, ", "occlusion[size=4,stride=4],"],
        ["sensitivity ,occlusion[size=4,stride=4]"],
    ],
)
def test_names_take_commas_and_blanks(given):
    assert names_of(given) == ["sensitivity", "occlusion[size=4,stride=4]"]


def test_traps_are_the_demo_studys(tiny, tmp_path, capsys):
    assert cli.main(["trust", "other.toml", "--shortcut", "confound", "--out", str(tmp_path)]) == 2
    assert "expected the demo study" in capsys.readouterr().err
