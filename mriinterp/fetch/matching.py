"""Controls of the same age as patients, where a cohort's healthy people are younger."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["match_ages"]

OTHER_SEX = 0.5  # years that a pair of different sex counts more


def match_ages(people: pd.DataFrame, positive: str, reference: str, *, caliper: float = 5.0) -> pd.Series:
    """Return pairs of a patient and a control of about the same age, and of the same sex where that costs little.

    Of all ways to pair, it takes one that leaves the fewest patients alone and, among those, has the smallest sum of
    differences of age (linear assignment). The same people give the same pairs, in any order of rows.

    Parameters
    ----------
    people : DataFrame
        A row a person, indexed by id: group, age (years), sex.
    positive, reference : str
        Groups of patients and controls.
    caliper : float
        Years that a pair may differ by. Who finds no partner is left out.

    Returns
    -------
    Series of str, by id
        Name of the pair, such as ``"pair 7"``; "" for who is in none.

    Raises
    ------
    ValueError
        If no pair can be made.
    """
    from scipy.optimize import linear_sum_assignment

    known = people[people["age"].notna()].sort_index()
    ill, well = known[known["group"] == positive], known[known["group"] == reference]
    apart = np.abs(ill["age"].to_numpy()[:, None] - well["age"].to_numpy()[None])
    far = apart > caliper
    if not far.size or far.all():
        raise ValueError(
            f"expected people of {positive} and {reference} whose ages differ by {caliper:g} years or less, got none"
        )
    cost = apart + OTHER_SEX * (ill["sex"].to_numpy()[:, None] != well["sex"].to_numpy()[None])
    cost = np.where(far, (caliper + 1) * (1 + min(far.shape)), cost)  # dearer than all pairs within the caliper
    rows, columns = linear_sum_assignment(cost)
    near = ~far[rows, columns]
    found = pd.Series("", index=people.index, dtype=object)
    for number, (row, column) in enumerate(zip(rows[near], columns[near], strict=True), 1):
        found[ill.index[row]] = found[well.index[column]] = f"pair {number}"
    return found
