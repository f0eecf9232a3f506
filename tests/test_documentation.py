"""The documentation builds without warnings, and its worked examples are the code they show."""

import ast
import html
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

import mriinterp
from mriinterp.models.architecture_registry import get_architecture, load_code, own_architectures

ROOT = Path(__file__).resolve().parents[1]


def code_blocks(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.S)


def test_the_worked_method_is_the_file_it_shows():
    method = (ROOT / "mriinterp" / "methods" / "gradient_x_input.py").read_text(encoding="utf-8")
    shown = code_blocks(ROOT / "CONTRIBUTING.md")[0]
    assert shown == method
    assert len(shown.splitlines()) < 40


@pytest.mark.parametrize(("place", "name"), [(1, "sparseness"), (2, "small_net")])
def test_the_worked_measure_and_network_are_the_files_they_show(place, name):
    shown = code_blocks(ROOT / "CONTRIBUTING.md")[place]
    assert shown == (ROOT / "docs" / "worked" / f"{name}.py").read_text(encoding="utf-8")
    assert len(shown.splitlines()) < 40


def test_the_worked_network_is_loaded_and_explained(tmp_path):
    with own_architectures():
        load_code(ROOT / "docs" / "worked" / "small_net.py")
        module, _ = get_architecture("small_net").build([])
    values = mriinterp.relevance(module.eval(), torch.randn(1, 1, 9, 10, 11), "sensitivity", target=1)
    assert values.shape == (1, 1, 9, 10, 11)
    assert values.abs().sum() > 0


def first_line_of_text(path: Path) -> str:
    """Return the docstring's first line of an example, as a page shows it."""
    return html.escape(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0], quote=False)


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("mkdocstrings") is None, reason="mkdocs and mkdocstrings are not installed"
)
def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )  # --quiet would hide warnings from --strict
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mriinterp.explain.explain" in (tmp_path / "site" / "api" / "index.html").read_text(encoding="utf-8")
    shown = (tmp_path / "site" / "gallery" / "index.html").read_text(encoding="utf-8")
    missing = [path.name for path in (ROOT / "docs" / "examples").glob("*.py") if first_line_of_text(path) not in shown]
    assert missing == [], "programs that the gallery does not show"


def test_every_public_name_is_documented():
    api = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    documented = {line.rpartition(".")[2] for line in api.splitlines() if line.startswith(":::")}
    assert set(mriinterp.__all__) <= documented


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == mriinterp.__version__
