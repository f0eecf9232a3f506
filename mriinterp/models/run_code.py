"""Running code of other people from the text that was read, imports between its files included."""

from __future__ import annotations

import builtins
import hashlib
import importlib
import os
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FrameType, ModuleType

from mriinterp.models.code import Code, CodeFile
from mriinterp.models.imports import installed_at

__all__ = ["DIGEST", "OWNER", "run_code"]

# In the namespace of every module: SHA-256 of all the code, and the path of the file.
DIGEST, OWNER = "__mriinterp_digest__", "__mriinterp_file__"
PREFIX = "mriinterp_user_"

_running: dict[str, Code] = {}  # by the name of the package that its modules are in
_lock = threading.RLock()


def run_code(code: Code) -> None:
    """Run a file. Its modules live in a package of their own, so that files of one name do not meet.

    Raises
    ------
    ValueError
        If it raises anything.
    """
    place = hashlib.sha256(f"{code.path.resolve()}\n{code.digest}".encode(errors="surrogateescape")).hexdigest()[:12]
    package = f"{PREFIX}{''.join(c if c.isalnum() else '_' for c in code.path.stem)}_{place}"
    with _lock:
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
        _forget(package)
        _running[package] = code
        try:
            importlib.import_module(package)
        except Exception as error:  # whatever the user's code raises is reported as a fault of that file
            _forget(package)
            raise ValueError(
                f"{code.path.name}: expected Python code that runs, got {type(error).__name__}: {error}"
            ) from error


def _forget(package: str) -> None:
    _running.pop(package, None)
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]


class _Finder(MetaPathFinder):
    """Find modules of users' code in what was read, and refuse those that were not read."""

    def find_spec(self, fullname, path=None, target=None) -> ModuleSpec | None:
        package, _, inner = fullname.partition(".")
        code = _running.get(package)
        if code is None:
            if path is None and _running:
                _refuse_uncovered(fullname)
            return None
        file = code.files[0] if not inner else code.modules.get(inner)
        if file is not None:
            spec = ModuleSpec(
                fullname, _Loader(code, file), origin=str(file.path), is_package=not inner or file.is_package
            )
            spec.has_location = True
            return spec
        return ModuleSpec(fullname, None, is_package=True) if inner in code.folders else None


class _Loader(Loader):
    """Loader of one file of a user's code."""

    def __init__(self, code: Code, file: CodeFile):
        self.code, self.file = code, file

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        package = module.__name__.partition(".")[0]
        setattr(module, DIGEST, self.code.digest)
        setattr(module, OWNER, str(self.code.path.resolve()))
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importer(self.code, package)}
        exec(compile(self.file.text, str(self.file.path), "exec", dont_inherit=True), module.__dict__)

    def get_source(self, name: str) -> str:
        """Return the text, for tracebacks and for tools that read a function's source."""
        return self.file.text


def _importer(code: Code, package: str):
    """Return the ``import`` of a user's files: files beside them come from the text that was read."""

    def import_(name, globals=None, locals=None, fromlist=(), level=0):
        first = name.partition(".")[0]
        if level == 0 and first == code.files[0].module:
            return importlib.import_module(package)
        if level == 0 and code.has(first):
            found = builtins.__import__(f"{package}.{name}", globals, locals, fromlist, 0)
            return found if fromlist else sys.modules[f"{package}.{first}"]
        return builtins.__import__(name, globals, locals, fromlist, level)

    return import_


def _refuse_uncovered(name: str) -> None:
    """Raise ImportError where users' code imports what is neither installed nor covered by its digest."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] not in _running:
        frame = frame.f_back
    if frame is None:
        return  # another import
    spec = PathFinder.find_spec(name)
    if spec is None:
        return
    place = spec.origin or next(iter(spec.submodule_search_locations or ()), "")
    known = installed_at(name)
    if known is None or os.path.realpath(known) != os.path.realpath(place):
        raise ImportError(
            f"expected modules that are installed, or that lie beside {os.path.basename(frame.f_code.co_filename)} and "
            f"are imported by an import statement, got {name} from {place or 'elsewhere'}"
        )
