"""The page of a network: its card, files of one's own, and the check of every method."""

import json
import sys

import pytest
import torch
from cohort.conftest import make_study

from mriinterp.methods import get_method, method_names
from mriinterp.models import read_card
from mriinterp.models.number_inputs import read_numbers
from mriinterp.study import consent, load_study
from mriinterp.ui.network import check
from mriinterp.ui.network.card import _card_text, _normalisation_words, _number_words
from mriinterp.ui.network.guess import _opened, further_entries
from mriinterp.ui.scan.subject import known_subject
from mriinterp.ui.sources import resources
from mriinterp.ui.sources.studies import remember_study

PAGE = "pages/network.py"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["app.py", "--allow-code"])
    resources.study_of.clear()
    resources.store.clear()
    check._checks().clear()
    yield
    resources.study_of.clear()
    resources.store.clear()


@pytest.fixture
def file(tmp_path):
    """A study whose code was agreed to."""
    file = make_study(tmp_path / "study", per_group=2)
    consent.agree(load_study(file).model_recipe.python().digest, file.parent / "net.py")
    remember_study(str(file))
    return file


@pytest.fixture
def page(open_page, file):
    return lambda **more: open_page(PAGE, study=str(file), **more)


def words(app):
    return " ".join(e.value for e in (*app.warning, *app.error, *app.info, *app.caption, *app.markdown)).replace(
        "\\", ""
    )


def test_the_page_says_what_cannot_change_the_answer(open_page):
    said = words(open_page(PAGE))
    assert "60% of a scan" in said
    assert "38% of the brain" in said
    assert "Field of view] 78×114×78 of 113×137×113 voxels" in said


def test_card_and_check(page, finish, file):
    app = page()
    assert "healthy, ill (logits)" in words(app)
    assert "weights.pt" in words(app)
    assert "Nothing was checked yet" in words(app)
    assert "voxels and returns healthy, ill; which methods work on it was not tried yet." in words(app)
    assert len(app.get("plotly_chart")) == 1  # its layers
    app.button(key="check_network").click()
    app = finish(app.run())
    table = app.dataframe[0].value
    assert table["Method"].tolist() == [get_method(name).label for name in method_names()]
    assert set(table["Works"]) <= {"yes", "refused"}
    works = table["Works"] == "yes"
    assert works.sum() > 10
    assert table.loc[works, "A map takes"].str.contains("s").all()
    assert table.loc[~works, "Layer, or why not"].str.len().gt(10).all()
    cams = table["Method"].str.contains("CAM") & works & ~table["Method"].str.contains("Guided")
    assert table.loc[cams, "Layer, or why not"].str.contains("channels").all()
    assert f"returns healthy, ill; **{works.sum()} of {len(table)} methods work** on it." in words(app)
    assert "the same scan gives the same output" in words(app)
    again = page()  # another session finds it
    assert len(again.dataframe) == 1


def test_the_card_of_the_page_opens_the_network(file, tmp_path):
    model = resources.model_of(str(file))
    path = file.parent / "downloaded.json"
    path.write_text(_card_text(model, load_study(file).model_recipe), encoding="utf-8")
    card = read_card(path)
    assert (card.classes, card.weights) == (("healthy", "ill"), ("weights.pt",))
    assert card.heads[0].output == "logits"
    file.write_text(file.read_text(encoding="utf-8").replace("card.json", "downloaded.json"), encoding="utf-8")
    assert resources.model_of(str(file)).digest == model.digest


def program(folder, name="own"):
    """An exported program with its card."""
    card = json.loads((folder / "card.json").read_text())
    layers = torch.nn.AdaptiveAvgPool3d(2), torch.nn.Flatten(), torch.nn.Linear(8, 2)
    exported = torch.export.export(torch.nn.Sequential(*layers).eval(), (torch.rand(1, 1, *card["grid"]["shape"]),))
    torch.export.save(exported, folder / f"{name}.pt2")
    card |= {"name": name, "architecture": "torch.export", "weights": [f"{name}.pt2"]}
    (folder / f"{name}.json").write_text(json.dumps(card))
    return folder / f"{name}.pt2"


def open_network(app, path):
    app.text_input(key="network_path").set_value(str(path)).run()
    return app.button(key="network_open").click().run()


@pytest.mark.parametrize("ending", [".pt2", ".json"])
def test_a_network_by_its_path(page, file, ending):
    path = program(file.parent)
    app = open_network(page(), path.with_suffix(ending))
    assert app.selectbox(key="network").value == str(path.with_suffix(ending))
    assert "own.pt2" in words(app)
    assert [b for b in app.button if b.key == "agree_to_code"]
    app.button(key="agree_to_code").click().run()
    assert "Name:gray" not in words(app)
    assert ":gray[Name] own" in words(app)
    assert app.button(key="check_network")
    link = open_network(page(network=str(path)), path)  # a path in a link opens nothing by itself
    assert link.selectbox(key="network").value == str(path)


def test_a_path_in_a_link_opens_no_network(page, file):
    path = program(file.parent)
    app = page(network=str(path))
    assert app.selectbox(key="network").value == ""
    assert not [b for b in app.button if b.key == "agree_to_code"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("none.json", "none.json"), ("weights.pt", "expected a model card (.json)"), ("net.py", "expected a model card")],
)
def test_other_files_are_refused_in_words(page, file, name, said):
    app = open_network(page(), file.parent / name)
    assert not app.exception
    assert said in words(app)
    assert app.selectbox(key="network").value == ""


def test_a_server_of_some_folders_opens_no_other_network(page, file, tmp_path, monkeypatch):
    other = make_study(tmp_path / "other", per_group=1)
    path = program(other.parent)
    inside = json.loads((other.parent / "own.json").read_text())
    (file.parent / "leads_out.json").write_text(json.dumps(inside | {"weights": [str(path)]}))
    monkeypatch.setenv("MRIINTERP_STUDY_FOLDERS", str(file.parent))
    for wrong in (path, other.parent / "own.json", file.parent / "leads_out.json", other.parent / "none.json"):
        app = open_network(page(), wrong)
        assert "in the folders that study files may name" in words(app)
        assert app.selectbox(key="network").value == ""


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "weights.pt").unlink(), "weights.pt"),
        (lambda folder: (folder / "card.json").unlink(), "card.json"),
        (lambda folder: torch.save({"conv.weight": torch.zeros(3)}, folder / "weights.pt"), "got other keys or shapes"),
        (lambda folder: (folder / "card.json").write_text("{}"), "expected a complete card"),
    ],
)
@pytest.mark.parametrize("where", [PAGE, "pages/single_scan.py"])
def test_what_is_missing_or_does_not_fit_is_said(open_page, file, spoil, said, where):
    spoil(file.parent)
    app = open_page(None if "single" in where else where, study=str(file))
    assert len(app.error) == 1
    assert said in words(app)


def test_a_program_without_a_card_is_opened_by_guesses(page, finish, file):
    path = program(file.parent)
    path.with_suffix(".json").unlink()
    app = open_network(page(), path)
    assert [b for b in app.button if b.key == "agree_to_code"]
    app.button(key="agree_to_code").click().run()
    assert "has no card" in words(app)
    assert "2 outputs without names" in words(app)
    assert "--" not in app.warning[0].value
    assert "class 0, class 1 (logits)" in words(app)
    app.text_input(key="card_classes").set_value("CN, AD")
    app.selectbox(key="card_normalisation").set_value("scan_zscore").run()
    assert "CN, AD (logits)" in words(app)
    assert "without names" not in words(app)
    assert ":gray[Normalisation] scan_zscore" in words(app)
    app.button(key="check_network").click()
    app = finish(app.run())
    assert (app.dataframe[0].value["Works"] == "yes").sum() > 5


def test_the_guessed_card_opens_the_study(open_page, file):
    """A study of an architecture of its own code and weights, without a card."""
    card = json.loads((file.parent / "card.json").read_text())
    (file.parent / "card.json").unlink()
    text = file.read_text(encoding="utf-8")
    entry = f'architecture = "{card["architecture"]}"\nweights = ["weights.pt"]'
    file.write_text(text.replace('card = "card.json"', entry), encoding="utf-8")
    app = open_page(study=str(file))
    assert "expected a model card" in words(app)
    assert "PageLink" in str(app.main)
    app = open_page(PAGE, study=str(file))
    assert not app.error
    assert "weights.json" in words(app)
    app.text_input(key="card_classes").set_value("healthy, ill").run()
    assert "healthy, ill (logits)" in words(app)
    study = resources.study_of(str(file))
    subject = known_subject(str(file), study.subjects.index[0])
    about = json.dumps({"classes": ["healthy", "ill"], "normalisation": None})
    recipe = study.model_recipe
    model, _ = _opened(recipe, recipe.stamp(), about, "file", subject.scan.digest, subject.scan)
    (file.parent / "weights.json").write_text(_card_text(model, recipe), encoding="utf-8")
    assert resources.model_of(str(file)).classes == ("healthy", "ill")
    assert (
        resources.model_of(str(file)).grid.axis_codes == "LAS"
    )  # as the scan's file has it, and as the network was trained


def test_leave_is_taken_back_on_the_page(page, file):
    app = page()
    (button,) = [button for button in app.button if button.label == "Withdraw permission"]
    button.click().run()
    assert [b for b in app.button if b.key == "agree_to_code"]
    assert not consent.agreements()


def test_a_card_of_several_images_and_numbers_in_words():
    entry = {"t1": {"kind": "percentile", "upper": 98}, "gm": {"kind": "none"}}
    assert _normalisation_words(entry, ("t1", "gm")) == "t1: percentile (upper 98); gm: none"
    assert _normalisation_words({"kind": "min_max"}, ("t1", "gm")) == "min_max"
    assert _normalisation_words(None, ()) == "none"
    (age,) = read_numbers({"age": {"mean": 70, "std": 8, "default": 71}})
    assert _number_words(age) == "age (minus 70, divided by 8, 71 where a scan has none)"


@pytest.mark.parametrize("text", ['"pick": "logits"', '{"pick": "logits"}', ' {"pick": "logits"} '])
def test_further_entries_of_a_card(text):
    assert further_entries(text) == {"pick": "logits"}
    assert further_entries("") == {}


@pytest.mark.parametrize("text", ["pick", '"pick"', "{", '{"a": 1} 2'])
def test_further_entries_that_are_no_entries(text):
    with pytest.raises(ValueError, match="expected entries of a card"):
        further_entries(text)
