"""The words follow the numbers, whichever way they fall."""

import numpy as np
import pandas as pd
import pytest

from mriinterp.trust import CAVEAT, findings, summary, verdict, verdicts
from mriinterp.trust.findings import literature

CONTROLS = ("control_random", "control_edges", "control_intensity", "control_blur")


def results(rows):
    """A tidy frame from {(measure, quantity, method): values of the subjects}."""
    flat = [(*key, f"sim-{n:03d}", value) for key, values in rows.items() for n, value in enumerate(values)]
    return pd.DataFrame(flat, columns=["measure", "quantity", "method", "subject", "value"])


def randomisation(method, excess):
    values = np.array(excess, float)
    return {
        ("randomisation", "excess", method): values,
        ("randomisation", "rho_random", method): values + 0.4,
        ("randomisation", "rho_subjects", method): np.full(len(values), 0.4),
    }


@pytest.mark.parametrize(
    ("excess", "start", "book"),
    [
        ([0.3, 0.31, 0.29], "Fails", "so it does here"),
        ([-0.3, -0.31, -0.29], "Passes", "here it PASSES"),
        ([-0.3, 0.3, 0.1], "Cannot be told", "cannot be told"),
        ([-0.3], "Cannot be told", "cannot be told"),
    ],
)
def test_randomisation_is_told_as_it_falls(excess, start, book):
    table = summary(results(randomisation("guided_backprop", excess)))
    assert verdict(table, "randomisation", "guided_backprop").startswith(start)
    assert book in literature(table)[0]


def localisation(method, mean, rng):
    return {("localisation", "mass_accuracy_read", method): mean + 0.001 * rng.standard_normal(6)}


def test_all_controls_must_be_beaten(rng):
    rows = {}
    for number, control in enumerate(CONTROLS):
        rows |= localisation(control, 0.1 + 0.1 * number, rng)
    rows |= (
        localisation("sensitivity", 0.9, rng)
        | localisation("occlusion", 0.35, rng)
        | localisation("hires_cam", 0.01, rng)
    )
    table = summary(results(rows))
    beats = table.set_index("method")["beats"]
    assert beats[["sensitivity", "occlusion", "hires_cam"]].tolist() == ["all", "some", "none"]
    assert (beats[list(CONTROLS)] == "").all()
    assert verdict(table, "localisation", "sensitivity").startswith("Better than all controls: 0.90")
    assert "Not shown to be better than blurred map" in verdict(table, "localisation", "occlusion")
    text = findings(table)[0]
    assert "beat all four controls: Sensitivity analysis." in text
    assert "none of them: HiResCAM" in text
    assert "best of all is a control" not in text


def test_a_control_in_front_is_named(rng):
    rows = localisation("control_edges", 0.5, rng) | localisation("occlusion", 0.2, rng)
    assert "The best of all is a control, the edge filter (0.50)" in findings(summary(results(rows)))[0]


def test_differences_are_taken_within_subjects(rng):
    """Subjects that differ a lot do not hide a small but constant advantage."""
    level = 10 * rng.standard_normal(6)
    rows = {("deletion", "abpc", "occlusion"): level + 0.1}
    rows |= {("deletion", "abpc", control): level + 0.001 * rng.standard_normal(6) for control in CONTROLS}
    table = summary(results(rows)).set_index("method")
    assert table.loc["occlusion", "beats"] == "all"
    assert table.loc["occlusion", "low"] < table.loc["control_random", "high"]  # the intervals themselves overlap


def test_lower_is_better_where_it_says_so(rng):
    rows = {("infidelity", "infidelity", "occlusion"): 0.2 + 0.01 * rng.standard_normal(5)}
    rows |= {("infidelity", "infidelity", control): 0.9 + 0.01 * rng.standard_normal(5) for control in CONTROLS}
    table = summary(results(rows))
    assert table.iloc[0]["method"] == "occlusion"
    assert table.iloc[0]["beats"] == "all"


def test_stability_is_no_contest_with_a_constant_map():
    rows = {("stability", "noise", "occlusion"): [0.1, 0.1], ("stability", "noise", "control_edges"): [0.5, 0.5]}
    assert (summary(results(rows))["beats"] == "").all()


def test_nothing_gives_nothing():
    table = summary(results({}))
    assert table.empty
    assert findings(table) == []
    assert verdict(table, "deletion", "occlusion") == ""
    assert verdicts(table, "occlusion") == {}
    assert "make a map right" in CAVEAT


def test_numbers_without_meaning_are_left_out_of_the_mean():
    table = summary(results({("deletion", "abpc", "occlusion"): [1.0, np.nan, 3.0]}))
    assert table.iloc[0][["n", "mean"]].tolist() == [2, 2.0]
