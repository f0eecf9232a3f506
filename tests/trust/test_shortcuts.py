"""Networks that read what is no disease must be exposed by their maps."""

import json

import numpy as np
import pandas as pd
import pytest

from mriinterp import cli
from mriinterp.areas.table import outside_shares
from mriinterp.explain import explain
from mriinterp.simulation.subjects import DEMO_GRID
from mriinterp.trust import Bench, Explainer, get_measure
from mriinterp.trust.shortcut_results import (
    load_shortcuts,
    measure_shortcut,
    shortcut_findings,
    shortcut_people,
    shortcut_summary,
    shortcut_table,
)
from mriinterp.trust.shortcuts import SHORTCUTS, find_shortcut, shortcut_network, suppressor_region
from tests.trust.tiny_study import GRID, LesionNet, TinyStudy

METHODS = {
    "sensitivity": {},
    "gradient_x_input": {},
    "integrated_gradients": {"steps": 4},
    "occlusion": {"size": 2, "stride": 2, "placement": "mean"},
}
ILL = ("sim-002", "sim-004", "sim-006")


def shares(study, method, params):
    relevance = explain(study.model(), study.scan("sim-002"), method, target="AD", **params)
    return outside_shares(relevance, study.atlas(), study.brain_mask())


@pytest.mark.parametrize(("method", "params"), METHODS.items())
def test_a_confounded_network_is_exposed(method, params):
    plain = shares(TinyStudy(LesionNet()), method, params)
    cheat = shares(TinyStudy(LesionNet(lesion=0.0, mark=5.0), marked=True), method, params)
    assert cheat["outside_brain"] > 0.3
    assert cheat["outside_brain"] > 2 * plain["outside_brain"]


def test_the_measure_of_localisation_tells_it_too():
    case = Bench(TinyStudy(LesionNet(lesion=0.0, mark=5.0), marked=True), reference_scans=2).case("sim-002")
    values = get_measure("localisation").run(case, Explainer("gradient_x_input")).values
    assert values["outside"] > 0.5
    assert values["auprc_read"] < 0.5


def confounded():
    cheat = TinyStudy(LesionNet(lesion=0.0, mark=5.0), marked=True)
    return [("with", cheat, cheat.model()), ("without", TinyStudy(), TinyStudy().model())]


def test_table_of_shares_is_that_of_the_maps():
    steps = []
    table = shortcut_table(
        "confound", confounded(), [Explainer("gradient_x_input")], ILL[:2], progress=lambda *step: steps.append(step)
    )
    own = table[(table["network"] == "with") & (table["method"] == "gradient_x_input")]
    assert own["share"].tolist() == pytest.approx([outside_of(confounded()[0][1], subject) for subject in ILL[:2]])
    assert own["subject"].tolist() == list(ILL[:2])
    assert set(table["method"]) == {"gradient_x_input", *SHORTCUTS["confound"].null_maps}
    assert steps[-1] == (len(table), len(table))


def outside_of(study, subject):
    relevance = explain(study.model(), study.scan(subject), "gradient_x_input", target="AD", score="margin")
    outside = study.brain_mask().data == 0
    return abs(relevance.volume.data[outside]).sum() / abs(relevance.volume.data).sum()


def test_words_name_the_methods_that_expose_the_mark():
    found = shortcut_summary(shortcut_table("confound", confounded(), [Explainer("gradient_x_input")], ILL))
    row = found.set_index("method").loc["gradient_x_input"]
    assert row["exposed"]
    assert row["difference"] == pytest.approx(row["with"] - row["without"])
    methods, nulls = (~found["null_map"]).sum(), found["null_map"].sum()
    assert shortcut_people(found) == f"{found['n'].max()} patients, {methods} methods and {nulls} null maps"
    said = " ".join(shortcut_findings("confound", found))
    assert "outside the brain" in said
    assert "Gradient × input." in said
    assert "edge filter" in said


def test_nothing_is_exposed_between_equal_networks():
    plain = TinyStudy()
    pairs = [("with", plain, plain.model()), ("without", plain, plain.model())]
    found = shortcut_summary(shortcut_table("confound", pairs, [Explainer("sensitivity")], ILL))
    assert not found["exposed"].any()
    assert "by: no method" in shortcut_findings("confound", found)[0]
    assert "Not so for: Sensitivity analysis" in " ".join(shortcut_findings("confound", found))


def test_the_suppressors_region_is_a_pair_of_balls_without_disease():
    place = suppressor_region(DEMO_GRID)
    mm = DEMO_GRID.to_mm(np.argwhere(place))
    distance = np.minimum(*(np.linalg.norm(mm - centre, axis=1) for centre in ((-14, -92, 0), (14, -92, 0))))
    assert distance.max() < 1.5 * 12 * np.sqrt(2 * np.log(2))  # half height of one; two overlap a little
    assert distance.min() < 1.5
    assert abs(mm.mean(axis=0) - (0, -92, 0)).max() < 1
    assert mm[:, 1].max() < -60  # far from the medial temporal areas


def test_a_network_that_reads_the_suppressor_is_exposed():
    """One network reads the occipital pole beside the lesion; its maps have relevance there, which no null map has."""
    place = suppressor_region(GRID)
    reader = LesionNet()
    reader.where[0, 1][place] = 1.0
    study = TinyStudy(reader)
    pairs = [("with", study, study.model()), ("without", TinyStudy(), TinyStudy().model())]
    table = shortcut_table("suppressor", pairs, [Explainer("sensitivity"), Explainer("gradient_x_input")], ILL)
    found = shortcut_summary(table).set_index("method")
    assert found.loc[["sensitivity", "gradient_x_input"], "exposed"].all()
    nulls = found[found["null_map"]]
    assert len(nulls) == 4
    assert not nulls["exposed"].any()
    assert "than white noise has: no method." in " ".join(shortcut_findings("suppressor", shortcut_summary(table)))
    assert found.loc["sensitivity", "with"] > 2 * nulls["with"].max()
    bench = Bench(study, reference_scans=1)
    case = bench.case(ILL[0])
    values = abs(Explainer("sensitivity")(case))
    share = values[place & case.mask & ~case.truth].sum() / values[case.mask].sum()
    own = table[(table["network"] == "with") & (table["method"] == "sensitivity") & (table["subject"] == ILL[0])]
    assert own["share"].item() == pytest.approx(share)


def test_hidden_tissue_is_replaced_as_in_the_benchmark():
    """By the mean of all controls it averages, not by one person's brain."""
    study = TinyStudy()
    one = Explainer("occlusion", {"fill": "reference", "size": 4, "stride": 4, "placement": "mean"})
    table = shortcut_table("confound", [("plain", study, study.model())], [one], ILL[:1])
    shares = {}
    for count in (1, 4):
        bench = Bench(study, reference_scans=count)
        values = abs(one(bench.case(ILL[0])))
        shares[count] = values[~bench.brain].sum() / values.sum()
    assert table.loc[table["method"] == one.name, "share"].item() == pytest.approx(shares[4])
    assert shares[1] != pytest.approx(shares[4])


@pytest.mark.parametrize("name", SHORTCUTS)
def test_a_trained_network_is_kept_and_its_card_tells_the_shortcut(name, tmp_path, monkeypatch):
    """The recipe trains on the shortcut's study; a second call loads what the first one made."""
    shortcut, made = SHORTCUTS[name], []

    def train(folder, recipe, *, name, progress, cancel):
        made.append((recipe.study.variant, name, recipe.fitting.epochs))
        (folder / f"{name}.json").write_text(json.dumps({"name": name}), encoding="utf-8")
        (folder / f"{name}.safetensors").write_bytes(b"")

    def load(card, device):
        entries = json.loads(card.read_text(encoding="utf-8"))
        return entries["name"], entries["shortcut"]

    monkeypatch.setattr("mriinterp.training.demo.train_demo", train)
    monkeypatch.setattr("mriinterp.trust.shortcuts.packaged_models", dict)
    monkeypatch.setattr("mriinterp.trust.shortcuts.load_model", load)
    assert find_shortcut(name, tmp_path) is None
    for _ in range(2):
        study, model = shortcut_network(name, tmp_path)
        assert study.settings.variant == name
        assert model == (shortcut.network, shortcut.card)
    assert made == [(name, shortcut.network, shortcut.epochs or 14)]


def test_unknown_traps_are_named():
    with pytest.raises(KeyError, match="available: confound, suppressor"):
        find_shortcut("pitfall")
    assert isinstance(shortcut_table("confound", [], [], []), pd.DataFrame)


def test_the_command_writes_a_table_that_is_read_back(tmp_path, monkeypatch, capsys):
    cheat = TinyStudy(LesionNet(lesion=0.0, mark=5.0), marked=True)
    monkeypatch.setattr(
        "mriinterp.trust.shortcut_results.shortcut_network", lambda *given, **options: (cheat, cheat.model())
    )
    monkeypatch.setattr("mriinterp.trust.shortcut_results.DemoStudy", TinyStudy)
    command = [
        "trust",
        "demo",
        "--shortcut",
        "confound",
        "--methods",
        "sensitivity,gradient_x_input",
        "--subjects",
        "3",
    ]
    assert cli.main([*command, "--out", str(tmp_path)]) == 0
    assert "more relevance outside the brain" in capsys.readouterr().out
    table = load_shortcuts(tmp_path)["confound"]
    assert table["subject"].nunique() == 3
    assert set(table["network"]) == {"with", "without"}
    again = measure_shortcut("confound", [Explainer("sensitivity")], tmp_path, subjects=2)
    own = table[(table["method"] == "sensitivity") & table["subject"].isin(again["subject"])]
    mine = again[again["method"] == "sensitivity"]
    assert mine["share"].tolist() == pytest.approx(own["share"].tolist(), rel=1e-4)
