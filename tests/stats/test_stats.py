"""Group statistics against scipy, plain loops and closed forms."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy import stats as scipy_stats

from mriinterp.base.progress import Cancelled
from mriinterp.stats import (
    Moments,
    auc_interval,
    benjamini_hochberg,
    compare_groups,
    hedges_g,
    hedges_g_from_moments,
    hedges_g_interval,
    max_t,
    mean_interval,
    patient_means,
    roc_auc,
    welch_t,
    wilson_interval,
)

# Welch, Hedges, intervals -------------------------------------------------------------------------


@pytest.mark.parametrize(("n_a", "n_b"), [(2, 2), (5, 9), (20, 20)])
def test_welch_equals_scipy(rng, n_a, n_b):
    a, b = rng.normal(size=(n_a, 4, 5)), rng.normal(0.5, 2, size=(n_b, 4, 5))
    wanted = scipy_stats.ttest_ind(a, b, equal_var=False)
    test = welch_t(a, b)
    np.testing.assert_allclose(test.t, wanted.statistic, rtol=1e-10)
    np.testing.assert_allclose(test.p, wanted.pvalue, rtol=1e-8)
    np.testing.assert_allclose(test.df, wanted.df, rtol=1e-10)
    assert test.defined.all()


def test_welch_keeps_its_precision_on_tiny_values(rng):
    a, b = rng.normal(size=(6, 3)), rng.normal(1, 1, size=(7, 3))
    np.testing.assert_allclose(welch_t(a * 1e-120, b * 1e-120).p, welch_t(a, b).p, rtol=1e-9)


def test_hedges_g_is_the_textbook_formula(rng):
    a, b = rng.normal(1, 1, size=12), rng.normal(0, 2, size=7)
    pooled = math.sqrt((11 * a.var(ddof=1) + 6 * b.var(ddof=1)) / 17)
    exact = math.gamma(17 / 2) / (math.sqrt(17 / 2) * math.gamma(16 / 2))
    assert hedges_g(a, b) == pytest.approx((a.mean() - b.mean()) / pooled * exact, rel=1e-12)
    assert hedges_g(b, a) == pytest.approx(-hedges_g(a, b))


def test_hedges_g_is_unbiased(rng):
    a, b = rng.normal(0.8, 1, size=(4, 200_000)), rng.normal(size=(4, 200_000))
    assert hedges_g(a, b).mean() == pytest.approx(0.8, abs=0.01)  # Cohen's d would give 0.92


def test_hedges_interval_covers(rng):
    a, b = rng.normal(0.8, 1, size=(20, 20_000)), rng.normal(size=(20, 20_000))
    low, high = hedges_g_interval(hedges_g(a, b), 20, 20)
    assert np.mean((low <= 0.8) & (high >= 0.8)) == pytest.approx(0.95, abs=0.01)
    assert np.isnan(hedges_g_interval(np.array(0.3), 1, 20)).all()


def test_hedges_interval_is_the_textbook_formula():
    """Hedges & Olkin 1985: variance (n_a + n_b) / (n_a n_b) + g² / 2 (n_a + n_b)."""
    low, high = hedges_g_interval(np.array([1.5, 0.0]), 4, 6)
    half = 1.959963984540054 * np.sqrt([10 / 24 + 1.5**2 / 20, 10 / 24])
    np.testing.assert_allclose(high, np.array([1.5, 0]) + half, rtol=1e-12)
    np.testing.assert_allclose(low, np.array([1.5, 0]) - half, rtol=1e-12)
    assert np.isfinite(hedges_g_interval(np.array(0.3), 2, 2)).all()  # two in each group are enough


@pytest.mark.parametrize(("n_a", "n_b"), [(0, 5), (1, 1), (1, 2), (1, 6), (0, 0), (3, 3)])
@pytest.mark.parametrize("values", ["constant", "equal", "tenths", "random"])
def test_small_and_flat_groups_never_make_a_finding_or_a_nan(rng, n_a, n_b, values):
    a, b = rng.normal(size=(n_a, 3)), rng.normal(size=(n_b, 3))
    if values != "random":
        a, b = np.full((n_a, 3), 0.1), np.full((n_b, 3), 0.1 if values == "equal" else 0.7)
        if values == "tenths":
            a, b = a * 3, b / 3  # not exact in binary: rounding must not pass for spread
    test, g = welch_t(a, b), hedges_g(a, b)
    for result in (test.t, test.p, test.df, g):
        assert result.shape == (3,)
        assert np.isfinite(result).all()
    if values != "random" or min(n_a, n_b) < 2:
        assert (test.p == 1).all()
        assert not test.t.any()
        assert not test.defined.any()
    if values != "random":
        assert not g.any()


def test_missing_values_are_refused():
    with pytest.raises(ValueError, match="2 of NaN"):
        welch_t([1, np.nan, np.inf], [1, 2, 3])
    with pytest.raises(ValueError, match="single number"):
        hedges_g(3.0, [1, 2])


def test_moments_and_data_give_the_same_effect(rng):
    a, b = rng.normal(size=(6, 50)), rng.normal(1, 2, size=(9, 50))
    moments = (a.mean(0), a.var(0, ddof=1), 6, b.mean(0), b.var(0, ddof=1), 9)
    np.testing.assert_allclose(hedges_g_from_moments(*moments), hedges_g(a, b))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_bh_equals_scipy(p):
    np.testing.assert_allclose(benjamini_hochberg(p), scipy_stats.false_discovery_control(p), rtol=1e-12)


def test_bh_leaves_tests_not_made_alone():
    p = np.array([[0.01, np.nan], [0.04, 0.03]])
    adjusted = benjamini_hochberg(p)
    np.testing.assert_allclose(adjusted[[0, 1, 1], [0, 0, 1]], scipy_stats.false_discovery_control([0.01, 0.04, 0.03]))
    assert np.isnan(adjusted[0, 1])
    assert benjamini_hochberg([]).size == 0
    with pytest.raises(ValueError, match="from 0 to 1"):
        benjamini_hochberg([0.5, 1.5])


def test_mean_interval_equals_scipy(rng):
    x = rng.normal(3, 2, size=11)
    mean, low, high = mean_interval(x, level=0.9)
    wanted = scipy_stats.t.interval(0.9, 10, loc=x.mean(), scale=scipy_stats.sem(x))
    assert (low, high) == pytest.approx(wanted)
    assert mean == pytest.approx(x.mean())


def test_no_interval_from_one_value():
    mean, low, high = mean_interval([[2.0, 3.0]])
    assert mean.tolist() == [2, 3]
    assert np.isnan([low, high]).all()
    assert np.isnan(mean_interval(np.zeros((0, 2)))[0]).all()


# Patients and tables ------------------------------------------------------------------------------


def test_patient_means_are_a_groupby(rng):
    patients = np.array(list("cabbacc"))
    values = rng.normal(size=(7, 2, 3))
    means, names, groups = patient_means(values, patients, np.array(["x", "y", "x", "x", "y", "x", "x"]))
    assert names.tolist() == ["a", "b", "c"]
    assert groups.tolist() == ["y", "x", "x"]
    for name, mean in zip(names, means, strict=True):
        np.testing.assert_allclose(mean, values[patients == name].mean(0))


def test_a_patient_in_two_groups_is_named():
    with pytest.raises(ValueError, match="converter"):
        patient_means(np.zeros((3, 1)), ["a", "converter", "converter"], ["x", "x", "y"])


def test_compare_groups_is_each_area_by_itself(rng):
    values = pd.DataFrame(rng.normal(size=(14, 3)), columns=["Hippocampus", "Insula", "Empty"])
    values["Empty"] = 0.0
    groups = np.array(["p"] * 6 + ["c"] * 7 + ["other"])
    table = compare_groups(values, groups, "p", "c").set_index("area")
    for area in ("Hippocampus", "Insula"):
        a, b = values[area][groups == "p"], values[area][groups == "c"]
        row = table.loc[area]
        assert (row.n_a, row.n_b) == (6, 7)
        assert row.difference == pytest.approx(a.mean() - b.mean())
        assert row.p == pytest.approx(scipy_stats.ttest_ind(a, b, equal_var=False).pvalue)
        assert row.g_low < row.g < row.g_high
        assert row.low_a < row.mean_a < row.high_a
    wanted = scipy_stats.false_discovery_control(table.p[["Hippocampus", "Insula"]])
    np.testing.assert_allclose(table.p_fdr[["Hippocampus", "Insula"]], wanted)  # the empty area is not a test
    assert not table.loc["Empty", "defined"]
    assert table.loc["Empty", "p_fdr"] == 1


def test_compare_groups_counts_patients_not_scans(rng):
    values = pd.DataFrame(np.repeat(rng.normal(size=(8, 2)), 3, axis=0), columns=["a", "b"])
    patients, groups = np.repeat(np.arange(8), 3), np.repeat(["x", "y"], 12)
    table = compare_groups(values, groups, "x", "y", patients=patients)
    assert (table.n_a == 4).all()
    single = compare_groups(values.iloc[::3], groups[::3], "x", "y")
    np.testing.assert_allclose(table.p, single.p)


def test_compare_groups_names_the_groups_there_are(rng):
    with pytest.raises(ValueError, match=r"AD.*available.*CN.*Dementia"):
        compare_groups(pd.DataFrame(np.zeros((2, 1))), ["Dementia", "CN"], "AD", "CN")


# Streaming ----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 12), st.floats(-1e6, 1e6))
def test_moments_equal_numpy(n, offset):
    data = np.random.default_rng(n).normal(offset, 1, size=(n, 3, 4))
    moments = Moments()
    for volume in data:
        moments.add(volume)
    assert moments.count == len(data)
    if len(data) == 0:
        with pytest.raises(ValueError, match="empty group"):
            moments.average()
        return
    np.testing.assert_allclose(moments.average(), data.mean(0), rtol=1e-12)
    if len(data) > 1:
        np.testing.assert_allclose(moments.variance(), data.var(0, ddof=1), rtol=1e-6)
    else:
        assert not moments.deviation().any()


def test_moments_stay_exact_where_the_naive_sum_of_squares_fails():
    moments = Moments()
    for value in (1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16):
        moments.add(np.array([value]))
    assert moments.variance()[0] == 30.0


def test_moments_can_be_saved_and_taken_up_again(rng):
    data = rng.normal(size=(6, 4))
    straight, resumed = Moments(), Moments()
    for volume in data:
        straight.add(volume)
    for volume in data[:3]:
        resumed.add(volume)
    resumed = Moments.from_state(resumed.state())
    for volume in data[3:]:
        resumed.add(volume)
    assert np.array_equal(straight.mean, resumed.mean)
    assert np.array_equal(straight.m2, resumed.m2)
    assert Moments.from_state(Moments().state()).count == 0


def test_moments_refuse_what_would_spoil_them():
    moments = Moments()
    moments.add(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        moments.add(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="finite"):
        moments.add(np.full((2, 3), np.nan))
    assert moments.count == 1


def test_moments_do_not_keep_a_hold_on_the_callers_array():
    volume, moments = np.ones(3), Moments()
    moments.add(volume)
    kept = moments.average()
    volume[:] = 7
    assert moments.mean.tolist() == [1, 1, 1]
    moments.add(volume)
    assert kept.tolist() == [1, 1, 1]


# Max-T --------------------------------------------------------------------------------------------


def _plain_max_t(values, in_a):
    """All labellings, one by one, by scipy."""
    n = len(in_a)
    observed = abs(scipy_stats.ttest_ind(values[in_a], values[~in_a]).statistic)
    null = []
    for chosen in combinations(range(n), int(in_a.sum())):
        label = np.isin(np.arange(n), chosen)
        null.append(abs(scipy_stats.ttest_ind(values[label], values[~label]).statistic).max())
    return np.array([(np.array(null) >= t * (1 - 1e-7)).mean() for t in observed])


@pytest.mark.parametrize(("n_a", "n_b"), [(3, 4), (3, 3), (1, 5)])
def test_max_t_equals_every_labelling_tried_by_hand(rng, n_a, n_b):
    values = rng.normal(size=(n_a + n_b, 6))
    in_a = rng.permutation(np.arange(n_a + n_b) < n_a)
    values[in_a, 0] += 2
    result = max_t(values, in_a)
    assert result.exhaustive
    assert result.n_permutations == math.comb(n_a + n_b, n_a) - 1
    np.testing.assert_allclose(result.p, _plain_max_t(values, in_a), rtol=1e-6)
    if n_a > 1:
        wanted = scipy_stats.ttest_ind(values[in_a], values[~in_a]).statistic
        np.testing.assert_allclose(result.t, wanted, rtol=1e-5)


def test_as_many_permutations_as_there_are_labellings_are_all_of_them(rng):
    values, in_a = rng.normal(size=(7, 3)), np.arange(7) < 3
    others = math.comb(7, 3) - 1
    every, random = (max_t(values, in_a, n_permutations=n) for n in (others, others - 1))
    assert (every.exhaustive, every.n_permutations) == (True, others)
    assert (random.exhaustive, random.n_permutations) == (False, others - 1)
    np.testing.assert_allclose(every.p, _plain_max_t(values, in_a), rtol=1e-6)


def test_max_t_averages_the_scans_of_a_patient_and_permutes_patients(rng):
    values = rng.normal(size=(10, 7))
    patients = np.repeat(np.arange(10), [1, 3, 1, 2, 1, 4, 1, 1, 2, 1])
    in_a = np.arange(10) < 5
    scans = values[patients] + rng.normal(size=(len(patients), 7))
    means = np.array([scans[patients == k].mean(0) for k in range(10)])
    by_scan = max_t(scans, in_a[patients], patients=patients, n_permutations=99)
    by_patient = max_t(means, in_a, n_permutations=99)
    np.testing.assert_allclose(by_scan.t, by_patient.t, rtol=1e-5)
    assert np.array_equal(by_scan.p, by_patient.p)
    assert (by_scan.n_a, by_scan.n_b) == (5, 5)


def test_max_t_is_the_same_in_pieces_and_seeded(rng):
    values = rng.normal(size=(16, 500)).astype(np.float32)
    in_a = np.arange(16) < 8
    whole = max_t(values, in_a, n_permutations=300, seed=4)
    pieces = max_t((values[:, i : i + 77] for i in range(0, 500, 77)), in_a, n_permutations=300, seed=4, n_voxels=500)
    narrow = max_t(values, in_a, n_permutations=300, seed=4, memory=50_000)
    for other in (pieces, narrow):
        assert np.array_equal(whole.p, other.p)
        np.testing.assert_allclose(whole.t, other.t, rtol=1e-5)
    assert not np.array_equal(whole.null, max_t(values, in_a, n_permutations=300, seed=5).null)


def test_max_t_p_is_never_zero_and_finds_a_strong_voxel(rng):
    values = rng.normal(size=(30, 200))
    in_a = np.arange(30) % 2 == 0
    values[in_a, 17] += 4
    values[:, 3] = 0.3  # flat
    result = max_t(values, in_a, n_permutations=499)
    assert result.p[17] == pytest.approx(1 / 500)
    assert (np.flatnonzero(result.p <= 0.05) == [17]).all()
    assert (result.t[3], result.p[3]) == (0, 1)
    assert np.array_equal(np.abs(result.t) > result.threshold(0.05), result.p <= 0.05)
    assert max_t(values, in_a, n_permutations=10).threshold(0.05) == math.inf


def test_max_t_refuses_what_it_cannot_test(rng):
    values = rng.normal(size=(4, 5))
    with pytest.raises(ValueError, match="two groups"):
        max_t(values, [True] * 4)
    with pytest.raises(ValueError, match="both for 1: p"):
        max_t(values, [True, False, True, False], patients=["p", "p", "q", "r"])
    with pytest.raises(ValueError, match=r"\(4, n_voxels\)"):
        max_t(values.T, [True, False, True, False])
    values[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        max_t(values, [True, False, True, False])


def test_max_t_tells_progress_and_stops(rng):
    seen = []
    max_t(rng.normal(size=(8, 100)), np.arange(8) < 4, memory=60_000, progress=lambda *step: seen.append(step))
    assert seen[-1] == (100, 100)
    assert len(seen) > 1
    with pytest.raises(Cancelled):
        max_t(rng.normal(size=(8, 100)), np.arange(8) < 4, cancel=lambda: True)


# Null cohorts -------------------------------------------------------------------------------------


def test_null_cohorts_area_fdr_stays_at_its_level():
    """1000 cohorts with shuffled groups: skewed shares of 62 areas that depend on each other."""
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(1000):
        shares = rng.gamma(3, size=(40, 62)) * rng.lognormal(0, 0.3, size=(40, 1))
        shares /= shares.sum(1, keepdims=True)
        in_a = rng.permutation(40) < 20
        p = welch_t(shares[in_a], shares[~in_a]).p
        false += (benjamini_hochberg(p) <= 0.05).any()  # every finding is false: FDR = chance of any
    assert false / 1000 <= 0.07


@pytest.mark.parametrize("repeated", [False, True])
def test_null_cohorts_voxel_family_wise_error_stays_at_its_level(repeated):
    """1000 cohorts with shuffled groups on a coarse grid of smooth, skewed relevance."""
    rng = np.random.default_rng(1)
    false = 0
    for _ in range(1000):
        noise = rng.normal(size=(20, 6, 7, 6))
        maps = np.exp(ndimage.gaussian_filter(noise, (0, 1, 1, 1)) * 2).reshape(20, -1)
        patients = np.arange(20)
        in_a = rng.permutation(20) < 9
        if repeated:  # three scans of every second patient
            patients = np.repeat(patients, np.where(patients % 2, 3, 1))
            maps = maps[patients] * rng.lognormal(0, 0.1, size=(len(patients), maps.shape[1]))
        result = max_t(maps, in_a[patients], patients=patients, n_permutations=199, seed=int(rng.integers(2**31)))
        false += result.p.min() <= 0.05
    assert 0.03 <= false / 1000 <= 0.07


# Performance --------------------------------------------------------------------------------------


def test_wilson_equals_scipy():
    for k, n in [(0, 10), (3, 10), (10, 10), (187, 200), (1, 1)]:
        wanted = scipy_stats.binomtest(k, n).proportion_ci(method="wilson")
        got = wilson_interval(k, n)
        assert (got.low, got.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    with pytest.raises(ValueError, match="11 of 10"):
        wilson_interval(11, 10)
    assert str(wilson_interval(187, 200)).startswith("0.935 (95% CI 0.8")


@settings(deadline=None)  # the first call loads scikit-learn
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=30))
def test_auc_counts_pairs(rows):
    labels, scores = [r[0] for r in rows], [float(r[1]) for r in rows]
    pos = [s for y, s in zip(labels, scores, strict=True) if y]
    neg = [s for y, s in zip(labels, scores, strict=True) if not y]
    if not pos or not neg:
        with pytest.raises(ValueError, match="both classes"):
            roc_auc(labels, scores)
        return
    wanted = sum((p > q) + 0.5 * (p == q) for p in pos for q in neg) / (len(pos) * len(neg))
    assert roc_auc(labels, scores) == pytest.approx(wanted)
    estimate = auc_interval(labels, scores)
    assert estimate.value == pytest.approx(wanted)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_auc_interval_is_delong_on_the_logit_scale(rng):
    labels = np.r_[np.ones(9, int), np.zeros(13, int)]
    scores = np.round(rng.normal(labels * 1.2, 1), 1)
    pos, neg = scores[:9], scores[9:]
    kernel = (pos[:, None] > neg) + 0.5 * (pos[:, None] == neg)
    auc, variance = kernel.mean(), kernel.mean(1).var(ddof=1) / 9 + kernel.mean(0).var(ddof=1) / 13
    reach = 1.959963985 * math.sqrt(variance) / (auc * (1 - auc))
    wanted = [1 / (1 + math.exp(-(math.log(auc / (1 - auc)) + side * reach))) for side in (-1, 1)]
    got = auc_interval(labels, scores)
    assert [got.low, got.high] == pytest.approx(wanted)


@pytest.mark.parametrize("labels", [[1, 0, 0, 0, 0], [1, 1, 1, 1, 0]])
def test_auc_interval_of_one_is_that_of_a_single_trial(labels):
    """DeLong knows nothing of the spread of a class with one member; a single trial says almost nothing."""
    scores = [0.55, 0.1, 0.2, 0.6, 0.3] if labels[1] == 0 else [0.1, 0.2, 0.3, 0.9, 0.25]
    found = auc_interval(labels, scores)
    assert 0 < found.value < 1
    trial = wilson_interval(round(found.value), 1)
    assert (found.low, found.high) == (min(trial.low, found.value), max(trial.high, found.value))


def test_auc_interval_of_two_is_delongs():
    labels, scores = [1, 1, 0, 0], [0.9, 0.3, 0.5, 0.1]
    variance = np.var([1, 0.5], ddof=1) / 2 + np.var([0.5, 1], ddof=1) / 2
    reach = 1.959963985 * math.sqrt(variance) / (0.75 * 0.25)
    wanted = [1 / (1 + math.exp(-(math.log(3) + side * reach))) for side in (-1, 1)]
    found = auc_interval(labels, scores)
    assert [found.low, found.high] == pytest.approx(wanted)


def test_auc_interval_covers(rng):
    truth = scipy_stats.norm.cdf(1.5 / math.sqrt(2))
    labels = np.arange(60) % 2
    hits = 0
    for _ in range(1000):
        estimate = auc_interval(labels, rng.normal(labels * 1.5, 1))
        hits += estimate.low <= truth <= estimate.high
    assert hits / 1000 == pytest.approx(0.95, abs=0.025)


def test_perfect_separation_is_not_certainty():
    estimate = auc_interval([0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.9])
    assert (estimate.value, estimate.high) == (1, 1)
    assert estimate.low < 0.5


def test_auc_refuses_faulty_input():
    with pytest.raises(ValueError, match="0 or 1"):
        roc_auc([1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="one score a label"):
        roc_auc([0, 1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="finite"):
        roc_auc([0, 1], [0.1, np.nan])
