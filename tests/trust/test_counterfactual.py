"""The effect of undoing the disease, against a plain loop and a linear network."""

import dataclasses

import numpy as np
import pytest
import torch

from mriinterp.trust import Explainer, get_measure
from mriinterp.trust.case import tied
from mriinterp.trust.measures.counterfactual import captured, healing_effects
from tests.trust.networks import Linear3D, areas_of, array, case_of, small_network

MEASURE = get_measure("counterfactual")


def healed_case(module):
    case = case_of(module)
    twin = case.x.clone()
    twin[0, 0][torch.from_numpy(np.isin(areas_of(), (1, 2, 5)))] += 1.0
    return dataclasses.replace(case, twin=twin)


def test_effects_equal_a_plain_loop_and_untouched_areas_have_none():
    case = healed_case(small_network())
    regions = [case.areas == label for label in case.area_labels]
    wanted = []
    for region in regions:
        x = case.x.clone()
        x[0, 0][torch.from_numpy(region)] = case.twin[0, 0][torch.from_numpy(region)]
        out = case.module(x)[0].detach()
        wanted.append(case.clean - float(out[1] - out[0]))
    found = healing_effects(case, regions)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert found[[2, 3, 5]].tolist() == [0, 0, 0]
    assert np.abs(found[[0, 1, 4]]).min() > 0


def test_the_exact_map_of_a_linear_network_is_perfect():
    case = healed_case(Linear3D())
    exact = case.module.slope() * array(case.x - case.twin)
    values = MEASURE.run(case, Explainer("gradient_x_input"), exact, blocks=12).values
    assert values["rho_signed"] == pytest.approx(1)
    assert values["infidelity"] == pytest.approx(0, abs=1e-6)
    assert values["effect"] == pytest.approx(exact.sum(), abs=1e-3)
    size = np.abs(case.area_sums(exact))
    best = MEASURE.run(case, Explainer("occlusion"), np.choose(case.areas, [0, *size]), blocks=12).values
    assert best["captured"] == 1


def test_the_first_areas_hold_what_ties_allow():
    effects = np.array([4.0, 3.0, 2.0, 1.0])
    assert captured(np.array([9, 8, 1, 0.0]), effects, 2) == 1
    assert captured(np.array([0, 1, 8, 9.0]), effects, 2) == pytest.approx(3 / 7)
    assert captured(np.zeros(4), effects, 2) == pytest.approx(5 / 7)  # all tied: two average areas
    assert captured(np.array([9, 1, 1, 0.0]), effects, 2) == pytest.approx((4 + 2.5) / 7)
    assert np.isnan(captured(np.arange(4.0), np.zeros(4), 2))


def test_small_effects_tie():
    assert tied(np.array([2.0, -0.009, 0.011, -3.0])).tolist() == [2.0, 0.0, 0.011, -3.0]
    assert tied(np.array([2e-4, 1e-6])).tolist() == [2e-4, 0.0]  # another scale: a hundredth of the largest


def test_areas_that_the_network_hardly_sees_are_not_ranked():
    areas = np.zeros((7, 8, 9), int)
    areas[2:4], areas[5:] = 1, 2
    mask = np.ones(areas.shape, bool)
    mask[6:] = mask[5, 1:] = False  # a sixteenth of area 2 is seen
    case = case_of(Linear3D(), areas=areas, mask=mask)
    assert case.area_labels[case.visible].tolist() == [1]


def test_without_the_other_scan_there_is_no_measure():
    case = case_of(Linear3D())
    assert "the same scan without the disease" in MEASURE.missing(case)
    with pytest.raises(ValueError, match="expected a case with the scan without the disease"):
        healing_effects(case, [case.mask])
