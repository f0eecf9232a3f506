"""The people of a simulated study: balanced, the same in any study, and no id or site tells the group."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mriinterp.simulation import people
from mriinterp.simulation.anatomy import ANATOMIES
from mriinterp.simulation.people import DEMO, demo_subjects, row_of, stream, subjects_table
from mriinterp.simulation.scanner import SITES


@pytest.fixture(scope="module")
def table():
    return subjects_table(DEMO)


def test_table_has_balanced_splits_and_no_subject_twice(table):
    assert list(table.columns) == ["id", "group", "sex", "age", "site", "severity", "split"]
    assert table["id"].is_unique
    assert table.groupby(["split", "group"]).size().to_dict() == {
        (split, group): getattr(DEMO, split)
        for split in ("demo", "validation", "test", "train")
        for group in ("CN", "AD")
    }
    assert (table.loc[table["group"] == "CN", "severity"] == 0).all()
    assert table.loc[table["group"] == "AD", "severity"].between(0.15, 1).all()
    assert table["age"].between(58, 88).all()


def test_the_demo_study_has_thirty_people_a_group():
    demo = demo_subjects()
    assert demo["group"].value_counts().to_dict() == {"CN": 30, "AD": 30}
    assert demo["id"].tolist() == [f"sim-{number:03d}" for number in range(1, 61)]
    whole = subjects_table()
    pd.testing.assert_frame_equal(demo, whole[whole["split"] == "demo"].reset_index(drop=True))


def test_groups_overlap_in_age_and_ids_do_not_tell_the_group(table):
    ages = table.groupby("group")["age"]
    assert abs(ages.mean()["AD"] - ages.mean()["CN"]) < 0.5 * table["age"].std()
    parity = table["id"].str[-1].astype(int) % 2
    assert abs(np.corrcoef(parity, table["group"] == "AD")[0, 1]) < 0.15


def test_each_site_has_half_of_each_group(table):
    """540 people: the standard error of a share is 0.03 in a group, of a correlation 0.04."""
    assert set(table["site"]) == set(SITES) == {"A", "B"}
    at_a = table["site"] == "A"
    for _, share in at_a.groupby(table["group"]).mean().items():
        assert abs(share - 0.5) < 0.1
    for column in (table["group"] == "AD", table["age"], table["severity"], table["sex"] == "F"):
        assert abs(np.corrcoef(at_a, column)[0, 1]) < 0.12


def test_every_anatomy_is_as_frequent_in_both_groups(table):
    numbers = table["id"].map(people.number_of)
    anatomies = np.array([people.anatomy_of(DEMO, number) for number in numbers])
    assert set(anatomies) == set(range(len(ANATOMIES)))
    for ill in (True, False):
        shares = np.bincount(anatomies[table["group"].eq("AD") == ill]) / (len(table) / 2)
        assert np.abs(shares - 1 / len(ANATOMIES)).max() < 0.1


def test_subjects_do_not_depend_on_the_size_of_the_study_nor_its_variant(table):
    small = subjects_table(replace(DEMO, demo=2, test=3, variant="confound"))
    merged = small.merge(table, on="id", suffixes=("", "_large"))
    assert len(merged) == len(small)
    for column in ("age", "sex", "site", "severity", "group", "split"):
        assert (merged[column] == merged[f"{column}_large"]).all()


def test_seed_changes_everybody_and_group_names_are_data(table):
    other = subjects_table(replace(DEMO, seed=7, groups=("well", "ill")))
    assert set(other["group"]) == {"well", "ill"}
    assert (other["age"] != table["age"]).mean() > 0.9
    assert 0.3 < (other["site"] != table["site"]).mean() < 0.7


def test_pairs_hold_one_of_each_group():
    for first in (1, 1001, 4321):
        groups = {row_of(DEMO, number)["group"] for number in (first, first + 1)}
        assert groups == {"CN", "AD"}


def test_random_numbers_of_a_purpose_are_its_own():
    draws = {stream(DEMO, number, purpose).normal() for number in (1, 2) for purpose in range(8)}
    assert len(draws) == 16
    assert stream(DEMO, 1, 3).normal() == stream(replace(DEMO, effect=2.0), 1, 3).normal()


@pytest.mark.parametrize("name", ["sim-1", "sim-0001", "sub-001", "sim-x", ""])
def test_unknown_ids_are_refused(name):
    with pytest.raises(KeyError, match="sim-001"):
        people.number_of(name)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="available: plain, confound, suppressor"):
        people.SimulationSettings(variant="shortcut")
    with pytest.raises(ValueError, match="two different"):
        people.SimulationSettings(groups=("a", "a"))
    with pytest.raises(ValueError, match="0 or more"):
        people.SimulationSettings(test=-1)


def test_suppressor_strength_is_independent_of_the_group(table):
    strength = [stream(DEMO, people.number_of(name), 5).normal() for name in table["id"]]
    assert abs(np.corrcoef(strength, table["group"] == "AD")[0, 1]) < 0.12
