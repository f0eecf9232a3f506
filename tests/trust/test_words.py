"""The words follow the numbers, whichever way they fall."""

import json

import numpy as np
import pandas as pd
import pytest

from mriinterp.trust import CAVEAT, findings, summary
from mriinterp.trust.benchmark_report import markdown_table, settings_words
from mriinterp.trust.findings import correction_findings, literature, measure_findings
from mriinterp.trust.words import judgement, randomised_words

NULL_MAPS = ("null_random", "null_edges", "null_intensity", "null_blur")


def results(rows):
    """A tidy frame from {(measure, quantity, method): values of the subjects}."""
    flat = [(*key, f"sim-{n:03d}", value) for key, values in rows.items() for n, value in enumerate(values)]
    return pd.DataFrame(flat, columns=["measure", "quantity", "method", "subject", "value"])


def randomisation(method, excess, between=0.4, ssim=None):
    """Numbers of a method whose maps of two subjects have ρ `between`; `ssim`: of the random and of another map."""
    values = np.array(excess, float)
    found = {
        ("randomisation", "excess", method): values,
        ("randomisation", "rho_random", method): values + between,
        ("randomisation", "rho_subjects", method): np.full(len(values), between),
    }
    if ssim is not None:
        found["randomisation", "ssim_random", method] = ssim[0]
        found["randomisation", "ssim_subjects", method] = ssim[1]
    return found


BELOW = [-0.3, -0.31, -0.29]


@pytest.mark.parametrize(
    ("excess", "start", "book"),
    [
        ([0.3, 0.31, 0.29], "Fails: ρ 0.70 with the random network's map, 0.40 with", "it fails here, too"),
        (BELOW, "Passes: ρ 0.10 with the random network's map, 0.40 with", "it passes here"),
        ([-0.3, 0.3, 0.1], "Undecided: ρ 0.43", "undecided"),
        ([-0.3], "Undecided: ρ 0.10", "undecided"),
    ],
)
def test_randomisation_is_told_as_it_falls(excess, start, book):
    table = summary(results(randomisation("guided_backprop", excess)))
    assert judgement(table, "randomisation", "guided_backprop").startswith(start)
    assert book in literature(table)[0]
    assert "similarity to a random network's map beyond that of two subjects" in literature(table)[0]
    assert "one random network was drawn" in findings(table)[0]


def test_the_number_of_random_networks_and_their_spread_are_told():
    rows = randomisation("guided_backprop", BELOW)
    rows[("randomisation", "networks", "guided_backprop")] = [5.0] * len(BELOW)
    rows[("randomisation", "rho_spread", "guided_backprop")] = [0.02, 0.03, 0.04][: len(BELOW)]
    table = summary(results(rows))
    said = judgement(table, "randomisation", "guided_backprop")
    assert said.startswith("Passes: ρ 0.10 with the maps of 5 random networks (SD 0.03), 0.40 with another subject's")
    assert "5 random networks were drawn; mean ρ of each map with theirs" in findings(table)[0]


def test_a_map_that_is_empty_itself_is_not_decided():
    rows = randomisation("grad_cam", [np.nan] * 3)
    rows[("randomisation", "empty", "grad_cam")] = [1.0] * 3
    found = randomised_words(summary(results(rows)), "grad_cam")
    assert (found.state, found.reason) == ("empty", "its own map is empty in 3 of 3 subjects")
    rows = randomisation("grad_cam", [-0.3, -0.31, np.nan])
    rows[("randomisation", "empty", "grad_cam")] = [0.0, 0.0, 1.0]
    found = randomised_words(summary(results(rows)), "grad_cam")
    assert found.state == "empty"
    assert found.reason.startswith("its own map is empty in 1 of 3 subjects; ρ 0.10 with the random network's map")


def test_a_map_that_is_like_the_random_networks_does_not_pass():
    """Two subjects' maps are more alike still, but ρ = 0.65 is no other map."""
    table = summary(results(randomisation("grad_cam_pp", BELOW, between=0.95)))
    assert randomised_words(table, "grad_cam_pp").state == "alike"
    said = " ".join(findings(table))
    assert "by: none. It is passed (less alike than another subject's, and ρ below 0.5) by: none." in said
    assert "alike all the same: Grad-CAM++ (ρ 0.65)" in said


def test_an_empty_map_of_the_random_network_is_no_pass():
    rows = {
        ("randomisation", "excess", "grad_cam"): [-0.5, -0.52, -0.48],
        ("randomisation", "rho_random", "grad_cam"): [0.0, 0.02, -0.02],
        ("randomisation", "rho_subjects", "grad_cam"): [0.5, 0.54, 0.46],
        ("randomisation", "ssim_random", "grad_cam"): [0.0, 0.1, 0.2],
    }
    table = summary(results(rows))
    assert randomised_words(table, "grad_cam").state == "empty"
    assert judgement(table, "randomisation", "grad_cam").startswith(
        "Undecided: the random network's map is empty in 1 of 3 subjects; ρ 0.00"
    )
    assert "no map to compare with: Grad-CAM (as published)" in " ".join(findings(table))


@pytest.mark.parametrize(
    ("excess", "ssim", "disagrees"),
    [
        (BELOW, ([0.2, 0.21, 0.2], [0.9, 0.9, 0.91]), False),
        (BELOW, ([0.8, 0.81, 0.8], [0.9, 0.9, 0.91]), True),
        ([0.3, 0.31, 0.29], ([0.2, 0.21, 0.2], [0.9, 0.9, 0.91]), True),
        ([0.3, 0.31, 0.29], ([0.95, 0.9, 0.95], [0.9, 0.9, 0.91]), False),
    ],
)
def test_ssim_that_says_otherwise_is_told(excess, ssim, disagrees):
    table = summary(results(randomisation("sensitivity", excess, ssim=ssim)))
    assert ("SSIM says otherwise" in judgement(table, "randomisation", "sensitivity")) == disagrees
    assert ("SSIM says otherwise" in findings(table)[0]) == disagrees


def test_hiding_what_hurts_least_is_told():
    rows = {
        ("deletion", "abpc", "occlusion"): [-1.0, -1.1, -0.9],
        ("deletion", "abpc", "sensitivity"): [-1.0, 1.1, 0.9],
    }
    table = summary(results(rows))
    assert judgement(table, "deletion", "occlusion").startswith("Worse than chance")
    assert any(text.endswith("hiding what they mark least): Occlusion.") for text in findings(table))


@pytest.mark.parametrize(("edges", "surpassed"), [(0.65, True), (0.5, False)])
def test_a_group_effect_that_needs_no_network_is_told(edges, surpassed):
    rows = [("null_intensity", 0.7), ("null_edges", edges), ("occlusion", 0.6), ("sensitivity", 0.4)]
    table = summary(
        pd.DataFrame(
            [("group_effect", "auc_truth", method, "(cohort)", value) for method, value in rows],
            columns=["measure", "quantity", "method", "subject", "value"],
        )
    )
    first, *rest = measure_findings(table, "group_effect")
    assert "comparing the scans themselves (|x|, mass-univariate morphometry)" in first
    assert "an AUC of 0.70; the best method is Occlusion (0.60" in first
    assert len(rest) == surpassed
    if surpassed:
        assert "than every method: edge filter (0.65); the best method" in rest[0]


def localisation(method, mean, rng):
    return {("localisation", "mass_accuracy_read", method): mean + 0.001 * rng.standard_normal(6)}


def test_all_null_maps_must_be_beaten(rng):
    rows = {}
    for number, null in enumerate(NULL_MAPS):
        rows |= localisation(null, 0.1 + 0.1 * number, rng)
    rows |= (
        localisation("sensitivity", 0.9, rng)
        | localisation("occlusion", 0.35, rng)
        | localisation("hires_cam", 0.01, rng)
    )
    table = summary(results(rows))
    beats = table.set_index("method")["beats"]
    assert beats[["sensitivity", "occlusion", "hires_cam"]].tolist() == ["all", "some", "none"]
    assert (beats[list(NULL_MAPS)] == "").all()
    assert judgement(table, "localisation", "sensitivity") == "Better than all null maps"
    assert "Not shown to be better than blurred noise" in judgement(table, "localisation", "occlusion")
    text = measure_findings(table, "localisation")[0]
    assert "beat all four null maps: Sensitivity analysis." in text
    assert "none of them: HiResCAM" in text
    assert "best of all is a null map" not in text


def test_what_holds_after_correction_is_counted_and_twins_once(rng):
    rows = {}
    for null in NULL_MAPS:
        rows |= localisation(null, 0.2, rng)
    rows |= localisation("sensitivity", 0.9, rng) | localisation("occlusion", 0.1, rng)
    table = summary(results(rows))
    assert correction_findings(table)[0].startswith(
        "Of 2 comparisons of a method with all null maps 1 hold one by one; 1 after"
    )
    twin = table.copy()
    twin.loc[twin["method"] == "sensitivity", "same_as"] = "occlusion"
    first, second = correction_findings(twin)
    assert first.startswith("Of 1 comparisons")
    assert second.startswith("Sensitivity analysis and Occlusion draw the same map on this network")


def test_a_null_map_in_front_is_named(rng):
    rows = localisation("null_edges", 0.5, rng) | localisation("occlusion", 0.2, rng)
    assert (
        "The best of all is a null map, the edge filter (0.50)"
        in measure_findings(summary(results(rows)), "localisation")[0]
    )


def test_differences_are_taken_within_subjects(rng):
    """Subjects that differ a lot do not hide a small but constant advantage."""
    level = 10 * rng.standard_normal(6)
    rows = {("deletion", "abpc", "occlusion"): level + 0.1}
    rows |= {("deletion", "abpc", null): level + 0.001 * rng.standard_normal(6) for null in NULL_MAPS}
    table = summary(results(rows)).set_index("method")
    assert table.loc["occlusion", "beats"] == "all"
    assert table.loc["occlusion", "low"] < table.loc["null_random", "high"]  # the intervals themselves overlap


def test_lower_is_better_where_it_says_so(rng):
    rows = {("infidelity", "infidelity", "occlusion"): 0.2 + 0.01 * rng.standard_normal(5)}
    rows |= {("infidelity", "infidelity", null): 0.9 + 0.01 * rng.standard_normal(5) for null in NULL_MAPS}
    table = summary(results(rows))
    assert table.iloc[0]["method"] == "occlusion"
    assert table.iloc[0]["beats"] == "all"


def test_few_subjects_beat_null_maps_only_before_correction(rng):
    """Of four subjects all signs agree by chance in one of 16 flips."""
    rows = {("deletion", "abpc", "occlusion"): 1 + 0.01 * rng.standard_normal(4)}
    rows |= {("deletion", "abpc", null): 0.01 * rng.standard_normal(4) for null in NULL_MAPS}
    table = summary(results(rows))
    row = table.set_index("method").loc["occlusion"]
    assert row["beats"] == "uncorrected"
    assert row["p_max_t"] == pytest.approx(1 / 16)
    assert "not after correction for all comparisons (p = 0.06)" in judgement(table, "deletion", "occlusion")


def test_stability_is_no_contest_with_a_constant_map():
    rows = {("stability", "noise", "occlusion"): [0.1, 0.1], ("stability", "noise", "null_edges"): [0.5, 0.5]}
    assert (summary(results(rows))["beats"] == "").all()


def test_nothing_gives_nothing():
    table = summary(results({}))
    assert table.empty
    assert findings(table) == []
    assert judgement(table, "deletion", "occlusion") == ""
    assert "make a map right" in CAVEAT


def test_numbers_without_meaning_are_left_out_of_the_mean():
    table = summary(results({("deletion", "abpc", "occlusion"): [1.0, np.nan, 3.0]}))
    assert table.iloc[0][["n", "mean"]].tolist() == [2, 2.0]


def test_settings_are_not_compared_with_themselves():
    rows = [("fill_zero_mean", 4, 1.0, 1.0, 1.0), ("window_40_25", 4, 1.0, 1.0, 1.0), ("exact_40_25", 4, 0.1, 0.0, 0.2)]
    rows += [("window_20_12", 4, 0.3, 0.2, 0.4)]
    said = settings_words(pd.DataFrame(rows, columns=["quantity", "n", "mean", "low", "high"]))
    assert said[0].endswith("(by construction: the mean of a z-scored scan is 0)")
    assert said[2] == "boxes of 20 voxels, stride 12, against boxes of 40 voxels, stride 25: τ = 0.30 [0.20, 0.40]"
    assert len(said) == 3


def test_a_comparison_of_groups_says_how_many(tmp_path):
    rows = [("group_effect", "auc_truth", "occlusion", "(cohort)", 0.7), ("deletion", "abpc", "occlusion", "a", 1.0)]
    frame = pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])
    assert "(n = two groups)" in markdown_table(summary(frame))
    frame.to_csv(tmp_path / "trust_results.csv", index=False)
    details = {"group_effect": [{"method": "occlusion", "subject": "(cohort)", "details": {"n": [12, 9]}}]}
    (tmp_path / "details.json").write_text(json.dumps(details), encoding="utf-8")
    table = summary(tmp_path).set_index("measure")
    assert table["people"].to_dict() == {"deletion": "1", "group_effect": "12 + 9"}
    assert "(n = 12 + 9)" in markdown_table(summary(tmp_path))
