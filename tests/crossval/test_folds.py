"""Patients dealt out: never on two sides, the same on every machine, in words where it cannot be."""

import pandas as pd
import pytest

from mriinterp.crossval import assign_rounds, folds_table


def frame_of(patients=20, visits=2, held_out=4):
    rows = [
        {
            "id": f"S{p:02d}{v}",
            "subject": f"P{p:02d}",
            "group": ("CN", "AD")[p % 2],
            "sex": "FM"[(p // 2) % 2],
            "age": 60.0 + p,
            "split": "test" if p < held_out else "train",
        }
        for p in range(patients)
        for v in range(visits)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_no_patient_is_on_two_sides(k):
    frame = frame_of()
    rounds = assign_rounds(frame, k, positive="AD")
    patient = frame.set_index("id")["subject"]
    tested = []
    for one in rounds:
        sides = [set(patient[list(ids)]) for ids in (one.train, one.validation, one.test)]
        assert all(sides)
        assert len(set.union(*sides)) == 16
        assert sum(map(len, sides)) == 16
        tested += one.test
    assert sorted(tested) == sorted(frame["id"][frame["split"] == "train"])


def test_folds_are_the_same_in_any_order_of_rows_and_on_every_machine():
    frame = frame_of()
    mixed = frame.sample(frac=1, random_state=3)
    for index in (frame, mixed.reset_index(drop=True)):
        table = folds_table(index, assign_rounds(index, 4, positive="AD", seed=1), "AD")
        fold = table.drop_duplicates("subject").set_index("subject")["fold"]
        assert "".join(fold.replace("test", "t")) == PINNED
    other = folds_table(frame, assign_rounds(frame, 4, positive="AD", seed=2), "AD")
    assert not table["fold"].equals(other["fold"])


PINNED = "tttt2441321334214213"


def test_groups_and_what_else_is_wanted_are_spread_evenly():
    frame = frame_of(44, 1)
    for one in assign_rounds(frame, 5, positive="AD", stratify=("sex", "age")):
        rows = frame.set_index("id").loc[list(one.test)]
        assert abs((rows["group"] == "AD").sum() - 4) <= 1
        assert abs((rows["sex"] == "F").sum() - 4) <= 1
    with pytest.raises(ValueError, match="stratify by, got 'scanner'; available: id, subject"):
        assign_rounds(frame, 5, positive="AD", stratify=("scanner",))


def test_a_patient_whose_diagnosis_changes_is_placed_as_ill_and_keeps_the_labels_of_the_visits():
    frame = frame_of()
    frame.loc[frame["id"] == "S081", "group"] = "AD"
    table = folds_table(frame, assign_rounds(frame, 4, positive="AD"), "AD").set_index("id")
    assert table.loc[["S080", "S081"], "group"].tolist() == ["CN", "AD"]
    assert table.loc[["S080", "S081"], "patient_group"].tolist() == ["AD", "AD"]
    assert table.loc["S080", "fold"] == table.loc["S081", "fold"]


def test_the_table_says_what_each_scan_does():
    frame = frame_of()
    rounds = assign_rounds(frame, 3, positive="AD")
    table = folds_table(frame, rounds, "AD").set_index("id")
    assert set(table.loc[frame["split"].to_numpy() == "test", "round_2"]) == {"held out"}
    for one in rounds:
        column = table[f"round_{one.number}"]
        assert (column[list(one.train)] == "train").all()
        assert (column[list(one.validation)] == "validation").all()
        assert (column[list(one.test)] == "test").all()
        assert (table.loc[list(one.test), "fold"] == str(one.number)).all()


def test_too_few_patients_are_named():
    with pytest.raises(ValueError, match=r"at least 9 patients of each group .* for 9 folds, got 8 of AD and 8 of CN"):
        assign_rounds(frame_of(), 9, positive="AD")
    with pytest.raises(ValueError, match=r"two folds or more \(--folds\), got 1"):
        assign_rounds(frame_of(), 1, positive="AD")
    alone = frame_of().query("group == 'AD'")
    with pytest.raises(ValueError, match="two groups, one of them 'AD', got AD"):
        assign_rounds(alone, 2, positive="AD")


def test_a_set_of_one_group_is_named():
    """The only healthy scans are first visits of three patients who fell ill: nothing spreads them."""
    frame = frame_of(12, 2, held_out=0).assign(group="AD")
    frame.loc[frame["id"].isin(("S000", "S040", "S080")), "group"] = "CN"
    seen = []
    for seed in range(10):
        try:
            assign_rounds(frame, 3, positive="AD", seed=seed)
        except ValueError as error:
            seen.append(str(error))
    assert seen
    assert "expected scans of both groups in every set, got none of CN in the" in seen[0]


def test_strata_of_single_patients_are_named():
    frame = frame_of(12, 1, held_out=0)
    with pytest.raises(ValueError, match=r"strata of 6 scans or more to spread over 6 folds, got 4 of at most 3; .*"):
        assign_rounds(frame, 6, positive="AD", stratify=("sex", "age"))


def with_sites(frame):
    """Three large sites, as often ill as healthy, and some patients each alone at a site."""
    number = frame["subject"].str[1:].astype(int)
    return frame.assign(site=number.map(lambda n: f"alone{n}" if n >= 60 else "ABC"[n // 2 % 3]))


def test_sites_are_spread_evenly_and_rare_ones_count_as_one():
    frame = with_sites(frame_of(66, 1, held_out=0))
    for one in assign_rounds(frame, 5, positive="AD", stratify=("site",)):
        rows = frame.set_index("id").loc[list(one.test)]
        counts = pd.crosstab(rows["site"], rows["group"])
        assert counts.loc[["A", "B", "C"]].to_numpy().tolist() == [[2, 2]] * 3
        assert rows["site"].str.startswith("alone").sum() in (0, 1, 2)
    unknown = frame.assign(site=frame["site"].where(frame["site"] != "A", ""))
    assert assign_rounds(unknown, 5, positive="AD", stratify=("site",))
    with pytest.raises(ValueError, match="expected known values of 'site' to stratify by, got none"):
        assign_rounds(frame.assign(site=""), 5, positive="AD", stratify=("site",))


def test_folds_that_are_stratified_are_the_same_in_any_order_of_rows():
    """Visits of a patient differ in age; half of the ages are equal."""
    frame = with_sites(frame_of(66, 2, held_out=0))
    frame["age"] = 60 + frame["subject"].str[1:].astype(int) % 4 + frame["id"].str[-1].astype(int)
    tables = []
    for mixed in (frame, frame[::-1].reset_index(drop=True), frame.sample(frac=1, random_state=1)):
        rounds = assign_rounds(mixed, 3, positive="AD", stratify=("sex", "age", "site"))
        tables.append(folds_table(mixed, rounds, "AD")["fold"].tolist())
    assert tables[0] == tables[1] == tables[2]


def test_the_smallest_cohort_of_two_folds():
    rounds = assign_rounds(frame_of(8, 1, held_out=0), 2, positive="AD")
    assert [len(one.train) + len(one.validation) + len(one.test) for one in rounds] == [8, 8]


def test_a_patient_in_the_test_set_and_outside_is_refused():
    frame = frame_of()
    frame.loc[frame["id"] == "S000", "split"] = "train"
    with pytest.raises(ValueError, match="every patient in one split, got 1 in several: P00"):
        assign_rounds(frame, 3, positive="AD")
