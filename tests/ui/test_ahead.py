"""The server imports what the first page needs before a browser asks for it."""

import subprocess
import sys

import pytest

from mriinterp.ui import ahead

CODE = """
import sys
from mriinterp.ui.ahead import import_ahead, wait_for_imports
wait_for_imports()  # nothing has begun
assert "torch" not in sys.modules
import_ahead()
import_ahead()
wait_for_imports()
missing = {"torch", "mriinterp.ui.shell", "mriinterp.ui.maps", "mriinterp.ui.downloads"} - set(sys.modules)
assert not missing, missing
# Half a second each, and the first page needs neither: SciPy loads its parts when they are used.
early = {"matplotlib", "nilearn", "scipy.cluster", "scipy.interpolate", "scipy.optimize", "scipy.spatial", "scipy.stats"}
assert not early & set(sys.modules), early & set(sys.modules)
"""


def test_what_the_first_page_imports_is_there_when_it_has_waited():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "could not be imported" not in done.stderr


@pytest.fixture
def another_process(monkeypatch):
    """Count nothing as begun, and import nothing but what a test names."""
    monkeypatch.setattr(ahead, "_threads", [])
    return lambda *names: monkeypatch.setattr(ahead, "_modules", lambda: list(names))


def test_a_fault_is_left_for_the_page_to_show(another_process, caplog):
    another_process("mriinterp.there_is_no_such_module")
    ahead.import_ahead()
    ahead.wait_for_imports()
    assert "could not be imported ahead" in caplog.text
