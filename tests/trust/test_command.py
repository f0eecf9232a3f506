"""``python -m mriinterp trust``, on the tiny study."""

import pytest

from mriinterp import cli
from mriinterp.commands.trust import names_of
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
