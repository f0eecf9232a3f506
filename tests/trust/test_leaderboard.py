"""A method of the reader's own, measured from its file, and the leaderboard it is written to."""

import json

import jsonschema
import pytest

from mriinterp.cli import main
from mriinterp.methods.method_registry import unregister_method
from mriinterp.trust import Bench, make_plan, run_benchmark
from mriinterp.trust.leaderboard import SCHEMA, leaderboard
from mriinterp.trust.method_files import register_files
from tests.trust.test_docs import DOCS
from tests.trust.tiny_study import TinyStudy

METHOD = """
from mriinterp.methods import register_method


@register_method("{name}", label="Half the gradient × input", reference="none", kind="gradient", unit="half")
def {name}(model, x, target):
    x = x.detach().requires_grad_()
    model(x)[0, target].backward()
    return x.grad * x.detach() * {factor}
"""


@pytest.fixture
def method_file(tmp_path):
    path = tmp_path / "my_method.py"
    path.write_text(METHOD.format(name="half_gradient", factor=0.5), encoding="utf-8")
    yield path
    unregister_method("half_gradient")


def test_a_file_is_measured_and_stands_on_the_leaderboard(method_file, tmp_path, capsys):
    out = tmp_path / "out"
    args = [
        "trust",
        "demo",
        "--method-file",
        str(method_file),
        "--measures",
        "infidelity",
        "--quick",
        "--subjects",
        "1",
    ]
    assert main([*args, "--out", str(out)]) == 0
    found = json.loads((out / "leaderboard.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert found["methods"][0]["method"] == "half_gradient"
    assert len(found["method_files"]["half_gradient"]) == 64
    number = found["methods"][0]["numbers"]["infidelity.infidelity"]
    assert 0 <= number["mean"] <= 1
    first = (out / "leaderboard.csv").read_text(encoding="utf-8").splitlines()[1]
    assert first.startswith("half_gradient,Half the gradient × input,False")


def test_another_file_of_the_same_name_is_another_method(method_file, tmp_path):
    study, out, values = TinyStudy(), tmp_path / "out", []
    for factor in (1.0, -1.0):
        method_file.write_text(METHOD.format(name="half_gradient", factor=factor), encoding="utf-8")
        own = register_files([method_file])
        plan = make_plan(study, methods=list(own), measures=["infidelity"], quick=True, subjects=1, method_files=own)
        run_benchmark(plan, Bench(study, folder=out), out)
        values.append(leaderboard(out)["methods"][0]["numbers"]["infidelity.infidelity"]["mean"])
        if factor > 0:
            unregister_method("half_gradient")
    assert values[0] != values[1]  # not what was measured of the file before


def test_a_file_without_a_method_says_what_was_expected(tmp_path, capsys):
    path = tmp_path / "nothing.py"
    path.write_text("x = 1\n", encoding="utf-8")
    assert main(["trust", "demo", "--method-file", str(path), "--plan", "--out", str(tmp_path / "out")]) != 0
    assert "expected a file that registers a method (@register_method" in capsys.readouterr().err


def test_the_shipped_leaderboard_is_that_of_the_shipped_results():
    shipped = json.loads((DOCS / "trust" / "leaderboard.json").read_text(encoding="utf-8"))
    jsonschema.validate(shipped, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert shipped == leaderboard(DOCS.parent / "mriinterp" / "trust" / "measured" / "demo")
