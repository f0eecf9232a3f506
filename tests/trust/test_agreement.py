"""How alike maps of different methods are, against SciPy; and one subject measured by itself."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriinterp.trust import load_results
from mriinterp.trust.agreement import agreement_of, load_agreement, pack_agreement, same_maps
from mriinterp.trust.single import cheap_measures, measure_subject
from mriinterp.trust.units import unit_path
from tests.trust.tiny_study import TinyStudy


@pytest.fixture
def maps(tmp_path, rng):
    """Maps as a benchmark leaves them: three methods, two subjects; "same" is a bent copy of "one"."""
    kept = {}
    for subject in ("sim-001", "sim-002"):
        one, two = rng.random(40), rng.random(40)
        cells = {"one": one, "same": one**3, "two": two}
        for method, values in cells.items():
            areas = values[:20] if method != "two" else rng.random(20)
            path = unit_path(tmp_path, method, subject)
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path.with_suffix(".npy"), values.astype(np.float32), allow_pickle=False)
            entry = {"key": "", "values": {}, "details": {"densities": areas.tolist()}}
            unit = {"method": method, "subject": subject, "measures": {"map": entry}}
            path.write_text(json.dumps(unit), encoding="utf-8")
            kept[method, subject] = values.astype(np.float32), areas
    return tmp_path, kept


def test_figures_are_scipys(maps):
    folder, kept = maps
    table = load_agreement(folder).set_index(["subject", "method", "other"])
    assert len(table) == 2 * 3 * 2
    for (subject, method, other), row in table.iterrows():
        (cells, areas), (others, other_areas) = kept[method, subject], kept[other, subject]
        assert row["rho"] == pytest.approx(stats.spearmanr(cells, others).statistic, abs=1e-6)
        first, second = (set(np.argsort(-values)[:10]) for values in (areas, other_areas))
        assert row["overlap"] == len(first & second) / 10
    assert table.loc[("sim-001", "one", "same"), "rho"] == pytest.approx(1)


def test_means_over_subjects_and_the_subjects_own(maps):
    folder, _ = maps
    table = load_agreement(folder)
    found = agreement_of(table, "one", "sim-002").set_index("other")
    assert list(found.index) == ["same", "two"]
    rows = table[(table["method"] == "one") & (table["other"] == "two")].set_index("subject")["rho"]
    assert found.loc["two", "rho"] == pytest.approx(rows.mean())
    assert found.loc["two", "own_rho"] == pytest.approx(rows["sim-002"])
    assert found.loc["two", "n"] == 2
    assert found.loc["two", "low"] < rows.mean() < found.loc["two", "high"]
    assert agreement_of(table, "one", "sim-009")["own_rho"].isna().all()
    assert agreement_of(table, "none").empty


def test_packed_tells_the_same(maps, tmp_path_factory):
    folder, _ = maps
    alone = tmp_path_factory.mktemp("alone")
    table = load_agreement(folder)
    (alone / "agreement.json").write_text(pack_agreement(table), encoding="utf-8")
    order = ["subject", "method", "other"]
    pd.testing.assert_frame_equal(
        load_agreement(alone).sort_values(order, ignore_index=True),
        table.sort_values(order, ignore_index=True),
        atol=6e-4,
        rtol=0,
    )
    assert load_agreement(alone / "nothing").empty


def test_a_map_of_one_value_agrees_with_none(maps):
    folder, _ = maps
    path = unit_path(folder, "two", "sim-001").with_suffix(".npy")
    np.save(path, np.zeros(40, np.float32), allow_pickle=False)
    table = load_agreement(folder).set_index(["subject", "method", "other"])
    assert np.isnan(table.loc[("sim-001", "one", "two"), "rho"])


def test_methods_of_one_map_are_found_by_the_first():
    pairs = [("a", "b", 0.9995), ("a", "c", 0.5), ("b", "c", 0.5), ("c", "d", 0.9999)]
    rows = [("s", *pair, 0.0) for pair in [*pairs, *((b, a, rho) for a, b, rho in pairs)]]
    table = pd.DataFrame(rows, columns=["subject", "method", "other", "rho", "overlap"])
    assert same_maps(table) == {"b": "a", "d": "c"}
    assert same_maps(table.assign(rho=0.9)) == {}


def test_one_subject_is_measured_as_the_benchmark_would(tmp_path):
    steps = []
    measure_subject(TinyStudy(), "sim-004", "sensitivity", tmp_path, progress=lambda *step: steps.append(step))
    results = load_results(tmp_path)
    own = results[results["method"] == "sensitivity"].set_index(["measure", "quantity"])["value"]
    assert set(results["measure"]) == set(cheap_measures()) - {"atrophy", "counterfactual"}  # no field is known
    assert results["method"].nunique() == 5
    assert own["infidelity", "infidelity"] == pytest.approx(0, abs=1e-3)  # the network is linear there
    total = 4 + 5 * (1 + len(cheap_measures()))  # scans of the control mean; maps and measures
    assert steps[-1] == (total, total)
    assert len(load_agreement(tmp_path)) == 5 * 4
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("units/*/*.json")}
    measure_subject(TinyStudy(), "sim-004", "gradient_x_input", tmp_path)
    assert before.items() <= {path: path.stat().st_mtime_ns for path in tmp_path.glob("units/*/*.json")}.items()
    shutil.rmtree(tmp_path / "units")


def test_a_healthy_subject_has_no_truth(tmp_path):
    like = {"settings": {"deletion": {"steps": 2}, "infidelity": {"perturbations": 8}}, "reference_scans": 1}
    measure_subject(TinyStudy(), "sim-003", "sensitivity", tmp_path, like=like)
    measured = set(load_results(tmp_path)["measure"])
    assert "localisation" not in measured
    assert {"deletion", "regional", "infidelity"} <= measured
