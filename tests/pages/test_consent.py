"""A study that comes with code: nothing of it runs before the server allows it and a person has agreed to what was shown."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
import torch
from cohort.conftest import make_study

from mriinterp.study import consent, load_study
from mriinterp.ui.sources import resources
from mriinterp.ui.sources.consent import starting_command
from mriinterp.ui.sources.studies import remember_study


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["app.py"])
    resources.study_of.clear()
    resources.store.clear()
    yield tmp_path / "home"
    resources.study_of.clear()
    resources.store.clear()


@pytest.fixture
def file(tmp_path):
    """A study with a network of two files; each leaves a trace when it runs."""
    file = make_study(tmp_path / "my study", per_group=2)
    net = file.parent / "net.py"
    mark = "open(__file__ + '.ran', 'a').write('x')\n"
    net.write_text(f"import helper\n{mark}" + net.read_text(encoding="utf-8"), encoding="utf-8")
    (file.parent / "helper.py").write_text(f"{mark}SHOWN = 'the helper is shown, too'\n", encoding="utf-8")
    remember_study(str(file))
    return file


def ran(file):
    return sorted(path.name for path in file.parent.glob("*.ran"))


@pytest.fixture
def allowed(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["app.py", "--allow-code"])


@pytest.fixture
def page(open_page, file):
    return lambda **more: open_page(study=str(file), method="sensitivity", **more)


def words(app):
    return " ".join(e.value for e in (*app.warning, *app.error, *app.caption, *app.markdown)).replace("\\", "")


def codes(app):
    return [code.value for code in app.code]


def agree_button(app):
    return [button for button in app.button if button.key == "agree_to_code"]


def test_a_server_that_was_not_started_so_runs_nothing_and_tells_the_command(page, file):
    consent.agree(load_study(file).model_recipe.python().digest, file)  # of another start: it is not enough
    app = page()
    assert "this server runs no code of studies" in words(app)
    assert codes(app) == [f'streamlit run app.py -- --allow-code "{file}"']
    assert not agree_button(app)
    assert not ran(file)


def test_the_code_is_shown_agreed_to_once_and_runs(page, finish, file, allowed, home):
    app = page()
    net, helper = codes(app)
    assert net == (file.parent / "net.py").read_text(encoding="utf-8").strip()
    assert "the helper is shown, too" in helper
    digest = load_study(file).model_recipe.python().digest
    assert digest in words(app)
    assert not ran(file)
    agree_button(app)[0].click()
    app = finish(app.run())
    app = finish(app)
    assert not app.error
    assert not app.warning or "code" not in words(app)
    assert ran(file) == ["helper.py.ran", "net.py.ran"]
    assert [tab.label for tab in app.tabs][:2] == ["Areas", "In space"]
    assert json.loads((home / "agreed_code" / f"{digest}.json").read_text())["sha256"] == digest
    resources.study_of.clear()
    again = page()  # another session, or the server started anew
    assert not agree_button(again)


@pytest.mark.parametrize("name", ["net.py", "helper.py"])
def test_changed_code_asks_again(page, finish, file, allowed, name):
    app = page()
    agree_button(app)[0].click()
    app = finish(app.run())
    for path in file.parent.glob("*.ran"):
        path.unlink()
    with (file.parent / name).open("a", encoding="utf-8") as stream:
        stream.write("\nADDED = 1\n")
    app.run()
    assert "has changed since it was agreed to" in words(app)
    assert any("ADDED = 1" in code for code in codes(app))
    assert not ran(file)


def test_agreeing_is_to_what_was_shown(page, file, allowed):
    """The file is exchanged between the look at the page and the click."""
    app = page()
    shown = hashlib.sha256((file.parent / "helper.py").read_bytes()).hexdigest()
    (file.parent / "helper.py").write_text("raise SystemExit('exchanged')", encoding="utf-8")
    agree_button(app)[0].click()
    app.run()
    assert not ran(file)
    assert shown not in words(app)
    assert any("exchanged" in code for code in codes(app))
    assert agree_button(app)


def test_a_study_file_that_names_other_code_asks_again(page, finish, file, allowed):
    app = page()
    agree_button(app)[0].click()
    finish(app.run())
    other = file.parent / "other.py"
    other.write_text((file.parent / "net.py").read_text(encoding="utf-8") + "# other\n", encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace("net.py", "other.py"), encoding="utf-8")
    app = page()
    assert agree_button(app)
    assert not (file.parent / "other.py.ran").exists()


def test_no_address_agrees(open_page, file, allowed):
    digest = load_study(file).model_recipe.python().digest
    app = open_page(
        study=str(file), agree_to_code="True", allow_code="True", trust_code="True", agreed=digest, code="net.py"
    )
    assert agree_button(app)
    assert not consent.agreements()
    assert not ran(file)
    stranger = make_study(file.parent.parent / "stranger", per_group=2)
    app = open_page(study=str(stranger))  # a file that nobody opened here
    assert app.selectbox(key="study").value == "demo"


@pytest.mark.parametrize("page_file", ["compare", "cohort", "trust"])
def test_every_page_asks(open_page, file, allowed, page_file):
    app = open_page(f"pages/{page_file}.py", study=str(file))
    app = app if agree_button(app) else open_page(f"pages/{page_file}.py", study=str(file))
    assert agree_button(app)
    assert not ran(file)


def test_leave_is_taken_back(file, allowed):
    study = load_study(file)
    digest = study.model_recipe.python().digest
    consent.agree(digest, file)
    assert resources.model_of(str(file)).card.name == "tiny"
    consent.withdraw(digest)
    with pytest.raises(ValueError, match="comes with code"):
        resources.model_of(str(file))
    consent.withdraw(digest)
    consent.withdraw("../studies")


def test_damaged_and_forged_leave_counts_for_nothing(home):
    folder = home / "agreed_code"
    folder.mkdir(parents=True)
    good, other = "a" * 64, "b" * 64
    consent.agree(good, "net.py")
    for name, text in {
        other: json.dumps({"sha256": good, "file": "net.py", "day": "2026-01-01"}),
        "c" * 64: "",
        "d" * 64: "[]",
        "e" * 64: "5",
        "F" * 64: json.dumps({"sha256": "F" * 64, "file": "", "day": ""}),
    }.items():
        (folder / f"{name}.json").write_text(text)
    (folder / f"{'9' * 64}.json").mkdir()
    assert set(consent.agreements()) == {good}
    for wrong in ("", "abc", "../" + good, good.upper()):
        with pytest.raises(ValueError, match="SHA-256"):
            consent.agree(wrong, "net.py")


def test_a_home_that_cannot_be_written_keeps_leave_until_the_server_ends(home, monkeypatch):
    monkeypatch.setattr(consent, "_unkept", {})
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file")
    consent.agree("a" * 64, "net.py")
    assert set(consent.agreements()) == {"a" * 64}
    consent.withdraw("a" * 64)
    assert not consent.agreements()


def test_a_program_is_named_and_asked_for(open_page, file, allowed):
    folder = file.parent
    shape = json.loads((folder / "card.json").read_text())["grid"]["shape"]
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool3d(2), torch.nn.Flatten(), torch.nn.Linear(8, 2)).eval()
    torch.export.save(torch.export.export(network, (torch.rand(1, 1, *shape),)), folder / "program.pt2")
    card = json.loads((folder / "card.json").read_text())
    card |= {"architecture": "torch.export", "weights": ["program.pt2"]}
    (folder / "card.json").write_text(json.dumps(card))
    file.write_text(file.read_text(encoding="utf-8").replace('code = "net.py"\n', ""), encoding="utf-8")
    app = open_page(study=str(file), method="sensitivity")
    assert hashlib.sha256((folder / "program.pt2").read_bytes()).hexdigest() in words(app)
    assert "cannot be shown" in " ".join(info.value for info in app.info)
    agree_button(app)[0].click()
    app.run()
    assert not agree_button(app)
    assert not app.error
    (folder / "program.pt2").write_bytes((folder / "program.pt2").read_bytes() + b"\0")
    app.run()
    assert agree_button(app)


def test_weights_that_are_a_pickled_module_run_nothing(page, finish, file, allowed):
    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch '{file.parent}/bomb.ran'",)

    torch.save(Bomb(), file.parent / "weights.pt")
    app = page()
    agree_button(app)[0].click()
    app.run()
    assert "holds code or objects" in words(app)
    assert "bomb.ran" not in ran(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "net.py"), (b"x = 1\0", "binary"), (b"#" * (2 << 20), "at most"), (b"def (", "SyntaxError")],
)
def test_code_that_cannot_be_shown_is_an_error_in_words(page, file, allowed, content, said):
    path = file.parent / "net.py"
    path.unlink() if content is None else path.write_bytes(content)
    app = page()
    assert said in words(app)
    assert not agree_button(app)


def test_processes_of_a_cohort_run_only_what_was_agreed_to(file, tmp_path):
    """The code changes while a run goes on: a process that starts later does not run it."""
    digest = load_study(file).model_recipe.python().digest
    recipe = load_study(file, trust_code={digest}).model_recipe
    code = (
        "import pickle, sys; from mriinterp.study import ModelRecipe\n"
        "recipe = pickle.load(sys.stdin.buffer)\ntry:\n    print(recipe.load('cpu').card.name)\n"
        "except ValueError as error:\n    print(type(error).__name__, error)"
    )
    import pickle

    def load():
        return subprocess.run(
            [sys.executable, "-c", code], input=pickle.dumps(recipe), capture_output=True, check=True
        ).stdout.decode()

    assert load().strip() == "tiny"
    (file.parent / "helper.py").write_text("open(__file__ + '.hostile.ran', 'w')", encoding="utf-8")
    assert load().startswith("CodeRefused")
    assert "helper.py.hostile.ran" not in ran(file)


@pytest.mark.parametrize(
    ("study", "windows", "command"),
    [
        ("/data/adni.toml", False, "/data/adni.toml"),
        ("/data/my study.toml", False, '"/data/my study.toml"'),
        ("/data/$(rm -rf ~).toml", False, "'/data/$(rm -rf ~).toml'"),
        (r"C:\data\adni.toml", True, r"C:\data\adni.toml"),
        (r"C:\my data\a&b.toml", True, r'"C:\my data\a&b.toml"'),
        (r"C:\größe.toml", True, r'"C:\größe.toml"'),
    ],
)
def test_the_command_can_be_typed_as_it_stands(study, windows, command):
    assert starting_command(study, windows) == f"streamlit run app.py -- --allow-code {command}"
