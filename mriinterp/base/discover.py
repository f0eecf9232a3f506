"""Plug-ins: import the modules of a folder, so that they register themselves."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

__all__ = ["run_files"]


def run_files(folder: Path, package: str = "", *, holding: str = "") -> None:
    """Run every Python file of a folder whose name does not begin with an underscore, in the order of their names.

    Parameters
    ----------
    folder : Path
    package : str
        Of which the files are modules; "": each runs under its own name.
    holding : str
        Only files that hold this text.
    """
    for path in sorted(folder.glob("[!_]*.py")):
        if holding not in path.read_text(encoding="utf-8"):
            continue
        if package:
            importlib.import_module(f"{package}.{path.stem}")
            continue
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"expected a Python file, got {path}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # annotations are read from there
        spec.loader.exec_module(module)
