"""Import and load what the first page needs while its browser starts, and the rest once it is looked at.

What is imported when: app.py imports Streamlit and this module; the thread
``import-ahead`` imports the rest of the first page in the order of `_ahead`;
as soon as the code for it is there, threads beside it load the template and
the demo study, and then what the first page shows of it. Loading is mostly
work without Python (unpacking, resampling), which runs beside imports. The
first page of the demo study needs no PyTorch, which takes seconds to import,
and of SciPy and pydicom nothing either: its map and prediction are known, and
what computes is imported where it computes. Once a page was made and its
reader looks at it, the thread ``import-rest`` imports PyTorch, what computes
and what the other pages need, parts of SciPy among it; a page that is asked
for meanwhile waits for one module at most, and for PyTorch only if it
computes. Then it makes what takes long of what the other pages of the demo
study show first. A page's room that has such things has a module ``ahead``
with a function ``load_ahead(study)`` that makes them and yields after each.
Memory that this took and needs no more is given back.
Matplotlib and nilearn load where a command needs them.
"""

from __future__ import annotations

import ast
import gc
import importlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamlit import delta_generator

from mriinterp.base.allocator import give_back
from mriinterp.base.scripts import app_script, page_scripts
from mriinterp.ui.session.runs import is_quiet, wait_until_quiet

__all__ = ["FIRST_PAGE", "import_ahead", "import_rest", "wait_for_imports"]

FIRST_PAGE = "single_scan.py"
FIRST_AHEAD = "mriinterp.ui.single.ahead"
LOADER = "load-ahead"
COMPUTING = "mriinterp.explain", "mriinterp.cost", "mriinterp.models.loading"  # with PyTorch, where a map is computed
ROOMS = Path(__file__).parents[1]
PARTS = ("scipy.ndimage", "scipy.special", "scipy.stats", "scipy.optimize")  # which modules load on first use only
_logger = logging.getLogger(__name__)
_threads: list[threading.Thread] = []
_rest: list[threading.Thread] = []
_importing = threading.Lock()


def import_ahead() -> None:
    """Start to import, in a thread of its own, what the first page imports; once in a process."""
    # Streamlit would look through all modules, a twentieth of a second, to learn whether Python is used interactively.
    delta_generator._use_warning_has_been_displayed = True
    if not _threads:
        _threads.append(threading.Thread(target=_ahead, name="import-ahead", daemon=True))
        _threads[0].start()


def wait_for_imports() -> None:
    """Wait until the imports that have begun are done: two threads that import each other's modules meet halves of them."""
    for thread in _threads:
        thread.join()
    with _importing:  # of the rest, one module is waited for at most: none begins while a page is made
        pass


def import_rest() -> None:
    """Start to import, in a thread of its own, what the other pages need, while no page is being made; once in a process."""
    if not _rest:
        _rest.append(threading.Thread(target=_import_rest, name="import-rest", daemon=True))
        _rest[0].start()


def _import_rest() -> None:
    scripts = [script for script in page_scripts() if script.name != FIRST_PAGE]
    others = [name for script in scripts for name in _modules(script)]
    aheads = [f"mriinterp.ui.{script.stem}.ahead" for script in scripts if (ROOMS / script.stem / "ahead.py").is_file()]
    names = [*COMPUTING, *PARTS, *dict.fromkeys(others), *aheads]
    try:
        wait_until_quiet()
        with no_garbage():
            _import("torch")  # which imports nothing of ours: no page need wait for it
        while names:
            wait_until_quiet()
            with _importing:
                if is_quiet():
                    _import(names.pop(0))
    except Exception:  # the page imports it again, and shows what is wrong
        _logger.exception("what another page needs could not be imported ahead of it")
        return
    for name in aheads if _opens_demo() else ():
        _load_page(sys.modules[name].load_ahead)
    give_back()


def _load_page(load: Callable[[str], Iterator[None]]) -> None:
    """Make what a page shows first, a step at a time while no page is being made; a step that fails is the last."""
    from mriinterp.study import DemoStudy

    steps, ended = load(DemoStudy.name), threading.Event()

    def step() -> None:
        for _ in steps:
            return
        ended.set()

    while not ended.is_set():
        wait_until_quiet()
        _beside(step).join()


def _opens_demo() -> bool:
    """Return whether the app opens with the demo study: it was started with no other."""
    return not any(argument.lower().endswith(".toml") for argument in sys.argv[1:])


def _ahead() -> None:
    """Load the first page's modules, and start to load its data as soon as their code is there."""
    try:
        with no_garbage():
            with absent("pydicom"):  # nibabel imports it for a kind of header that is not read here
                _import("nibabel")
            _import("mriinterp.image.template", "mriinterp.areas.atlas")
            loader = _beside(load_template) if _opens_demo() else None
            _import("mriinterp.ui.sources.resources")
            if loader:
                _beside(load_demo_study, loader)
            else:  # a study of the reader's, whose network is loaded
                _import("torch")
            _import(*_modules(app_script().parent / "pages" / FIRST_PAGE), FIRST_AHEAD)
        if loader:
            _beside(load_first_page)
    except Exception:  # the page imports it again, and shows what is wrong
        _logger.exception("what the first page needs could not be imported ahead of it")


@contextmanager
def no_garbage() -> Iterator[None]:
    """Keep Python from looking for garbage while modules are imported, and later in what they have made.

    Nearly all of it stays, so looking through it is a sixth of the time that imports take.
    """
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if looks:
            gc.enable()


@contextmanager
def absent(package: str) -> Iterator[None]:
    """Let what is imported do without a package, as where it is not installed, unless it is there already."""
    known = package in sys.modules
    if not known:
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if not known:
            del sys.modules[package]


def _import(*names: str) -> None:
    for name in names:
        importlib.import_module(name)


def _beside(load: Callable[..., None], *about: Any) -> threading.Thread:
    """Start to load something while imports go on; what fails is loaded again by the page, which shows what is wrong."""

    def run() -> None:
        try:
            load(*about)
        except Exception:
            _logger.debug("%s failed", load.__name__, exc_info=True)

    # Streamlit warns that no page is there to show a spinner.
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").addFilter(_is_of_a_page)
    thread = threading.Thread(target=run, name=LOADER)  # no daemon: the process cannot end within a convolution
    thread.start()
    return thread


def load_template() -> None:
    """Load the template on the demo study's grid, and the atlas; each is kept where it is made."""
    from mriinterp.areas.atlas import load_atlas
    from mriinterp.image.template import template

    template()
    load_atlas("AAL")


def load_demo_study(template: threading.Thread) -> None:
    """Load the demo study with its network, the scan that it opens with and what is shown over it.

    `template`: loads the template, which the study is shown over; it is waited for, not loaded twice.
    """
    from mriinterp.image.template import brain_mask
    from mriinterp.study import DemoStudy
    from mriinterp.study.kept_scans import EXAMPLE
    from mriinterp.ui.sources.resources import atlas_of, model_of, prediction_of, reference_of, scan_of

    name = DemoStudy.name
    model_of(name)
    scan = scan_of(name, EXAMPLE)
    prediction_of(name, scan.digest, scan, EXAMPLE)
    template.join()
    reference_of(name)
    atlas_of(name)
    brain_mask()  # for tables, which stand below the map


def load_first_page() -> None:
    """Make what the first page shows first, while its browser starts."""
    from mriinterp.study import DemoStudy

    for _ in sys.modules[FIRST_AHEAD].load_ahead(DemoStudy.name):
        pass


def _is_of_a_page(record: logging.LogRecord) -> bool:
    return record.threadName != LOADER


def _modules(script: Path) -> list[str]:
    """Return the modules of this package that a page's script imports."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return ["mriinterp.ui.shell.page", *(name for name in names if name.split(".")[0] == "mriinterp")]
