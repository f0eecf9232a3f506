"""Splits that keep patients apart, folds, and the table of how many there are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mriinterp.subjects import check_split, patient_groups, split_patients, summary_table


def cohort(n_a, n_b, rng=None):
    """Patients p000 … of group AD and CN with one to four scans each."""
    rng = np.random.default_rng(0) if rng is None else rng
    subjects = [f"p{i:03d}" for i in range(n_a + n_b)]
    rows = [
        (s, "AD" if i < n_a else "CN", f"{s}-{v}") for i, s in enumerate(subjects) for v in range(rng.integers(1, 5))
    ]
    return pd.DataFrame(rows, columns=["subject", "group", "id"])


@settings(deadline=None)
@given(st.integers(2, 20), st.integers(2, 20), st.floats(0.05, 0.95), st.integers(0, 5))
def test_no_patient_is_on_both_sides_and_groups_are_in_proportion(n_a, n_b, share, seed):
    frame = cohort(n_a, n_b)
    frame["split"] = split_patients(frame, share, seed=seed)
    sides = frame.groupby("subject")["split"].agg(set)
    assert (sides.map(len) == 1).all()
    for group, n in (("AD", n_a), ("CN", n_b)):
        test = frame[(frame["group"] == group) & (frame["split"] == "test")]["subject"].nunique()
        assert 1 <= test <= n - 1
        assert abs(test - share * n) <= 1
    check_split(frame)


def test_the_split_depends_on_patients_and_seed_only(rng):
    frame = cohort(20, 20)
    first = split_patients(frame, 0.3, seed=1)
    shuffled = frame.sample(frac=1, random_state=3)
    again = split_patients(shuffled, 0.3, seed=1).reindex(frame.index)
    assert first.tolist() == again.tolist()
    assert first.tolist() != split_patients(frame, 0.3, seed=2).tolist()


def test_a_number_of_patients_a_group_as_in_the_original():
    frame = cohort(30, 12)
    frame["split"] = split_patients(frame, 5)
    table = summary_table(frame)
    assert (table.loc["test", "patients AD"], table.loc["test", "patients CN"]) == (5, 5)
    assert table.loc["train", "patients"] == 32
    with pytest.raises(ValueError, match="group CN, which has 12"):
        split_patients(frame, 12)
    for wrong in (0, -1, 0.0, 1.0, 1.5):
        with pytest.raises(ValueError, match="expected"):
            split_patients(frame, wrong)


def test_a_group_of_one_patient_stays_in_training():
    frame = pd.DataFrame({"subject": ["a", "b", "c"], "group": ["x", "y", "y"], "id": list("123")})
    split = split_patients(frame, 0.5)
    assert split[0] == "train"
    assert sorted(split[1:]) == ["test", "train"]


def test_patients_in_two_groups():
    frame = pd.DataFrame(
        {"subject": list("aaabbc"), "group": ["CN", "CN", "AD", "AD", "CN", "CN"]},
    )
    assert patient_groups(frame).to_dict() == {"a": "CN", "b": "AD", "c": "CN"}
    assert patient_groups(frame, ["AD"]).to_dict() == {"a": "AD", "b": "AD", "c": "CN"}
    assert split_patients(frame, 0.5, priority=["AD"]).groupby(frame["subject"]).nunique().max() == 1


def test_a_torn_patient_is_named():
    frame = pd.DataFrame({"subject": ["a", "torn", "torn", "b"], "split": ["train", "train", "test", ""]})
    with pytest.raises(ValueError, match="1 in several: torn"):
        check_split(frame)


def test_the_summary_counts_images_and_patients():
    frame = pd.DataFrame(
        {
            "subject": ["a", "a", "b", "c", "c", "d"],
            "group": ["AD", "AD", "AD", "CN", "AD", "CN"],
            "split": ["train", "train", "test", "test", "test", ""],
        }
    )
    table = summary_table(frame, ["AD", "CN"])
    assert table.columns.tolist() == [
        "images", "images AD", "images CN", "patients", "patients AD", "patients CN",
    ]  # fmt: skip
    assert table.loc["all"].tolist() == [6, 4, 2, 4, 3, 2]
    assert table.loc["train"].tolist() == [2, 2, 0, 1, 1, 0]
    assert table.loc["test"].tolist() == [3, 2, 1, 2, 2, 1]
    assert table.index.tolist() == ["all", "train", "test"]
