import numpy as np
import pandas as pd
import pytest

from mriinterp.figures.trust import agreement_dots, quantity_dots, shortcut_dots, trust_heatmap
from mriinterp.figures.trustcurves import cascade_lines, deletion_curves
from mriinterp.trust import summary

METHODS = ("occlusion", "sensitivity", "null_random")


@pytest.fixture
def table(rng):
    rows = [
        ("deletion", "abpc", method, f"s{n}", number + 0.1 * rng.standard_normal())
        for number, method in enumerate(METHODS)
        for n in range(4)
    ]
    return summary(pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"]))


def test_dots_show_means_intervals_and_null_maps(table):
    figure = quantity_dots(table, "deletion", "abpc", labels={"occlusion": "Occlusion"})
    assert list(figure.layout.yaxis.categoryarray) == ["null_random", "sensitivity", "Occlusion"]  # best first
    shown = {name: x for trace in figure.data for name, x in zip(trace.y, trace.x, strict=True)}
    means = table.set_index("method")["mean"]
    assert shown == {"null_random": means["null_random"], "sensitivity": means["sensitivity"],
                     "Occlusion": means["occlusion"]}  # fmt: skip
    null = next(trace for trace in figure.data if "null_random" in trace.y)
    row = table.set_index("method").loc["null_random"]
    assert null.error_x.array[0] == row["high"] - row["mean"]
    assert len(figure.layout.shapes) == 1  # the range of the null maps
    assert "higher is better" in figure.layout.xaxis.title.text
    with pytest.raises(ValueError, match="expected results of deletion/other"):
        quantity_dots(table, "deletion", "other")


def test_the_subjects_own_numbers_are_diamonds(table):
    own = {"occlusion": 7.0, "sensitivity": np.nan, "elsewhere": 1.0}
    figure = quantity_dots(table, "deletion", "abpc", own=own, own_label="s1 alone")
    diamonds = [trace for trace in figure.data if trace.name == "s1 alone"]
    assert [(list(trace.x), list(trace.y)) for trace in diamonds] == [([7.0], ["occlusion"])]


def test_heatmap_has_the_number_in_each_cell_and_null_maps_last(table):
    figure = trust_heatmap(table, {("deletion", "abpc"): "Deletion", ("stability", "noise"): "Change, noise"})
    cells = figure.data[0]
    assert list(cells.y)[-1] == "null_random"
    assert len(cells.x) == 1  # nothing was measured of stability
    means = table.set_index("method")["mean"]
    assert [row[0].split()[0] for row in cells.text] == [
        f"{means[m]:.3f}" if abs(means[m]) < 0.1 else f"{means[m]:.2f}" for m in cells.y
    ]
    assert len(figure.layout.shapes) == 1  # a line above the null maps


def test_a_cell_that_was_not_measured_has_a_dash_where_it_lies(table):
    more = table.assign(measure="stability", quantity="noise").replace({"mean": {table["mean"].iloc[0]: np.nan}})
    both = pd.concat([table, more], ignore_index=True)
    figure = trust_heatmap(both, {("deletion", "abpc"): "Deletion", ("stability", "noise"): "Noise"})
    cells, (dash,) = figure.data[0], figure.layout.annotations
    assert (dash.text, dash.y) == ("–", table["method"].iloc[0])
    assert [list(cells.x).index(dash.x), np.isnan(np.array(cells.z, float)).sum()] == [1, 1]


def test_curves_start_at_the_clean_score():
    details = {
        ("occlusion", s): {"clean": 2.0, "share": [0.25, 0.5], "most": [1.0, -1.0], "least": [2.0, 1.5]} for s in "ab"
    }
    figure = deletion_curves(details, ["occlusion", "missing"])
    assert [(trace.name, trace.line.dash) for trace in figure.data] == [("occlusion", "solid"), ("occlusion", "dash")]
    assert list(figure.data[0].y) == [0, -1, -3]
    assert list(figure.data[0].x) == [0, 25, 50]


def test_cascade_starts_at_one():
    details = {("occlusion", "a"): {"layers": ["dense", "conv"], "rho": [0.5, 0.1]}}
    line = cascade_lines(details, ["occlusion"]).data[0]
    assert list(line.y) == [1.0, 0.5, 0.1]
    assert list(line.x) == ["as trained", "dense", "conv"]


def test_curves_of_one_subject_beside_the_mean():
    details = {
        ("occlusion", s): {"clean": 0.0, "share": [0.5], "most": [-level], "least": [0.0]}
        for s, level in (("a", 1), ("b", 3))
    }
    figure = deletion_curves(details, ["occlusion"], subject="b")
    assert {trace.name: trace.y[-1] for trace in figure.data if trace.line.dash == "solid"} == {
        "occlusion": -2,
        "b": -3,
    }
    assert len(deletion_curves(details, ["occlusion"], subject="z").data) == 2
    lines = {("occlusion", s): {"layers": ["dense"], "rho": [rho]} for s, rho in (("a", 0.2), ("b", 0.4))}
    shown = {trace.name: trace.y[-1] for trace in cascade_lines(lines, ["occlusion"], subject="a").data}
    assert shown == {"occlusion": pytest.approx(0.3), "a": 0.2}


def test_agreement_is_shown_most_alike_first():
    found = pd.DataFrame(
        {"other": ["one", "null_edges"], "n": 3, "rho": [0.8, 0.1], "low": 0.0, "high": 0.9, "overlap": 0.5,
         "own_rho": [0.7, np.nan], "own_overlap": 0.4}
    )  # fmt: skip
    figure = agreement_dots(found, own_label="a alone", labels={"one": "One"})
    assert list(figure.layout.yaxis.categoryarray) == ["One", "null_edges"]
    assert {(trace.name, *trace.x) for trace in figure.data if trace.name == "a alone"} == {("a alone", 0.7)}


def test_traps_show_both_networks():
    found = pd.DataFrame({"method": ["one"], "with": [0.7], "without": [0.2]})
    figure = shortcut_dots(found, "outside the brain")
    assert {trace.name: trace.x[0] for trace in figure.data if trace.name} == {
        "trained without it": 0.2,
        "trained with the shortcut": 0.7,
    }
    assert "outside the brain" in figure.layout.xaxis.title.text


def test_a_comparison_of_groups_is_no_mean_over_subjects(table):
    rows = [("group_effect", "auc_truth", method, "(cohort)", 0.5) for method in METHODS]
    groups = summary(pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"]))
    named = {trace.name for trace in quantity_dots(groups, "group_effect", "auc_truth").data}
    assert named == {"One comparison of two groups, bootstrap interval (grey: null maps)"}
    named = {trace.name for trace in quantity_dots(table, "deletion", "abpc").data}
    assert named == {"Mean over subjects, 95% interval (grey: null maps)"}
