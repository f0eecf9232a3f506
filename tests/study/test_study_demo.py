"""The demo study keeps its scans."""

import numpy as np

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
