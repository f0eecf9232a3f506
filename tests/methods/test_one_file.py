"""A method is one file: whatever pages, commands, costs, docs and benchmark know of it stands there."""

import importlib.util
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from mriinterp import cost
from mriinterp.base.discover import run_files
from mriinterp.cli import main
from mriinterp.cohort import choose_methods
from mriinterp.explain import relevance
from mriinterp.incremental import BoxGrid
from mriinterp.methods import (
    KINDS,
    get_method,
    listed_methods,
    method_names,
    register_method,
    unregister_method,
    windows,
)
from mriinterp.models import load_model
from mriinterp.trust.benchmark_plan import chosen_explainers
from mriinterp.ui.maps.kept import cheap_enough
from mriinterp.ui.maps.result import _patch

from .networks import SHAPE, image, labels_of, small_3d

NAME = "occlusion_median"
FILE = '''
"""Occlusion that puts the scan's median in, one whole pass for every box."""

from typing import Annotated

import torch

from mriinterp.base.progress import check_cancel, tell
from mriinterp.incremental import BoxGrid
from mriinterp.methods import Docs, Param, register_method
from mriinterp.methods.score import Score, score_of


@register_method(
    "occlusion_median",
    label="Occlusion, median",
    reference="a test",
    kind="boxes",
    reading="positive",
    unit="fall of {score} when the box is hidden",
    caution="A toy.",
    docs=Docs(answers="how much does the score fall when a box becomes plain?", formula="f(x) − f(x with the median)"),
    cohort={"size": 30, "stride": 30},
    lists=("quick",),
)
def occlusion_median(
    model, x, target, *,
    score: Score = "probability",
    size: Annotated[int, Param("Edge of the box", minimum=1, maximum=200, unit="voxels")] = 40,
    stride: Annotated[int, Param("Step between boxes", minimum=1, maximum=200, unit="voxels")] = 25,
    progress=None, cancel=None,
):
    """Fall of the score when a box holds the median."""
    boxes = BoxGrid(x.shape[2:], size, stride).boxes
    result, median = torch.zeros_like(x[:, :1]), x.median()
    with torch.no_grad():
        clean = score_of(model(x.clone()), target, score)
        for done, box in enumerate(boxes, 1):
            check_cancel(cancel)
            inside = (..., *(slice(*side) for side in box))
            hidden = x.clone()
            hidden[inside] = median
            result[inside] += clean - score_of(model(hidden), target, score)
            tell(progress, done, len(boxes))
    return result
'''


@pytest.fixture
def toy(tmp_path):
    """The file of a new method, put where methods are looked for."""
    before = method_names()
    (tmp_path / f"{NAME}.py").write_text(textwrap.dedent(FILE), encoding="utf-8")
    (tmp_path / "_notes.py").write_text("raise RuntimeError('files that begin with an underscore are not run')")
    run_files(tmp_path)
    yield get_method(NAME)
    unregister_method(NAME)
    assert method_names() == before


@pytest.fixture(scope="module")
def model():
    return load_model("demo", device="cpu")


def test_it_is_listed_last_and_runs(toy):
    assert method_names()[-1] == NAME
    assert NAME in listed_methods("quick")
    net, x = small_3d(), image(SHAPE)
    ours = relevance(net, x, NAME, target=1, size=40, stride=40)
    with torch.no_grad():
        fall = torch.softmax(net(x), 1)[0, 1] - torch.softmax(net(torch.full_like(x, x.median())), 1)[0, 1]
    torch.testing.assert_close(ours, fall.expand_as(ours))


def test_its_cost_is_that_of_plain_passes(toy, model, monkeypatch):
    monkeypatch.setattr(cost, "forward_seconds", lambda model: 0.8)
    params = toy.resolve({})
    count = np.prod(BoxGrid(model.grid.shape, 40, 25).counts)
    assert cost.map_seconds(model, NAME, params) == pytest.approx((count + 1) * 0.8)
    assert cost.describe_cost(model, NAME, params) == f"{count} boxes, about 2 min 01 s; a whole pass each"


def test_a_page_does_not_start_it_unasked(toy, model, monkeypatch):
    class Study:
        def atlas(self):
            return None

    monkeypatch.setattr(cost, "forward_seconds", lambda model: 0.8)
    assert not cheap_enough(model, toy, toy.resolve({}), Study())
    assert cheap_enough(model, toy, toy.resolve({"size": 110, "stride": 110}), Study())
    assert cheap_enough(model, get_method("occlusion"), get_method("occlusion").resolve({}), Study())


def _page():
    from mriinterp.methods import get_method
    from mriinterp.models import load_model
    from mriinterp.ui.maps.parameters import parameter_widgets

    parameter_widgets(get_method("occlusion_median"), load_model("demo", device="cpu"))


def test_its_widgets(toy):
    app = AppTest.from_function(_page, default_timeout=60).run()
    assert not app.exception
    assert [(w.label, w.value, w.min, w.max) for w in app.number_input] == [
        ("Size (voxels)", 40, 1, 200),
        ("Stride (voxels)", 25, 1, 200),
    ]
    assert [(w.label, w.value, w.options) for w in app.selectbox] == [
        ("Score", "probability", ["Probability", "Logit", "Logit margin"])
    ]


def test_its_boxes_are_drawn(toy, model):
    patch = _patch(model.grid, NAME, toy.resolve({"size": 30}))
    assert patch.boxes == BoxGrid(model.grid.shape, 30, 25)
    assert "larger than the box" in toy.warning(model.grid.shape, toy.resolve({"stride": 50}))


def test_its_defaults_in_a_cohort(toy):
    (choice,) = choose_methods([NAME])
    assert choice.params == {"size": 30, "stride": 30}
    (own,) = choose_methods([NAME], {NAME: {"stride": 20}})
    assert own.params == {"size": 30, "stride": 20}


def test_its_section_of_the_docs(toy, monkeypatch):
    path = Path(__file__).resolve().parents[2] / "docs" / "trust" / "fill.py"
    spec = importlib.util.spec_from_file_location("fill", path)
    fill = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fill", fill)  # where its dataclass looks for its annotations
    spec.loader.exec_module(fill)
    page = fill.filled((path.parents[1] / "methods.md").read_text(encoding="utf-8"), fill.figures_of(fill.SHIPPED))
    section = page.split("## Occlusion, median (`occlusion_median`)\n")[1]
    assert "- **Answers**: how much does the score fall when a box becomes plain?" in section
    assert "- **Cost**: one F a box." in section
    assert "- **Known failures**: A toy." in section
    assert "- **Measured**: not yet." in section
    assert fill.methods_of(page)[-1] == NAME


def test_the_command_knows_it(toy, capsys):
    assert main(["methods", NAME]) == 0
    said = capsys.readouterr().out
    assert "--set size=40  whole number from 1 to 200 voxels" in said
    assert "cost: one F a box." in said


def test_the_benchmark_takes_it(toy):
    assert NAME in [explainer.name for explainer in chosen_explainers()]
    assert NAME in [explainer.name for explainer in chosen_explainers(quick=True)]
    (explainer,) = chosen_explainers([NAME])
    assert not explainer.local


def registered(**about):
    def function(model, x, target, *, depth: int = 1):
        """Nothing."""
        return x

    try:
        register_method("broken", label="Broken", reference="none", **about)(function)
    finally:
        if "broken" in method_names():
            unregister_method("broken")


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"kind": "magic"}, f"kind of {', '.join(KINDS)}, got 'magic'"),
        ({"reading": "sideways"}, "reading of .*, got 'sideways'"),
        ({"lists": ("best",)}, "lists of .*, got best"),
        ({"counted": "steps"}, "parameter that counts passes, got 'steps'"),
        ({"kind": "boxes"}, "size and stride"),
        ({"cohort": {"size": 3}}, "got size"),
        ({"variants": ({"depth": "deep"},)}, "depth as whole number"),
        ({"presets": {"theirs": {"width": 1}}}, "got width"),
    ],
)
def test_a_wrong_declaration_fails_when_it_is_made(about, words):
    with pytest.raises(ValueError, match=words):
        registered(**about)


def test_the_kind_shows_in_the_arguments_where_it_is_not_declared():
    def boxes(model, x, target, *, size: int = 3, stride: int = 2):
        """Hide."""

    def areas(model, x, target, *, labels=None):
        """Hide."""

    def neither(model, x, target):
        """Look."""

    for function, kind in ((boxes, "boxes"), (areas, "areas"), (neither, "gradient")):
        register_method("shown", label="Shown", reference="none")(function)
        assert get_method("shown").kind == kind
        unregister_method("shown")


def test_every_method_is_of_the_kind_that_its_arguments_show():
    for name in method_names():
        method = get_method(name)
        assert (method.kind == "areas") == ("labels" in method.injected)
        assert (method.kind == "boxes") == ({"size", "stride"} <= method.parameters.keys())
        assert ("layer" in method.parameters) >= (method.kind == "activation")


def test_methods_that_say_so_use_the_incremental_engine(monkeypatch):
    used, real = [], windows.Occluder
    monkeypatch.setattr(windows, "Occluder", lambda *given: used.append(1) or real(*given))
    for name in filter(lambda name: get_method(name).hides, method_names()):
        used.clear()
        params = {k: v for k, v in {"size": 3, "stride": 2}.items() if k in get_method(name).parameters}
        relevance(small_3d(), image(SHAPE), name, target=1, context={"labels": labels_of(SHAPE)}, **params)
        assert bool(used) == get_method(name).incremental
