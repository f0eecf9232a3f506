"""Faithfulness with the blurred scan in the place of hidden tissue."""

import numpy as np
import pytest

from mriinterp.methods.fills import fill_values
from mriinterp.trust import Explainer, get_measure
from tests.trust.networks import Linear3D, array, case_of

MEASURE = get_measure("second_fill")


def test_the_map_that_is_exact_for_the_blur_is_perfect_and_its_opposite_worse_than_chance():
    case = case_of(Linear3D())
    blurred = fill_values("blur", case.x)
    exact = case.module.slope() * array(case.x - blurred)
    values = MEASURE.run(case, Explainer("gradient_x_input"), exact).values
    assert values["rho"] == pytest.approx(1)
    assert values["abpc"] > 0
    other = MEASURE.run(case, Explainer("gradient_x_input"), -exact).values
    assert other["abpc"] == pytest.approx(-values["abpc"])


def test_another_fill_is_another_question():
    case = case_of(Linear3D())
    of_mean = case.module.slope() * array(case.x - case.reference)
    assert get_measure("regional").run(case, Explainer("occlusion"), of_mean).values["rho"] == pytest.approx(1)
    assert MEASURE.run(case, Explainer("occlusion"), of_mean).values["rho"] < 1


def test_what_is_the_same_for_all_methods_is_computed_once(monkeypatch):
    case = case_of(Linear3D())
    relevance = np.random.default_rng(0).random(case.mask.shape)
    MEASURE.run(case, Explainer("occlusion"), relevance)
    kept = case.kept["drops blur"]
    MEASURE.run(case, Explainer("sensitivity"), relevance)
    assert case.kept["drops blur"] is kept
