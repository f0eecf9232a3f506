"""What a badge says follows from the figures alone."""

import itertools

import pandas as pd
import pytest

from mriinterp.trust.badge import badge_marks, badge_words, measured_as, variants
from mriinterp.trust.results import summary

NAMES = ["occlusion[size=20,stride=12]", "sensitivity", "occlusion", "smoothgrad[samples=8]", "control_edges"]


def results(values):
    """Rows of a benchmark: {(measure, quantity, method): values of subjects}."""
    rows = [(m, q, e, f"sim-{n}", v) for (m, q, e), given in values.items() for n, v in enumerate(given)]
    return pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])


PLACE, RANDOM = ("localisation", "mass_accuracy_read"), ("randomisation", "excess")
CONTROLS = {(*PLACE, f"control_{name}"): [0.1, 0.2, 0.15, 0.12] for name in ("random", "edges", "intensity", "blur")}
SAID = {
    "all": ([0.5, 0.6, 0.55, 0.5], "beats all controls on localisation"),
    "none": ([0.01, 0.02, 0.0, 0.01], "beats no control on localisation"),
}
RANDOMISED = {
    "passes randomisation": [-0.3, -0.31, -0.29, -0.3],
    "fails randomisation": [0.3, 0.31, 0.29, 0.3],
    "randomisation undecided": [-0.3, 0.3, -0.2, 0.2],
}


@pytest.mark.parametrize(("beats", "passed"), list(itertools.product(SAID, RANDOMISED)))
def test_words_are_those_of_the_figures(beats, passed):
    values, said = SAID[beats]
    table = summary(
        results({**CONTROLS, (*PLACE, "sensitivity"): values, (*RANDOM, "sensitivity"): RANDOMISED[passed]})
    )
    assert badge_words(table, "sensitivity") == f"{said} · {passed}"
    mark = {"passes randomisation": "✓", "fails randomisation": "✗"}.get(passed, "?")
    assert badge_marks(table, "sensitivity") == f"localisation {'✓' if beats == 'all' else '✗'} · randomisation {mark}"


def test_one_control_beaten_is_not_all():
    better = {(*PLACE, "control_edges"): [0.9, 0.8, 0.85, 0.9]}
    table = summary(results({**CONTROLS, **better, (*PLACE, "sensitivity"): [0.5, 0.6, 0.55, 0.5]}))
    assert badge_words(table, "sensitivity") == "beats some controls on localisation · randomisation not measured"


def test_no_ground_truth_is_said():
    table = summary(results({(*RANDOM, "sensitivity"): [0.3, 0.31, 0.29, 0.3]}))
    assert badge_words(table, "sensitivity") == "no ground truth · fails randomisation"
    assert badge_words(table, "occlusion") == badge_marks(table, "occlusion") == "not measured"
    assert badge_marks(table, "sensitivity") == "localisation – · randomisation ✗"


def test_the_variant_with_the_parameters_of_the_map_is_found():
    assert variants(NAMES, "occlusion") == ["occlusion", "occlusion[size=20,stride=12]"]
    assert measured_as(NAMES, "occlusion") == ("occlusion", True)
    assert measured_as(NAMES, "occlusion", {}) == ("occlusion", True)
    assert measured_as(NAMES, "occlusion", {"size": 20, "stride": 12}) == ("occlusion[size=20,stride=12]", True)
    assert measured_as(NAMES, "occlusion", {"size": 13}) == ("occlusion", False)
    assert measured_as(NAMES, "smoothgrad", {}) == ("smoothgrad[samples=8]", False)  # 16 is the default
    assert measured_as(NAMES, "sensitivity", {"score": "logit"}) == ("sensitivity", True)  # the score is not asked
    assert measured_as(NAMES, "grad_cam") == (None, False)
