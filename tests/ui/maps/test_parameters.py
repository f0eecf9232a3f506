"""Widgets offer the scores that the network's outputs have."""

import pytest

from mriinterp.models import Head
from mriinterp.ui.maps.parameters import _scores

CLASSES = ("CN", "AD")


@pytest.mark.parametrize(
    ("head", "scores"),
    [
        (Head("output", CLASSES), ("probability", "logit", "margin")),
        (Head("output", CLASSES, output="logits"), ("probability", "logit", "margin")),
        (Head("output", CLASSES, output="probabilities"), ("probability", "margin")),
        (Head("output", CLASSES, output="log_probabilities"), ("probability", "margin")),
        (Head("COG", ("COG",), kind="scale"), ("raw",)),
    ],
)
def test_scores_of_a_head(head, scores):
    assert _scores(head) == scores
