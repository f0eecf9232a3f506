"""Many scans into one folder: resumable, several at a time, none in the way of the others."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mriinterp.base.progress import Cancelled
from mriinterp.image.nifti import read_volume
from mriinterp.image.volume import Grid
from mriinterp.prepare import PrepareOptions, batch, prepare_all
from mriinterp.prepare.sheet import write_contact_sheet

from .stand_in import StandIn, use, write_scan

GRID = Grid((15, 18, 15), np.array([[-12.0, 0, 0, 84], [0, 12, 0, -108], [0, 0, 12, -72], [0, 0, 0, 1]]))


def jobs_for(folder: Path, out: Path, *names: str, **more):
    paths = [folder / f"{name}.nii.gz" for name in names]
    for seed, path in enumerate(paths):
        if not path.exists():
            write_scan(path, seed)
    return [StandIn.of(path, out, f"sub-{name}", GRID, **more) for name, path in zip(names, paths, strict=True)]


def content(folder: Path):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    use(monkeypatch.setattr)


@pytest.mark.parametrize("workers", [1, 2])
def test_one_bad_scan_never_ends_the_others(tmp_path, workers):
    jobs = jobs_for(tmp_path, tmp_path / "out", "a", "broken", "refused", "b")
    seen = []
    failed = prepare_all(jobs, workers, progress=lambda done, total: seen.append((done, total)))
    assert failed.keys() == {"sub-broken"}
    assert "no brain was found" in failed["sub-broken"]
    assert seen[-1] == (400, 400)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    table = write_contact_sheet(tmp_path / "out", failed).set_index("scan")["verdict"].to_dict()
    assert table == {"sub-broken": "failed", "sub-refused": "refuse", "sub-a": "good", "sub-b": "good"}
    page = (tmp_path / "out" / "qc.html").read_text()
    assert page.index("sub-broken") < page.index("sub-refused") < page.index("sub-a")


def test_a_process_that_dies_takes_one_scan_with_it(tmp_path):
    jobs = jobs_for(tmp_path, tmp_path / "out", "a", "deadly", "b", "c")
    failed = prepare_all(jobs, 2)
    assert failed == {"sub-deadly": "the process that prepared it died (out of memory?)"}
    assert all(job.is_done() for job in jobs if job.label != "sub-deadly")


def test_several_at_a_time_make_the_same_files_as_one(tmp_path):
    for workers in (1, 2):
        prepare_all(jobs_for(tmp_path, tmp_path / f"out{workers}", "a", "b", "c"), workers)
    assert content(tmp_path / "out1") == content(tmp_path / "out2")


def test_a_killed_run_goes_on_and_ends_in_the_same_files(tmp_path):
    names = [f"slow{n}" for n in range(6)]
    whole = jobs_for(tmp_path, tmp_path / "whole", *names)
    prepare_all(whole, 1)
    jobs = jobs_for(tmp_path, tmp_path / "killed", *names)
    code = (
        "import sys; sys.path[:0] = sys.argv[1:2]\n"
        "from pathlib import Path\nfrom prepare.test_batch import jobs_for\nfrom mriinterp.prepare import prepare_all\n"
        "if __name__ == '__main__':\n    prepare_all(jobs_for(Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:]), 1)"
    )
    tests = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", code, str(tests), str(tmp_path), str(tmp_path / "killed"), *names]
    process = subprocess.Popen(command, cwd=tests.parent)
    until = time.monotonic() + 120
    while not list((tmp_path / "killed").rglob("*_desc-qc_T1w.json")) and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL) if hasattr(signal, "SIGKILL") else process.kill()
    process.wait()
    done = [job for job in jobs if job.is_done()]
    assert done
    before = {job.label: job.files.scan.stat().st_mtime_ns for job in done}
    assert prepare_all(jobs, 1) == {}
    assert {job.label: job.files.scan.stat().st_mtime_ns for job in done} == before
    left = {name: data for name, data in content(tmp_path / "killed").items() if not name.endswith(".part")}
    assert left == content(tmp_path / "whole")


def test_cancel_keeps_what_is_finished(tmp_path):
    jobs = jobs_for(tmp_path, tmp_path / "out", "a", "b")
    with pytest.raises(Cancelled):
        prepare_all(jobs_for(tmp_path, tmp_path / "out", "a", "b", *[f"slow{n}" for n in range(30)]), 2,
                    cancel=lambda: all(job.is_done() for job in jobs))  # fmt: skip
    assert all(job.is_done() for job in jobs)


class TestTheKey:
    """A prepared scan is taken again only if input, pipeline, grid and series are the same, and it is undamaged."""

    @pytest.fixture
    def job(self, tmp_path):
        (job,) = jobs_for(tmp_path, tmp_path / "out", "a")
        job.run()
        assert job.is_done()
        return job

    def test_another_input(self, job):
        write_scan(job.path, 9)
        assert not job.is_done()

    def test_another_grid_option_or_series(self, job):
        for other in (
            StandIn.of(job.path, job.out, job.label, Grid((15, 18, 14), GRID.affine)),
            StandIn.of(job.path, job.out, job.label, GRID, options=PrepareOptions(nonlinear=True)),
            StandIn.of(job.path, job.out, job.label, GRID, series=3),
        ):
            assert not other.is_done()
        assert StandIn.of(job.path, job.out, job.label, GRID, options=PrepareOptions(threads=2, device="cpu")).is_done()

    def test_other_programs_or_weights(self, job, monkeypatch):
        monkeypatch.setattr(batch, "pipeline_digest", lambda options: "0" * 64)
        assert not job.is_done()

    @pytest.mark.parametrize("part", ["scan", "mask", "areas", "transform", "picture", "quality"])
    def test_a_file_that_is_gone(self, job, part):
        getattr(job.files, part).unlink()
        assert not job.is_done()
        assert job.load().data.any()
        assert job.is_done()

    def test_a_damaged_image_or_report(self, job):
        job.files.scan.write_bytes(job.files.scan.read_bytes()[:-40])
        assert not job.is_done()
        job.run()
        job.files.quality.write_text("[[[")
        assert not job.is_done()


def test_a_refused_scan_is_not_read_and_a_doubtful_one_has_a_note(tmp_path):
    good, doubtful, refused = jobs_for(tmp_path, tmp_path / "out", "a", "doubtful", "refused")
    assert good.load().notes == ()
    assert doubtful.load().notes == ("its preparation is in doubt: The brain mask touches the border",)
    with pytest.raises(ValueError, match="its preparation is not usable: It does not lie in place"):
        refused.load()


def test_what_was_written_is_opened_again(tmp_path):
    (job,) = jobs_for(tmp_path, tmp_path / "out", "doubtful")
    made = job.open()
    assert made.qc.verdict == "look"
    assert json.loads(job.files.quality.read_text())["Findings"][0]["measure"] == "border"
    assert made.mask.data.dtype == bool
    np.testing.assert_array_equal(made.transform.matrix, np.eye(4))
    on_disk = read_volume(job.path)
    assert made.scan.digest == on_disk.digest
    for path in (job.files.mask, job.files.areas):  # in the voxel order of the raw file
        assert read_volume(path, allow_constant=True).source.matches(on_disk.source)


def test_the_official_validator_finds_no_error(tmp_path):
    from cohort.test_bids import bids_errors

    from mriinterp.prepare.transform import Warp

    jobs = jobs_for(tmp_path, tmp_path / "out", "a", "doubtful", "b")
    jobs[2] = StandIn.of(jobs[2].path, jobs[2].out, "sub-b_ses-m12", GRID)
    failed = prepare_all(jobs)
    Warp(np.ones((3, 4, 5, 6), np.float32), Grid((4, 5, 6), np.eye(4))).write(jobs[0].files.warp)
    write_contact_sheet(tmp_path / "out", failed)
    assert bids_errors(tmp_path / "out") == []


def test_a_folder_is_known_by_all_its_files(tmp_path):
    folder = tmp_path / "dicom"
    folder.mkdir()
    (folder / "1").write_bytes(b"one")
    job = StandIn.of(folder, tmp_path / "out", "sub-a", GRID)
    first = job.request()
    (folder / "2").write_bytes(b"two")
    second = job.request()
    (folder / "2").rename(folder / "3")
    assert len({entry["SourceDigest"] for entry in (first, second, job.request())}) == 3
