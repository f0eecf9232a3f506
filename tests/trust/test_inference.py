"""Holm against statsmodels, sign flips against scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mriinterp.trust.inference import family_p, holm, sign_flip_max_t
from mriinterp.trust.wide import wide_tables


def test_holm_equals_statsmodels(rng):
    p = rng.random(40) ** 3
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    with_gap = np.append(p, np.nan)
    np.testing.assert_allclose(holm(with_gap)[:-1], multipletests(p, method="holm")[1])
    assert np.isnan(holm(with_gap)[-1])


def test_one_comparison_equals_the_exact_test_of_scipy(rng):
    d = rng.normal(0.4, 1, 8)
    exact = stats.permutation_test(
        (d,), lambda x, axis: stats.ttest_1samp(x, 0, axis=axis).statistic, permutation_type="samples",
        n_resamples=np.inf, alternative="greater", vectorized=True,
    )  # fmt: skip
    assert sign_flip_max_t(d[:, None])[0] == pytest.approx(exact.pvalue)


def test_four_subjects_cannot_be_significant(rng):
    assert sign_flip_max_t(1 + 0.01 * rng.random((4, 3))).min() == pytest.approx(1 / 16)


def test_more_comparisons_cost_and_copies_do_not(rng):
    d = rng.normal(0.5, 1, (10, 1))
    alone = sign_flip_max_t(d)[0]
    assert sign_flip_max_t(np.hstack([d, d, d]))[0] == pytest.approx(alone)
    assert sign_flip_max_t(np.hstack([d, rng.normal(0, 1, (10, 30))]))[0] > alone


def test_the_family_error_is_held(rng):
    hits = [sign_flip_max_t(rng.normal(0, 1, (8, 12))).min() <= 0.05 for _ in range(200)]
    assert np.mean(hits) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_all_null_maps_must_be_beaten_and_a_copy_counts_once(rng):
    rows = []
    for n in range(10):
        good, null, other = rng.normal(2, 0.3), rng.normal(0, 0.3), rng.normal(1.9, 0.3)
        for method, value in (
            ("sensitivity", good),
            ("smoothgrad", good),
            ("null_random", null),
            ("null_edges", other),
        ):
            rows.append(("deletion", "abpc", method, f"s{n}", value))
        rows.append(("deletion", "abpc", "occlusion", f"s{n}", good + 2))
    results = pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])
    nulls = ["null_random", "null_edges"]
    tables = wide_tables(results, ["measure", "quantity"], "method")
    both = family_p(tables, nulls).set_index("method")
    once = family_p(tables, nulls, {"smoothgrad": "sensitivity"}).set_index("method")
    assert both["p"]["occlusion"] < 1e-4
    wide = results.pivot_table(index="subject", columns="method", values="value")
    expected = stats.ttest_rel(wide["sensitivity"], wide["null_edges"], alternative="greater").pvalue
    assert both["p"]["sensitivity"] == pytest.approx(min(1.0, 2 * expected))
    assert once["p_holm"]["occlusion"] == pytest.approx(2 * both["p"]["occlusion"])
    assert both["p_holm"]["occlusion"] == pytest.approx(3 * both["p"]["occlusion"])
    assert once["p_holm"]["smoothgrad"] == once["p_holm"]["sensitivity"]
