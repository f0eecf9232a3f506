"""Weighted ranks against scikit-learn, and strata against a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from mriinterp.trust.weighted_auc import strata_of, stratified_auc, weighted_auc, weighted_average_precision


def drawn(seed, levels=7, n=120):
    rng = np.random.default_rng(seed)
    weights = np.where(rng.random(n) < 0.3, rng.random(n), 0.0)
    weights[:2] = 0.5, 0.0
    return rng.integers(0, levels, n).astype(float) + weights, weights


@given(st.integers(0, 10_000), st.integers(2, 9))
@settings(max_examples=40, deadline=None)
def test_auc_equals_scikit_learn_with_weights(seed, levels):
    values, weights = drawn(seed, levels)
    ill = weights > 0
    wanted = roc_auc_score(ill, values, sample_weight=np.where(ill, weights, 1.0))
    assert weighted_auc(values, weights) == pytest.approx(wanted)


def test_average_precision_has_the_chance_level_of_the_plain_one(rng):
    values, weights = drawn(1, n=20_000)
    ill = weights > 0
    assert weighted_average_precision(rng.random(len(ill)), weights) == pytest.approx(ill.mean(), abs=0.02)
    equal = np.where(ill, 0.3, 0.0)  # of one strength: the plain average precision
    assert weighted_average_precision(values, equal) == pytest.approx(average_precision_score(ill, values))


def test_strata_are_of_equal_size_and_in_order(rng):
    values = rng.permutation(np.arange(40.0))
    strata = strata_of(values, 4)
    assert np.bincount(strata).tolist() == [10, 10, 10, 10]
    assert all(values[strata == k].max() < values[strata == k + 1].min() for k in range(3))


def test_what_the_strata_are_made_of_tells_nothing_within_them(rng):
    edges = rng.random(4000)
    weights = np.where(rng.random(4000) < edges, 1.0, 0.0)  # the disease lies on edges
    strata = strata_of(edges)
    assert weighted_auc(edges, weights) > 0.8
    assert stratified_auc(edges, weights, strata) == pytest.approx(0.5, abs=0.05)
    knows = weights + 0.1 * rng.random(4000)
    assert stratified_auc(knows, weights, strata) == 1
    loop = [
        (weights[strata == k].sum(), roc_auc_score(weights[strata == k] > 0, edges[strata == k]))
        for k in range(20)
        if 0 < (weights[strata == k] > 0).mean() < 1
    ]
    wanted = np.average([auc for _, auc in loop], weights=[weight for weight, _ in loop])
    assert stratified_auc(edges, weights, strata) == pytest.approx(wanted)


def test_nothing_to_rank_has_no_number():
    assert np.isnan(weighted_auc(np.arange(3.0), np.zeros(3)))
    assert np.isnan(weighted_auc(np.arange(3.0), np.ones(3)))
    assert np.isnan(weighted_average_precision(np.arange(3.0), np.zeros(3)))
    assert np.isnan(stratified_auc(np.arange(3.0), np.zeros(3), np.zeros(3, int)))
