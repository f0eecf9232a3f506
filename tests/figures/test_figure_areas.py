"""Bars: order, length, and what a click gets."""

import json

import numpy as np
import pandas as pd
import pytest

from mriinterp.figures.area_bars import area_bars
from mriinterp.figures.areagroups import group_bars, method_bars


@pytest.fixture
def merged():
    return pd.DataFrame(
        {
            "area": ["A_x", "B", "C", "D"],
            "share": [0.2, 0.5, np.nan, 0.3],
            "mean": [1.0, 2.0, 3.0, 4.0],
            "asymmetry": [0.5, -0.25, np.nan, np.nan],
            "peak_x": [1.0, -2.0, np.nan, 4.0],
            "peak_y": [1.0, 2.0, np.nan, 4.0],
            "peak_z": [1.0, 2.0, np.nan, 4.0],
        }
    )


@pytest.fixture
def sides():
    table = pd.DataFrame(
        {
            "area": ["A_L", "A_R", "Left-B", "V"],
            "hemisphere": ["L", "R", "L", ""],
            "share": [0.1, 0.3, 0.35, 0.25],
        }
    )
    return table.assign(peak_x=[-1.0, 1.0, -2.0, 0.0], peak_y=0.0, peak_z=np.nan)


def test_bars_in_order_with_places(merged):
    bars, dots = area_bars(merged, 2).data
    assert list(bars.y) == ["B", "D"]
    assert list(bars.x) == pytest.approx([50, 30])
    assert list(bars.customdata[0]) == ["B", -2.0, 2.0, 2.0]
    assert dots.x[0] == -0.25
    assert "%" in area_bars(merged, 2).layout.xaxis.title.text


def test_other_columns_say_their_unit(merged):
    figure = area_bars(merged, 10, by="mean", unit="fall of the probability")
    assert list(figure.data[0].y) == ["D", "C", "B", "A x"]
    assert "fall of the probability" in figure.layout.xaxis.title.text.replace("<br>", " ")
    assert figure.data[0].customdata[1][1] is None
    json.loads(figure.to_json())  # no NaN inside


def test_sides_are_stacked_and_ordered_by_their_sum(sides):
    figure = area_bars(sides, 3)
    left, right, none = figure.data
    assert list(figure.layout.yaxis.categoryarray) == ["A", "Left-B", "V"]
    assert (left.name, right.name, none.name) == ("left", "right", "no side")
    assert list(left.x) == pytest.approx([10, 35])
    assert list(right.customdata[0]) == ["A_R", 1.0, 0.0, None]


def test_groups_with_intervals_and_dots(merged):
    comparison = pd.DataFrame({"area": ["B", "D"], "p_fdr": [0.01, 0.5]})
    for side, mean in (("a", [0.5, 0.2]), ("b", [0.1, 0.3])):
        comparison[f"mean_{side}"], comparison[f"n_{side}"] = mean, 2
        comparison[f"low_{side}"], comparison[f"high_{side}"] = np.subtract(mean, 0.05), np.add(mean, 0.1)
    values = pd.DataFrame([[0.4, 0.1], [0.6, 0.3], [0.1, 0.3]], columns=["B", "D"], index=["s1", "s2", "s3"])
    figure = group_bars(comparison, ("AD", "CN"), values=values, groups=["AD", "AD", "CN"], peaks=merged)
    bars, dots, *_ = figure.data
    assert list(bars.x) == pytest.approx([50, 20])
    assert bars.error_x.array == pytest.approx([10, 10])
    assert bars.error_x.arrayminus == pytest.approx([5, 5])
    assert list(bars.customdata[0]) == ["B", -2.0, 2.0, 2.0]
    assert sorted(dots.x) == pytest.approx([10, 30, 40, 60])
    assert list(dots.customdata[3]) == ["D", "s2"]
    assert list(figure.layout.yaxis.ticktext) == ["B *", "D"]
    with pytest.raises(KeyError, match="Z"):
        group_bars(comparison, ("AD", "CN"), areas=["Z"])


def test_methods_share_their_areas(merged):
    other = merged.assign(share=[0.9, 0.0, np.nan, 0.1])
    first, second = method_bars({"m1": merged, "m2": other}, 2).data
    assert list(first.y) == list(second.y) == ["A x", "B"]
    assert list(second.x) == pytest.approx([90, 0])
    with pytest.raises(ValueError, match="at least one"):
        method_bars({})


def test_themes(merged):
    assert area_bars(merged, theme="dark").layout.template.layout.paper_bgcolor != "white"
    with pytest.raises(ValueError, match="light, dark"):
        area_bars(merged, theme="blue")
    with pytest.raises(KeyError, match="share"):
        area_bars(merged, by="relevance")
