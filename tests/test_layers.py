"""Imports point one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mriinterp"

# What a layer must never reach, by folder or module.
FORBIDDEN = {
    "volume.py": {"nifti", "atlas", "models", "methods", "explain", "store", "study", "cohort", "figures", "ui"},
    "nifti.py": {"models", "methods", "explain", "store", "study", "cohort", "figures", "ui"},
    "atlas.py": {"models", "methods", "explain", "store", "study", "cohort", "figures", "ui"},
    "models": {"methods", "explain", "store", "study", "cohort", "figures", "ui"},
    "incremental": {"methods", "explain", "store", "study", "cohort", "figures", "ui"},
    "methods": {"explain", "store", "study", "cohort", "figures", "ui"},
    "explain.py": {"store", "study", "cohort", "figures", "ui"},
    "stats": {"explain", "store", "study", "cohort", "figures", "ui"},
    "cohort": {"ui", "commands"},
    "figures": {"ui", "cohort", "commands"},
    "trust": {"ui", "commands"},
    "commands": {"ui"},
}


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def files_of(place: str) -> list[Path]:
    path = PACKAGE / place
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def test_the_core_loads_no_streamlit():
    code = "import sys, mriinterp.cli, mriinterp.store; sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_streamlit_only_in_the_ui():
    allowed = {PACKAGE / "ui", ROOT / "pages"}
    files = [ROOT / "app.py", *PACKAGE.rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    using = [f for f in files if any(name.split(".")[0] == "streamlit" for name in imports_of(f))]
    assert using, "nothing imports streamlit: the walk is broken"
    astray = [f for f in using if f != ROOT / "app.py" and not any(folder in f.parents for folder in allowed)]
    assert astray == []


@pytest.mark.parametrize("place", FORBIDDEN)
def test_layers(place):
    files = files_of(place)
    assert files
    reached = {
        (file.name, name)
        for file in files
        for name in imports_of(file)
        if name.startswith("mriinterp.") and name.split(".")[1] in FORBIDDEN[place]
    }
    assert reached == set()
