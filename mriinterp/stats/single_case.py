"""One person beside a group: z-scores and the test of a single case."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

from mriinterp.stats.groups import benjamini_hochberg

__all__ = ["single_case"]

FEWEST = 3  # members of a group whose spread can be estimated


def single_case(values, group) -> pd.DataFrame:
    """Compare one person's values with those of a group.

    Parameters
    ----------
    values : array or Series, shape (n_values,)
        Of the person, who is no member of the group.
    group : array or DataFrame, shape (n_people, n_values)

    Returns
    -------
    DataFrame
        A row a value: ``z``, distance from the group's mean in its standard
        deviations; ``p``, two-sided, of the t-test of a single case, which
        allows for the mean and the spread being those of few people; ``q``,
        `p` with the false discovery rate held over all values. NaN where the
        group has fewer than three members or no spread.

    Raises
    ------
    ValueError
        If the numbers of values differ.

    References
    ----------
    Crawford & Howell 1998, doi:10.1076/clin.12.4.482.7241.
    """
    index = values.index if isinstance(values, pd.Series) else None
    own, people = np.asarray(values, float), np.asarray(group, float)
    if own.ndim != 1 or people.ndim != 2 or people.shape[1] != len(own):
        raise ValueError(f"expected {len(own)} values of each person, got an array of shape {people.shape}")
    n = len(people)
    z = np.full(len(own), np.nan)
    if n >= FEWEST:
        spread = people.std(axis=0, ddof=1)
        np.divide(own - people.mean(axis=0), spread, out=z, where=spread > 0)
    t = z / np.sqrt((n + 1) / n) if n else z
    p = 2 * scipy.stats.t.sf(np.abs(t), max(n - 1, 1))
    return pd.DataFrame({"z": z, "p": p, "q": benjamini_hochberg(p)}, index=index)
