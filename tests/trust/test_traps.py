"""A network that reads a mark outside the brain must be exposed by its maps."""

import pytest

from mriinterp.areas import outside_shares
from mriinterp.explain import explain
from mriinterp.trust import Bench, Explainer, get_measure
from mriinterp.trust.traps import confound_network, outside_table
from tests.trust.tiny_study import LesionNet, TinyStudy

METHODS = {
    "sensitivity": {},
    "gradient_x_input": {},
    "integrated_gradients": {"steps": 4},
    "occlusion": {"size": 2, "stride": 2, "placement": "mean"},
}


def shares(study, method, params):
    relevance = explain(study.model(), study.scan("sim-002"), method, target="AD", **params)
    return outside_shares(relevance, study.atlas(), study.brain_mask())


@pytest.mark.parametrize(("method", "params"), METHODS.items())
def test_a_confounded_network_is_exposed(method, params):
    honest = shares(TinyStudy(LesionNet()), method, params)
    cheat = shares(TinyStudy(LesionNet(lesion=0.0, mark=5.0), marked=True), method, params)
    assert cheat["outside_brain"] > 0.3
    assert cheat["outside_brain"] > 2 * honest["outside_brain"]


def test_the_measure_of_localisation_tells_it_too():
    case = Bench(TinyStudy(LesionNet(lesion=0.0, mark=5.0), marked=True), reference_scans=2).case("sim-002")
    values = get_measure("localisation").run(case, Explainer("gradient_x_input")).values
    assert values["outside"] > 0.5
    assert values["auprc_read"] < 0.5


def test_table_of_shares_is_that_of_the_maps():
    study = TinyStudy(LesionNet(lesion=0.0, mark=5.0), marked=True)
    table = outside_table(study, study.model(), [Explainer("gradient_x_input")], ["sim-002", "sim-004"])
    expected = [shares_of(study, subject) for subject in ("sim-002", "sim-004")]
    assert table["outside_brain"].tolist() == pytest.approx(expected)
    assert table["subject"].tolist() == ["sim-002", "sim-004"]


def shares_of(study, subject):
    relevance = explain(study.model(), study.scan(subject), "gradient_x_input", target="AD").volume.data
    outside = study.brain_mask().data == 0
    return abs(relevance[outside]).sum() / abs(relevance).sum()


def test_a_trained_network_is_kept(tmp_path, monkeypatch):
    """The recipe trains on the confounded study; a second call loads what the first one made."""
    made = []

    def train(folder, recipe, *, name, progress, cancel):
        made.append((recipe.study.variant, name))
        return "model"

    monkeypatch.setattr("mriinterp.train.train_demo", train)
    monkeypatch.setattr("mriinterp.trust.traps.packaged_models", dict)
    study, model = confound_network(tmp_path)
    assert made == [("confound", "demo_confound")]
    assert (study.settings.variant, model) == ("confound", "model")
