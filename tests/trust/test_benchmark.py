import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch

from mriinterp.base.progress import Cancelled
from mriinterp.image.volume import Volume
from mriinterp.simulation.subjects import SimulatedDisease
from mriinterp.trust import Bench, Explainer, load_details, load_plan, load_results, make_plan, run_benchmark, summary
from mriinterp.trust.benchmark_report import write_report
from mriinterp.trust.findings import findings
from mriinterp.trust.group_maps import coarse
from mriinterp.trust.results import settings_table
from mriinterp.trust.units import COHORT
from mriinterp.trust.words import judgement
from tests.trust.tiny_study import GRID, LESION, LesionNet, TinyStudy, model_of

NULL_NAMES = ("random", "edges", "intensity", "blur")
METHODS = ["sensitivity", "gradient_x_input", "occlusion[size=3,stride=2,fill=reference]"]


def plan_of(study, **changes):
    plan = make_plan(study, methods=METHODS, quick=True, **{"replicates": 1, "subjects": 3, "costly": 2, **changes})
    plan.settings["occlusion_settings"] = {"windows": ((6, 4), (3, 2))}
    return plan


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished benchmark of the tiny study."""
    study, folder = TinyStudy(), tmp_path_factory.mktemp("trust")
    plan = plan_of(study)
    bench = Bench(study, reference_scans=2, folder=folder)
    replicate = model_of(LesionNet(lesion=2.0))
    steps = []
    run_benchmark(plan, bench, folder, replicates=[replicate], progress=lambda *step: steps.append(step))
    return study, plan, bench, folder, replicate, steps


@pytest.fixture(scope="module")
def report(done):
    """The folder of that benchmark after its report, and the files of it by name."""
    folder = done[3]
    return folder, {path.name: path for path in write_report(folder)}


def test_every_method_has_every_measure(done):
    _, plan, _, folder, _, steps = done
    results = load_results(folder)
    assert list(results.columns) == ["measure", "quantity", "method", "subject", "value"]
    counts = results[results["quantity"] == "abpc"].groupby("method")["subject"].nunique()
    assert counts.to_dict() == {e.name: 3 for e in plan.explainers}
    assert len(plan.explainers) == 3 + 4
    costly = results[results["quantity"] == "excess"].groupby("method")["subject"].nunique()
    assert set(costly) == {2}
    assert set(results[results["measure"] == "group_effect"]["subject"]) == {COHORT}
    assert set(results["measure"]) == {*plan.measures, "occlusion_settings"}
    assert len(plan.measures) == 9  # all but the two that need the scan without the disease
    measures = 7 * (3 * (1 + 5) + 2 * 3 + 3)  # five cheap ones of three ill, costly ones of two, maps of all six
    assert steps[-1] == (measures, measures)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_known_truths_come_out(done):
    """The network reads the lesion and nothing else, and is linear there."""
    *_, folder, _, _ = done
    table = summary(folder).set_index(["measure", "quantity", "method"])
    mass = table.loc["localisation", "mass_accuracy_read", "sensitivity"]
    chance = table.loc["localisation", "chance", "null_random"]["mean"]
    assert mass["mean"] > 10 * chance
    assert mass["beats"] == "uncorrected"  # four subjects cannot be significant
    assert table.loc["infidelity", "infidelity", "sensitivity"]["mean"] == pytest.approx(0, abs=1e-3)
    assert table.loc["localisation", "auprc_read", "null_random"]["mean"] < 5 * chance + 0.1
    assert table.loc["randomisation", "rho_random", "null_intensity"]["mean"] == pytest.approx(1)
    assert table.loc["reproducibility", "icc", "sensitivity"]["mean"] > 0.9
    assert not table.loc["deletion", "abpc", "null_random"]["beats"]


def test_means_and_intervals_are_those_of_the_rows(done):
    *_, folder, _, _ = done
    results, table = load_results(folder), summary(folder)
    for _, row in table.sample(10, random_state=1).iterrows():
        own = results[(results["quantity"] == row["quantity"]) & (results["method"] == row["method"])]
        own = own[own["measure"] == row["measure"]]["value"].dropna()
        assert row["n"] == len(own)
        if len(own):
            assert row["mean"] == pytest.approx(own.mean())


def test_it_goes_on_where_it_was(done):
    study, plan, _, folder, replicate, _ = done
    before = {path: path.stat().st_mtime_ns for path in folder.glob("units/*/*.json")}
    run_benchmark(plan, Bench(study, reference_scans=2, folder=folder), folder, replicates=[replicate])
    assert before == {path: path.stat().st_mtime_ns for path in folder.glob("units/*/*.json")}
    victim = next(path for path in before if "gradient" in str(path) and "map" in path.read_text(encoding="utf-8"))
    victim.write_text("{damaged", encoding="utf-8")
    run_benchmark(plan, Bench(study, reference_scans=2, folder=folder), folder, replicates=[replicate])
    assert json.loads(victim.read_text(encoding="utf-8"))["measures"]


def test_other_settings_are_computed_anew(done, tmp_path):
    study, _, _, _, _, _ = done
    plan = make_plan(study, methods=METHODS[1:2], measures=["infidelity"], quick=True, subjects=1)
    bench = Bench(study, reference_scans=2)
    run_benchmark(plan, bench, tmp_path)
    first = load_results(tmp_path)
    plan.settings["infidelity"] = {"perturbations": 17}
    run_benchmark(plan, bench, tmp_path)
    again = load_results(tmp_path)
    assert len(again) == len(first)
    assert not np.allclose(again["value"], first["value"], rtol=1e-3)


def test_cancelled_work_is_kept(tmp_path):
    study = TinyStudy()
    plan = make_plan(study, methods=METHODS[:1], measures=["localisation"], quick=True, subjects=2)
    calls = []

    def cancel():
        calls.append(1)
        return len(calls) > 8

    with pytest.raises(Cancelled):
        run_benchmark(plan, Bench(study, reference_scans=2), tmp_path, cancel=cancel)
    kept = load_results(tmp_path)
    assert 0 < kept["method"].nunique() < 5


def test_report_and_words(report):
    folder, files = report
    assert set(files) == {
        "trust_results.csv",
        "trust_summary.csv",
        "details.json",
        "agreement.json",
        "leaderboard.csv",
        "leaderboard.json",
        "report.md",
        "report.html",
    }
    back = pd.read_csv(files["trust_results.csv"], dtype={"subject": str})
    assert len(back) == len(load_results(folder))
    text = files["report.md"].read_text(encoding="utf-8")
    assert "SIMULATED" in text
    assert "| Sensitivity analysis |" in text
    assert "Kendall" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1  # |x| does not break the table
    page = files["report.html"].read_text(encoding="utf-8")
    assert "Content-Security-Policy" in page
    assert "Simulated data" in page
    assert 'src="http' not in page
    table = summary(folder)
    sentences = findings(table)
    assert any(s.startswith("On localisation") and "Sensitivity analysis" in s for s in sentences)
    assert judgement(table, "localisation", "sensitivity").startswith("Better than all null maps one by one; not")
    assert load_plan(folder)["target"] == "AD"
    assert len(load_details(folder, "deletion")) == 21


def test_names_from_outside_are_no_markup(report, tmp_path):
    """A study's title is whatever its file says."""
    folder, _ = report
    for name in ("plan.json", "trust_results.csv", "details.json"):
        shutil.copy(folder / name, tmp_path / name)
    plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    plan["title"] = "<script>alert(1)</script> ![x](http://elsewhere/x.png)"
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    write_report(tmp_path)
    assert "<script>alert" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in text.replace("\\<", "")
    assert "![x](" not in text


def test_a_report_alone_tells_the_same(report, tmp_path):
    """Tables, plan and curves without the units: what is shipped with the demo study."""
    folder, _ = report
    for name in ("plan.json", "trust_results.csv", "details.json"):
        shutil.copy(folder / name, tmp_path / name)
    pd.testing.assert_frame_equal(summary(tmp_path), summary(folder), rtol=1e-3, atol=1e-5)
    curves, own = load_details(tmp_path, "deletion"), load_details(folder, "deletion")
    assert curves.keys() == own.keys()
    one = next(iter(own))
    np.testing.assert_allclose(curves[one]["most"], own[one]["most"], rtol=1e-4)


def test_settings_of_occlusion(done):
    *_, folder, _, _ = done
    table = settings_table(folder).set_index("quantity")
    assert table.loc["window_6_4", "mean"] == pytest.approx(1)  # against itself
    assert {"fill_zero_mean", "fill_blur_reference", "exact_3_2"} <= set(table.index)
    assert table["mean"].between(-1, 1).all()


def test_a_study_without_truth_or_replicates_says_so():
    study = TinyStudy()
    study.simulated = False
    study.truth = lambda subject: None
    plan = make_plan(study, methods=METHODS)
    assert "localisation" in plan.skipped
    assert "it is not known" in plan.skipped["localisation"]
    assert "--replicates" in plan.skipped["reproducibility"]
    assert any("left out: localisation" in line for line in plan.lines(90))
    assert plan.lines(90)[-1].startswith("about 1 min 30 s")


class WithDisease(TinyStudy):
    """The atrophy of its patients is known: the lesion."""

    diseased_areas = ("Hippocampus",)

    def disease(self, subject):
        field = np.zeros(GRID.shape, np.float32)
        field[LESION] = 0.5
        return SimulatedDisease(self.scan(subject), Volume(field, GRID.affine))


def test_what_a_measure_wishes_for_is_there_whatever_else_is_measured(tmp_path):
    """Its number may not depend on which other measures the same call takes."""
    study, found = WithDisease(), []
    for measures in (["reproducibility"], ["atrophy", "reproducibility"]):
        folder = tmp_path / measures[0]
        plan = plan_of(study, measures=measures)
        replicate = model_of(LesionNet(lesion=2.0))
        run_benchmark(plan, Bench(study, reference_scans=2, folder=folder), folder, replicates=[replicate])
        table = load_results(folder)
        found.append(table[table["quantity"] == "auprc_networks"].set_index(["method", "subject"])["value"])
    assert len(found[0])
    pd.testing.assert_series_equal(found[0], found[1])


def test_full_plan_is_what_was_asked_for():
    plan = make_plan(TinyStudy(), replicates=4)
    assert len([e for e in plan.explainers if not e.is_null_map]) >= 10
    assert len(plan.measures) == 9  # all but the two that need the scan without the disease
    with pytest.raises(KeyError, match="available"):
        make_plan(TinyStudy(), measures=["beauty"])


def test_coarse_cells_against_a_loop(rng):
    values, mask = rng.normal(size=(9, 8, 7)), rng.random((9, 8, 7)) < 0.7
    cells, inside = coarse(values, mask, 4)
    assert cells.shape == inside.shape == (3, 2, 2)
    box = (slice(4, 8), slice(0, 4), slice(0, 4))
    assert cells[1, 0, 0] == pytest.approx(values[box][mask[box]].mean(), rel=1e-5)
    assert inside[1, 0, 0] == (mask[box].sum() >= 32)


def test_lesion_is_inside_the_brain_the_network_sees():
    bench = Bench(TinyStudy(), reference_scans=2)
    assert bench.brain[LESION].all()
    assert bench.mask.sum() > 0
    assert bench.target_name == "AD"
    assert np.isfinite(bench.case("sim-002").clean)


def test_a_method_that_cannot_explain_the_network_is_told_and_the_rest_goes_on(tmp_path):
    """Guided backpropagation needs ReLU."""
    network = LesionNet()
    network.forward = lambda x: network.head((network.conv(x) * network.where).flatten(2).mean(2))
    study = TinyStudy(network)
    plan = make_plan(
        study, methods=["guided_backprop", "sensitivity"], measures=["localisation"], quick=True, subjects=1
    )
    run_benchmark(plan, Bench(study, reference_scans=1), tmp_path)
    assert set(load_results(tmp_path)["method"]) == {"sensitivity", *[f"null_{n}" for n in NULL_NAMES]}
    write_report(tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Guided backpropagation cannot explain this network: expected a network with ReLU" in text


def test_a_bench_does_not_keep_the_model_from_others():
    """Somebody else holds the model for as long as a map takes; the bench works on a module of its own."""
    study = TinyStudy()
    model = study.model()
    bench = Bench(study, model, reference_scans=1)
    case = bench.case("sim-002")
    assert bench.module is not model.module
    assert bench.module.conv.weight.data_ptr() == model.module.conv.weight.data_ptr()  # no second set of weights
    with model.lock, ThreadPoolExecutor(1) as pool:
        found = pool.submit(Explainer("sensitivity"), case).result(timeout=60)
    np.testing.assert_array_equal(found, Explainer("sensitivity")(case, module=model.module))


def test_pages_fill_with_the_studys_background_and_read_no_scan_of_the_group(monkeypatch):
    study = TinyStudy()
    monkeypatch.setattr(study, "scan", lambda subject: pytest.fail(f"{subject} was read"))
    bench = Bench(study, of_pages=True)
    assert torch.equal(bench.reference(), bench.model.prepare(study.background()))
    assert not torch.equal(bench.reference(), Bench(TinyStudy(), reference_scans=1).reference())
