"""Long tables made wide: as pandas pivots each group of rows by itself."""

import numpy as np
import pandas as pd

from mriinterp.trust.wide import wide_tables


def test_each_group_is_what_a_pivot_of_its_rows_gives():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "measure": rng.choice(["deletion", "atrophy"], 200),
            "quantity": rng.choice(["a", "b", "c"], 200),
            "method": rng.choice(["z", "lrp", "cam"], 200),
            "subject": rng.choice(["s2", "s10", "s1"], 200),
            "value": np.where(rng.random(200) < 0.2, np.nan, rng.normal(size=200)),
        }
    )
    rows.loc[len(rows)] = ["stability", "a", "cam", "s1", np.nan]  # a group of one, without a number
    found = wide_tables(rows, ["measure", "quantity"], "method")
    assert len(found) == 7
    for (measure, quantity), table in found.items():
        own = rows[(rows["measure"] == measure) & (rows["quantity"] == quantity)]
        pivot = own.pivot_table(index="subject", columns="method", values="value", dropna=False)
        pd.testing.assert_frame_equal(table, pivot, check_index_type=False, check_column_type=False)


def test_no_rows_make_no_tables():
    empty = pd.DataFrame(columns=["measure", "quantity", "method", "subject", "value"])
    assert wide_tables(empty, ["measure", "quantity"], "method") == {}
