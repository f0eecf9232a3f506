import numpy as np
import pytest
from scipy import stats

from mriinterp.trust import Explainer, get_measure
from mriinterp.trust.measures.regional import partial_rank_correlation, rank_correlation
from tests.trust.networks import Linear3D, array, case_of, small_network

MEASURE = get_measure("regional")


def test_exact_map_of_a_linear_network_ranks_perfectly():
    case = case_of(Linear3D())
    relevance = case.module.slope() * array(case.x - case.reference)
    values = MEASURE.run(case, Explainer("occlusion"), relevance).values
    assert values["rho"] == pytest.approx(1)
    assert MEASURE.run(case, Explainer("occlusion"), -relevance).values["rho"] == pytest.approx(-1)
    np.testing.assert_allclose(case.area_drops(), case.area_sums(relevance), atol=1e-4)


def test_drops_equal_a_plain_loop():
    case = case_of(small_network())
    with_area = []
    for label in case.area_labels:
        x = case.x.clone()
        x[0, 0][case.areas == label] = case.reference[0, 0][case.areas == label]
        out = case.module(x)[0].detach()
        with_area.append(float(out[1] - out[0]))
    np.testing.assert_allclose(case.area_drops(), case.clean - np.array(with_area), atol=1e-5)
    assert len(with_area) == 6


def test_small_areas_are_left_out():
    areas = np.zeros((7, 8, 9), int)
    areas[3, 3, :7] = 4  # 7 voxels
    areas[4, 4:6, :] = 9
    assert case_of(Linear3D(), areas=areas).area_labels.tolist() == [9]


def test_rank_correlation_against_scipy(rng):
    a, b = rng.integers(0, 6, 40).astype(float), rng.normal(size=40)
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    assert np.isnan(rank_correlation(np.ones(5), np.arange(5.0)))


def test_partial_correlation_against_its_formula(rng):
    size = rng.normal(size=60)
    a, b = size + rng.normal(size=60), size + rng.normal(size=60)
    ab, ac, bc = (stats.spearmanr(*pair).statistic for pair in ((a, b), (a, size), (b, size)))
    expected = (ab - ac * bc) / np.sqrt((1 - ac**2) * (1 - bc**2))
    assert partial_rank_correlation(a, b, size) == pytest.approx(expected)


def test_size_alone_is_no_agreement_once_size_is_given(rng):
    size = rng.integers(1, 100, 40).astype(float)
    effect = size + rng.normal(size=40)
    assert rank_correlation(size, effect) > 0.9
    assert np.isnan(partial_rank_correlation(3 * size, effect, size))
