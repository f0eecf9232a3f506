"""Numbers as people read them."""

import numpy as np
import pytest

from mriinterp.base.numerals import decimals, format_value


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (-0.5, "−0.5"), (1e-5, "1e−5"), (1234567, "1.23e6"), (np.nan, "–")]
)
def test_three_digits(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(-0.04, 1, "0.0"), (-13.5, 1, "−13.5"), (-13.5, 0, "−14"), (np.float32(2), 2, "2.00"), (-np.inf, 2, "–")],
)
def test_decimals_have_a_true_minus_sign_and_no_negative_zero(value, digits, text):
    assert decimals(value, digits) == text
