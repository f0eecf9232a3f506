"""The recipe of the demo network, and the network that came out of it."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mriinterp.base.progress import Cancelled
from mriinterp.models import load_model, packaged_models
from mriinterp.models.normalisation import Normalisation
from mriinterp.simulation.subjects import DEMO, DEMO_GRID, SimulationSettings, demo_subjects, simulate_subject, template
from mriinterp.stats import roc_auc
from mriinterp.training.dataset import visible_shape
from mriinterp.training.demo import Recipe, evaluate, real_anatomy, simulated_scans, train_demo
from mriinterp.training.loop import FitSettings
from mriinterp.trust.replicates import train_replicates

SMALL = Recipe(
    study=SimulationSettings(seed=5, demo=1, validation=1, test=2, train=2), fitting=FitSettings(epochs=1, batch=2)
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One epoch on four subjects: it knows nothing, but everything is written."""
    folder = tmp_path_factory.mktemp("trained")
    steps = []
    model = train_demo(folder, SMALL, progress=lambda done, total: steps.append((done, total)))
    return folder, model, steps


@pytest.fixture(scope="module")
def demo():
    if "demo" not in packaged_models():
        pytest.skip("no packaged weights")
    return load_model("demo", device="cpu")


def test_scans_are_made_once_cut_and_normalised(tmp_path):
    study = SMALL.study
    path = tmp_path / "scans.npy"
    scans = simulated_scans(study, ["sim-4001", "sim-4002"], path, workers=2)
    assert [p.name for p in tmp_path.iterdir()] == ["scans.npy"]
    _, j, k = visible_shape(DEMO_GRID.shape)
    whole = Normalisation("scan_zscore").apply(simulate_subject(study, "sim-4002").volume.data)
    np.testing.assert_allclose(scans[1], whole[:, :j, :k], atol=4e-3)
    assert scans.dtype == np.float16


def test_cancelling_stops_between_scans(tmp_path):
    with pytest.raises(Cancelled):
        simulated_scans(SMALL.study, ["sim-4001"], tmp_path / "scans.npy", cancel=lambda: True)


def test_training_writes_weights_and_a_complete_card(trained):
    folder, model, steps = trained
    assert sorted(p.name for p in folder.iterdir()) == ["demo.json", "demo.safetensors"]
    card = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256((folder / "demo.safetensors").read_bytes()).hexdigest()
    assert card["classes"] == ["CN", "AD"] == list(model.classes)
    assert card["simulated"] is True
    assert card["skull_stripped"] is True
    assert card["performance"]["n_test"] == 4
    assert {"training_data", "licence", "command", "normalisation", "grid"} <= card.keys()
    assert card["command"].startswith(
        "mriinterp.training.demo.train_demo(DIR, Recipe("
    )  # not what the bare command would do
    assert model.grid.matches(DEMO_GRID)
    assert all(0 < done <= total for done, total in steps)


def test_evaluation_does_not_depend_on_the_number_of_workers(trained):
    _, model, _ = trained
    one, rows = evaluate(model, SMALL.study, workers=1)
    two, other = evaluate(model, SMALL.study, workers=2)
    np.testing.assert_allclose(rows["margin"], other["margin"], atol=1e-5)
    assert one.auc == two.auc
    scores = rows["margin"].to_numpy()
    assert roc_auc(rows["group"] == "AD", scores) == pytest.approx(one.auc.value)


def test_replicates_that_are_there_are_kept(trained, tmp_path):
    folder, model, _ = trained
    for name in ("demo_seed1", "demo_seed2"):
        (tmp_path / f"{name}.safetensors").write_bytes((folder / "demo.safetensors").read_bytes())
        card = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
        card["weights"] = [f"{name}.safetensors"]
        (tmp_path / f"{name}.json").write_text(json.dumps(card), encoding="utf-8")
    models = train_replicates(tmp_path, 2, SMALL)
    assert list(models) == ["demo_seed1", "demo_seed2"]
    assert models["demo_seed1"].digest == models["demo_seed2"].digest == model.digest


def test_real_anatomy_reports_what_spearman_says(trained):
    _, model, _ = trained
    report = real_anatomy(model, {"a": template(DEMO_GRID)}, severities=(0.0, 0.5, 1.0))
    expected = stats.spearmanr([0.0, 0.5, 1.0], report["margins"]["a"]).statistic
    assert report["rho"]["a"] == pytest.approx(expected, abs=1e-4)
    assert report["median_rho"] == report["rho"]["a"]


def test_packaged_weights_are_small_and_are_those_of_the_card(demo):
    path = packaged_models()["demo"]
    card = json.loads(path.read_text(encoding="utf-8"))
    weights = path.with_name(card["weights"][0])
    assert weights.stat().st_size < 1_000_000
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == card["sha256"]
    assert card["performance"]["n_test"] >= 200
    low, high = card["performance"]["auc"]["ci95"]
    assert low < card["performance"]["auc"]["value"] < high
    assert card["training_data"]["settings"]["effect"] == DEMO.effect
    assert card["training_data"]["settings"]["noise"] == DEMO.noise


def test_packaged_network_separates_fresh_subjects_about_as_well_as_its_card_says(demo):
    card = json.loads(packaged_models()["demo"].read_text(encoding="utf-8"))
    study = replace(DEMO, demo=0, validation=0, train=0, test=8)
    performance, rows = evaluate(demo, study)
    assert len(rows) == 16
    assert performance.auc.value > card["performance"]["auc"]["value"] - 0.2
    assert rows.loc[rows["group"] == "AD", "margin"].mean() > rows.loc[rows["group"] == "CN", "margin"].mean() + 0.5


def test_packaged_network_does_not_mind_the_intensity_scale_nor_see_beyond_its_field(demo):
    scan = simulate_subject(DEMO, demo_subjects()["id"].iloc[0]).volume
    outputs = demo.predict(scan).outputs
    brighter = demo.predict(scan.with_data(scan.data * 37)).outputs
    assert brighter["AD"] == pytest.approx(outputs["AD"], abs=1e-3)
    x = demo.prepare(scan)
    seen = visible_shape(DEMO_GRID.shape)
    x[:, :, seen[0] :] = 3.0
    x[:, :, :, seen[1] :] = 3.0
    x[:, :, :, :, seen[2] :] = 3.0
    assert demo.predict_tensor(x).outputs == pytest.approx(outputs, abs=1e-5)


def test_packaged_network_answers_to_the_atrophy_in_the_template(demo):
    report = real_anatomy(demo, {"template": template(DEMO_GRID)}, severities=(0.0, 0.25, 0.5, 0.75, 1.0))
    assert report["rho"]["template"] > 0.8
