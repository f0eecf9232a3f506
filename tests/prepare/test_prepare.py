"""Whole preparations of real scans, beside their professional versions."""

import numpy as np
import pytest
import torch

from mriinterp import read_volume
from mriinterp.base.progress import Cancelled
from mriinterp.image.space import mni_correlation
from mriinterp.image.template import native_template
from mriinterp.image.volume import Volume, resample
from mriinterp.prepare import PrepareOptions, brain, pipeline, prepare_scan, register
from mriinterp.prepare.brain import find_brain
from mriinterp.prepare.register import _best_starts, move, register_affine

OPTIONS = PrepareOptions(device="cpu")


@pytest.fixture(scope="module")
def prepared(shared_data):
    seen = []
    reference = read_volume(shared_data / "ds002748/mni/sub-52_space-MNI152_desc-brain_T1w.nii.gz")
    made = prepare_scan(
        shared_data / "ds002748/native/sub-52_T1w.nii.gz",
        grid=reference.grid,
        options=OPTIONS,
        progress=lambda done, total: seen.append((done, total)),
    )
    return made, reference, seen


@pytest.mark.slow
class TestARealScan:
    def test_it_lies_where_the_professional_version_lies(self, prepared):
        made, reference, _ = prepared
        ours, theirs = made.volume.data > 0, reference.data > 0
        assert 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()) > 0.97
        either = ours | theirs
        assert np.corrcoef(made.volume.data[either], reference.data[either])[0, 1] > 0.90

    def test_it_is_judged_good(self, prepared):
        made, _, _ = prepared
        assert made.qc.verdict == "good", made.qc.findings
        assert made.qc.correlation == pytest.approx(0.81, abs=0.02)

    def test_the_intensities_are_the_scan_s_own(self, prepared):
        made, _, _ = prepared
        inside = made.volume.data[made.volume.data > 0]
        assert inside.max() <= made.scan.data.max()
        assert np.median(inside) == pytest.approx(np.median(made.scan.data[made.mask.data]), rel=0.05)

    def test_a_map_goes_home(self, prepared):
        made, _, _ = prepared
        home = made.to_scan(made.volume)
        assert home.grid.matches(made.scan.grid)
        inside = made.mask.data
        assert np.corrcoef(home.data[inside], made.scan.data[inside])[0, 1] > 0.93
        points = np.random.default_rng(0).uniform(-60, 60, (200, 3))
        back = made.transform.to_template(made.transform.to_scan(points))
        assert np.abs(back - points).max() < 0.1

    def test_progress_runs_to_its_end(self, prepared):
        _, _, seen = prepared
        done = [step for step, _ in seen]
        assert done == sorted(done)
        assert seen[-1] == (100, 100)
        assert len(set(done)) > 6

    def test_the_digests_are_there(self, prepared):
        made, _, _ = prepared
        assert made.digests["scan"] == made.scan.digest
        assert len(made.digests["pipeline"]) == 64


TURNS = {
    "upside down": np.diag([1.0, -1, -1, 1]),
    "axes exchanged": np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]]),
}


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
def test_the_orientation_is_found_by_a_quick_fit(turn):
    whole = native_template()
    small = Volume(whole.data[::2, ::2, ::2], whole.affine @ np.diag([2, 2, 2, 1.0]))
    wrong = Volume(small.data, turn @ small.affine)
    best = _best_starts(wrong, None)[0]
    assert mni_correlation(move(wrong, best)) > 0.7
    points = np.random.default_rng(0).uniform(-50, 50, (50, 3))
    there = points @ best[:3, :3].T + best[:3, 3]
    assert np.abs(there - points @ turn[:3, :3].T - turn[:3, 3]).max() < 6


@pytest.mark.slow
def test_the_same_scan_gives_the_same_transform(shared_data, monkeypatch):
    monkeypatch.setattr(register, "AFFINE", register.AFFINE.replace("100x40x0", "30x0x0"))
    scan = read_volume(shared_data / "ds002748/mni/sub-56_space-MNI152_desc-brain_T1w.nii.gz")
    first, second = (register._affine(scan, None, 1, None, None) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.slow
def test_a_wrong_header_is_found_out(shared_data, monkeypatch):
    monkeypatch.setattr(register, "AFFINE", register.AFFINE.replace("100x40x0", "60x0x0"))  # at 4 mm alone
    turn = TURNS["axes exchanged"]
    scan = read_volume(shared_data / "ds002748/mni/sub-55_space-MNI152_desc-brain_T1w.nii.gz")
    half = Volume(scan.data[::2, ::2, ::2], scan.affine @ np.diag([2, 2, 2, 1.0]))
    wrong = Volume(half.data, turn @ half.affine)
    found = register_affine(wrong)
    assert found.turned
    assert found.correlation > 0.7
    moved = Volume(wrong.data, np.linalg.inv(found.matrix) @ wrong.affine)
    assert mni_correlation(moved) == pytest.approx(found.correlation)
    assert np.corrcoef(resample(moved, scan.grid).data.ravel(), scan.data.ravel())[0, 1] > 0.9


def test_cancel_ends_it_with_nothing_left(shared_data, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    calls = iter([False, False, False, False])
    with pytest.raises(Cancelled):
        prepare_scan(
            shared_data / "ds002748/mni/sub-55_space-MNI152_desc-brain_T1w.nii.gz",
            options=OPTIONS,
            cancel=lambda: next(calls, True),
        )
    assert list(tmp_path.iterdir()) == []


def test_an_image_without_a_brain_is_refused():
    sky = np.random.default_rng(0).normal(0, 1, (32, 36, 32)).astype(np.float32)
    with pytest.raises(ValueError, match=r"no brain was found|one intensity"):
        find_brain(Volume(np.where(sky > 5, 1, 0).astype(np.float32), np.eye(4)))


class Graphics:
    """A stand-in for a graphics card: what is put on it and what its networks are asked, on the processor."""

    def __init__(self, monkeypatch, *, broken=False):
        self.placed, self.asked, self.broken = [], [], broken
        monkeypatch.setattr(brain, "_on_device", self.place)
        monkeypatch.setattr(brain, "_network", self.network)

    def place(self, data, device):
        self.placed.append(device)
        return torch.from_numpy(np.array(data, dtype=np.float32))

    def network(self, name, device):
        def mark(image):
            self.asked.append((name, device))
            if self.broken and device != "cpu":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 512.00 MiB.")
            return torch.cat([torch.zeros_like(image), (image > image.mean()).float()], dim=1)

        return mark


def a_ball():
    place = np.stack(np.meshgrid(*[np.arange(40) - 19.5] * 3, indexing="ij"))
    return Volume((np.linalg.norm(place, axis=0) < 12).astype(np.float32), np.eye(4))


def test_the_brain_is_sought_on_the_graphics_card_where_there_is_one(monkeypatch):
    card = Graphics(monkeypatch)
    found = find_brain(a_ball(), device="cuda:1")
    assert card.placed == ["cuda:1"]
    assert card.asked == [("bbox_model", "cuda:1"), ("model", "cuda:1")]
    np.testing.assert_array_equal(found.data, a_ball().data > 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(pipeline, "register_affine", lambda *_, **__: (_ for _ in ()).throw(Cancelled()))
    with pytest.raises(Cancelled):
        pipeline.prepare_volume(a_ball())
    assert card.placed[-1] == "cuda"


def test_a_graphics_card_that_fails_is_done_without(monkeypatch, caplog):
    card = Graphics(monkeypatch, broken=True)
    found = find_brain(a_ball(), device="cuda")
    assert card.asked == [("bbox_model", "cuda"), ("bbox_model", "cpu"), ("model", "cpu")]
    np.testing.assert_array_equal(found.data, a_ball().data > 0)
    assert "sought on the processor, as cuda failed: OutOfMemoryError: CUDA out of memory" in caplog.text


def test_an_error_on_the_processor_is_told(monkeypatch):
    monkeypatch.setattr(
        brain, "_on_device", lambda data, device: (_ for _ in ()).throw(RuntimeError("not enough memory"))
    )
    with pytest.raises(RuntimeError, match="not enough memory"):
        find_brain(a_ball())
