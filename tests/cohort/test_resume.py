"""Killed at any moment, a run goes on and ends with the bytes of an undisturbed one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.cohort.lock import only_run
from mriinterp.study import load_study

from .conftest import content, make_study

ROOT = Path(__file__).resolve().parents[2]


class Killed(BaseException):
    """Like SIGKILL: nothing that catches exceptions stops it."""


def start(file: Path, out: Path, *more: str, hold: str = "") -> subprocess.Popen:
    command = [
        sys.executable,
        "-m",
        "mriinterp",
        "cohort",
        str(file),
        "--methods",
        "sensitivity,grad_cam",
        "--split",
        "all",
    ]
    environment = {**os.environ, "TINY_HOLD": hold, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, "--out", str(out), "--trust-code", *more],
        env=environment,
        cwd=file.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def records(out: Path) -> int:
    return len(list(out.glob("sub-*/anat/*_relevance.json")))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("maps", [True, False], ids=["maps", "no-maps"])
def test_sigkill_and_the_same_command_again(tmp_path, maps):
    file = make_study(tmp_path / "study", per_group=6)
    out = tmp_path / "out"
    options = ["--workers", "2"] if maps else ["--workers", "1", "--no-maps"]
    process = start(file, out, *options, hold=str(out))
    deadline = time.monotonic() + 300  # a busy machine takes long to start
    while records(out) < 5 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)  # returns when its workers, who hold its output open too, have ended
    killed_at = records(out)
    assert 5 <= killed_at < 10
    (out / "sub-I100" / "anat").mkdir(exist_ok=True, parents=True)
    (out / "sub-I100" / "anat" / ".sub-I100_x.json.0123abcd.part").write_bytes(b"half a file")
    again = start(file, out, *options)
    said, complained = again.communicate(timeout=400)
    assert again.returncode == 0, complained
    result = open_cohort(out)
    assert 0 < result.run["maps_computed"] <= 24 - killed_at
    undisturbed = tmp_path / "undisturbed"
    study = load_study(file, trust_code=True)
    run_cohort(
        study, ["sensitivity", "grad_cam"], out=undisturbed, maps=maps, split="all"
    )  # one worker, another process
    assert content(out) == content(undisturbed)
    assert "12 scans" in said


@pytest.mark.parametrize("maps", [True, False], ids=["maps", "no-maps"])
def test_a_crash_at_every_write(tmp_path, monkeypatch, maps):
    """The k-th file of attempt k never gets its name; what was written before is enough to go on."""
    study = load_study(make_study(tmp_path / "study", per_group=2), trust_code=True)
    arguments = {"methods": ["sensitivity"], "maps": maps, "scratch_limit": 0, "split": "all"}
    run_cohort(study, out=tmp_path / "undisturbed", **arguments)
    replace, left = os.replace, [0]

    def replace_or_die(source, target):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        replace(source, target)

    monkeypatch.setattr("mriinterp.base.atomic.os.replace", replace_or_die)
    attempts = 0
    while True:
        attempts += 1
        left[0] = 1 + attempts  # one file further each time
        try:
            run_cohort(study, out=tmp_path / "out", **arguments)
        except Killed:
            assert attempts < 60
            continue
        break
    assert attempts > 6
    assert content(tmp_path / "out") == content(tmp_path / "undisturbed")


def test_a_full_disk_ends_the_run_and_blames_no_scan(tmp_path, monkeypatch):
    study = load_study(make_study(tmp_path / "study", per_group=2), trust_code=True)
    replace, left = os.replace, [7]

    def full(source, target):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("mriinterp.base.atomic.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    monkeypatch.undo()
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    assert result.failures == {}
    assert result.run["maps_computed"] == 2  # seven files: two maps were whole, and were not made again
    assert not list((tmp_path / "out").rglob("*.part"))


def alter(path):
    """Change a byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "damage",
    [
        "record", "record twice", "record of another unit", "areas altered unseen", "map cut short", "map gone", "map altered", "areas gone", "areas altered", "group",
        "group altered", "running mean",
    ],
)  # fmt: skip
def test_damaged_results_are_made_again(tmp_path, damage):
    study = load_study(make_study(tmp_path / "study", per_group=2), trust_code=True)
    maps = damage != "running mean"
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", maps=maps, split="all")
    before = content(result.folder)
    layout = result.layout
    victim = {
        "record": layout.record("sub-I101", "sensitivity"),
        "record twice": layout.record("sub-I101", "sensitivity"),
        "record of another unit": layout.record("sub-I101", "sensitivity"),
        "areas altered unseen": layout.areas("sub-I101", "sensitivity"),
        "map cut short": layout.map("sub-I101", "sensitivity"),
        "map gone": layout.map("sub-I101", "sensitivity"),
        "map altered": layout.map("sub-I101", "sensitivity"),
        "areas gone": layout.areas("sub-I101", "sensitivity"),
        "areas altered": layout.areas("sub-I101", "sensitivity"),
        "group altered": layout.group("sensitivity", "AD", "absolute", "std"),
        "group": layout.group("sensitivity", "AD", "absolute", "mean"),
        "running mean": layout.moments("sensitivity", "AD"),
    }[damage]
    if "gone" in damage:
        victim.unlink()
    elif damage == "record twice":
        victim.write_text(victim.read_text(encoding="utf-8").replace("{", '{"key": "",', 1), encoding="utf-8")
    elif damage == "record of another unit":
        entries = json.loads(victim.read_text(encoding="utf-8"))
        victim.write_text(json.dumps({**entries, "unit": "mm"}), encoding="utf-8")
        with pytest.raises(ValueError, match="expected a description as it was written"):
            open_cohort(result.folder).map("sensitivity", "I101")
    elif "altered" in damage:  # of the same size
        times = victim.stat().st_atime_ns, victim.stat().st_mtime_ns
        alter(victim)
        if "unseen" in damage:  # as a failing disk does it
            os.utime(victim, ns=times)
    else:
        victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    again = run_cohort(study, ["sensitivity"], out=tmp_path / "out", maps=maps, split="all")
    assert again.run["maps_computed"] == {"group": 0, "group altered": 0, "running mean": 2}.get(damage, 1)
    after = content(result.folder)
    assert {k for k in before if before[k] != after.get(k)} <= {".work/moments/sensitivity_group-AD.npz"}
    np.testing.assert_array_equal(again.mean("sensitivity", "AD").data, result.mean("sensitivity", "AD").data)


def test_a_map_that_is_not_the_one_written_is_refused_and_made_again(tmp_path):
    study = load_study(make_study(tmp_path / "study", per_group=2), trust_code=True)
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    before, image = content(result.folder), result.layout.map("sub-I101", "sensitivity")
    digests = result.map("sensitivity", "I101").digests
    assert (digests["scan"], digests["model"]) == (study.scan("I101").digest, result.run["model"]["sha256"])
    times = image.stat().st_atime_ns, image.stat().st_mtime_ns
    alter(image)
    os.utime(image, ns=times)  # as a failing disk does it
    with pytest.raises(ValueError, match="expected the image that was written"):
        result.map("sensitivity", "I101")
    with pytest.raises(ValueError, match="expected the image that was written"):
        result.moments_by_kind("sensitivity", ["I100", "I101"], ("reading",))
    result.layout.group_record("sensitivity", "AD").unlink()  # of I101: its mean is to be made
    again = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    assert again.run["maps_computed"] == 1
    assert content(result.folder) == before


def test_a_mean_that_is_not_the_one_written_is_refused(tmp_path):
    study = load_study(make_study(tmp_path / "study", per_group=2), trust_code=True)
    result = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    alter(result.layout.group("sensitivity", "AD", "absolute", "mean"))
    with pytest.raises(ValueError, match=r"part-absolute_mean\.nii\.gz: expected the image that was written"):
        result.mean("sensitivity", "AD")
    image = result.layout.group("sensitivity", "CN", "absolute", "mean")
    image.with_name(image.name.replace(".nii.gz", ".json")).unlink()
    with pytest.raises(
        ValueError, match=r"expected group-CN\S+_mean\.json beside it with the digest of the image, got none"
    ):
        result.mean("sensitivity", "CN")


def test_a_provenance_that_is_not_the_one_written_is_refused(tmp_path):
    study = load_study(make_study(tmp_path / "study", per_group=1), trust_code=True)
    folder = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all").folder
    path = folder / "run.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"maps_computed": 2', '"maps_computed": 3'), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    with pytest.raises(ValueError, match="it was changed or damaged since"):
        open_cohort(folder)
    again = run_cohort(study, ["sensitivity"], out=folder, split="all")
    assert again.run["maps_computed"] == 0


READ = {
    "subjects.tsv": lambda result: result.subjects,
    "groups.tsv": lambda result: result.group_table,
    "areas.parquet": lambda result: result.areas("sensitivity"),
}


@pytest.fixture(scope="module")
def with_tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    study = load_study(make_study(folder / "study", per_group=2), trust_code=True)
    return study, run_cohort(study, ["sensitivity"], out=folder / "out", split="all").folder


@pytest.mark.parametrize("name", READ)
def test_a_table_that_is_not_the_one_written_is_refused_and_made_again(with_tables, name):
    study, folder = with_tables
    before = content(folder)
    path, result = folder / name, open_cohort(folder)
    READ[name](result)
    text = path.read_bytes()
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(text.replace(b"AD", b"CN") if name.endswith("tsv") else text[:-9] + b"x" + text[-8:])
    os.utime(path, ns=times)
    for opened in (open_cohort(folder), result):  # one that has read it before, too, unless the table is in memory
        if opened is not result or name == "areas.parquet":
            with pytest.raises(
                ValueError, match=rf"{name}: expected the file that was written .* run the cohort again"
            ):
                READ[name](opened)
    again = run_cohort(study, ["sensitivity"], out=folder, split="all")
    assert again.run["maps_computed"] == 0
    assert len(READ[name](again)) > 0
    assert content(folder) == before


def test_tables_of_earlier_runs_have_no_digest(with_tables):
    result = open_cohort(with_tables[1])
    del result.run["files_sha256"]
    assert all(len(read(result)) for read in READ.values())


def test_two_runs_in_one_folder_are_refused(tmp_path):
    study = load_study(make_study(tmp_path / "study", per_group=1), trust_code=True)
    with only_run(tmp_path / "out" / ".work"), pytest.raises(ValueError, match="no other run"):
        run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    assert run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all").n("sensitivity") == 2


def test_a_file_system_without_locks_lets_a_run_go_on(tmp_path, monkeypatch):
    def without(self, *args, **kwargs):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("mriinterp.cohort.lock.FileLock.acquire", without)
    with only_run(tmp_path / ".work"):
        assert (tmp_path / ".work").is_dir()


def test_a_folder_one_may_not_write_into_is_no_folder_without_locks(tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mriinterp.cohort.lock.FileLock.acquire", refuse)
    with pytest.raises(PermissionError), only_run(tmp_path / ".work"):
        pass
