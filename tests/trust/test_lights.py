"""The three lights follow from the figures, whichever way they fall; all words hold figures of the table."""

from pathlib import Path

import pandas as pd
import pytest

import mriinterp.trust
from mriinterp.figures.trust import trust_heatmap
from mriinterp.trust import summary
from mriinterp.trust.lights import best_words, lights_of, ranked_methods, short_heads, ten_numbers
from mriinterp.trust.measure import ASPECTS
from mriinterp.trust.measure_registry import table_heads
from mriinterp.trust.measures.group_effect import beside_difference

MEASURED = Path(mriinterp.trust.__file__).parent / "measured" / "demo"
IG = "integrated_gradients[steps=8]"


@pytest.fixture(scope="module")
def table():
    return summary(MEASURED)


def altered(table, measure, quantity, method, **values):
    changed = table.copy()
    rows = (changed["measure"] == measure) & (changed["quantity"] == quantity) & (changed["method"] == method)
    assert rows.sum() == 1
    for name, value in values.items():
        changed.loc[rows, name] = value
    return changed


def mean(table, measure, quantity, method):
    rows = table[(table["measure"] == measure) & (table["quantity"] == quantity) & (table["method"] == method)]
    return rows["mean"].iloc[0]


def test_the_demo_studys_lights_are_its_figures(table):
    place, hiding, learned = lights_of(table, IG)
    assert [light.state for light in (place, hiding, learned)] == ["yes", "yes", "no"]
    own, null, chance = (
        mean(table, "atrophy", *what)
        for what in (("auprc_field", IG), ("auprc_field", "null_intensity"), ("chance_field", IG))
    )
    assert f"with a precision of {100 * own:.0f}%" in place.sentence
    assert f"(|x|) has {100 * null:.0f}%, chance {100 * chance:.0f}%." in place.sentence
    assert (
        f"ρ {mean(table, 'randomisation', 'rho_random', IG):.2f} with the maps of 5 random networks" in learned.sentence
    )


STATES = [("all", "yes"), ("uncorrected", "partly"), ("some", "partly"), ("none", "no"), ("", "unknown")]


@pytest.mark.parametrize(("beats", "state"), STATES)
def test_the_first_light_follows_the_comparison_with_null_maps(table, beats, state):
    changed = altered(table, "atrophy", "auprc_field", IG, beats=beats, mean=0.31)
    light = lights_of(changed, IG)[0]
    assert light.state == state
    for alike in ("all", "none"):  # among voxels of like edges: said, without a say in the answer
        light = lights_of(altered(changed, "atrophy", "auc_edges", IG, beats=alike), IG)[0]
        assert light.state == state
    edges, null = (mean(table, "atrophy", "auc_edges", name) for name in (IG, "null_intensity"))
    assert f"Among voxels of like edges: AUC {edges:.2f}, |x| {null:.2f}" in light.more
    assert "with a precision of 31%" in light.sentence
    older = altered(table, "localisation", "mass_accuracy_read", IG, beats=beats, mean=0.31)
    light = lights_of(older[older["measure"] != "atrophy"], IG)[0]  # measured before there was a field
    assert light.state == state
    assert light.sentence.startswith("31% of its relevance lies in diseased tissue")


def test_the_best_null_map_is_named_not_a_fixed_one(table):
    changed = altered(table, "atrophy", "auprc_field", "null_blur", mean=0.9)
    assert "(blurred noise) has 90%" in lights_of(changed, IG)[0].sentence


def test_hiding_that_works_the_wrong_way_round_is_a_no(table):
    main = mriinterp.trust.get_measure("deletion").main.name
    changed = altered(table, "deletion", main, IG, mean=-1.0, low=-2.0, high=-0.5, beats="some")
    light = lights_of(changed, IG)[1]
    assert light.state == "no"
    assert "changes less than hiding what it marks least" in light.sentence


def test_the_third_light_is_the_judgement_of_randomisation(table):
    states = {m: lights_of(table, m)[2].state for m in ("lrp_composite", "layer_cam", "grad_cam", "occlusion", IG)}
    assert states == {
        "lrp_composite": "yes",
        "layer_cam": "partly",
        "grad_cam": "unknown",
        "occlusion": "yes",
        IG: "no",
    }


def test_a_study_without_ground_truth_and_a_method_not_measured_say_so(table):
    without = table[~table["measure"].isin(["localisation", "atrophy"])]
    light = lights_of(without, IG)[0]
    assert (light.state, light.answer) == ("unknown", "not known")
    assert "is not known" in light.sentence
    assert [light.state for light in lights_of(table, "layer")] == ["unknown"] * 3
    assert all("not measured" in light.sentence for light in lights_of(table, "layer"))
    assert best_words(table, IG, ranked_methods(pd.DataFrame(columns=table.columns))) == ""


def test_methods_are_ranked_by_their_lights(table):
    ranked = ranked_methods(table)
    assert len(ranked) == 16
    assert not any(name.startswith("null_") for name, _ in ranked)
    assert ranked[0] == ("occlusion[fill=reference,placement=mean,size=20,stride=12]", 3)
    assert f"number {[name for name, _ in ranked].index(IG) + 1} of 16" in best_words(table, IG, ranked)


def test_the_table_holds_ten_numbers_at_most(table):
    rows = ten_numbers(table, IG)
    assert 2 * len(rows) <= 10
    assert rows[0].value == f"{mean(table, 'atrophy', 'auprc_field', IG):.2f}"
    assert ten_numbers(table, "layer") == []


def test_a_difference_of_groups_stands_beside_what_a_null_map_finds(table):
    rows = table[(table["measure"] == "group_effect") & (table["quantity"] == "auc_truth")]
    best = rows[~rows["null_map"]].sort_values("mean").iloc[-1]
    null = rows[rows["null_map"] & (rows["method"] != "null_intensity")]["mean"].max()
    own, scans = (mean(table, "group_effect", "auc_truth", m) for m in (IG, "null_intensity"))
    words = beside_difference(table, IG)
    assert f"AUC {own:.2f} by this method, {best['mean']:.2f} by the best" in words
    assert (
        f"{scans:.2f} by the scans themselves (morphometry of |x|), {null:.2f} by a null map without network" in words
    )
    assert "by the best" not in beside_difference(table, best["method"])
    assert beside_difference(table, "layer") == ""
    assert beside_difference(table[table["measure"] != "group_effect"], IG) == ""


def test_no_group_of_the_table_of_all_methods_has_more_than_ten_columns_and_none_is_lost():
    groups = [table_heads(aspect) for aspect in ASPECTS]
    assert max(map(len, [*groups, short_heads()])) <= 10
    assert {place for group in groups for place in group} == set(table_heads())


def test_a_number_below_zero_has_a_minus_sign_in_words_and_cells(table):
    changed = altered(table, "randomisation", "rho_random", IG, mean=-0.25)
    assert "ρ −0.25 with the maps of 5 random networks" in lights_of(changed, IG)[2].sentence
    texts = [text for row in trust_heatmap(table, table_heads()).data[0].text for text in row]
    assert any(text.startswith("−0.") for text in texts)
    assert not any("-" in text for text in texts)
