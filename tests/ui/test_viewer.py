"""What is packed for the browser reads back right, and what cannot be shown is refused in words."""

import gzip
import struct
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from streamlit.testing.v1 import AppTest

from mriinterp.image.volume import Grid, Volume
from mriinterp.incremental import BoxGrid
from mriinterp.ui.viewer import Contour, Layer, Patch, viewer
from mriinterp.ui.viewer.assets import viewer_script, viewer_style, volume_script
from mriinterp.ui.viewer.packing import (
    NOT_A_NUMBER,
    pack_labels,
    pack_mask,
    pack_relevance,
    pack_scan,
)

SHAPE = (7, 8, 9)


@dataclass
class Blocks:
    name: str
    labels: Volume
    areas: pd.DataFrame


def unpack(packed):
    """Codes of a message by a plain loop, as array (i, j, k); i runs fastest on the wire."""
    assert packed.message[:32].decode() == packed.digest == packed.meta["volume"]
    raw = gzip.decompress(packed.message[32:])
    count = int(np.prod(SHAPE))
    if packed.meta["bits"] == 16:
        values = [struct.unpack("<H", bytes([raw[n], raw[count + n]]))[0] for n in range(count)]
    else:
        values = list(raw)
    assert len(values) == count
    out = np.zeros(SHAPE, int)
    for n, value in enumerate(values):
        out[n % 7, n // 7 % 8, n // 56] = value
    return out


finite = st.floats(-1e6, 1e6, width=32)


@settings(max_examples=40, deadline=None)
def _decoded(codes: np.ndarray, meta: dict) -> np.ndarray:
    """Decode values as the viewer's script does; NaN where there is none."""
    return np.where(codes == NOT_A_NUMBER, np.nan, (codes.astype(np.float64) - meta["zero"]) * meta["scale"])


@given(arrays(np.float32, SHAPE, elements=finite, fill=st.just(0.0)))
def test_relevance_reads_back_to_a_65535th_of_its_range(data):
    packed = pack_relevance(Volume(data, np.eye(4)))
    read = _decoded(unpack(packed), packed.meta)
    span = float(data.max(initial=0)) - float(data.min(initial=0))
    assert np.abs(read - data).max() <= span / 65535 + 1e-300
    assert (read[data == 0] == 0).all()
    if span > 0:
        assert (np.sign(read) * np.sign(data) >= 0).all()


def test_relevance_that_is_not_finite_has_its_own_code(small_volume):
    data = small_volume.data.copy()
    data[1, 2, 3], data[4, 5, 6] = np.nan, np.inf
    packed = pack_relevance(small_volume.with_data(data))
    codes = unpack(packed)
    assert (codes == NOT_A_NUMBER).sum() == 2
    assert np.isnan(_decoded(codes, packed.meta)[1, 2, 3])
    span = np.ptp(small_volume.data)
    good = np.isfinite(data)
    assert np.abs(_decoded(codes, packed.meta) - data)[good].max() <= span / 65535


def test_flat_maps_pack(small_volume):
    for value in (0.0, 2.5, -2.5):
        packed = pack_relevance(small_volume.with_data(np.full(SHAPE, value, np.float32)))
        np.testing.assert_allclose(_decoded(unpack(packed), packed.meta), value, rtol=1e-9)
    assert unpack(pack_scan(small_volume.with_data(np.zeros(SHAPE, np.float32)))).max() == 0


def test_scan_window_is_that_of_the_head_not_of_the_air(rng):
    data = np.zeros(SHAPE, np.float32)
    data[2:6, 2:6, 2:7] = rng.uniform(100, 900, (4, 4, 5))
    data[3, 3, 3] = 50_000  # one bright voxel must not darken the rest
    packed = pack_scan(Volume(data, np.eye(4)))
    window = packed.meta["window"]
    np.testing.assert_allclose(window, np.percentile(data[data != 0], (1, 99)), rtol=1e-6)
    read = packed.meta["low"] + unpack(packed) / 255 * (packed.meta["high"] - packed.meta["low"])
    inside = data < packed.meta["high"]
    assert np.abs(read - data)[inside].max() <= (packed.meta["high"] - packed.meta["low"]) / 255
    assert unpack(packed)[3, 3, 3] == 255


def test_labels_become_running_numbers_with_names(oblique_affine):
    labels = np.zeros(SHAPE, np.int32)
    labels[0], labels[1], labels[2], labels[3] = 2001, 2002, 9110, 77
    areas = pd.DataFrame(
        {
            "label": [2002, 2001, 9110, 5],
            "name": ["Precentral_R", "Precentral", "<b>Vermis</b>", "elsewhere"],
            "hemisphere": ["R", "L", "", ""],
        }
    )
    packed = pack_labels(Volume(labels, oblique_affine), areas)
    codes = unpack(packed)
    names = ["none", *packed.meta["names"]]
    shown = {int(label): names[codes[np.argwhere(labels == label)[0][0], 0, 0]] for label in np.unique(labels)}
    assert shown == {
        0: "none", 77: "label 77", 2001: "Precentral (left)", 2002: "Precentral_R", 9110: "<b>Vermis</b>",
    }  # fmt: skip


def test_more_than_255_areas_take_two_bytes(oblique_affine):
    labels = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    areas = pd.DataFrame({"label": [3], "name": ["three"], "hemisphere": [""]})
    packed = pack_labels(Volume(labels, oblique_affine), areas)
    assert packed.meta["bits"] == 16
    np.testing.assert_array_equal(unpack(packed), labels)
    assert packed.meta["names"][:4] == ["label 1", "label 2", "three", "label 4"]


def test_a_mask_is_what_is_not_zero(small_volume):
    data = np.zeros(SHAPE, np.float32)
    data[1, 2, 3], data[4, 5, 6], data[0, 0, 0], data[6, 7, 8] = 0.25, -3, np.nan, np.inf
    codes = unpack(pack_mask(small_volume.with_data(data)))
    assert {tuple(map(int, at)) for at in np.argwhere(codes == 1)} == {(1, 2, 3), (4, 5, 6)}
    assert codes.sum() == 2


def test_same_content_has_the_same_digest_and_other_content_another(small_volume):
    again = Volume(small_volume.data.copy(), small_volume.affine)
    assert pack_relevance(small_volume).message == pack_relevance(again).message
    other = small_volume.with_data(small_volume.data * 2)  # the same codes, another scale
    assert pack_relevance(small_volume).digest != pack_relevance(other).digest


def test_other_grids_are_refused_with_both_sides_named(small_volume):
    moved = Volume(small_volume.data, small_volume.affine + np.array([[0, 0, 0, 1], *np.zeros((3, 4))]))
    with pytest.raises(ValueError, match="the scan and layer 'Occlusion' on one grid"):
        viewer(small_volume, [Layer("Occlusion", moved)], key="a")
    with pytest.raises(ValueError, match="the scan under layer 'Occlusion'"):
        viewer(small_volume, [Layer("Occlusion", small_volume, scan=moved)], key="a")
    with pytest.raises(ValueError, match="contour 'truth'"):
        viewer(small_volume, contours=[Contour("truth", moved)], key="a")
    with pytest.raises(ValueError, match="atlas 'blocks'"):
        viewer(small_volume, atlas=Blocks("blocks", moved, pd.DataFrame()), key="a")
    with pytest.raises(ValueError, match="the boxes of the occlusion"):
        viewer(small_volume, key="a", patch=Patch(BoxGrid(SHAPE, 3, 2), moved.grid))
    with pytest.raises(ValueError, match="boxes on a grid"):
        Patch(BoxGrid(SHAPE[::-1], 3, 2), small_volume.grid)


def test_boxes_of_a_turned_grid_hide_the_same_voxels(rng):
    """What the viewer draws, against the canonical order of an image in which one box is marked."""
    affine = np.array([[0, 1.6, 0, -80], [-1.6, 0, 0, 90], [0, 0, -2.0, 60], [0, 0, 0, 1.0]])
    boxes = BoxGrid(SHAPE, (3, 4, 2), (2, 3, 4))
    patch = Patch(boxes, Grid(SHAPE, affine))
    placed = patch.placed()
    assert [len(c) for c in placed["centres"]] == [boxes.counts[a] for a in (1, 0, 2)]
    for ranges, centres in zip(placed["ranges"], placed["centres"], strict=True):
        assert all(low <= centre < high for (low, high), centre in zip(ranges, centres, strict=True))
    for cell in np.ndindex(*boxes.counts):
        marked = np.zeros(SHAPE, np.float32)
        marked[tuple(slice(*boxes.ranges[axis][n]) for axis, n in enumerate(cell))] = 1
        shown = Volume(marked, affine).canonical()
        assert shown.grid.matches(patch.viewer_grid)
        own = [cell[1], cell[0], cell[2]]
        drawn = np.zeros(shown.data.shape, np.float32)
        drawn[tuple(slice(*placed["ranges"][axis][n]) for axis, n in enumerate(own))] = 1
        assert np.array_equal(drawn, shown.data)


def _page():
    import numpy as np
    import streamlit as st

    from mriinterp.image.volume import Volume
    from mriinterp.ui.viewer import Layer, viewer

    affine = np.array([[-2.0, 0, 0, 10], [0, 2, 0, -5], [0, 0, 3, 1], [0, 0, 0, 1]])
    scan = Volume(np.arange(504, dtype=np.float32).reshape(7, 8, 9), affine)
    place = st.session_state.get("place")
    state = viewer(scan, [Layer("Occlusion", scan, "share")], key="viewer", cursor_mm=place)
    st.session_state["state"] = state


def test_python_places_the_crosshair_in_voxels_of_the_callers_array():
    page = AppTest.from_function(_page).run()
    assert not page.exception
    assert page.session_state["state"].cursor_mm is None
    page.session_state["place"] = (4.0, 1.0, 10.0)
    page.run()
    assert not page.exception
    state = page.session_state["state"]
    assert state.cursor_voxel == (3, 3, 3)  # the array runs from right to left
    assert state.cursor_mm == (4.0, 1.0, 10.0)
    assert not state.clicked


def test_everything_the_browser_runs_is_local():
    together = (viewer_script() + volume_script() + viewer_style()).replace("\\\n", "")  # long strings are broken
    for remote in ("http:", "https:", "import(", "@import", "fetch(", "innerHTML", "eval("):
        assert remote not in together.replace("http://www.w3.org/2000/svg", ""), remote
