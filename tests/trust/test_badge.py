"""What a badge says follows from the figures alone."""

import itertools

import pandas as pd
import pytest

from mriinterp.trust.badge import badge_marks, badge_words, measured_as, variants
from mriinterp.trust.summary import summary

NAMES = ["occlusion[size=20,stride=12]", "sensitivity", "occlusion", "smoothgrad[samples=8]", "null_edges"]


def results(values):
    """Rows of a benchmark: {(measure, quantity, method): values of subjects}, each twice: four cannot be significant."""
    rows = [(m, q, e, f"sim-{n}", v) for (m, q, e), given in values.items() for n, v in enumerate([*given, *given])]
    return pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])


PLACE, DELETION = ("localisation", "mass_accuracy_read"), ("deletion", "abpc")
NULL_NAMES = ("random", "edges", "intensity", "blur")
NULL_MAPS = {(*PLACE, f"null_{name}"): [0.1, 0.2, 0.15, 0.12] for name in NULL_NAMES}
NULL_MAPS |= {(*DELETION, f"null_{name}"): [0.1, 0.2, 0.15, 0.12] for name in NULL_NAMES}
SAID = {
    "✓": ([0.5, 0.6, 0.55, 0.5], "beats all null maps on localisation"),
    "✗": ([0.01, 0.02, 0.0, 0.01], "beats no null map on localisation"),
}
FAITHFUL = {
    "✓": ([0.5, 0.6, 0.55, 0.5], "beats all null maps on deletion"),
    "✗": ([-0.5, -0.6, -0.55, -0.5], "worse than chance on deletion"),
}
RANDOMISED = {  # excess, ρ of two subjects' maps, mark
    "passes randomisation (ρ 0.10)": ([-0.3, -0.31, -0.29, -0.3], 0.4, "✓"),
    "passes randomisation only in part (ρ 0.60)": ([-0.3, -0.31, -0.29, -0.3], 0.9, "~"),
    "fails randomisation (ρ 0.70)": ([0.3, 0.31, 0.29, 0.3], 0.4, "✗"),
    "randomisation undecided (ρ 0.40)": ([-0.3, 0.3, -0.2, 0.2], 0.4, "?"),
    "randomisation undecided (a map is empty)": ([-0.4, -0.41, -0.39, -0.4], 0.4, "?"),
}


def randomised(excess, between):
    """Rows of the randomisation of sensitivity."""
    return {
        ("randomisation", "excess", "sensitivity"): excess,
        ("randomisation", "rho_random", "sensitivity"): [round(between + e, 6) for e in excess],
    }


@pytest.mark.parametrize(("beats", "hurts", "passed"), list(itertools.product(SAID, FAITHFUL, RANDOMISED)))
def test_words_are_those_of_the_figures(beats, hurts, passed):
    values, said = SAID[beats]
    deletion, faithful = FAITHFUL[hurts]
    excess, between, mark = RANDOMISED[passed]
    rows = {**NULL_MAPS, (*PLACE, "sensitivity"): values, (*DELETION, "sensitivity"): deletion}
    table = summary(results(rows | randomised(excess, between)))
    assert badge_words(table, "sensitivity") == f"{said} · {faithful} · {passed}"
    assert badge_marks(table, "sensitivity") == f"localisation {beats} · faithfulness {hurts} · randomisation {mark}"


def test_one_null_map_beaten_is_not_all():
    better = {(*PLACE, "null_edges"): [0.9, 0.8, 0.85, 0.9]}
    table = summary(results({**NULL_MAPS, **better, (*PLACE, "sensitivity"): [0.5, 0.6, 0.55, 0.5]}))
    words = "beats some null maps on localisation · deletion not measured · randomisation not measured"
    assert badge_words(table, "sensitivity") == words


def test_no_ground_truth_is_said():
    table = summary(results(randomised([0.3, 0.31, 0.29, 0.3], 0.4)))
    words = "no ground truth · deletion not measured · fails randomisation (ρ 0.70)"
    assert badge_words(table, "sensitivity") == words
    assert badge_words(table, "occlusion") == badge_marks(table, "occlusion") == "not measured"
    assert badge_marks(table, "sensitivity") == "localisation – · faithfulness – · randomisation ✗"


def test_the_variant_with_the_parameters_of_the_map_is_found():
    assert variants(NAMES, "occlusion") == ["occlusion", "occlusion[size=20,stride=12]"]
    assert measured_as(NAMES, "occlusion") == ("occlusion", True)
    assert measured_as(NAMES, "occlusion", {}) == ("occlusion", True)
    assert measured_as(NAMES, "occlusion", {"size": 20, "stride": 12}) == ("occlusion[size=20,stride=12]", True)
    assert measured_as(NAMES, "occlusion", {"size": 13}) == ("occlusion", False)
    assert measured_as(NAMES, "smoothgrad", {}) == ("smoothgrad[samples=8]", False)  # 16 is the default
    assert measured_as(NAMES, "sensitivity", {"score": "logit"}) == ("sensitivity", True)  # the score is not asked
    assert measured_as(NAMES, "grad_cam") == (None, False)
