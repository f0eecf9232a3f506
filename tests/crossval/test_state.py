"""A training is found again by its folder alone: what it has reached, how it ended, and that it is to stop."""

import json
import os
import time

import pytest

from crossval.conftest import make_cohort
from mriinterp.base.progress import Cancelled
from mriinterp.cohort.lock import is_held, only_run
from mriinterp.crossval import train_study
from mriinterp.crossval.state import LOG, STATE, WORK, TrainNotes, ask_to_stop, read_state, stop_asked
from mriinterp.study import load_study
from mriinterp.training.loop import History

HISTORY = History((0.7, 0.6), (0.69, 0.65), (0.5, float("nan")), 1)


@pytest.fixture
def work(tmp_path):
    (tmp_path / WORK).mkdir()
    return tmp_path / WORK


def age(*paths, seconds=1000):
    for path in paths:
        os.utime(path, (time.time() - seconds,) * 2)


def test_an_empty_folder_has_no_training(tmp_path):
    assert read_state(tmp_path).state == "none"
    assert read_state(tmp_path / "nowhere").state == "none"


def test_what_is_noted_is_read(tmp_path, work):
    told = []
    notes = TrainNotes(tmp_path, lambda *n: told.append(n))
    notes.stage("training fold 1 of 2")
    notes.epochs_of("fold1")(HISTORY)
    notes._last = 0.0
    notes(5, 20)
    with only_run(work):
        found = read_state(tmp_path)
        assert found.state == "running"
        assert found.works
        ask_to_stop(tmp_path)
        assert read_state(tmp_path).state == "stopping"
    assert (found.stage, found.done, found.total) == ("training fold 1 of 2", 5, 20)
    assert found.histories["fold1"].validation_loss == HISTORY.validation_loss
    assert found.histories["fold1"].best == 1
    assert told == [(5, 20)]


def test_steps_of_an_earlier_run_are_no_pace(tmp_path, work, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("mriinterp.crossval.state.TimeLeft", lambda: clocked(now))
    notes = TrainNotes(tmp_path)
    notes.begin("training")
    now[0] = 1.0
    notes(50, 100)  # gone on from a checkpoint
    now[0] = 11.0
    notes(60, 100)
    assert notes.entries["left"] == pytest.approx(11 / 10 * 40)
    notes.skip()
    notes(90, 100)  # stopped early
    assert notes.entries["left"] == pytest.approx(11 / 10 * 10)


def clocked(now):
    from mriinterp.base.progress import TimeLeft

    return TimeLeft(clock=lambda: now[0])


@pytest.mark.parametrize(
    ("log", "state", "error"),
    [
        ("40 scans\nmriinterp: fold 1: expected a loss, got nan\n", "failed", "fold 1: expected a loss, got nan"),
        ("mriinterp: interrupted; finished files are kept\n", "stopped", ""),
        ("training [###] 3/10\n", "stopped", ""),
        ("Traceback (most recent call last)\n  …\nRuntimeError: no\n", "failed", "RuntimeError: no"),
        ("usage: mriinterp\nmriinterp train: error: argument --folds\n", "failed", "argument --folds"),
    ],
)
def test_how_a_process_has_ended_stands_in_its_log(tmp_path, work, log, state, error):
    (work / LOG).write_text(log, encoding="utf-8")
    age(work / LOG)
    found = read_state(tmp_path)
    assert (found.state, found.error) == (state, error)


def test_a_process_that_has_just_been_started_is_starting_unless_it_has_ended(tmp_path, work):
    (work / LOG).write_text("", encoding="utf-8")
    assert read_state(tmp_path).state == "starting"
    assert read_state(tmp_path, ended=True).state == "stopped"


def test_damaged_notes_do_not_hide_a_training(tmp_path, work):
    (work / STATE).write_text("{", encoding="utf-8")
    with only_run(work):
        assert read_state(tmp_path).state == "running"
    assert not is_held(work)


def test_a_request_to_stop_counts_once(tmp_path, work):
    asked = stop_asked(tmp_path, lambda: False)
    assert not asked()
    ask_to_stop(tmp_path)
    assert asked()
    assert not asked()
    assert stop_asked(tmp_path, lambda: True)()


def test_a_training_stops_on_request_and_its_folder_says_where_it_was(tmp_path):
    study = load_study(make_cohort(tmp_path / "study", patients=12), trust_code=True)
    out = tmp_path / "out"

    def stop_soon(done, total):
        if (out / WORK / "fold1.pt").is_file():
            ask_to_stop(out)

    with pytest.raises(Cancelled):
        train_study(study, out, folds=2, epochs=3, device="cpu", progress=stop_soon)
    found = read_state(out)
    assert found.state == "stopped"
    assert len(found.histories["fold1"].train_loss) >= 1
    assert found.record["made_with"]["folds"] == 2
    assert found.record["study"] == str(study.settings.path)
    train_study(study, out, folds=2, epochs=3, device="cpu", resume=True)
    assert read_state(out).state == "finished"
    assert json.loads((out / "training.json").read_text(encoding="utf-8"))["device"] == "cpu"
