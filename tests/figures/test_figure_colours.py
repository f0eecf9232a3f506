"""Scales: which value gets which colour."""

import numpy as np
import pytest

from mriinterp.figures import colours
from mriinterp.figures.colours import Scale, map_scale
from mriinterp.image.volume import Volume


class Map:
    def __init__(self, data, reading, unit="fall of the probability"):
        self.volume, self.reading, self.unit = Volume(data, np.eye(4)), reading, unit


@pytest.fixture
def data(rng):
    return rng.normal(size=(20, 21, 22)).astype(np.float32)


def test_signed_scales_are_symmetric(data):
    scale = map_scale(Map(data + 1, "signed"))
    assert scale.signed
    assert scale.low == -scale.high
    assert scale.high == pytest.approx(np.abs(data + 1).max())


def test_gradients_end_at_the_percentile_and_others_at_the_maximum(data):
    gradient, occlusion = map_scale(Map(data, "absolute")), map_scale(Map(data, "positive"))
    assert gradient.high == pytest.approx(np.percentile(np.abs(data), 99.9), rel=1e-6)
    assert occlusion.high == data.max()
    assert (gradient.low, occlusion.low) == (0, 0)
    assert "absolute" in gradient.unit


def test_published_scales_start_at_the_minimum(data):
    scale = map_scale(Map(np.abs(data) + 2, "positive"), from_minimum=True)
    assert scale.low == pytest.approx(np.abs(data).min() + 2)
    assert not scale.hidden(np.float32(2.5))


def test_maps_can_share_a_scale(data):
    assert map_scale(Map(data, "positive"), like=[Map(3 * data, "positive")]).high == pytest.approx(3 * data.max())


def test_a_map_of_zeros_has_a_scale():
    scale = map_scale(Map(np.zeros((3, 4, 5)), "positive"))
    assert (scale.low, scale.high) == (0, 1)
    assert (scale.alpha(np.zeros(3)) == 0).all()


def test_thresholds_hide_and_are_grey_on_the_bar():
    scale = Scale(-1, 1, signed=True, threshold=0.5)
    assert scale.hidden(np.array([-0.6, -0.4, 0, 0.4, 0.6, np.nan])).tolist() == [False, True, True, True, False, True]
    bar = scale.bar(100)
    assert (bar[30:70] == colours.HIDDEN_GREY).all()
    assert not (bar[:20] == colours.HIDDEN_GREY).all(axis=1).any()


def test_the_overlay_leaves_the_scan_where_there_is_nothing():
    scan = np.array([0.0, 50.0, 100.0])
    picture = colours.overlay(scan, np.array([0.0, 0.0, 2.0]), Scale(0, 2, opacity=1.0), (0, 100))
    assert picture[0].tolist() == [0, 0, 0]
    assert picture[1].tolist() == [128, 128, 128]
    assert picture[2].tolist() == Scale(0, 2).rgb(2.0).tolist()


def test_plotly_scales_run_from_0_to_1_without_gaps():
    stops = Scale(0, 1, threshold=0.3).plotly()
    at = [stop for stop, _ in stops]
    assert at[0] == 0
    assert at[-1] == 1
    assert at == sorted(at)


def test_no_palette_sets_red_against_green():
    for name in colours.SIGNED_PALETTES:
        ends = [Scale(-1, 1, signed=True, palette=name).rgb(v).astype(int) for v in (-0.6, 0.6)]
        for red, green, blue in ends:
            assert not (green > red + 30 and green > blue + 30)


def test_the_window_ignores_the_background():
    scan = np.zeros((20, 20, 20), np.float32)
    scan[5:15, 5:15, 5:15] = np.linspace(100, 200, 1000).reshape(10, 10, 10)
    assert colours.window(scan) == pytest.approx((101, 199))


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (np.nan, 1), (0, np.inf)])
def test_impossible_scales(low, high):
    with pytest.raises(ValueError, match="low < high"):
        Scale(low, high)


def test_unknown_palettes_name_the_known():
    with pytest.raises(KeyError, match="inferno"):
        Scale(0, 1, palette="jet")
