"""Networks of a lab's own through every page: three classes, one logit for two classes, a scale."""

import json
import sys
import tomllib

import pytest
import torch
from cohort.conftest import make_study

from mriinterp.cohort import run_cohort
from mriinterp.study import consent, load_study, write_study_file
from mriinterp.ui.network import check
from mriinterp.ui.sources import resources
from mriinterp.ui.sources.studies import remember_study

GROUPS = {"three classes": ("CN", "MCI", "AD"), "one logit": ("CN", "AD"), "a scale": ("CN", "AD")}
CARDS = {
    "three classes": {"classes": ["CN", "MCI", "AD"]},
    "one logit": {"classes": ["CN", "AD"], "output": "logit"},
    "a scale": {"classes": ["age"]},
}
OUTPUTS = {"three classes": 3, "one logit": 1, "a scale": 1}


@pytest.fixture(autouse=True, scope="module")
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRIINTERP_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(sys, "argv", ["app.py", "--allow-code"])
        resources.study_of.clear()
        resources.store.clear()
        check._checks().clear()
        yield
    resources.study_of.clear()
    resources.store.clear()


@pytest.fixture(scope="module", params=list(CARDS))
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def file(kind, home, tmp_path_factory):
    """A study of such a network, whose code was agreed to."""
    folder = tmp_path_factory.mktemp("study") / kind.replace(" ", "_")
    groups, n = GROUPS[kind], OUTPUTS[kind]
    names = {g: g for g in groups}
    entries = {"reference": "CN", "positive": "AD", "labels": {g: [g] for g in groups}}
    file = make_study(folder, per_group=3, groups=groups, title=f"Study of {kind}")
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    content["groups"] = entries if kind == "a scale" else {**entries, "classes": names}
    write_study_file(content, file)
    net = folder / "net.py"
    net.write_text(net.read_text(encoding="utf-8").replace("nn.Linear(32, 2)", f"nn.Linear(32, {n})"), encoding="utf-8")
    state = torch.load(folder / "weights.pt", weights_only=True)
    state["out.weight"], state["out.bias"] = state["out.weight"].repeat(2, 1)[:n] * 0.05, torch.zeros(n)
    torch.save(state, folder / "weights.pt")
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **CARDS[kind]}))
    consent.agree(load_study(file).model_recipe.python().digest, net)
    remember_study(str(file))
    return file


def words(app):
    kinds = (app.warning, app.error, app.info, app.caption, app.markdown)
    return " ".join(e.value for kind in kinds for e in kind).replace("\\", "")


def fine(app):
    assert not app.exception, [e.value for e in app.exception]
    assert not app.error, [e.value for e in app.error]
    return app


def says(kind):
    return "age" if kind == "a scale" else "explained: **"


def test_single_scan(open_page, finish, file, kind):
    for method in ("sensitivity", "occlusion", "grad_cam", "lrp_epsilon"):
        app = fine(finish(open_page(study=str(file), method=method)))
        if "Explain" in words(app) and not app.tabs:
            app.button(key="explain").click()
            app = fine(finish(app.run()))
        assert says(kind) in words(app), words(app)
        assert [tab.label for tab in app.tabs][:2] == ["Areas", "In space"], words(app)


def test_compare(open_page, finish, file, kind):
    app = fine(open_page("pages/compare.py", study=str(file), methods="sensitivity,layer_cam,gradient_x_input"))
    if kind != "a scale":
        options = app.selectbox(key="target").options
        assert options[1:] == CARDS[kind]["classes"]
        app.selectbox(key="target").set_value(options[1]).run()
    app.button(key="compute").click()
    app = fine(finish(app.run()))
    app = fine(app.run())
    assert "None of these maps is known yet" not in words(app)


def test_cohort(open_page, finish, file, kind):
    study = resources.study_of(str(file))
    app = fine(open_page("pages/cohort.py", study=str(file)))
    assert "no averages" in words(app)
    run_cohort(study, ["sensitivity", "layer_cam"], out=study.output / "cohort", split="all")
    for tab in ("Areas", "Distances", "Numbers", "Scans", "Voxels", "Files"):
        app = fine(open_page("pages/cohort.py", study=str(file), part=tab, compute="True"))
    for group in GROUPS[kind]:
        assert group in words(app)


def test_trust(open_page, finish, file, kind):
    app = fine(open_page("pages/trust.py", study=str(file)))
    app.button(key="run_trust").click()
    app = fine(finish(app.run(), 240))
    app = fine(app.run())
    assert "Nothing was measured" not in words(app)
    for tab in ("Agreement", "Faithfulness", "Groups", "Randomisation"):
        fine(open_page("pages/trust.py", study=str(file), measure=tab))


def test_network(open_page, finish, file, kind):
    app = fine(open_page("pages/network.py", study=str(file)))
    for name in CARDS[kind]["classes"]:
        assert name in words(app)
    app.button(key="check_network").click()
    app = fine(finish(app.run()))
    table = app.dataframe[0].value
    assert (table["Works"] == "yes").sum() > 10
