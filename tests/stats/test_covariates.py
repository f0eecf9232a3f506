"""Covariates held fixed: against statsmodels, nilearn, and permutations made one by one."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from mriinterp.stats import adjusted_difference, compare_groups, max_t

statsmodels = pytest.importorskip("statsmodels.api")


@pytest.fixture
def cohort(rng):
    """Twenty-five people whose relevance depends on age and sex, and in the first area on the group."""
    in_a = np.arange(25) % 5 < 2
    age, sex = rng.normal(70, 8, 25) + 6 * in_a, rng.integers(0, 2, 25).astype(float)
    values = rng.normal(size=(25, 4)) + 0.2 * age[:, None] - sex[:, None]
    values[in_a, 0] += 2
    return values, in_a, np.column_stack([age, sex])


def fitted(values, in_a, covariates):
    """Ordinary least squares of one area: group, constant, covariates."""
    return statsmodels.OLS(values, np.column_stack([in_a.astype(float), np.ones(len(in_a)), covariates])).fit()


def test_analysis_of_covariance_equals_statsmodels(cohort):
    values, in_a, covariates = cohort
    found = adjusted_difference(values, in_a, covariates)
    assert found.df == 25 - 4
    for area in range(4):
        wanted = fitted(values[:, area], in_a, covariates)
        assert found.difference[area] == pytest.approx(wanted.params[0], rel=1e-9)
        assert found.t[area] == pytest.approx(wanted.tvalues[0], rel=1e-9)
        assert found.p[area] == pytest.approx(wanted.pvalues[0], rel=1e-8)
        assert found.deviation[area] == pytest.approx(np.sqrt(wanted.mse_resid), rel=1e-9)
        assert found.leverage == pytest.approx(wanted.normalized_cov_params[0, 0], rel=1e-9)


def test_without_covariates_it_is_students_test(cohort):
    values, in_a, _ = cohort
    found = adjusted_difference(values, in_a, np.empty((25, 0)))
    wanted = scipy_stats.ttest_ind(values[in_a], values[~in_a])
    np.testing.assert_allclose(found.t, wanted.statistic, rtol=1e-9)
    np.testing.assert_allclose(found.p, wanted.pvalue, rtol=1e-8)
    assert found.leverage == pytest.approx(1 / 10 + 1 / 15)


def test_the_table_is_adjusted_and_its_means_are_not(cohort):
    values, in_a, covariates = cohort
    frame = pd.DataFrame(values, columns=list("wxyz")).assign(flat=0.3)
    groups = np.where(in_a, "AD", "CN")
    table = compare_groups(frame, groups, "AD", "CN", covariates=pd.DataFrame(covariates)).set_index("area")
    plain = compare_groups(frame, groups, "AD", "CN").set_index("area")
    for column in ("n_a", "mean_a", "low_a", "high_a", "n_b", "mean_b", "low_b", "high_b"):
        np.testing.assert_array_equal(table[column], plain[column])
    wanted = fitted(values[:, 0], in_a, covariates)
    assert table.loc["w", "difference"] == pytest.approx(wanted.params[0])
    assert table.loc["w", "df"] == 21
    correction = 1 - 3 / (4 * 21 - 1)  # Hedges' approximation
    g = wanted.params[0] / np.sqrt(wanted.mse_resid) * correction
    assert table.loc["w", "g"] == pytest.approx(g, rel=1e-3)
    half = 1.959963985 * np.sqrt(wanted.normalized_cov_params[0, 0] + g**2 / (2 * 25))
    assert table.loc["w", "g_high"] - table.loc["w", "g"] == pytest.approx(half, rel=1e-3)
    adjusted = scipy_stats.false_discovery_control(table.p[list("wxyz")])
    np.testing.assert_allclose(table.p_fdr[list("wxyz")], adjusted)
    assert not table.loc["flat", "defined"]
    assert table.loc["flat", ["t", "g", "p", "p_fdr"]].tolist() == [0, 0, 1, 1]


def test_age_alone_makes_no_finding(rng):
    """The patients are ten years older, and relevance grows with age: nothing is left of the difference."""
    in_a = np.arange(60) < 30
    age = rng.normal(65, 5, 60) + 10 * in_a
    values = pd.DataFrame({"area": age + rng.normal(size=60)})
    groups = np.where(in_a, "AD", "CN")
    assert compare_groups(values, groups, "AD", "CN").p[0] < 1e-8
    assert compare_groups(values, groups, "AD", "CN", covariates=pd.DataFrame({"age": age})).p[0] > 0.05
    assert max_t(values.to_numpy(), in_a, n_permutations=199).p[0] < 0.01
    assert max_t(values.to_numpy(), in_a, covariates=age, n_permutations=199).p[0] > 0.05


def test_scans_of_a_patient_are_averaged_with_their_covariates(cohort):
    values, in_a, covariates = cohort
    patients = np.repeat(np.arange(25), 2)
    shift = np.tile([-1.0, 1.0], 25)[:, None]
    scans, ages = pd.DataFrame(values[patients] + shift), pd.DataFrame(covariates[patients] + shift)
    groups = np.where(in_a, "AD", "CN")
    table = compare_groups(scans, groups[patients], "AD", "CN", patients=patients, covariates=ages)
    wanted = compare_groups(pd.DataFrame(values), groups, "AD", "CN", covariates=pd.DataFrame(covariates))
    np.testing.assert_allclose(table.p, wanted.p, rtol=1e-6)
    by_scan = max_t(scans.to_numpy(), in_a[patients], patients=patients, covariates=ages, n_permutations=50)
    by_patient = max_t(values, in_a, covariates=covariates, n_permutations=50)
    np.testing.assert_allclose(by_scan.t, by_patient.t, rtol=1e-5)
    np.testing.assert_allclose(by_scan.null, by_patient.null, rtol=1e-5)


@pytest.mark.parametrize(
    ("covariates", "words"),
    [
        (lambda a: a.astype(float), "follow from each other or from the group"),
        (lambda a: np.ones(len(a)), "covariates that vary"),
        (lambda a: np.column_stack([np.arange(len(a)), 2.0 * np.arange(len(a))]), "follow from each other"),
        (lambda a: np.where(np.arange(len(a)) == 3, np.nan, 1.0 * np.arange(len(a))), "leave out scans"),
        (lambda a: np.eye(len(a))[:, : len(a) - 2], "more than|follow from"),
    ],
    ids=["the group", "constant", "twice", "unknown", "too many"],
)
def test_covariates_that_adjust_nothing_are_refused(rng, covariates, words):
    in_a = np.arange(8) < 4
    for compare in (adjusted_difference, lambda v, a, c: max_t(v, a, covariates=c)):
        with pytest.raises(ValueError, match=words):
            compare(rng.normal(size=(8, 2)), in_a, covariates(in_a))


# Max-T ----------------------------------------------------------------------------------------------


def test_max_t_permutes_residuals_as_freedman_and_lane(cohort):
    """The same permutations, each fitted anew by statsmodels: residuals of the covariates are permuted."""
    values, in_a, covariates = cohort
    found = max_t(values, in_a, covariates=covariates, n_permutations=30, seed=7)
    assert not found.exhaustive
    order = np.random.default_rng(7).permuted(np.tile(np.arange(25), (30, 1)), axis=1)
    reduced = np.column_stack([np.ones(25), covariates])
    hat = reduced @ np.linalg.pinv(reduced)
    fit, rest = hat @ values, values - hat @ values
    null = []
    for permutation in order:
        shuffled = np.empty_like(rest)
        shuffled[permutation] = rest  # the form of the labels is permuted, so the values go the other way
        null.append(max(abs(fitted(fit[:, k] + shuffled[:, k], in_a, covariates).tvalues[0]) for k in range(4)))
    np.testing.assert_allclose(found.null, np.sort(null), rtol=1e-6)
    wanted = [fitted(values[:, k], in_a, covariates).tvalues[0] for k in range(4)]
    np.testing.assert_allclose(found.t, wanted, rtol=1e-5)
    p = [(np.sum(np.array(null) >= abs(t)) + 1) / 31 for t in wanted]
    np.testing.assert_allclose(found.p, p, rtol=1e-6)


def test_max_t_agrees_with_nilearn(cohort):
    mass_univariate = pytest.importorskip("nilearn.mass_univariate")
    values, in_a, covariates = cohort
    found = max_t(values, in_a, covariates=covariates, n_permutations=4000)
    theirs = mass_univariate.permuted_ols(
        in_a[:, None].astype(float), values, covariates, n_perm=4000, random_state=0, verbose=0, output_type="dict"
    )
    np.testing.assert_allclose(found.t, theirs["t"][0], rtol=1e-5)
    np.testing.assert_allclose(found.p, 10 ** -theirs["logp_max_t"][0], atol=0.02)
    assert found.threshold(0.05) == pytest.approx(np.quantile(theirs["h0_max_t"][0], 0.95), rel=0.03)


def test_max_t_with_covariates_is_the_same_in_pieces(rng, cohort):
    _, in_a, covariates = cohort
    values = rng.normal(size=(25, 300)).astype(np.float32)
    whole = max_t(values, in_a, covariates=covariates, n_permutations=200, seed=4)
    pieces = max_t(
        (values[:, i : i + 77] for i in range(0, 300, 77)), in_a, covariates=covariates, n_permutations=200, seed=4
    )
    narrow = max_t(values, in_a, covariates=covariates, n_permutations=200, seed=4, memory=50_000)
    for other in (pieces, narrow):
        np.testing.assert_array_equal(whole.p, other.p)
        np.testing.assert_allclose(whole.t, other.t, rtol=1e-5)


def test_null_cohorts_with_covariates_stay_at_their_level():
    """600 cohorts whose relevance depends on age, as the group does: no group effect, so every finding is false."""
    rng = np.random.default_rng(3)
    areas = voxels = 0
    for _ in range(600):
        in_a = rng.permutation(30) < 14
        age = rng.normal(70, 6, 30) + 4 * in_a
        values = rng.gamma(3, size=(30, 40)) + 0.3 * age[:, None] * rng.random(40)
        groups = np.where(in_a, "AD", "CN")
        table = compare_groups(pd.DataFrame(values), groups, "AD", "CN", covariates=pd.DataFrame({"age": age}))
        areas += bool((table.p_fdr <= 0.05).any())
        found = max_t(values, in_a, covariates=age, n_permutations=199, seed=int(rng.integers(2**31)))
        voxels += bool(found.p.min() <= 0.05)
    assert areas / 600 <= 0.075
    assert 0.025 <= voxels / 600 <= 0.075
