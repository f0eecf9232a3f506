"""The train page: what is checked before, a training in its own process, killed and gone on with, its report, its use."""

import json
import os
import re
import signal
import sys
import time
from collections import namedtuple
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from crossval.conftest import make_cohort

from mriinterp.cohort.lock import only_run
from mriinterp.crossval import process
from mriinterp.crossval.process import TrainRequest, known_trainings, remember_training, training_state
from mriinterp.crossval.state import LOG, RECORD, STATE, STOP, WORK
from mriinterp.study import consent, load_study
from mriinterp.study.folders import VARIABLE, own_networks
from mriinterp.ui.sources import resources
from mriinterp.ui.sources.studies import remember_study
from mriinterp.ui.train.report import _answer

PAGE = "pages/train.py"
HISTORY = {"train_loss": [0.7, 0.6], "validation_loss": [0.69, 0.66], "validation_auc": [0.5, 0.7], "best": 1}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(sys, "argv", ["app.py", "--allow-code"])
    resources.study_of.clear()
    yield tmp_path / "home"
    resources.study_of.clear()
    for started in process._processes.values():
        started.kill()
        started.wait()
    process._processes.clear()


@pytest.fixture
def file(tmp_path):
    """A study of noise whose network comes with code that was agreed to."""
    return offered(make_cohort(tmp_path / "study", patients=12))


def offered(file):
    consent.agree(load_study(file).model_recipe.python().digest, file)
    remember_study(str(file))
    return file


@pytest.fixture
def page(open_page, finish, file):
    def open_(**more):
        return finish(open_page(PAGE, **{"study": str(file), "n_folds": "2", "epochs": "2", **more}))

    return open_


@pytest.fixture
def started(monkeypatch):
    """What the page starts, instead of processes."""
    calls = []

    def start(request, out, **options):
        calls.append((request, out))
        (out / WORK).mkdir(parents=True, exist_ok=True)
        (out / WORK / LOG).write_text("", encoding="utf-8")
        remember_training(out, request.study)

    monkeypatch.setattr("mriinterp.ui.train.choose.start_training", start)
    return calls


def words(app):
    nodes = (*app.error, *app.warning, *app.info, *app.success, *app.caption, *app.markdown)
    return " ".join(node.value for node in nodes).replace("\\", "")


def address(app, key):
    value = app.query_params[key]
    return value if isinstance(value, str) else value[-1]


def errors(app):
    return " ".join(node.value for node in app.error).replace("\\", "")


def button(app, key):
    return next((b for b in app.button if b.key == key), None)


def wait_until(true, seconds=240):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    assert true()


def wait_for(folder, *states, seconds=240):
    with suppress(AssertionError):
        wait_until(lambda: training_state(folder).state in states, seconds)
    state = training_state(folder)
    assert state.state in states, (state, (folder / WORK / LOG).read_text(encoding="utf-8"))
    return state


def test_before_it_starts_sets_risks_time_and_space_are_shown(page, file):
    app = page()
    assert not app.error
    answer = next(m.value for m in app.markdown if m.value.startswith("**Takes at most "))
    assert "to train 2 networks" in answer
    assert re.search(r"writes at most \d+(\.\d+)? kB, computes on the processor\.$", answer)
    sets = app.dataframe[0].value
    assert list(sets.columns) == [f"{s}, {g}" for s in ("training", "validation", "test") for g in ("CN", "AD")]
    assert sets.loc[["fold 1", "fold 2"], ["test, CN", "test, AD"]].to_numpy().sum() == 8
    assert sets.loc["held out"].tolist() == [0, 0, 0, 0, 2, 2]
    assert "its figures say little" in words(app)
    assert "All scans of a patient are on one side" in words(app)
    assert "Scans, test: 4" in words(app)  # as `study check` says
    assert not button(app, "start_training").disabled
    assert not (file.parent / "small_results").exists()


def test_the_list_of_trainings_is_read_once_a_run(page, file, tmp_path, monkeypatch):
    for name in ("one", "two"):
        noted(tmp_path / name, file)
        remember_training(tmp_path / name, str(file))
    app = page(training="")
    reads = []
    monkeypatch.setattr("mriinterp.ui.train.choose.known_trainings", lambda: reads.append(1) or known_trainings())
    app.run()
    assert app.selectbox(key="training").value == ""
    assert len(reads) == 1
    assert len(app.get("plotly_chart")) == 1  # scans of each set


def test_bad_settings_get_words_and_nothing_starts(page, file, tmp_path, monkeypatch):
    app = page(n_folds="9")
    assert "at least 9 patients of each group outside of the test set for 9 folds" in errors(app)
    assert button(app, "start_training").disabled
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.doc").write_text("mine", encoding="utf-8")
    assert "expected an empty or new folder, got one with thesis.doc" in errors(page(out=str(full)))
    assert "expected a folder, got a file" in errors(page(out=str(full / "thesis.doc")))
    assert "expected a whole path, got nets" in errors(page(out="nets"))
    usage = namedtuple("usage", "total used free")(10, 10, 1000)
    monkeypatch.setattr("mriinterp.crossval.train_check.shutil.disk_usage", lambda path: usage)
    app = page(out=str(tmp_path / "elsewhere"))
    assert "of free space for" in errors(app)
    assert button(app, "start_training").disabled


def test_a_study_of_one_class_is_refused_in_words(open_page, finish, tmp_path):
    file = make_cohort(tmp_path / "one", patients=12)
    table = pd.read_csv(file.parent / "table.csv")
    table[table["group"] == "CN"].to_csv(file.parent / "table.csv", index=False)
    app = finish(open_page(PAGE, study=str(offered(file))))
    assert "expected scans of two groups" in errors(app) or "none of AD" in errors(app) or "got 0 of AD" in errors(app)
    assert button(app, "start_training").disabled


def test_scans_in_both_groups_and_other_ages_are_named(open_page, finish, tmp_path):
    file = make_cohort(tmp_path / "risky", patients=12, visits=2)
    table = pd.read_csv(file.parent / "table.csv")
    table.loc[1, "group"] = "AD"
    table["age"] = table["age"] + 15 * (table["group"] == "AD")
    table.to_csv(file.parent / "table.csv", index=False)
    app = finish(open_page(PAGE, study=str(offered(file)), n_folds="2"))
    assert "Patients with scans in both groups (1): P000" in words(app)
    assert "Age differs between groups" in words(app)
    assert "12 of them with several scans" in words(app)


def test_a_server_that_allows_some_folders_writes_into_no_other(page, file, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(file.parent))
    app = page(out=str(tmp_path / "outside"))
    assert "output folder: expected a path in the folders that study files may name" in errors(app)
    assert button(app, "start_training").disabled
    (tmp_path / "outside").mkdir()
    (file.parent / "link").symlink_to(tmp_path / "outside")
    assert "expected a path in the folders" in errors(page(out=str(file.parent / "link" / "nets")))
    assert not any((tmp_path / "outside").iterdir())
    assert not button(page(out=str(file.parent / "nets")), "start_training").disabled
    assert not button(page(out=str(own_networks() / "nets")), "start_training").disabled
    remember_training(tmp_path / "outside", str(file))
    assert not known_trainings()


def test_a_training_is_killed_gone_on_with_and_used(page, finish, file, home, monkeypatch):
    hold = file.parent / "study_results" / "networks" / WORK / "fold1.pt"  # once it is there, the network waits
    monkeypatch.setenv("SMALL_HOLD", str(hold))
    app = page()
    button(app, "start_training").click().run()
    out = Path(app.session_state["training"])
    assert out == file.parent / "study_results" / "networks"
    wait_until(hold.exists)
    assert training_state(out).state == "running"
    app.run()
    assert not button(app, "stop_training").disabled
    assert button(app, "start_training") is None
    assert len(app.get("plotly_chart")) == 1  # after the first epoch
    process_ = process._processes.pop(out)  # as after a restart of the server: nothing is known but the folder
    os.kill(process_.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    process_.wait()
    wait_for(out, "stopped", "starting")
    old = time.time() - 1000
    for path in (out / WORK).iterdir():
        os.utime(path, (old, old))
    again = page()
    assert again.selectbox(key="training").value == str(out)
    assert "This training was stopped" in words(again)
    monkeypatch.delenv("SMALL_HOLD")
    button(again, "resume_training").click().run()
    wait_for(out, "finished")
    again.run()
    assert not again.exception
    assert "The network does" in words(again)
    assert "AUC out of fold" in words(again)
    assert next(m.value for m in again.markdown if "out of fold: the network" in m.value).startswith("**AUC ")
    tabs = [tab.label for tab in again.tabs]
    assert tabs == ["ROC", "Learning", "Calibration", "Confusion", "Measures", "Folds"]
    for tab in tabs:
        again.session_state["report_tab"] = tab
        again.run()
        assert not again.exception, tab
    assert address(again, "report_tab") == "Folds"
    button(again, "use_network").click().run()
    assert again.session_state["study"] == str(out / "study.toml")
    assert again.title[0].value == "Single scan"
    assert list(load_study(out / "study.toml").folds) == ["fold 1", "fold 2"]
    assert known_trainings() == [(out, str(file))]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["does better", "does better"], "the network **does better** than all 2 simple models."),
        (["does better", "does NOT do better"], "the network does better than **1 of 2** simple models."),
        (["does NOT do better"] * 2, "the network **does not do better** than simple models, as far as"),
        (["does NOT do better", "does WORSE"], "the network **does worse** than 1 of 2 simple models."),
    ],
)
def test_the_first_line_of_a_report_is_made_of_its_verdicts(verdicts, said):
    rows = [("network", "pooled", "auc", 0.8, 0.7, 0.9)]
    measures = pd.DataFrame(rows, columns=["classifier", "set", "measure", "value", "low", "high"])
    assert _answer(measures, verdicts).startswith(f"**AUC 0.80** (0.70 to 0.90) out of fold: {said}")


def test_stop_ends_the_process_and_keeps_what_is_done(page):
    app = page(preset="rieke2018", epochs="1000")
    button(app, "start_training").click().run()
    out = Path(app.session_state["training"])
    wait_until((out / WORK / "fold1.pt").exists)
    app.run()
    button(app, "stop_training").click().run()
    wait_for(out, "stopped")
    app.run()
    assert "This training was stopped" in words(app)
    assert "Finished epochs are kept" in words(app)
    assert "interrupted" in app.code[0].value
    assert not (out / WORK / STOP).exists()


def noted(folder, file, **more):
    """A folder as a process leaves it that has trained for two epochs."""
    work = folder / WORK
    work.mkdir(parents=True)
    entries = {"stage": "training fold 1 of 2", "done": 30, "total": 60, "left": 75.0, "folds": {"fold1": HISTORY}}
    (work / STATE).write_text(json.dumps(entries | more), encoding="utf-8")
    request = TrainRequest(str(file), folds=2, epochs=4)
    (work / "request.json").write_text(json.dumps(vars(request)), encoding="utf-8")
    (work / LOG).write_text("", encoding="utf-8")
    remember_training(folder, str(file))
    return folder


def test_another_browser_finds_a_training_that_is_under_way(page, file, tmp_path):
    out = noted(tmp_path / "nets", file)
    with only_run(out / WORK):
        app = page()
        assert app.selectbox(key="training").value == str(out)
        assert app.get("progress")[0].proto.text == r"Training fold 1 of 2\: 50%, 1 min 15 s left"
        assert len(app.get("plotly_chart")) == 1
        assert "fold 1: epoch 2, validation loss 0.66, validation AUC 0.70" in words(app)
        assert "2 folds · protocol recommended · 4 epochs" in words(app)
        button(app, "stop_training").click().run()
        assert (out / WORK / STOP).exists()
        assert "Stopping after this step" in app.get("progress")[0].proto.text


def test_one_training_at_a_time(page, file, tmp_path, started):
    out = noted(tmp_path / "nets", file)
    with only_run(out / WORK):
        app = page(training="")
        assert button(app, "start_training").disabled
        assert button(app, "try_demo").disabled
        assert f"Another training is under way in `{out}`" in words(app)
    assert not started


def test_why_a_training_has_failed_stands_on_the_page(page, file, tmp_path, started):
    out = noted(tmp_path / "nets", file)
    (out / WORK / LOG).write_text("mriinterp: No space left on device\n", encoding="utf-8")
    app = page()
    assert errors(app) == "No space left on device."
    assert button(app, "resume_training").label == "Try again"
    button(app, "forget_training").click().run()
    assert app.selectbox(key="training").value == ""
    assert (out / WORK / LOG).is_file()


def test_a_training_of_the_command_line_is_gone_on_with(page, file, tmp_path, started):
    from mriinterp.base.progress import Cancelled
    from mriinterp.crossval import train_study

    out = file.parent / "study_results" / "networks"  # where a study's trainings are looked for
    study = load_study(file, trust_code=True)
    with pytest.raises(Cancelled):
        train_study(study, out, folds=2, epochs=2, device="cpu", cancel=lambda: (out / WORK / "fold1.pt").is_file())
    app = page()
    assert app.selectbox(key="training").value == str(out)
    button(app, "resume_training").click().run()
    assert started == [(TrainRequest(str(file), folds=2, epochs=2, device="cpu"), out)]


def test_the_demo_study_is_tried_with_one_click(open_page, finish, started):
    app = finish(open_page(PAGE))
    assert not app.error
    assert app.dataframe[0].value.to_numpy().sum() == 36
    button(app, "try_demo").click().run()
    [(request, out)] = started
    assert (request.study, request.scans, request.folds, request.epochs) == ("demo", 20, 2, 3)
    assert out == own_networks() / "demo"
    assert app.session_state["training"] == str(out)
    assert address(app, "training") == str(out)


def test_damaged_results_get_words(page, file):
    out = file.parent / "study_results" / "networks"
    out.mkdir(parents=True)
    (out / RECORD).write_text(json.dumps({"finished": True, "verdicts": []}), encoding="utf-8")
    app = page()
    assert not app.exception
    assert "predictions.tsv" in errors(app)
