"""Matrices: numbers in the metric's unit, and the pair behind each cell."""

import json

import numpy as np
import pandas as pd
import pytest

from mriinterp.figures.distances import distance_heatmap, group_distances


@pytest.fixture
def matrix():
    return pd.DataFrame(
        [[0, 1.5e-4, np.nan], [1.5e-4, 0, 2e-4], [np.nan, 2e-4, 0]], index=list("abc"), columns=list("abc")
    )


def test_euclidean_distances_are_printed_in_ten_thousandths(matrix):
    figure = distance_heatmap(matrix)
    (cells,) = figure.data
    assert list(cells.text[0]) == ["0.00", "1.50", "–"]
    assert cells.z[1][2] == pytest.approx(2)
    assert cells.z[0][2] is None
    assert cells.customdata[1][2] == ("b", "c") or list(cells.customdata[1][2]) == ["b", "c"]
    assert "10⁻⁴" in figure.layout.coloraxis.colorbar.title.text
    json.loads(figure.to_json())


def test_similarities_keep_their_numbers(matrix):
    figure = distance_heatmap(-matrix * 1e3, "spearman", digits=3)
    assert figure.data[0].text[0][1] == "−0.150"
    assert "larger, darker: more alike" in figure.layout.coloraxis.colorbar.title.text


def _lightness(colour):
    return sum(int(v) for v in colour.removeprefix("rgb(").removesuffix(")").split(","))


@pytest.mark.parametrize(("metric", "alike"), [("euclidean", 0), ("spearman", -1), ("ssim", -1)])
def test_dark_is_more_alike_in_every_matrix(matrix, metric, alike):
    scale = distance_heatmap(matrix, metric).layout.coloraxis.colorscale
    assert _lightness(scale[alike][1]) == min(_lightness(colour) for _, colour in scale)


def test_groups_beside_each_other(matrix):
    figure = group_distances({"AD": matrix, "CN": 2 * matrix}, pd.Series({"a": 1e-4, "b": 2e-4, "c": np.nan}))
    ad, cn, between = figure.data
    assert cn.text[1][2] == "4.00"
    assert [row[0] for row in between.text] == ["1.00", "2.00", "–"]
    assert [a.text for a in figure.layout.annotations] == ["AD", "CN", "AD vs CN"]
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    assert list(ad.y) == list("abc")


def test_wrong_metrics_name_the_right_ones(matrix):
    with pytest.raises(KeyError, match="euclidean"):
        distance_heatmap(matrix, "cosine")
    with pytest.raises(ValueError, match="at least one"):
        group_distances({})
