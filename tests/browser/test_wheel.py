"""The wheel, installed away from the checkout, has the app: its first page opens and every page is in it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NO_BUILD_TOOLS = ("No matching distribution found for setuptools", "Could not find a version that satisfies")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy, so that the checkout stays as it is."""
    copy, dist = tmp_path_factory.mktemp("source") / "mriinterp", tmp_path_factory.mktemp("dist")
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "node_modules", "__pycache__", "tests", "build"))
    shutil.copytree(ROOT / ".streamlit", copy / ".streamlit")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(dist), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    if done.returncode and not os.environ.get("CI") and any(words in done.stderr for words in NO_BUILD_TOOLS):
        pytest.skip("setuptools, which builds the wheel, is neither here nor to be had")
    assert done.returncode == 0, done.stderr
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder into which the wheel alone was installed; its requirements are those of this environment."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True)
    return folder


def test_the_wheel_holds_what_the_app_needs(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for page in (ROOT / "pages").glob("*.py"):
        assert f"mriinterp/ui/scripts/pages/{page.name}" in names
    assert "mriinterp/ui/scripts/app.py" in names
    assert any(name.endswith("viewer.js") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "docs/")) or "node_modules" in name]


@pytest.mark.browser
def test_the_installed_app_starts_and_shows_its_first_page(installed, tmp_path, run_command, page):
    url = run_command("app", "--no-browser", PYTHONPATH=str(installed), MRIINTERP_HOME=str(tmp_path / "home"))
    page.goto(url)
    page.locator("canvas.pane[data-plane=axial]").first.wait_for(timeout=60_000)
    assert page.get_by_text("Simulated", exact=False).count()
    assert "Traceback" not in (tmp_path / "log.txt").read_text(encoding="utf-8")
