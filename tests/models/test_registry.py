"""Architectures are found because their files are there."""

import subprocess
import sys
from pathlib import Path

import pytest

from mriinterp import models
from mriinterp.base.discover import run_files
from mriinterp.models import architecture_names, get_architecture

FIRST = """
from mriinterp.models import load_code
try:
    load_code("{path}")
except ValueError as error:
    assert "registered already" in str(error), error
else:
    raise SystemExit("the name of a packaged architecture was taken")
"""


def test_every_file_that_registers_an_architecture_is_run():
    files = {
        f"mriinterp.models.{path.stem}"
        for path in Path(models.__file__).parent.glob("*.py")
        if "\n@register_architecture(" in path.read_text(encoding="utf-8")
    }
    assert len(files) > 1
    homes = {get_architecture(name).build.__module__ for name in architecture_names()}
    assert files == {home for home in homes if home.startswith("mriinterp.")}  # other tests add files of a user's


def test_the_first_thing_in_a_process_cannot_take_a_packaged_name(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(
        "from torch import nn\nfrom mriinterp.models import register_architecture\n\n\n"
        '@register_architecture("ncomms2022")\nclass Net(nn.Linear):\n    def __init__(self):\n        super().__init__(1, 2)\n'
    )
    code = FIRST.format(path=path.as_posix())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def test_only_files_that_hold_a_text_are_run(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "a_plugin", None)
    (tmp_path / "a_plugin.py").write_text("RUN = 'yes'  # a plug-in\n")
    (tmp_path / "b_helper.py").write_text("raise RuntimeError('a helper is not run')\n")
    run_files(tmp_path, holding="a plug-in")
    assert sys.modules["a_plugin"].RUN == "yes"
    with pytest.raises(RuntimeError, match="helper"):
        run_files(tmp_path)
