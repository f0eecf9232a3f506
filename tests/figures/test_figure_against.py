"""One subject's areas beside group averages."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriinterp.figures.against import against_groups


def test_bars_are_the_subject_and_dots_the_groups(rng):
    areas = ["Hippocampus", "Amygdala", "Insula"]
    table = pd.DataFrame({"area": areas, "share": [0.5, 0.3, 0.2]})
    values = pd.DataFrame(rng.uniform(0, 1, (7, 3)), columns=areas, index=[f"s{i}" for i in range(7)])
    groups = pd.Series(["AD"] * 4 + ["CN"] * 3, index=values.index)
    figure = against_groups(table, values, groups, "me", n=2)
    bar, scans, ad, _, cn = figure.data
    assert sorted(scans.x) == pytest.approx(sorted(100 * values.loc[groups == "AD", areas[:2]].to_numpy().ravel()))
    assert list(bar.x) == pytest.approx([50, 30])
    assert [ad.name, cn.name] == ["AD (n = 4)", "CN (n = 3)"]
    own = 100 * values.loc[groups == "AD", "Hippocampus"]
    assert ad.x[0] == pytest.approx(own.mean())
    reach = stats.sem(own) * stats.t.ppf(0.975, 3)
    assert ad.error_x.array[0] == pytest.approx(reach)
    assert np.isfinite(cn.x).all()
