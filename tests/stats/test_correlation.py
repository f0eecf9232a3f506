"""Rank correlations agree with SciPy's, hold groups fixed as a regression of ranks does, and have honest intervals."""

import numpy as np
import pytest
from scipy import stats

from mriinterp.stats import rank_correlations


def sample(n=40, m=6, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    values, number = rng.normal(size=(n, m)), rng.normal(size=n)
    values[:, 0] += number
    return (np.round(values), np.round(number)) if ties else (values, number)


@pytest.mark.parametrize("ties", [False, True])
def test_without_groups_it_is_scipys(ties):
    values, number = sample(ties=ties)
    found = rank_correlations(values, number)
    for column in range(values.shape[1]):
        wanted = stats.spearmanr(number, values[:, column])
        assert found.rho[column] == pytest.approx(wanted.statistic, abs=1e-12)
        assert found.p[column] == pytest.approx(wanted.pvalue, rel=1e-9)
    assert (found.n, found.df) == (40, 38)


def test_groups_held_fixed_are_a_regression_of_ranks():
    values, number = sample(seed=3)
    groups = np.repeat(["a", "b", "c"], [10, 14, 16])
    found = rank_correlations(values, number, groups)
    design = np.column_stack([(groups == g).astype(float) for g in "abc"])

    def rest(x):
        ranks = stats.rankdata(x)
        return ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]

    for column in range(values.shape[1]):
        r = stats.pearsonr(rest(number), rest(values[:, column])).statistic
        assert found.rho[column] == pytest.approx(r, abs=1e-12)
        t = r * np.sqrt(36 / (1 - r**2))  # 40 - 2 - 2
        assert found.p[column] == pytest.approx(2 * stats.t.sf(abs(t), 36), rel=1e-9)


def test_a_difference_of_groups_alone_correlates_with_nothing_within_them():
    rng = np.random.default_rng(1)
    groups = np.repeat([0, 1], 50)
    number, values = rng.normal(size=100) + 4 * groups, (rng.normal(size=100) + 4 * groups)[:, None]
    assert rank_correlations(values, number).rho[0] > 0.6
    assert abs(rank_correlations(values, number, groups).rho[0]) < 0.3


def test_intervals_hold_the_true_correlation_in_95_of_100():
    rng, true, inside = np.random.default_rng(2), 0.6, 0
    for _ in range(400):
        pair = rng.multivariate_normal([0, 0], [[1, true], [true, 1]], size=40)
        found = rank_correlations(pair[:, 1:], pair[:, 0])
        inside += bool(found.low[0] <= 6 / np.pi * np.arcsin(true / 2) <= found.high[0])
    assert 0.92 <= inside / 400 <= 0.98


def test_the_interval_is_that_of_bonett_and_wright():
    values, number = sample()
    found = rank_correlations(values, number)
    rho = found.rho[0]
    reach = 1.959963985 * np.sqrt((1 + rho**2 / 2) / 37)
    assert found.low[0] == pytest.approx(np.tanh(np.arctanh(rho) - reach), abs=1e-9)
    assert found.high[0] == pytest.approx(np.tanh(np.arctanh(rho) + reach), abs=1e-9)


def test_an_area_without_spread_has_no_correlation():
    values, number = sample()
    values[:, 1] = 3.0
    found = rank_correlations(values, number)
    assert np.isnan([found.rho[1], found.low[1], found.high[1], found.p[1]]).all()
    assert np.isfinite(found.rho[[0, 2, 3]]).all()


def test_perfect_order_is_no_error():
    number = np.arange(6.0)
    found = rank_correlations(number[:, None], number)
    assert (found.rho[0], found.p[0], found.low[0], found.high[0]) == (1, 0, 1, 1)


@pytest.mark.parametrize(
    ("values", "number", "groups", "words"),
    [
        (np.zeros((3, 2)), np.arange(3.0), None, "4 or more people"),
        (np.zeros((4, 2)), np.arange(4.0), ["a", "a", "b", "b"], "5 or more people for a correlation with 2 groups"),
        (np.eye(5), np.ones(5), None, "a number that varies"),
        (np.eye(5), [0, 0, 1, 1, 1], ["a", "a", "b", "b", "b"], "for all people of a group"),
        (np.eye(5), [0, 1, 2, 3, np.nan], None, "finite"),
        (np.eye(5), np.arange(4.0), None, "one number a row"),
    ],
)
def test_what_cannot_be_correlated_is_refused(values, number, groups, words):
    with pytest.raises(ValueError, match=words):
        rank_correlations(values, number, groups)
