"""Subjects against areas, and groups against each other."""

import numpy as np
import pandas as pd
import pytest

from mriinterp.figures.cohort import effect_bars, outliers, subjects_heatmap
from mriinterp.stats import compare_groups


@pytest.fixture
def values(rng):
    table = pd.DataFrame(rng.normal(1, 0.1, (20, 6)), index=[f"s{n:02d}" for n in range(20)], columns=list("ABCDEF"))
    table.loc[:"s09", "B"] += 1
    table.loc["s04"] += 5
    return table


@pytest.fixture
def groups():
    return np.array(["AD"] * 10 + ["CN"] * 10)


def test_the_one_that_is_far_from_its_group(values, groups):
    found = outliers(values, groups)
    assert found.index[found["outlier"]].tolist() == ["s04"]
    own = values.iloc[10:].to_numpy()
    expected = np.sqrt(((own - np.median(own, axis=0)) ** 2).sum(axis=1))
    assert found["distance"].iloc[10:].to_numpy() == pytest.approx(expected)
    assert not outliers(values.iloc[:2], ["a", "a"])["outlier"].any()
    with pytest.raises(ValueError, match="one group a subject"):
        outliers(values, ["a"])


def test_cells_belong_to_their_subject_and_area(values, groups):
    figure = subjects_heatmap(values, groups, standardise=False)
    heat = figure.data[-1]
    for row in range(6):
        for column in range(20):
            subject, area = heat.customdata[row][column]
            assert heat.x[column] == subject
            assert heat.y[row] == area
            assert heat.z[row][column] == pytest.approx(100 * values.loc[subject, area], rel=1e-5)
    assert {str(s) for s in heat.x[:10]} == set(values.index[:10])  # groups stay together
    assert list(figure.data[-2].x) == ["s04"]
    assert [t.name for t in figure.data[:2]] == ["AD (n = 10)", "CN (n = 10)"]


def test_standardised_areas_have_mean_0_and_deviation_1(values, groups):
    z = np.asarray(subjects_heatmap(values, groups).data[-1].z, float)
    assert z.mean(axis=1) == pytest.approx(0, abs=1e-6)
    assert z.std(axis=1, ddof=1) == pytest.approx(1, rel=1e-5)


def test_like_stands_beside_like(rng):
    kinds = np.array([0, 1] * 6)
    table = pd.DataFrame(np.where(kinds[:, None] == 1, 5.0, 1.0) + rng.normal(0, 0.01, (12, 4)), columns=list("ABCD"))
    heat = subjects_heatmap(table, ["g"] * 12, standardise=False).data[-1]
    order = kinds[[int(x) for x in heat.x]]
    assert np.abs(np.diff(order)).sum() == 1


def test_areas_that_never_vary_and_single_subjects(values):
    table = values.iloc[:1].assign(A=1.0)
    heat = subjects_heatmap(table, ["x"]).data[-1]
    assert np.isfinite(np.asarray(heat.z, float)).all()


def test_effects_are_those_of_the_comparison(values, groups):
    table = compare_groups(values.drop(index="s04"), np.delete(groups, 4), "AD", "CN")
    (dots,) = effect_bars(table, ("AD", "CN"), 3).data
    assert dots.y[0] == "B"
    assert dots.x[0] == table.set_index("area").loc["B", "g"]
    assert dots.marker.symbol[0] == "circle"
    assert set(dots.marker.symbol[1:]) == {"circle-open"}
