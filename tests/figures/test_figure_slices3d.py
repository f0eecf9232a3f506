"""The planes in space: values at their millimetres, colours blended, few bytes."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from mriinterp.areas.atlas import Atlas
from mriinterp.figures import colours
from mriinterp.figures.meshes import LEVELS
from mriinterp.figures.slices3d import peak_mm, slices_figure
from mriinterp.image.template import DEMO_GRID
from mriinterp.image.volume import Volume


@pytest.fixture
def scan(oblique_affine):
    affine = oblique_affine @ np.diag([3.0, 3, 3, 1])
    data = np.full((17, 18, 19), 100, np.float32)
    data[[0, -1]] = data[:, [0, -1]] = data[:, :, [0, -1]] = 0
    return Volume(data, affine)


@pytest.fixture
def relevance(scan):
    data = np.zeros(scan.data.shape, np.float32)
    data[5:7, 11, 8] = [0.5, 2]
    return scan.with_data(data)


def points(trace):
    return np.stack([np.asarray(trace[c]) for c in "xyz"], axis=1)


def test_every_point_shows_its_nearest_voxel(scan, relevance):
    figure = slices_figure(scan, relevance)
    for name in ("sagittal", "coronal", "axial"):
        (trace,) = figure.select_traces({"name": name})
        places = points(trace)
        shown = np.asarray(trace.customdata)
        voxels = scan.grid.to_voxel(places)
        near = np.round(voxels).astype(int)
        sure = np.abs(voxels - near).max(axis=1) < 0.45  # coordinates are rounded to 0.1 mm
        for voxel, (grey, value) in zip(near[sure], shown[sure], strict=True):
            assert grey == scan.data[tuple(voxel)]
            assert value == relevance.data[tuple(voxel)]


def test_planes_meet_at_the_peak(scan, relevance):
    peak = np.array(peak_mm(relevance))
    assert peak == pytest.approx(scan.grid.to_mm([6, 11, 8]))
    figure = slices_figure(scan, relevance)
    for axis, name in enumerate(("sagittal", "coronal", "axial")):
        (trace,) = figure.select_traces({"name": name})
        assert np.asarray(trace["xyz"[axis]]) == pytest.approx(peak[axis], abs=0.051)
        nearest = np.abs(points(trace) - peak).sum(axis=1).argmin()
        assert trace.customdata[nearest][1] == 2
        end = colours.overlay(np.float32(100), np.float32(2), colours.map_scale(relevance), colours.window(scan.data))
        assert trace.vertexcolor[nearest] == "#" + bytes(end.tolist()).hex()


def test_levels_and_their_slider(scan):
    data = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=scan.data.shape), 2).astype(np.float32)
    figure = slices_figure(scan, scan.with_data(data), reading="signed")
    steps = figure.layout.sliders[0].steps
    assert len(steps) == len(LEVELS) + 1
    for step in steps:
        visible, traces = step.args[0]["visible"], step.args[1]
        assert len(visible) == len(traces)
        assert all("relevance" in figure.data[n].name for n in traces)
    assert not any(steps[0].args[0]["visible"])
    active = steps[figure.layout.sliders[0].active].args
    assert active[0]["visible"] == [figure.data[n].visible for n in active[1]]


def test_areas_are_named(scan, relevance):
    labels = np.zeros(scan.data.shape, np.int16)
    labels[6, 11, 8] = 7
    atlas = Atlas("A", scan.with_data(labels), pd.DataFrame({"label": [7], "name": ["Area_7"], "hemisphere": [""]}))
    (trace,) = slices_figure(scan, relevance, atlas=atlas).select_traces({"name": "axial"})
    nearest = np.abs(points(trace) - peak_mm(relevance)).sum(axis=1).argmin()
    assert trace.text[nearest] == "Area 7"


def test_a_scan_alone(scan):
    figure = slices_figure(scan, surface=False)
    assert [trace.name for trace in figure.data] == ["sagittal", "coronal", "axial", "crosshair"]


def test_a_map_of_zeros(scan):
    figure = slices_figure(scan, scan.with_data(np.zeros(scan.data.shape, np.float32)))
    assert not figure.layout.sliders


def test_the_payload_stays_small():
    rng = np.random.default_rng(0)
    shape = DEMO_GRID.shape
    data = np.zeros(shape, np.float32)
    data[8:-8, 8:-8, 8:-8] = 100
    scan = Volume(data, DEMO_GRID.affine)  # larger than any brain on this grid
    noise = ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), 1.5)
    text = slices_figure(scan, scan.with_data(noise), reading="signed").to_json()
    assert len(text) < 2_000_000
    assert {"data", "layout"} <= json.loads(text).keys()


def test_the_peak_of_a_box_is_its_middle(scan):
    data = np.zeros(scan.data.shape, np.float32)
    data[4:9, 3:6, 7:12] = 3
    data[14, 14, 14] = 3  # as large, but a single voxel
    assert peak_mm(scan.with_data(data)) == pytest.approx(scan.grid.to_mm([6, 4, 9]))
    assert peak_mm(scan.with_data(-data), "signed") == pytest.approx(scan.grid.to_mm([6, 4, 9]))
