"""Every example of the documentation runs as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MRIINTERP_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_stands_in_the_gallery(example):
    gallery = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert (
        f'--8<-- "docs/examples/{example.name}"\n' in gallery
    )  # as the site takes it in; formatters like to part the marks
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 40
