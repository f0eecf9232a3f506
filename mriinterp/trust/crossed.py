"""Values that are crossed: every subject explained with every network, and an interval that speaks for both."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mriinterp.trust.wide import wide_tables

__all__ = ["crossed_name", "crossed_values", "two_way_interval"]

CROSSED = "@"  # between the name of a quantity and the number of the network that gave a value


def crossed_name(quantity: str, network: int) -> str:
    """Return the name under which the value of one network is kept beside the mean over networks."""
    return f"{quantity}{CROSSED}{network}"


def crossed_values(results: pd.DataFrame) -> dict[tuple[str, str, str], np.ndarray]:
    """Return what each network gave for each subject, shape (subjects, networks), by measure, quantity and method."""
    rows = results[results["quantity"].str.contains(CROSSED, regex=False)]
    if rows.empty:
        return {}
    parts = rows["quantity"].str.partition(CROSSED)
    rows = rows.assign(quantity=parts[0], network=parts[2])
    tables = wide_tables(rows, ["measure", "quantity", "method"], "network")
    return {key: table.to_numpy(float) for key, table in tables.items()}


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
    drawn = rng.integers(0, rows, (draws, rows)), rng.integers(0, columns, (draws, columns))
    means = np.nanmean(values[drawn[0][:, :, None], drawn[1][:, None, :]], axis=(1, 2))
    low, high = np.nanpercentile(means, [2.5, 97.5])
    return float(low), float(high)
