"""The demo study keeps its scans."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mriinterp.image.volume import Volume
from mriinterp.simulation.subjects import DEMO
from mriinterp.study import DemoStudy
from mriinterp.study import demo as module
from mriinterp.study.kept_scans import EXAMPLE, shipped_scan


def test_a_kept_scan_is_the_simulated_one_bit_by_bit(tmp_path, monkeypatch, caplog):
    first = DemoStudy(kept=tmp_path)
    scan, truth = first.scan("sim-001"), first.truth("sim-001")
    monkeypatch.setattr(module, "simulate_subject", lambda *_: 1 / 0)
    again = DemoStudy(kept=tmp_path)
    assert again.scan("sim-001").digest == scan.digest
    assert again.truth("sim-001").digest == truth.digest
    assert truth.data.dtype == bool
    assert np.asarray(truth.data).any()
    monkeypatch.undo()
    next(tmp_path.glob("*_scan.nii.gz")).write_bytes(b"damaged")
    assert DemoStudy(kept=tmp_path).scan("sim-001").digest == scan.digest
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


def test_the_example_that_comes_with_the_package_is_the_simulated_one(monkeypatch):
    """If the simulation has changed, make it anew: ``write_kept(SHIPPED, EXAMPLE, made.volume, made.truth)``."""
    made = module.simulate_subject(DEMO, EXAMPLE)
    monkeypatch.setattr(module, "simulate_subject", lambda *_: 1 / 0)
    study = DemoStudy()
    scan, truth = study.scan(EXAMPLE), study.truth(EXAMPLE)
    np.testing.assert_allclose(
        scan.data, made.volume.data, atol=1e-3 * made.volume.data.max()
    )  # rounding differs by processor
    assert (truth.data != made.truth.data).mean() < 1e-4
    assert scan.grid.matches(made.volume.grid)
    assert study.source(EXAMPLE).load().digest == scan.digest
    assert shipped_scan(replace(DEMO, seed=DEMO.seed + 1), EXAMPLE) is shipped_scan(DEMO, "sim-001") is None
