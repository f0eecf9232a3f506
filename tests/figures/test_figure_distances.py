"""Matrices: numbers in the metric's unit, and the pair behind each cell."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from plotly.colors import hex_to_rgb, sample_colorscale, unlabel_rgb

from mriinterp.figures.distances import distance_heatmap, group_distances
from mriinterp.figures.ink import contrast


@pytest.fixture
def matrix():
    return pd.DataFrame(
        [[0, 1.5e-4, np.nan], [1.5e-4, 0, 2e-4], [np.nan, 2e-4, 0]], index=list("abc"), columns=list("abc")
    )


def test_euclidean_distances_are_printed_in_ten_thousandths(matrix):
    figure = distance_heatmap(matrix)
    (cells,) = figure.data
    assert list(cells.hovertext[0]) == ["0.00", "1.50", "–"]
    assert cells.z[1][2] == pytest.approx(2)
    assert cells.z[0][2] is None
    assert cells.customdata[1][2] == ("b", "c") or list(cells.customdata[1][2]) == ["b", "c"]
    assert "10⁻⁴" in figure.layout.coloraxis.colorbar.title.text
    json.loads(figure.to_json())


def test_similarities_keep_their_numbers(matrix):
    figure = distance_heatmap(-matrix * 1e3, "spearman", digits=3)
    assert figure.data[0].hovertext[0][1] == "−0.150"
    assert "larger, darker: more alike" in figure.layout.coloraxis.colorbar.title.text


def _lightness(colour):
    return sum(int(v) for v in colour.removeprefix("rgb(").removesuffix(")").split(","))


@pytest.mark.parametrize(("metric", "alike"), [("euclidean", 0), ("spearman", -1), ("ssim", -1)])
def test_dark_is_more_alike_in_every_matrix(matrix, metric, alike):
    scale = distance_heatmap(matrix, metric).layout.coloraxis.colorscale
    assert _lightness(scale[alike][1]) == min(_lightness(colour) for _, colour in scale)


@pytest.mark.parametrize("metric", ["euclidean", "spearman"])
def test_every_number_is_read_on_its_cell(metric):
    values = np.linspace(0, 1, 64)
    figure = distance_heatmap(pd.DataFrame([values]), metric)
    axis = figure.layout.coloraxis
    cells = np.array(figure.data[0].z[0], float)
    places = (cells - axis.cmin) / (axis.cmax - axis.cmin)
    assert (places.min(), places.max()) == (0, 1)
    inks = [re.search("color:(#[0-9a-f]{6})", text)[1] for text in figure.data[0].text[0]]
    colours = sample_colorscale([list(stop) for stop in axis.colorscale], places.tolist())
    assert min(contrast(hex_to_rgb(i), unlabel_rgb(c)) for i, c in zip(inks, colours, strict=True)) >= 4.5
    assert len(set(inks)) == 2


def test_one_value_alone_has_a_colour():
    axis = distance_heatmap(pd.DataFrame([[2e-4]])).layout.coloraxis
    assert axis.cmin < 2 < axis.cmax


@pytest.mark.parametrize(("methods", "shown"), [(5, True), (14, False)])
def test_numbers_that_would_not_fit_are_left_out(methods, shown):
    names = [f"m{n}" for n in range(methods)]
    one = pd.DataFrame(np.full((methods, methods), 10e-4), index=names, columns=names)
    figure = group_distances({"AD": one, "CN": one}, one["m0"])
    assert {bool(trace.texttemplate) for trace in figure.data} == {shown}
    assert not shown or {trace.textfont.size for trace in figure.data} == {12}


def test_groups_beside_each_other(matrix):
    figure = group_distances({"AD": matrix, "CN": 2 * matrix}, pd.Series({"a": 1e-4, "b": 2e-4, "c": np.nan}))
    ad, cn, between = figure.data
    assert cn.hovertext[1][2] == "4.00"
    assert [row[0] for row in between.hovertext] == ["1.00", "2.00", "–"]
    assert [a.text for a in figure.layout.annotations] == ["AD", "CN", "AD vs CN"]
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    assert list(ad.y) == list("abc")


def test_wrong_metrics_name_the_right_ones(matrix):
    with pytest.raises(KeyError, match="euclidean"):
        distance_heatmap(matrix, "cosine")
    with pytest.raises(ValueError, match="at least one"):
        group_distances({})
