"""One person beside a group."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriinterp.stats import single_case


def test_z_and_p_against_plain_arithmetic(rng):
    group, own = rng.normal(size=(9, 4)), rng.normal(size=4) * 3
    found = single_case(pd.Series(own, index=list("abcd")), group)
    z = (own - group.mean(axis=0)) / group.std(axis=0, ddof=1)
    np.testing.assert_allclose(found["z"], z)
    # Crawford and Howell: the t-test of two groups, one of which has one member.
    for n, name in enumerate("abcd"):
        p = stats.ttest_ind([own[n]], group[:, n]).pvalue
        assert found.loc[name, "p"] == pytest.approx(p)
    np.testing.assert_allclose(found["q"], stats.false_discovery_control(found["p"]))


def test_the_error_rate_is_kept_in_small_groups(rng):
    draws = rng.normal(size=(20_000, 6))
    p = np.array([single_case(row[:1], row[1:, None])["p"].iloc[0] for row in draws[:4000]])
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("group", [np.zeros((2, 1)), np.ones((8, 1)), np.zeros((0, 1))])
def test_without_spread_nothing_is_said(group):
    assert single_case([3.0], group).isna().all(axis=None)


def test_numbers_of_values_must_agree():
    with pytest.raises(ValueError, match="2 values"):
        single_case([1.0, 2.0], np.zeros((5, 3)))
