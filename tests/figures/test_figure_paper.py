"""Figure 1: the right slice, the right group, files that open."""

import threading

import matplotlib
import numpy as np
import pytest
from PIL import Image

from mriinterp.figures.paper_figure import figure_1, save_figure
from mriinterp.image.volume import Volume

AFFINE = np.array([[4.0, 0, 0, -40], [0, 4, 0, -60], [0, 0, 4, -40], [0, 0, 0, 1]])


@pytest.fixture
def background():
    data = np.full((21, 25, 20), 100, np.float32)
    data[[0, -1]] = data[:, [0, -1]] = data[:, :, [0, -1]] = 0
    return Volume(data, AFFINE)


@pytest.fixture
def means(background):
    def spot(voxel, value=1.0):
        data = np.zeros(background.data.shape, np.float32)
        data[voxel] = value
        return background.with_data(data)

    return {"AD": {"occlusion": spot((5, 10, 15))}, "NC": {"occlusion": spot((15, 10, 5), 0.5)}}


def pictures(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images][:-1]


def coloured(picture):
    where = np.argwhere(np.ptp(np.asarray(picture).astype(int), axis=-1) > 10)
    return [] if len(where) == 0 else (where.mean(axis=0) + 0.5) / picture.shape[:2]


def test_spots_are_in_their_slice_group_and_place(background, means):
    figure = figure_1(means, background, slices_mm=(-40, -20.5, 0), counts={"AD": 3})
    assert [len(coloured(p)) > 0 for p in pictures(figure)] == [False, True, False, False, True, False]
    ad, nc = (coloured(pictures(figure)[n]) for n in (1, 4))
    assert ad == pytest.approx([1 - 15.5 / 20, 5.5 / 21], abs=0.01)  # superior, left on the left
    assert nc == pytest.approx([1 - 5.5 / 20, 15.5 / 21], abs=0.01)
    texts = [t.get_text() for axes in figure.axes for t in axes.texts]
    assert texts.count("L") == texts.count("R") == 6
    assert "y = −20 mm" in texts
    assert "AD (n = 3)" in [axes.get_title() for axes in figure.axes]


def test_radiological_flips_pictures_and_letters(background, means):
    figure = figure_1(means, background, slices_mm=(-20,), radiological=True)
    assert coloured(pictures(figure)[0])[1] == pytest.approx(1 - 5.5 / 21, abs=0.01)
    first = next(axes for axes in figure.axes if axes.images)
    letters = {t.get_text(): t.get_position()[0] for t in first.texts if t.get_text() in "LR"}
    assert letters["R"] < letters["L"]


def test_groups_share_a_scale(background, means):
    ad, nc = (
        p[tuple((np.array(coloured(p)) * p.shape[:2]).astype(int))]
        for p in pictures(figure_1(means, background, slices_mm=(-20,)))
    )
    assert ad.tolist() != nc.tolist()


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_files_open_again(background, means, tmp_path, kind):
    path = save_figure(figure_1(means, background, slices_mm=(-20,)), tmp_path / f"f.{kind}", dpi=50)
    data = path.read_bytes()
    if kind == "png":
        with Image.open(path) as image:
            assert image.width > 100
    else:
        assert data.startswith({"pdf": b"%PDF", "svg": b"<?xml"}[kind])
    assert [p.name for p in tmp_path.iterdir()] == [f"f.{kind}"]


def test_threads_and_no_pyplot(background, means, tmp_path):
    def draw(n):
        save_figure(figure_1(means, background, slices_mm=(-20,)), tmp_path / f"{n}.png", dpi=40)

    threads = [threading.Thread(target=draw, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({p.read_bytes() for p in tmp_path.iterdir()}) == 1
    pyplot = getattr(matplotlib, "pyplot", None)
    assert pyplot is None or pyplot.get_fignums() == []


def test_wrong_requests(background, means, tmp_path):
    with pytest.raises(ValueError, match="at least one group"):
        figure_1({"AD": {}}, background)
    with pytest.raises(ValueError, match="png, pdf"):
        save_figure(figure_1(means, background, slices_mm=(-20,)), tmp_path / "f.bmp")
    with pytest.raises(ValueError, match="200"):
        figure_1(means, background, slices_mm=(200,))
