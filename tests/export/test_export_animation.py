"""Animations open again, show the right slices, and leave nothing behind when cancelled."""

import numpy as np
import pytest
from PIL import Image

from mriinterp.base.progress import Cancelled
from mriinterp.export.animation import frames, write_gif, write_mp4
from mriinterp.image.volume import Volume


@pytest.fixture
def scan():
    data = np.zeros((20, 24, 16), np.float32)
    data[2:18, 3:21, 2:14] = np.linspace(50, 100, 16 * 18 * 12).reshape(16, 18, 12)
    return Volume(data, np.diag([3.0, 3, 3, 1]))


@pytest.fixture
def relevance(scan):
    data = np.zeros(scan.data.shape, np.float32)
    data[5, 10, 12] = 1
    return scan.with_data(data)


def coloured(frame, width):
    """Middle of the coloured pixels left of the colour bar, or None."""
    where = np.argwhere(np.ptp(np.asarray(frame)[:, :width].astype(int), axis=-1) > 60)
    return None if len(where) == 0 else where.mean(axis=0) + 0.5


def test_the_bright_voxel_is_in_its_frame_and_place(scan, relevance):
    told = []
    pictures = list(frames(scan, relevance, "y", trim=False, progress=lambda *state: told.append(state)))
    assert len(pictures) == 24
    assert told[-1] == (24, 24)
    hits = [n for n, p in enumerate(pictures) if coloured(p, 120) is not None]
    assert hits == [10]
    # 3 mm voxels, 2 pixels a mm: voxel 5 from the left, 12 of 16 from below
    assert coloured(pictures[10], 120) == pytest.approx([(16 - 12.5) * 6, 5.5 * 6], abs=1)
    flipped = list(frames(scan, relevance, "y", trim=False, radiological=True, reverse=True))
    assert coloured(flipped[13], 120) == pytest.approx([(16 - 12.5) * 6, 120 - 5.5 * 6], abs=1)


def test_empty_slices_are_left_out(scan, relevance):
    assert len(list(frames(scan, relevance, "x"))) == 16
    assert len(list(frames(scan, relevance, "x", step=4))) == 4
    assert len(list(frames(scan.with_data(np.zeros(scan.data.shape)), axis="x"))) == 20


def test_gif_opens_again(scan, relevance, tmp_path):
    path = write_gif(tmp_path / "a.gif", scan, relevance, "z", fps=10)
    with Image.open(path) as image:
        assert image.n_frames == 12
        assert image.info["duration"] == 100
        image.seek(10)
        assert coloured(image.convert("RGB"), 120) is not None
    assert [p.name for p in tmp_path.iterdir()] == ["a.gif"]


def test_mp4_opens_again(scan, relevance, tmp_path):
    import imageio_ffmpeg

    path = write_mp4(tmp_path / "a.mp4", scan, relevance, "z", fps=10)
    reader = imageio_ffmpeg.read_frames(str(path))
    meta = next(reader)
    pictures = [np.frombuffer(frame, np.uint8).reshape(meta["size"][1], meta["size"][0], 3) for frame in reader]
    assert meta["codec"] == "h264"
    assert len(pictures) == 12
    expected = list(frames(scan, relevance, "z"))
    assert pictures[10].shape == expected[10].shape
    assert np.abs(pictures[10].astype(int) - expected[10]).mean() < 6
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("write", [write_gif, write_mp4])
def test_cancelled_in_the_middle(scan, relevance, tmp_path, write):
    answers = iter([False, False, True])
    with pytest.raises(Cancelled):
        write(tmp_path / "a.out", scan, relevance, cancel=lambda: next(answers))
    assert list(tmp_path.iterdir()) == []


def test_wrong_axes_name_the_right_ones(scan):
    with pytest.raises(ValueError, match="coronal"):
        next(frames(scan, axis="w"))
    with pytest.raises(ValueError, match="step"):
        next(frames(scan, step=0))
