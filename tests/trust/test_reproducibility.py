import numpy as np
import pytest

from mriinterp.trust import Explainer, get_measure
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


def test_top_overlap():
    assert top_overlap(np.array([3, 2, 1, 0]), np.array([0, 9, 8, 1]), n=2) == 0.5


def test_without_replicates_it_says_what_is_missing():
    with pytest.raises(ValueError, match="needs networks retrained from other seeds"):
        MEASURE.run(case_of(small_network()), Explainer("sensitivity"))
