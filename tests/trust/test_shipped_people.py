"""Shipped figures are of the people that the simulation makes today, the one whose scan is shipped among them.

The fault: a benchmark went on while the shipped scan was made anew, and one of thirty patients was of the old simulation.
"""

import numpy as np
import pandas as pd
import pytest

from mriinterp.cohort import open_cohort
from mriinterp.cohort.packed import shipped_folder
from mriinterp.study import DemoStudy
from mriinterp.study.kept_scans import EXAMPLE
from mriinterp.trust import Bench, Explainer, get_measure, load_results
from mriinterp.trust.shortcut_results import WITHOUT, load_shortcuts
from mriinterp.ui.sources.measured import SHIPPED

EDGES = Explainer("null_edges")  # knows nothing of a network: of the scan alone


@pytest.fixture(scope="module")
def bench():
    return Bench(DemoStudy(), of_pages=True)


@pytest.fixture(scope="module", params=[EXAMPLE, "sim-001"])
def case(request, bench):
    return bench.case(request.param)


def test_measures(case):
    table = load_results(SHIPPED / "demo")
    rows = table[(table["measure"] == "localisation") & (table["method"] == EDGES.name)]
    shipped = rows[rows["subject"] == case.name].set_index("quantity")["value"]
    found = pd.Series(get_measure("localisation").run(case, EDGES).values)[shipped.index]
    np.testing.assert_allclose(found, shipped, atol=1e-3)


def test_shares_where_a_shortcut_is(case, bench):
    table = load_shortcuts(SHIPPED / "demo")["confound"]
    rows = table[(table["network"] == WITHOUT) & (table["method"] == EDGES.name)]
    values = np.abs(EDGES(case))
    found = values[~bench.brain].sum() / values.sum()
    assert rows.set_index("subject").loc[case.name, "share"] == pytest.approx(found, abs=1e-4)


def test_predictions_of_the_shipped_cohort(case, bench):
    people = open_cohort(shipped_folder(bench.study)).subjects
    found = bench.model.predict(bench.study.scan(case.name)).probabilities
    assert people.loc[case.name, "p_AD"] == pytest.approx(found["AD"], abs=1e-3)
