"""The planes in space: values at their millimetres, colours blended, few bytes."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from mriinterp.areas.atlas import Atlas
from mriinterp.figures import colours
from mriinterp.figures.meshes import LEVELS
from mriinterp.figures.slices3d import SURFACES, peak_mm, slices_figure
from mriinterp.image.volume import Volume
from mriinterp.study import load_study


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
    for name in ("Sagittal", "Coronal", "Axial"):
        (trace,) = figure.select_traces({"name": name})
        places = points(trace)
        shown = np.asarray(trace.customdata)
        voxels = scan.grid.to_voxel(places)
        near = np.round(voxels).astype(int)
        sure = np.abs(voxels - near).max(axis=1) < 0.45  # coordinates are rounded to 0.1 mm
        assert sure.sum() > 0.5 * len(places)  # all but the border, whose points lie between voxels
        for voxel, value in zip(near[sure], shown[sure], strict=True):
            assert value == relevance.data[tuple(voxel)]


def test_planes_meet_at_the_peak(scan, relevance):
    peak = np.array(peak_mm(relevance))
    assert peak == pytest.approx(scan.grid.to_mm([6, 11, 8]))
    figure = slices_figure(scan, relevance)
    for axis, name in enumerate(("Sagittal", "Coronal", "Axial")):
        (trace,) = figure.select_traces({"name": name})
        assert np.asarray(trace["xyz"[axis]]) == pytest.approx(peak[axis], abs=0.051)
        nearest = np.abs(points(trace) - peak).sum(axis=1).argmin()
        assert trace.customdata[nearest] == 2
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
    (trace,) = slices_figure(scan, relevance, atlas=atlas).select_traces({"name": "Axial"})
    nearest = np.abs(points(trace) - peak_mm(relevance)).sum(axis=1).argmin()
    assert trace.text[nearest] == "Area 7"


def test_a_scan_alone(scan):
    figure = slices_figure(scan, surface="off")
    assert [trace.name for trace in figure.data] == ["Sagittal", "Coronal", "Axial", "crosshair"]


def test_a_map_of_zeros(scan):
    figure = slices_figure(scan, scan.with_data(np.zeros(scan.data.shape, np.float32)))
    assert not figure.layout.sliders


def test_the_payload_stays_small():
    """On the demo's grid, brain and areas, at the viewer's threshold: what the page sends."""
    study = load_study("demo")
    brain = study.brain_mask()
    shape = brain.data.shape
    rng = np.random.default_rng(0)
    scan = Volume((brain.data > 0) * rng.uniform(50, 150, shape).astype(np.float32), brain.affine)
    noise = scan.with_data(ndimage.gaussian_filter(rng.normal(size=shape).astype(np.float32), 1.5) * (brain.data > 0))
    scale = colours.map_scale(noise, "signed", threshold=float(np.percentile(np.abs(noise.data[brain.data > 0]), 90)))
    figure = slices_figure(
        scan, noise, scale=scale, reading="signed", mm=(-3, -15, 5), atlas=study.atlas(), brain=brain
    )
    text = figure.to_json()
    assert len(text) < 1_500_000
    assert {"data", "layout"} <= json.loads(text).keys()
    # A point for each voxel of the plane, half a voxel at most from the middle of one.
    (axial,) = figure.select_traces({"name": "Axial"})
    area = len(axial.x) * min(scan.grid.voxel_sizes) ** 2
    assert area == pytest.approx((brain.data[:, :, 51] > 0).sum() * min(scan.grid.voxel_sizes) ** 2, rel=0.1)


def test_the_border_of_a_plane_is_smooth(scan):
    """A ball: its planes end at the ball's radius, not at steps of voxels."""
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    shape = (40, 40, 40)
    middle = np.array([29.25, 29.25, 29.25])
    places = np.stack(np.meshgrid(*(1.5 * np.arange(n) for n in shape), indexing="ij"), axis=-1)
    ball = Volume((np.linalg.norm(places - middle, axis=-1) < 24).astype(np.float32) * 100, affine)
    figure = slices_figure(ball, mm=tuple(middle), surface="off")
    for axis, name in enumerate(("Sagittal", "Coronal", "Axial")):
        (trace,) = figure.select_traces({"name": name})
        found = points(trace) - middle
        triangles = np.stack([trace.i, trace.j, trace.k], axis=1).astype(int)
        edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        unique, count = np.unique(edges, axis=0, return_counts=True)
        border = np.unique(unique[count == 1])
        radius = np.linalg.norm(np.delete(found[border], axis, axis=1), axis=1)
        assert np.ptp(radius) < 1.3  # steps of voxels would be 2.1 mm
        assert radius.mean() == pytest.approx(24, abs=0.8)


def test_the_outline_is_the_border_of_the_mask_on_both_sides_of_each_plane(scan):
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    mask = np.zeros((12, 12, 12), np.uint8)
    mask[4:7, 3:8, 5:6] = 1
    head = Volume(np.pad(np.full((10, 10, 10), 100, np.float32), 1), affine)
    figure = slices_figure(head, mm=(10.0, 10.0, 10.0), truth=Volume(mask, affine), surface="off")
    (trace,) = figure.select_traces({"name": "Disease"})
    ends = points(trace)
    axial = ends[np.abs(np.abs(ends[:, 2] - 10) - 0.4) < 0.01]
    x, y = axial[:, 0], axial[:, 1]
    assert (x.min(), x.max(), y.min(), y.max()) == pytest.approx((7, 13, 5, 15))
    edges = np.isnan(ends[:, 0]).sum() - 1  # a gap behind each edge
    assert edges == 2 * (2 * (3 + 5) + 2 * (5 + 1) + 2 * (3 + 1))


@pytest.mark.parametrize("radiological", [True, False])
def test_six_standard_views_and_the_side_it_is_first_seen_from(scan, relevance, radiological):
    figure = slices_figure(scan, relevance, radiological=radiological)
    views = {button.label: button.args[0]["scene.camera"]["eye"] for button in figure.layout.updatemenus[0].buttons}
    assert list(views) == ["Left", "Right", "Front", "Back", "Top", "Feet"]
    assert [max(eye, key=lambda axis: abs(eye[axis])) for eye in views.values()] == ["x", "x", "y", "y", "z", "z"]
    assert views["Left"]["x"] < 0 < views["Front"]["y"]
    # From the front the patient's left is on the screen's right.
    assert (figure.layout.scene.camera.eye.y > 0) == radiological
    assert figure.layout.scene.uirevision == "camera"


def test_the_surface_is_chosen(scan, relevance):
    sizes = {}
    for surface in SURFACES:
        found = [t for t in slices_figure(scan, relevance, surface=surface).data if "Brain surface" in (t.name or "")]
        sizes[surface] = sum(len(t.i) for t in found)
    assert sizes["whole"] > sizes["far half"] > sizes["off"] == 0
    with pytest.raises(ValueError, match="far half, whole, off"):
        slices_figure(scan, relevance, surface="near half")


def test_the_peak_of_a_box_is_its_middle(scan):
    data = np.zeros(scan.data.shape, np.float32)
    data[4:9, 3:6, 7:12] = 3
    data[14, 14, 14] = 3  # as large, but a single voxel
    assert peak_mm(scan.with_data(data)) == pytest.approx(scan.grid.to_mm([6, 4, 9]))
    assert peak_mm(scan.with_data(-data), "signed") == pytest.approx(scan.grid.to_mm([6, 4, 9]))
