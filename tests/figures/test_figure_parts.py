"""Pictures of one sign of a map."""

import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.part_table import part_table
from mriinterp.figures.area_bars import area_bars
from mriinterp.figures.colours import PALETTES, Scale
from mriinterp.figures.meshes import level_surfaces
from mriinterp.figures.mosaic import mosaic
from mriinterp.figures.shown_part import as_viewed, shown_part
from mriinterp.figures.slices3d import slices_figure
from mriinterp.image.volume import Volume
from mriinterp.models import Prediction
from mriinterp.relevance_map import RelevanceMap


@pytest.fixture
def relevance():
    data = np.zeros((16, 18, 17), np.float32)
    data[3:7, 4:8, 4:8], data[9:13, 9:13, 9:13] = 0.05, -0.32
    affine = np.diag([8.0, 8, 8, 1])
    affine[:3, 3] = [-64, -72, -60]
    prediction = Prediction({"CN": 2.0, "AD": 1.0}, {"CN": 0.7, "AD": 0.3}, "CN")
    return RelevanceMap(Volume(data, affine), "occlusion", "CN", "probability", prediction, reading="positive")


def test_a_value_has_one_colour_whichever_part_is_shown(relevance):
    drawn = {part: shown_part(relevance, part) for part in ("both", "supports", "against")}
    both = drawn["both"][1]
    assert (both.low, both.high, both.signed) == (pytest.approx(-0.32), pytest.approx(0.32), True)
    np.testing.assert_array_equal(drawn["both"][0].data, relevance.volume.data)
    supports, against = drawn["supports"][1], drawn["against"][1]
    assert (supports.low, supports.high) == (0, pytest.approx(0.05))
    assert (against.low, against.high) == (pytest.approx(-0.32), 0)
    np.testing.assert_allclose(against.rgb([-0.32, -0.1]), both.rgb([-0.32, -0.1]), atol=2)
    assert (np.diff(supports.rgb([0.01, 0.05])[:, 0].astype(int)) > 0).all()  # red grows
    assert against.alpha(-0.32) == pytest.approx(both.alpha(-0.32))
    assert against.alpha([0.0, -0.1]).tolist() == [0, pytest.approx(both.alpha(-0.1))]
    assert [scale.end_words() for scale in (supports, against)] == [["", "supports CN"], ["speaks against CN", ""]]
    assert both.end_words() == ["speaks against CN", "supports CN"]
    assert against.ticks() == [pytest.approx(-0.32), 0]
    assert Scale(-1, 0, signed=True, threshold=0.5).ticks() == [-1, -0.5, 0]


def test_a_map_of_one_sign_is_drawn_as_before(relevance):
    only = RelevanceMap(
        relevance.volume.with_data(np.maximum(relevance.volume.data, 0)), *list(vars(relevance).values())[1:]
    )
    _, scale = shown_part(only)
    assert (scale.low, scale.signed, scale.palette, scale.ends) == (0, False, "orange-red", None)
    assert "P(CN)" in scale.unit


def test_pictures_of_a_part_show_it_and_no_more(relevance):
    scan = relevance.volume.with_data(np.full(relevance.volume.data.shape, 100, np.float32))

    def coloured(part):
        shown, scale = shown_part(relevance, part)
        picture = mosaic(scan, shown, scale=scale, reading="signed").astype(int)
        inside = picture[:, : picture.shape[1] - 120, :3]  # without the bar
        return (inside[..., 0] - inside[..., 2] > 30).sum(), (inside[..., 2] - inside[..., 0] > 30).sum()

    assert coloured("supports")[0] > 20
    assert coloured("supports")[1] == 0
    assert coloured("against")[0] == 0
    assert coloured("against")[1] > 20


def test_surfaces_in_space_follow_the_part(relevance):
    values = {}
    for part in ("both", "supports", "against"):
        shown, scale = shown_part(relevance, part)
        values[part] = {np.sign(value) for meshes in level_surfaces(shown, scale) for *_, value in meshes}
        figure = slices_figure(relevance.volume, shown, scale=scale, reading="signed")
        names = " ".join(trace.name or "" for trace in figure.data)
        assert ("Speaks against CN" in names) == (part != "supports")
        assert ("Supports CN" in names) == (part != "against")
    assert values == {"both": {1, -1}, "supports": {1}, "against": {-1}}


@pytest.fixture
def areas():
    """A map with 3, −1 in A_L, −2 in A_R, 4 in B; and its atlas."""
    labels, data = np.zeros((4, 4, 4), np.int16), np.zeros((4, 4, 4), np.float32)
    labels[0], labels[1], labels[2] = 1, 2, 3
    data[0, 0, 0], data[0, 1, 1], data[1, 2, 2], data[2, 3, 3] = 3, -1, -2, 4
    table = pd.DataFrame({"label": [1, 2, 3], "name": ["A_L", "A_R", "B"], "hemisphere": ["L", "R", ""]})
    return Volume(data, np.eye(4)), Atlas("A", Volume(labels, np.eye(4)), table)


def test_bars_go_to_both_sides_with_shares_of_the_whole(areas):
    ends = ("speaks against CN", "supports CN")
    figure = area_bars(part_table(*areas), ends=ends)
    supports, against, _ = figure.data
    assert (supports.name, against.name) == ("supports CN", "speaks against CN")
    assert dict(zip(supports.y, supports.x, strict=True)) == pytest.approx({"A": 30, "B": 40})
    assert dict(zip(against.y, against.x, strict=True)) == pytest.approx({"A": -30, "B": 0})
    assert list(against.customdata[0]) == ["A", 1, 2, 2]  # the peak of its own side
    assert not any("-" in text or "−" in text for text in figure.layout.xaxis.ticktext)
    assert figure.layout.xaxis2.ticktext == ("left", "0", "right")
    apart = area_bars(part_table(*areas, merge_hemispheres=False), ends=ends)
    assert set(apart.data[0].y) == {"A L", "A R", "B"}


@pytest.mark.parametrize(
    ("part", "words", "share"), [("supports", "supports CN", 300 / 7), ("against", "speaks against CN", 100)]
)
def test_bars_of_one_side_say_which(areas, part, words, share):
    ends = ("speaks against CN", "supports CN")
    figure = area_bars(part_table(*areas, part), ends=ends)
    assert words in figure.layout.xaxis.title.text.replace("<br>", " ")
    assert dict(zip(figure.data[0].y, figure.data[0].x, strict=True))["A"] == pytest.approx(share)
    both = {trace.name: trace.marker.color for trace in area_bars(part_table(*areas), ends=ends).data[:2]}
    assert figure.data[0].marker.color == both[words]


def test_the_viewers_settings_are_followed(relevance):
    shown, scale = shown_part(relevance)
    sizes = np.abs(shown.data[shown.data != 0])
    settings = {"threshold": 80.0, "threshold_mode": "percentile", "opacity": 0.5, "fade": False, "top": 2.5}
    viewed, look = as_viewed(shown, scale, settings | {"signedScale": "purple-orange"})
    assert look.threshold == np.percentile(sizes, 80, method="inverted_cdf")
    assert (look.low, look.high, look.opacity, look.fade, look.palette) == (-2.5, 2.5, 0.5, False, "purple-orange")
    np.testing.assert_array_equal(viewed.data, shown.data)
    _, by_value = as_viewed(shown, scale, {"threshold": 0.25, "threshold_mode": "value"})
    assert by_value.threshold == 0.25
    hidden, _ = as_viewed(shown, scale, {"overlay": False})
    assert not hidden.data.any()


def test_small_clusters_of_either_sign_are_left_out_as_in_the_viewer(relevance):
    data = np.zeros((7, 8, 9), np.float32)
    data[1:3, 1:3, 1:3], data[5, 5, 5], data[4, 4, 4] = 1, 1, -1  # eight voxels; one; one that touches by an edge
    data[5, 5, 6] = -1
    shown = Volume(data, relevance.volume.affine)
    viewed, _ = as_viewed(shown, shown_part(relevance)[1], {"threshold": 0.5, "threshold_mode": "value", "cluster": 2})
    expected = data.copy()
    expected[[5, 4, 5], [5, 4, 5], [5, 4, 6]] = 0
    np.testing.assert_array_equal(viewed.data, expected)


def test_figures_and_the_viewer_have_the_same_colours():
    script = files("mriinterp.ui.viewer").joinpath("js/colors.js").read_text(encoding="utf-8")
    stops = {
        name: tuple(re.findall(r"#\w+", found))
        for name, found in re.findall(r"'?([\w-]+)'?: \{\s*label: '[^']*',\s*stops: \[([^\]]*)\]", script)
    }
    assert len(stops) == 8
    assert {name: tuple(PALETTES[name]) for name in stops} == stops


def test_values_that_the_viewer_cannot_tell_from_zero_do_not_count(relevance):
    """A mean of boxes leaves millionths nearly everywhere: they must not move the scale or the threshold."""
    data = np.full((30, 30, 30), 1e-7, np.float32)
    data[:10, :10, :10] = np.linspace(0.1, 1, 1000, dtype=np.float32).reshape(10, 10, 10)
    shown = RelevanceMap(Volume(data, np.eye(4)), *list(vars(relevance).values())[1:])
    volume, scale = shown_part(shown)
    assert scale.end == 1
    _, look = as_viewed(volume, scale, {"threshold": 50.0})
    assert look.threshold == pytest.approx(0.55, abs=0.01)
