"""Files of a map have left and right as the viewer shows them, and say so."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
import streamlit as st
from PIL import Image

from mriinterp.figures import planes
from mriinterp.image.volume import Volume
from mriinterp.models import Prediction
from mriinterp.relevance_map import RelevanceMap
from mriinterp.study import load_study
from mriinterp.ui.scan.subject import Subject
from mriinterp.ui.single import downloads

COLOURED = 60  # difference between the channels of a pixel that is not grey


@pytest.fixture(scope="module")
def known():
    """A subject of the demo with relevance on the patient's left only."""
    study = load_study("demo")
    grid = study.model().grid
    data = np.zeros(grid.shape, np.float32)
    at = np.rint(grid.to_voxel((-30.0, 0.0, 0.0))).astype(int)
    low, high = at - 6, at + 7
    data[low[0] : high[0], :, low[2] : high[2]] = 1
    prediction = Prediction({"CN": 0.0, "AD": 1.0}, {"CN": 0.3, "AD": 0.7}, "AD")
    relevance = RelevanceMap(
        Volume(data, grid.affine), "sensitivity", "AD", "probability", prediction, reading="absolute",
        digests={"scan": "a" * 64, "model": "b" * 64},
    )  # fmt: skip
    return Subject("sim-001", study.scan("sim-001"), "AD", simulated=True), relevance


@pytest.fixture
def files(known, monkeypatch):
    """Make the page's files: a dict of ending to bytes makers, as the reader would press the buttons."""
    subject, relevance = known

    def made(convention):
        found = {}
        monkeypatch.setattr(
            st, "download_button", lambda label, make, name, **rest: found.update({name.rpartition(".")[2]: make})
        )
        monkeypatch.setattr(st, "selectbox", lambda *args, **rest: "coronal")
        monkeypatch.setattr(downloads, "shown_radiological", lambda: convention == "radiological")
        downloads.show_downloads("demo", subject, relevance, "both")
        return found

    return made


def side_of_colour(picture):
    """Where the coloured pixels of a slice lie, as a share of its width."""
    colour = np.argwhere(np.ptp(np.asarray(picture)[..., :3].astype(int), axis=-1) > COLOURED)
    assert len(colour)
    return (colour[:, 1].mean() + 0.5) / picture.shape[1]


def slices_of(frame, grid):
    """The slice of an animation's frame, without its colour bar and words; 2 pixels a mm."""
    size = np.array(grid.shape) * grid.voxel_sizes * 2
    return frame[: round(size[2]), : round(size[0])]


@pytest.mark.parametrize(("convention", "right"), [("radiological", True), ("neurological", False)])
def test_left_is_where_the_viewer_has_it_in_every_file(files, known, convention, right, monkeypatch, tmp_path):
    from imageio_ffmpeg import read_frames

    grid = known[1].volume.grid
    written = []
    original = planes.convention
    monkeypatch.setattr(
        planes, "convention", lambda radiological: written.append(radiological) or original(radiological)
    )
    made = files(convention)

    with Image.open(BytesIO(made["gif"]())) as gif:
        gif.seek(gif.n_frames // 2)
        gif_side = side_of_colour(slices_of(np.asarray(gif.convert("RGB")), grid))
    assert written
    assert set(written) == {right}

    film = tmp_path / "film.mp4"
    film.write_bytes(made["mp4"]())
    frames = read_frames(str(film))
    width, height = next(frames)["size"]
    pictures = [np.frombuffer(one, np.uint8).reshape(height, width, 3) for one in frames]
    film_side = side_of_colour(slices_of(pictures[len(pictures) // 2], grid))

    written.clear()
    mosaic = made["png"]()
    assert set(written) == {right}
    written.clear()
    html = made["html"]()
    assert set(written) == {right}
    assert original(right) in html

    assert (gif_side > 0.5) == (film_side > 0.5) == right
    inside = base64.b64decode(re.search(r'<img src="data:image/png;base64,([A-Za-z0-9+/=]+)"', html).group(1))
    for data in (mosaic, inside):
        assert (mosaic_side(data, grid) > 0.5) == right


def mosaic_side(png, grid):
    """Side of the colour in the slices along y, of which each has its column in the picture."""
    wide = np.rint(np.array(grid.shape) * grid.voxel_sizes).astype(int)
    column = wide.max() + 4  # sagittal slices are the widest
    with Image.open(BytesIO(png)) as image:
        picture = np.asarray(image.convert("RGB"))[:, : 7 * column + 4]
    colour = np.argwhere(np.ptp(picture.astype(int), axis=-1) > COLOURED)
    rows = np.unique(colour[:, 0])
    coronal = colour[(colour[:, 0] > rows.min()) & (colour[:, 0] > picture.shape[0] // 3)]
    return (((coronal[:, 1] - 4) % column) / (column - 4)).mean()
