from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from mriinterp.trust import Explainer, get_measure
from mriinterp.trust.crossed import crossed_name
from mriinterp.trust.measures.reproducibility import intraclass_correlation, top_overlap
from tests.trust.networks import Linear3D, case_of, small_network

MEASURE = get_measure("reproducibility")

# Shrout & Fleiss 1979, table 2: six targets, four judges
RATINGS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def test_icc_of_the_published_example():
    assert intraclass_correlation(RATINGS) == pytest.approx(0.29, abs=0.005)


def test_icc_of_equal_and_of_unrelated_raters(rng):
    objects = rng.normal(size=50)
    assert intraclass_correlation(np.stack([objects] * 3, 1)) == pytest.approx(1)
    assert abs(intraclass_correlation(rng.normal(size=(2000, 4)))) < 0.05
    assert np.isnan(intraclass_correlation(np.ones((5, 3))))


def test_equal_networks_agree_whatever_their_scale():
    case = case_of(Linear3D(seed=1), replicates=[Linear3D(seed=1), Linear3D(seed=1)])
    case.replicates[1].weight.data *= 3
    values = MEASURE.run(case, Explainer("sensitivity")).values
    assert values == pytest.approx({"icc": 1, "rho": 1, "top10": 1})


def test_unrelated_networks_do_not():
    case = case_of(Linear3D(seed=1), replicates=[Linear3D(seed=2), Linear3D(seed=3)])
    values = MEASURE.run(case, Explainer("sensitivity")).values
    assert abs(values["rho"]) < 0.2
    assert values["icc"] < 0.6


def test_the_auprc_of_each_network_is_scikit_learns():
    """Of a linear network sensitivity is |weight|: known without the measure's own code."""
    networks = [Linear3D(seed=seed) for seed in (1, 2, 3)]
    case = case_of(networks[0], replicates=networks[1:])
    field = np.random.default_rng(5).uniform(0, 1, case.mask.shape).astype(np.float32)
    case = replace(case, atrophy=np.where(field > 0.7, field, 0))
    values = MEASURE.run(case, Explainer("sensitivity")).values
    weights = case.atrophy[case.mask]
    each = []
    for network in networks:
        read = np.abs(network.slope())[case.mask]
        sample = np.where(weights > 0, weights / weights[weights > 0].mean(), 1.0)
        each.append(average_precision_score(weights > 0, read, sample_weight=sample))
    assert [values[crossed_name("auprc_networks", k)] for k in range(3)] == pytest.approx(each, abs=1e-6)
    assert values["auprc_networks"] == pytest.approx(np.mean(each), abs=1e-6)
    assert values["auprc_sd"] == pytest.approx(np.std(each, ddof=1), abs=1e-6)


def test_top_overlap():
    assert top_overlap(np.array([3, 2, 1, 0]), np.array([0, 9, 8, 1]), n=2) == 0.5


def test_without_replicates_it_says_what_is_missing():
    with pytest.raises(ValueError, match="needs networks retrained from other seeds"):
        MEASURE.run(case_of(small_network()), Explainer("sensitivity"))
