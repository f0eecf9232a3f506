import numpy as np
import pandas as pd
import pytest

from mriinterp.figures.trust import cascade_lines, deletion_curves, quantity_dots, trust_heatmap
from mriinterp.trust import summary

METHODS = ("occlusion", "sensitivity", "control_random")


@pytest.fixture
def table(rng):
    rows = [
        ("deletion", "abpc", method, f"s{n}", number + 0.1 * rng.standard_normal())
        for number, method in enumerate(METHODS)
        for n in range(4)
    ]
    return summary(pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"]))


def test_dots_show_means_intervals_and_controls(table):
    figure = quantity_dots(table, "deletion", "abpc", labels={"occlusion": "Occlusion"})
    dots = figure.data[0]
    assert list(dots.y) == ["control_random", "sensitivity", "Occlusion"]  # best first
    np.testing.assert_allclose(dots.x, table["mean"])
    np.testing.assert_allclose(dots.error_x.array, table["high"] - table["mean"])
    assert "higher is better" in figure.layout.xaxis.title.text
    with pytest.raises(ValueError, match="expected results of deletion/other"):
        quantity_dots(table, "deletion", "other")


def test_heatmap_has_the_number_in_each_cell_and_controls_last(table):
    figure = trust_heatmap(table, [("deletion", "abpc"), ("stability", "noise")])
    cells = figure.data[0]
    assert list(cells.y)[-1] == "control_random"
    assert len(cells.x) == 1  # nothing was measured of stability
    means = table.set_index("method")["mean"]
    assert [row[0].split()[0] for row in cells.text] == [f"{means[m]:.3g}" for m in cells.y]


def test_curves_start_at_the_clean_score():
    details = {
        ("occlusion", s): {"clean": 2.0, "share": [0.25, 0.5], "most": [1.0, -1.0], "least": [2.0, 1.5]} for s in "ab"
    }
    figure = deletion_curves(details, ["occlusion", "missing"])
    assert [trace.name for trace in figure.data] == [
        "occlusion, most relevant first",
        "occlusion, least relevant first",
    ]
    assert list(figure.data[0].y) == [0, -1, -3]
    assert list(figure.data[0].x) == [0, 25, 50]


def test_cascade_starts_at_one():
    details = {("occlusion", "a"): {"layers": ["dense", "conv"], "rho": [0.5, 0.1]}}
    line = cascade_lines(details, ["occlusion"]).data[0]
    assert list(line.y) == [1.0, 0.5, 0.1]
    assert list(line.x) == ["as trained", "dense", "conv"]
