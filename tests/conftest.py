"""Fixtures shared by all tests.

Small volumes are (7, 8, 9): three different sizes, so that a swapped axis
cannot go unnoticed. Their affine is oblique and anisotropic, so that code
which assumes a diagonal one cannot either.
"""

import os
import sys
from pathlib import Path

# Several test processes share the cores: one thread each, which is read when NumPy loads.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from nibabel.affines import from_matvec
from nibabel.eulerangles import euler2mat

from mriinterp.image.volume import Volume

SHAPE = (7, 8, 9)
BROWSER = "tests/browser/"
WORKERS = 2  # test processes for the whole suite; each takes up to 4 GB


# Files that take more than half a minute, or servers: begun first, so that neither process waits for the other at the end.
BEGUN_FIRST = (
    BROWSER,
    "tests/test_own_network.py",
    "tests/pages/test_cohort.py",
    "tests/test_types.py",
    "tests/test_examples.py",
    "tests/cohort/test_workers.py",
    "tests/crossval/test_train.py",
    "tests/training/test_train.py",
    "tests/prepare/test_prepare.py",
    "tests/pages/test_own_outputs.py",
    "tests/pages/test_folds.py",
    "tests/pages/test_every_widget.py",
    "tests/pages/test_train.py",
    "tests/incremental/test_random_networks.py",
)


def pytest_collection_modifyitems(items):
    """Put the files that take longest in front; all else keeps its order."""

    def place(item):
        return next((n for n, name in enumerate(BEGUN_FIRST) if item.nodeid.startswith(name)), len(BEGUN_FIRST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a file to one process, and all browser tests to the same one: they share servers and a browser."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)

    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_xdist_auto_num_workers(config):
    """Run the whole suite in two processes, chosen files in the one that was started."""
    whole = set(config.args) == set(config.getini("testpaths"))
    return min(WORKERS, os.cpu_count() or 1) if whole else 0


@pytest.fixture(scope="session", autouse=True)
def results_folder(tmp_path_factory):
    """Keep results of tests, and of what they start, out of the user's own folder; pages share them."""
    home = tmp_path_factory.mktemp("home")
    patch = pytest.MonkeyPatch()
    patch.setenv("MRIINTERP_HOME", str(home))
    yield home
    patch.undo()


@pytest.fixture(autouse=True)
def own_main():
    """Give the main module back after each test: a page under test becomes it, and started processes import it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def nothing_known():
    """Nothing is remembered of networks of other tests, nor by them of this one's."""
    from mriinterp.incremental import remember, traced

    traced.forget_networks()
    remember.forget()
    yield
    traced.forget_networks()
    remember.forget()


@pytest.fixture
def rng():
    return np.random.default_rng(20181106)


@pytest.fixture
def oblique_affine():
    """Voxels of 1.5 × 2 × 2.5 mm, turned by a few degrees about every axis."""
    return from_matvec(euler2mat(0.10, -0.15, 0.20) @ np.diag([1.5, 2.0, 2.5]), [-4.0, -7.5, -11.0])


@pytest.fixture
def small_volume(rng, oblique_affine):
    return Volume(rng.normal(size=SHAPE).astype(np.float32), oblique_affine)


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real scans and published weights; not part of the product."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data are not here: {folder}")
    return folder
