"""A method of the reader's own, measured from its file, and the leaderboard it is written to."""

import json

import jsonschema
import pytest

from mriinterp.cli import main
from mriinterp.methods.method_registry import unregister_method
from mriinterp.trust.leaderboard import SCHEMA, leaderboard
from tests.trust.test_docs import DOCS

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


def test_a_file_without_a_method_says_what_was_expected(tmp_path, capsys):
    path = tmp_path / "nothing.py"
    path.write_text("x = 1\n", encoding="utf-8")
    assert main(["trust", "demo", "--method-file", str(path), "--plan", "--out", str(tmp_path / "out")]) != 0
    assert "expected a file that registers a method (@register_method" in capsys.readouterr().err


def test_the_shipped_leaderboard_is_that_of_the_shipped_results():
    shipped = json.loads((DOCS / "trust" / "leaderboard.json").read_text(encoding="utf-8"))
    jsonschema.validate(shipped, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert shipped == leaderboard(DOCS.parent / "mriinterp" / "trust" / "measured" / "demo")
