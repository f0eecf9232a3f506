"""Which scans train, choose and test in each round of a cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mriinterp.subjects.split import check_split, patient_groups

__all__ = ["HELD_OUT", "RULE", "Round", "assign_rounds", "folds_table"]

HELD_OUT = "test"  # in the column fold: never seen by any network
VALIDATION_PARTS = 4  # with two folds, one of so many parts of the other fold is the validation set
FEW = "few"  # of a column to stratify by: names that too few patients have
LEAST = 3  # patients of a group: one each to train, to choose, to test
RULE = (
    "All scans of a patient are on one side. A patient with scans in both groups is placed as a member of the positive "
    "group; each scan keeps the label of its own visit."
)


@dataclass(frozen=True, eq=False)
class Round:
    """Rows of the frame (their ids) in one round; no patient is in two of the three.

    Parameters
    ----------
    number : int
        From 1.
    train, validation, test : tuple of str
    """

    number: int
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def _strata(frame: pd.DataFrame, positive: str, by: Sequence[str], k: int) -> np.ndarray:
    """Return the stratum of each scan: the patient's group, and what of sex, age or site is wanted besides."""
    patients = pd.DataFrame({"group": patient_groups(frame, (positive,)).astype(str)})
    for name in by:
        if name not in frame.columns:
            raise ValueError(
                f"expected columns to stratify by, got {name!r}; available: {', '.join(map(str, frame.columns))}"
            )
        patients[name] = _levels(frame, name, patients["group"], k)
    strata = patients.agg(" ".join, axis=1)
    return frame["subject"].map(strata).to_numpy(str)


def _levels(frame: pd.DataFrame, name: str, groups: pd.Series, k: int) -> pd.Series:
    """Return the level of each patient that folds are to have alike: that of the first value of a column by size.

    Numbers are above their median or not. Of names, those with fewer patients of a group than folds count as one.
    """
    column = frame[name].replace("", np.nan)
    if column.isna().all():
        raise ValueError(f"expected known values of {name!r} to stratify by, got none; leave it out (--stratify)")
    if pd.api.types.is_numeric_dtype(column):
        first = column.groupby(frame["subject"]).min().reindex(groups.index)
        above = (first > first.median()).map({True: "above", False: "below"})
        return above.where(first.notna(), "unknown")
    levels = column.dropna().astype(str).groupby(frame["subject"]).min().reindex(groups.index, fill_value="unknown")
    fewest = pd.crosstab(levels, groups).min(axis=1)
    return levels.where(levels.map(fewest) >= k, FEW)


def _assigned(frame: pd.DataFrame, strata: np.ndarray, parts: int, seed: int) -> np.ndarray:
    """Return the part, 0 to parts − 1, of each row; whole patients."""
    from sklearn.model_selection import StratifiedGroupKFold  # seconds to load

    _, sizes = np.unique(strata, return_counts=True)
    if sizes.max() < parts:
        raise ValueError(
            f"expected strata of {parts} scans or more to spread over {parts} folds, got {len(sizes)} of at most "
            f"{sizes.max()}; take fewer columns to stratify by (--stratify)"
        )
    order = np.argsort(frame["id"].to_numpy().astype(str), kind="stable")  # whatever the order of rows
    found = np.zeros(len(frame), int)
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)  # said in words where it matters
        sides = splitter.split(order, strata[order], frame["subject"].to_numpy().astype(str)[order])
        for part, (_, chosen) in enumerate(sides):
            found[order[chosen]] = part
    return found


def assign_rounds(
    frame: pd.DataFrame, k: int, *, positive: str, seed: int = 0, stratify: Sequence[str] = ()
) -> list[Round]:
    """Return the rounds of a k-fold cross-validation of the scans that are not held out.

    Fold f is the test set of round f. Its validation set is fold f + 1, or with two folds a quarter of the other
    fold's patients. `RULE` says how patients are placed.

    Parameters
    ----------
    frame : DataFrame
        Columns id, subject, group (of two groups) and split. Rows whose split is test are in no round.
    k : int
    positive : str
        The group of the ill.
    seed : int
        The same patients and seed give the same folds, in whatever order rows are.
    stratify : sequence of str
        Columns that are spread evenly besides the diagnosis; numbers at their median, names (such as sites) that
        fewer patients of a group have than there are folds as one.

    Raises
    ------
    ValueError
        For fewer patients of a group than folds, or a set without scans of both groups.
    """
    if k < 2:
        raise ValueError(f"expected two folds or more (--folds), got {k}")
    check_split(frame.assign(split=np.where(frame["split"] == "test", "test", "train")))
    inside = frame[frame["split"] != "test"].reset_index(drop=True)
    counts = inside.groupby("group")["subject"].nunique()
    groups = sorted(frame["group"].unique())
    if len(groups) != 2 or positive not in groups:
        raise ValueError(
            f"expected scans of two groups, one of them {positive!r}, got {', '.join(groups) or 'none'}; add scans of the other "
            "group to the table, or name its groups in [groups] of the study file"
        )
    fewest = max(k, LEAST if k > 2 else LEAST + 1)
    short = [f"{counts.get(group, 0)} of {group}" for group in groups]
    if any(counts.get(group, 0) < fewest for group in groups):
        raise ValueError(
            f"expected at least {fewest} patients of each group outside of the test set for {k} folds, got "
            f"{' and '.join(short)}; take fewer folds (--folds), a smaller test set ([split] test), or more patients"
        )
    strata = _strata(inside, positive, stratify, k)
    fold = _assigned(inside, strata, k, seed)
    rounds = []
    for number in range(k):
        test = fold == number
        if k > 2:
            validation = fold == (number + 1) % k
        else:
            rest = np.flatnonzero(~test)
            left = inside.iloc[rest].reset_index(drop=True)
            parts = max(2, min(VALIDATION_PARTS, left.groupby("group")["subject"].nunique().min()))
            part = _assigned(left, strata[rest], parts, seed)
            validation = np.isin(np.arange(len(inside)), rest[part == 0])
        sets = {"train": ~(test | validation), "validation": validation, "test": test}
        _check_sets(inside, sets, groups, number + 1)
        rounds.append(Round(number + 1, **{name: tuple(inside["id"][rows]) for name, rows in sets.items()}))
    return rounds


def _check_sets(frame: pd.DataFrame, sets: dict[str, np.ndarray], groups: Sequence[str], number: int) -> None:
    for name, rows in sets.items():
        lacking = [group for group in groups if group not in set(frame["group"][rows])]
        if lacking:
            raise ValueError(
                f"expected scans of both groups in every set, got none of {' or '.join(lacking)} in the {name} set of "
                f"fold {number}; take fewer folds (--folds), another seed (--seed), or fewer columns to stratify by"
            )


def folds_table(frame: pd.DataFrame, rounds: Sequence[Round], positive: str) -> pd.DataFrame:
    """Return a row a scan: its fold, the group its patient is placed as, and what it does in each round."""
    groups = patient_groups(frame, (positive,))
    table = frame[["id", "subject", "group"]].reset_index(drop=True)
    table["patient_group"] = table["subject"].map(groups)
    table["fold"] = HELD_OUT
    for one in rounds:
        table.loc[table["id"].isin(one.test), "fold"] = str(one.number)
    for one in rounds:
        column = f"round_{one.number}"
        table[column] = HELD_OUT
        for name in ("train", "validation", "test"):
            table.loc[table["id"].isin(getattr(one, name)), column] = name
        table.loc[table["fold"] == HELD_OUT, column] = "held out"
    return table.sort_values("id", ignore_index=True)
