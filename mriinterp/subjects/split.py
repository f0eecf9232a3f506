"""Train and test sets that share no patient, and how many there are of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["check_split", "patient_groups", "split_patients", "summary_table"]


def patient_groups(frame: pd.DataFrame, priority: Sequence[str] = ()) -> pd.Series:
    """Return one group a patient.

    Parameters
    ----------
    frame : DataFrame
        Columns subject and group, one row a scan.
    priority : sequence of str
        A patient with scans in several groups belongs to the first of these
        (the original: an AD scan makes an AD patient); else to the group of
        most scans, ties by name.

    Returns
    -------
    Series
        Group, index subject, sorted.
    """
    counts = frame.groupby(["subject", "group"]).size().reset_index(name="n")
    order = {name: i for i, name in enumerate(priority)}
    counts["rank"] = counts["group"].map(lambda g: order.get(g, len(order)))
    counts = counts.sort_values(["subject", "rank", "n", "group"], ascending=[True, True, False, True])
    return counts.drop_duplicates("subject").set_index("subject")["group"]


def _shuffled(frame: pd.DataFrame, seed: int, priority: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the patients of every group in random order, whatever the order of rows."""
    groups = patient_groups(frame, priority)
    rng = np.random.default_rng(seed)
    return {g: rng.permutation(sorted(groups.index[groups == g])) for g in sorted(groups.unique())}


def split_patients(
    frame: pd.DataFrame, test: float | int = 0.2, *, seed: int = 0, priority: Sequence[str] = ()
) -> pd.Series:
    """Put every patient, with all their scans, into the train or the test set.

    Parameters
    ----------
    frame : DataFrame
        Columns subject and group, one row a scan.
    test : float between 0 and 1, or int
        Share of the patients of every group, at least one and not all if
        there are two; or their number in every group.
    seed : int
        The same patients give the same split, in whatever order rows are.
    priority : sequence of str
        See `patient_groups`.

    Returns
    -------
    Series
        "train" or "test", index of the frame.

    Raises
    ------
    ValueError
        If the share is out of range, or a group has no patient to spare.
    """
    share = isinstance(test, float)
    if (share and not 0 < test < 1) or (not share and test < 1):
        raise ValueError(f"expected a share between 0 and 1 or a number of patients, got {test}")
    chosen: set[str] = set()
    for group, patients in _shuffled(frame, seed, priority).items():
        n = len(patients)
        count = min(max(1, math.floor(test * n + 0.5)), n - 1) if share else int(test)
        if not share and count >= n:
            raise ValueError(f"expected fewer than {n} test patients in group {group}, which has {n}, got {count}")
        chosen.update(patients[:count].tolist())
    sides = np.where(frame["subject"].isin(chosen), "test", "train")
    result = pd.Series(sides, index=frame.index, name="split", dtype=str)
    check_split(frame.assign(split=result))
    return result


def check_split(frame: pd.DataFrame) -> None:
    """Raise ValueError, naming them, if patients have scans in more than one split."""
    placed = frame[frame["split"].fillna("") != ""]
    sides = placed.groupby("subject")["split"].nunique()
    both = sides[sides > 1].index.tolist()
    if both:
        more = " …" if len(both) > 10 else ""
        raise ValueError(
            f"expected every patient in one split, got {len(both)} in several: {', '.join(both[:10])}{more}"
        )


def summary_table(frame: pd.DataFrame, groups: Sequence[str] | None = None) -> pd.DataFrame:
    """Return images and patients per split and group, as the original prints them.

    Parameters
    ----------
    frame : DataFrame
        Columns subject, group and split.
    groups : sequence of str, optional
        Order of the groups; sorted if not given.

    Returns
    -------
    DataFrame
        Index: all, then every split. Columns: images, one ``images GROUP`` a
        group, patients, one ``patients GROUP`` a group. A patient with scans in
        two groups counts once in patients and once in each group.
    """
    groups = sorted(frame["group"].unique()) if groups is None else list(groups)
    splits = [s for s in ("train", "validation", "test") if s in set(frame["split"])]
    splits += sorted(set(frame["split"]) - {*splits, ""})
    rows = {}
    for name in ["all", *splits]:
        part = frame if name == "all" else frame[frame["split"] == name]
        row = {"images": len(part)}
        row |= {f"images {g}": int((part["group"] == g).sum()) for g in groups}
        row["patients"] = part["subject"].nunique()
        row |= {f"patients {g}": part.loc[part["group"] == g, "subject"].nunique() for g in groups}
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("split")
