"""Values that are crossed: every subject explained with every network, and an interval that speaks for both."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["CROSSED", "crossed_name", "crossed_values", "two_way_interval"]

CROSSED = "@"  # between the name of a quantity and the number of the network that gave a value


def crossed_name(quantity: str, network: int) -> str:
    """Return the name under which the value of one network is kept beside the mean over networks."""
    return f"{quantity}{CROSSED}{network}"


def crossed_values(results: pd.DataFrame, measure: str, quantity: str, method: str) -> np.ndarray:
    """Return what each network gave for each subject, shape (subjects, networks); empty where only means are kept."""
    rows = results[(results["measure"] == measure) & (results["method"] == method)]
    rows = rows[rows["quantity"].str.startswith(f"{quantity}{CROSSED}")]
    if rows.empty:
        return np.empty((0, 0))
    return rows.pivot_table(index="subject", columns="quantity", values="value", dropna=False).to_numpy(float)


def two_way_interval(values: np.ndarray, draws: int = 2000) -> tuple[float, float]:
    """Return a 95% interval of a mean over subjects and networks, both drawn anew with replacement.

    The pigeonhole bootstrap (Owen 2007, doi:10.1214/07-AOAS122): what one subject's or one network's values have in
    common stays together. With five networks it says how far they differ, no more.

    Parameters
    ----------
    values : array, shape (subjects, networks)
        NaN where a map had no value.

    Returns
    -------
    float, float
        NaN for fewer than two subjects or networks.
    """
    if min(values.shape) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    rows, columns = values.shape
    means = [
        np.nanmean(values[rng.integers(0, rows, rows)][:, rng.integers(0, columns, columns)]) for _ in range(draws)
    ]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
