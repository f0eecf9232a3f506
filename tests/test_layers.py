"""Imports point one way."""

import ast
import graphlib
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mriinterp"

# The rooms of the package from the ground up: a room imports only from rooms before it.
ORDER = [
    "base",
    "image",
    "areas",
    "models",
    "incremental",
    "gradient",
    "stats",
    "methods",
    "relevance_map",
    "explain",
    "cost",
    "network_check",
    "compare",
    "figures",
    "simulation",
    "training",
    "subjects",
    "results",
    "prepare",
    "study",
    "fetch",
    "cohort",
    "export",
    "trust",
    "crossval",
    "commands",
    "cli",
    "ui",
]

# The rooms of the app, likewise: what every page is built of first, then one room a page.
UI_ORDER = [
    "session",
    "viewer",
    "base",
    "sources",
    "server",
    "shell",
    "scan",
    "maps",
    "compare",
    "cohort",
    "single",
    "trust",
    "train",
    "network",
]


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_the_core_loads_no_streamlit():
    code = "import sys, mriinterp.cli, mriinterp.results.store; sys.exit('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_streamlit_only_in_the_ui():
    allowed = {PACKAGE / "ui", ROOT / "pages"}
    files = [ROOT / "app.py", *PACKAGE.rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    using = [f for f in files if any(name.split(".")[0] == "streamlit" for name in imports_of(f))]
    assert using, "nothing imports streamlit: the walk is broken"
    astray = [f for f in using if f != ROOT / "app.py" and not any(folder in f.parents for folder in allowed)]
    assert astray == []


def test_every_room_has_its_place():
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms == set(ORDER)


@pytest.mark.parametrize("room", ORDER)
def test_imports_point_one_way(room):
    files = [path for path in PACKAGE.rglob("*.py") if room_of(path) == room]
    assert files
    allowed = {*ORDER[: ORDER.index(room) + 1], ""}
    reached = {
        (file.name, name)
        for file in files
        for name in imports_of(file)
        if name.startswith("mriinterp.") and name.split(".")[1] not in allowed
    }
    assert reached == set()


def test_every_room_of_the_app_has_its_place():
    rooms = {path.name for path in (PACKAGE / "ui").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert rooms == set(UI_ORDER)
    assert [path.name for path in (PACKAGE / "ui").glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("room", UI_ORDER)
def test_imports_of_the_app_point_one_way(room):
    files = list((PACKAGE / "ui" / room).rglob("*.py"))
    assert files
    allowed = UI_ORDER[: UI_ORDER.index(room) + 1]
    reached = {
        (file.name, name)
        for file in files
        for name in imports_of(file)
        if name.startswith("mriinterp.ui.") and name.split(".")[2] not in allowed
    }
    assert reached == set()


def test_no_modules_import_each_other_in_a_circle():
    """Within a room as well, and also where types or late imports are concerned."""
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    reached = {name: imports_of(path) & known.keys() for name, path in known.items() if path.name != "__init__.py"}
    try:
        graphlib.TopologicalSorter(reached).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle of imports: {' → '.join(error.args[1])}")


def test_tables_are_written_by_the_functions_that_guard_them():
    """`DataFrame.to_csv` knows nothing of formulas; digests of areas may use it."""
    digests = {"areas/atlas.py", "ui/viewer/component.py"}
    using = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if ".to_csv(" in path.read_text(encoding="utf-8")
    }
    assert using - digests == {"base/tables.py"}


def test_one_module_names_what_a_session_remembers():
    files = [*(PACKAGE / "ui").rglob("*.py"), *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]
    using = {path.name for path in files if "session_state" in path.read_text(encoding="utf-8")}
    assert using == {"keys.py"}


LISTED = """
import sys
import mriinterp.methods, mriinterp.models, mriinterp.study, mriinterp.cohort, mriinterp.trust, mriinterp.relevance_map
from mriinterp.results.maps import request_key
from mriinterp.trust.measure_registry import measure_names
assert len(mriinterp.methods.method_names()) > 10 and len(measure_names()) > 5
assert "torch" not in sys.modules
"""


def test_what_is_known_of_methods_measures_networks_and_studies_needs_no_torch():
    """It takes seconds to import, and pages and commands show what is known without it."""
    done = subprocess.run([sys.executable, "-c", LISTED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", [path.parent.name for path in PACKAGE.glob("*/__init__.py")])
def test_every_public_name_of_a_room_is_there(package):
    room = importlib.import_module(f"mriinterp.{package}")
    for name in getattr(room, "__all__", []):
        value = getattr(room, name)
        assert not isinstance(value, ModuleType), name
    assert set(getattr(room, "__all__", [])) <= set(dir(room))
