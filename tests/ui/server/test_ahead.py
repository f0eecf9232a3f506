"""The server imports what the first page needs before a browser asks for it."""

import gc
import importlib
import inspect
import subprocess
import sys
import threading

import pytest

from mriinterp.ui.server import ahead

CODE = """
import sys
from mriinterp.ui.server.ahead import import_ahead, wait_for_imports
wait_for_imports()  # nothing has begun
assert "torch" not in sys.modules
import_ahead()
import_ahead()
wait_for_imports()
missing = {"mriinterp.ui.shell.page", "mriinterp.ui.maps.kept", "mriinterp.ui.single.downloads"} - set(sys.modules)
assert not missing, missing
# Half a second each or more, and the first page needs none: SciPy loads its parts when they are used.
early = {"torch", "matplotlib", "nilearn", "pydicom", "requests", *(f"scipy.{part}" for part in (
    "cluster", "interpolate", "ndimage", "optimize", "spatial", "special", "stats"))}
assert not early & set(sys.modules), early & set(sys.modules)
import gc
assert gc.isenabled() and gc.get_freeze_count() > 50_000  # what imports made is not looked through again
import threading
for thread in threading.enumerate():
    if thread.name == "load-ahead":
        thread.join()
from mriinterp.image import template
from mriinterp.ui.sources import resources
before = template._mask.cache_info().misses
template.brain_mask()
assert template._resampled.cache_info().misses == 1 and template._mask.cache_info().misses == before
resources.DemoStudy = None  # what was loaded is there, and is not loaded again
name = "demo"
scan = resources.scan_of(name, resources.study_of(name).example)
assert resources.prediction_of(name, scan.digest, None).predicted == "AD"
assert resources.reference_of(name) is template.template()
assert not early & set(sys.modules), "what is known was computed"
from streamlit import delta_generator
assert delta_generator._use_warning_has_been_displayed  # Streamlit need not look through all modules
"""


def test_what_the_first_page_imports_is_there_when_it_has_waited():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "could not be imported" not in done.stderr
    assert "'load-ahead'" not in done.stderr  # Streamlit misses a page there


LOADED = """
import sys
from mriinterp.ui.server import ahead
for names, load, *about in (
    (("mriinterp.image.template", "mriinterp.areas.atlas"), ahead.load_template),
    (("mriinterp.ui.sources.resources",), ahead.load_demo_study, ahead._beside(lambda: None)),
):
    ahead._import(*names)
    before = set(sys.modules)
    load(*about)
    print([name for name in set(sys.modules) - before if name.split(".")[0] in ("mriinterp", "torch", "scipy", "streamlit")])
"""


def test_what_is_loaded_beside_imports_imports_nothing_of_a_package_that_they_import():
    """Two threads that import modules of one package may each meet a half of what the other begins."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=240)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"], done.stdout + done.stderr


def test_an_absent_package_is_there_again_afterwards():
    with ahead.absent("wave"), pytest.raises(ImportError):
        importlib.import_module("wave")
    known = importlib.import_module("wave")
    with ahead.absent("wave"):
        assert importlib.import_module("wave") is known
    assert sys.modules["wave"] is known


def test_the_name_is_streamlits_own_that_tells_it_how_it_runs():
    from streamlit import delta_generator

    assert "_use_warning_has_been_displayed" in vars(delta_generator)
    assert "_use_warning_has_been_displayed = True" in inspect.getsource(delta_generator._maybe_print_use_warning)


def test_garbage_is_looked_for_again_after_imports_that_fail():
    def fails():
        assert not gc.isenabled()
        raise ImportError

    with pytest.raises(ImportError), ahead.no_garbage():
        fails()
    assert gc.isenabled()
    gc.unfreeze()


@pytest.fixture
def another_process(monkeypatch):
    """Count nothing as begun, and import nothing but what a test names."""
    monkeypatch.setattr(ahead, "_threads", [])
    return lambda *names: monkeypatch.setattr(ahead, "_modules", lambda script: list(names))


def test_a_fault_is_left_for_the_page_to_show(another_process, caplog):
    another_process("mriinterp.there_is_no_such_module")
    ahead.import_ahead()
    ahead.wait_for_imports()
    assert "could not be imported ahead" in caplog.text


REST = """
import sys, time
from mriinterp.ui.server import ahead
from mriinterp.ui.session import runs
with runs.page_run():
    given_back = []
    ahead.give_back = lambda: given_back.append(True)
    ahead.import_rest()
    ahead.import_rest()
    time.sleep(1)
    assert not {"torch", "scipy.stats"} & set(sys.modules), "not while a page is made"
    assert not runs.is_quiet()
ahead._rest[0].join()
missing = {"torch", "mriinterp.explain", "scipy.stats", "mriinterp.ui.cohort.first", "mriinterp.ui.trust.tabs", "mriinterp.ui.network.choose"} - set(sys.modules)
assert not missing, missing
assert len(ahead._rest) == 1 and given_back == [True]
from mriinterp.ui.network import card, field
from mriinterp.ui.sources import measured, resources
card.layer_sizes = field.field_of_view = measured.findings = None  # what was made is there, and is not made again
model = resources.model_of("demo")
assert card.sizes_of_layers(model) and "of the brain" in field.unread_words(model)
assert measured.findings_of(measured.measured("demo", model.digest))
"""


def test_what_the_other_pages_import_comes_when_no_page_is_made():
    done = subprocess.run([sys.executable, "-c", REST], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "could not be imported" not in done.stderr


def test_a_page_waits_while_a_module_is_being_imported():
    seen = []
    with ahead._importing:
        page = threading.Thread(target=lambda: (ahead.wait_for_imports(), seen.append(True)))
        page.start()
        page.join(0.3)
        assert not seen
    page.join(20)
    assert seen


def test_a_step_that_fails_is_the_last_of_its_page(monkeypatch):
    done = []

    def load(study):
        done.append(study)
        yield
        done.append("second")
        raise ValueError("a table is damaged")
        yield

    monkeypatch.setattr(ahead, "wait_until_quiet", lambda: done.append("waited"))
    ahead._load_page(load)
    assert done == ["waited", "demo", "waited", "second", "waited"]
