"""Processes, clusters and workers that die: the same bytes."""

import os
import signal
import time
import tracemalloc

import numpy as np
import pytest

from mriinterp.base.progress import Cancelled
from mriinterp.cohort import run_cohort
from mriinterp.study import load_study

from .conftest import content, make_study, write_scan

METHODS = ("sensitivity", "area_occlusion")


def test_one_worker_and_three_leave_the_same_bytes(tmp_path):
    """Ten scans, which three do not share evenly."""
    study = load_study(make_study(tmp_path / "study", per_group=5), trust_code=True)
    for workers in (1, 3):
        run_cohort(study, METHODS, out=tmp_path / str(workers), workers=workers, split="all")
    one = content(tmp_path / "1")
    assert len(one) > 60
    assert content(tmp_path / "3") == one


def test_a_scan_that_kills_its_process_is_found_and_left_out(tmp_path):
    file = make_study(tmp_path / "study", per_group=3, deadly=True)
    write_scan(file.parent, "I102", np.random.default_rng(1), scale=1e9)
    study = load_study(file, trust_code=True)
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", workers=2, split="all")
    assert set(result.failures) == {"I102"}
    assert "died" in result.failures["I102"]["scan"]
    assert result.n("sensitivity") == 5


def test_cancelling_processes(tmp_path, monkeypatch):
    monkeypatch.setenv("TINY_SLEEP", "0.1")
    study = load_study(make_study(tmp_path / "study", per_group=10), trust_code=True)

    def cancel():
        return len(list((tmp_path / "out").glob("sub-*/anat/*relevance.json"))) >= 2

    start = time.monotonic()
    with pytest.raises(Cancelled):
        run_cohort(study, METHODS, out=tmp_path / "out", workers=2, cancel=cancel, split="all")
    assert time.monotonic() - start < 300
    assert len(list((tmp_path / "out").glob("sub-*/anat/*relevance.json"))) < 40
    assert not list((tmp_path / "out" / ".work" / "signals").iterdir())


def test_dask_with_a_worker_killed_in_the_middle(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("TINY_SLEEP", "0.05")
    study = load_study(make_study(tmp_path / "study", per_group=6), trust_code=True)
    out = tmp_path / "out"
    killed = []

    def kill_one(done, total):
        if done >= 4 and not killed:
            pid = next(iter(client.run(os.getpid).values()))
            killed.append(pid)
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=tmp_path / "dask"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        client.get_executor(pure=False) as executor,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        result = run_cohort(study, METHODS, out=out, executor=executor, workers=2, progress=kill_one, split="all")
    assert killed
    assert result.failures == {}
    monkeypatch.setenv("TINY_SLEEP", "0")
    run_cohort(study, METHODS, out=tmp_path / "local", split="all")
    assert content(out) == content(tmp_path / "local")


def test_memory_does_not_grow_with_the_number_of_scans(tmp_path, monkeypatch):
    """Peak of Python's and numpy's memory: five times as many scans, the same."""
    study = load_study(make_study(tmp_path / "study", per_group=25), trust_code=True)
    run_cohort(study, ["sensitivity"], out=tmp_path / "warm", n=4, split="all")
    monkeypatch.setattr("mriinterp.cohort.run_tables.SCANS_AT_ONCE", 4)
    one_map = 14 * 15 * 13 * 4

    def growth(attempt):
        peaks = []
        for n in (10, 50):
            tracemalloc.start()
            run_cohort(study, ["sensitivity"], out=tmp_path / f"{attempt}-{n}", n=n, split="all")
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        return peaks[1] - peaks[0]

    # 40 more scans: 5 kB each for rows and garbage, and no map. Other threads' garbage may be there by chance; maps
    # that are kept would be there every time.
    assert any(growth(attempt) < 0.8 * 40 * one_map for attempt in range(3))
