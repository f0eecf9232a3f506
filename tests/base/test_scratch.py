"""Nothing stays on disk, also where a process was killed."""

import os
import time

import pytest

from mriinterp.base.scratch import PREFIX, scratch_folder


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_it_is_gone_at_the_end_and_after_an_error(tmp_path):
    with scratch_folder() as folder:
        (folder / "scan.nii").write_bytes(b"x")
        assert list(tmp_path.iterdir()) == [folder]
    with pytest.raises(ValueError, match="x"), scratch_folder():
        raise ValueError("x")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    old, new, other = (tmp_path / name for name in (f"{PREFIX}old", f"{PREFIX}new", "mriinterp-results"))
    for folder in (old, new, other):
        folder.mkdir()
        (folder / "scan.nii").write_bytes(b"x")
    for folder in (old, other):
        os.utime(folder, (time.time() - 7200,) * 2)
    with scratch_folder():
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mriinterp-results", f"{PREFIX}new"]
