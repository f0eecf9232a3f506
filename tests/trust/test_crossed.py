"""Intervals over subjects and networks, both drawn anew."""

import numpy as np
import pandas as pd

from mriinterp.trust.crossed import crossed_name, crossed_values, two_way_interval


def test_values_come_back_as_subjects_by_networks():
    rows = [
        ("reproducibility", name, method, subject, value)
        for method, base in (("a", 0.0), ("b", 10.0))
        for s, subject in enumerate(("x", "y", "z"))
        for name, value in [
            ("auprc", 99.0),
            *((crossed_name("auprc", k), base + s + 0.1 * k) for k in range(4)),
        ]
    ]
    results = pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])
    found = crossed_values(results)
    assert set(found) == {("reproducibility", "auprc", "a"), ("reproducibility", "auprc", "b")}
    np.testing.assert_allclose(found["reproducibility", "auprc", "b"], 10 + np.arange(3)[:, None] + 0.1 * np.arange(4))
    assert crossed_values(results[results["quantity"] == "auprc"]) == {}


def test_networks_that_differ_widen_the_interval_where_subjects_do_not():
    """The variance of a crossed mean is that of both effects; drawing subjects alone would see none of the networks'."""
    rng = np.random.default_rng(1)
    networks = rng.normal(0, 1, 12)
    values = 0.5 + np.tile(networks, (30, 1)) + rng.normal(0, 0.01, (30, 12))
    low, high = two_way_interval(values)
    expected = 2 * 1.96 * networks.std() / np.sqrt(12)
    assert abs((high - low) / expected - 1) < 0.15
    subjects = two_way_interval(values.T)  # as many rows as networks now: the same numbers, the same interval
    assert abs((subjects[1] - subjects[0]) / expected - 1) < 0.15


def test_an_interval_needs_two_of_each_and_leaves_maps_without_a_value_out():
    assert np.isnan(two_way_interval(np.ones((1, 5)))).all()
    assert np.isnan(two_way_interval(np.ones((5, 1)))).all()
    values = np.ones((6, 4))
    values[2, 3] = np.nan
    assert two_way_interval(values) == (1.0, 1.0)
