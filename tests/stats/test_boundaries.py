"""The smallest groups, flat values and exact thresholds at which a statistic begins to exist."""

import numpy as np
import pytest
from scipy import stats

from mriinterp.stats import hedges_g_from_moments, max_t, mean_interval, welch_t
from mriinterp.stats.linear import adjusted_difference


def test_two_values_have_an_interval():
    mean, low, high = mean_interval([1.0, 4.0])
    expected = stats.t.interval(0.95, 1, loc=2.5, scale=stats.sem([1.0, 4.0]))
    np.testing.assert_allclose((mean, low, high), (2.5, *expected))


@pytest.mark.parametrize(
    ("n_a", "n_b", "defined"), [(1, 1, False), (1, 2, False), (1, 3, True), (0, 5, False), (2, 2, True)]
)
def test_the_smallest_groups_of_an_effect_size(n_a, n_b, defined):
    found = hedges_g_from_moments(3.0, 4.0, n_a, 1.0, 4.0, n_b)
    assert (found != 0) == defined


def test_spread_in_one_group_is_enough_however_small():
    for a, b in (([0.0, 0.0, 0.0], [1.0, 1.1, 1.2]), ([1.0, 1.1, 1.2], [0.0, 0.0, 0.0])):
        found = welch_t(a, b)
        assert found.defined
        np.testing.assert_allclose((found.t, found.p), stats.ttest_ind(a, b, equal_var=False))


def test_a_test_that_cannot_be_made_says_nothing():
    found = welch_t([[1.0, 1.0], [1.0, 3.0]], [[1.0, 2.0], [1.0, 9.0]], axis=0)
    assert found.defined.tolist() == [False, True]
    assert (found.t[0], found.df[0], found.p[0]) == (0, 1, 1)


def test_a_column_that_differs_by_rounding_alone_is_flat(rng):
    in_a = np.arange(12) < 6
    values = np.column_stack([1e8 + rng.normal(scale=1e-9, size=12), 1e-8 * rng.normal(size=12)])
    found = adjusted_difference(values, in_a, rng.normal(size=(12, 1)))
    assert found.defined.tolist() == [False, True]
    assert found.p[0] == 1


def test_nineteen_permutations_reach_five_per_cent_by_the_largest_value(rng):
    in_a, values = np.arange(20) < 10, rng.normal(size=(20, 3))
    found = max_t(values, in_a, n_permutations=19, seed=1)
    assert found.threshold(0.05) == found.null.max()
    assert max_t(values, in_a, n_permutations=18, seed=1).threshold(0.05) == np.inf
    assert max_t(values, in_a, n_permutations=1, seed=1).n_permutations == 1


def test_a_voxel_in_which_nobody_differs_adds_nothing(rng):
    in_a, values = np.arange(12) < 6, rng.normal(size=(12, 4))
    flat = np.column_stack([values, np.full(12, 7.5)])
    alone, beside = (max_t(v, in_a, n_permutations=99, seed=3) for v in (values, flat))
    np.testing.assert_allclose(beside.null, alone.null)
    assert beside.t[-1] == 0
