"""The demo study keeps its scans."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from mriinterp.image.volume import Volume
from mriinterp.study import DemoStudy
from mriinterp.study import demo as module


def test_a_kept_scan_is_the_simulated_one_bit_by_bit(tmp_path, monkeypatch, caplog):
    first = DemoStudy(kept=tmp_path)
    scan, truth = first.scan("sim-003"), first.truth("sim-003")
    monkeypatch.setattr(module, "simulate_subject", lambda *_: 1 / 0)
    again = DemoStudy(kept=tmp_path)
    assert again.scan("sim-003").digest == scan.digest
    assert again.truth("sim-003").digest == truth.digest
    assert truth.data.dtype == bool
    assert np.asarray(truth.data).any()
    monkeypatch.undo()
    next(tmp_path.glob("*_scan.nii.gz")).write_bytes(b"damaged")
    assert DemoStudy(kept=tmp_path).scan("sim-003").digest == scan.digest
    assert "damaged" in caplog.text


@pytest.fixture
def simulated(monkeypatch):
    """Simulated scans of a few voxels, and how often they were made."""
    made = []

    def simulate(settings, subject):
        made.append(subject)
        rng = np.random.default_rng(int(subject[-3:]))
        data = rng.normal(size=(4, 5, 6)).astype(np.float32)
        return SimpleNamespace(volume=Volume(data, np.eye(4)), truth=Volume(data > 1, np.eye(4)))

    monkeypatch.setattr(module, "simulate_subject", simulate)
    return made


def test_the_scan_of_another_subject_in_the_place_of_a_kept_one_is_not_taken(tmp_path, simulated):
    study = DemoStudy(kept=tmp_path)
    right, wrong = study.scan("sim-001"), study.scan("sim-002")
    one, two = (tmp_path / f"{study.source(subject).fingerprint()}_scan.nii.gz" for subject in ("sim-001", "sim-002"))
    shutil.copy(two, one)
    again = DemoStudy(kept=tmp_path)
    assert again.scan("sim-001").digest == right.digest != wrong.digest
    assert simulated == ["sim-001", "sim-002", "sim-001"]


def test_where_scans_cannot_be_kept_that_is_said_once(tmp_path, simulated, caplog):
    (tmp_path / "file").write_text("", encoding="utf-8")
    study = DemoStudy(kept=tmp_path / "file" / "scans")
    assert study.scan("sim-001").digest == study.scan("sim-001").digest
    study.scan("sim-002")
    assert caplog.text.count("cannot be kept") == 1
