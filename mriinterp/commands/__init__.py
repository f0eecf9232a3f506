"""Commands of the command line, in the order help lists them; one is imported when it is asked for."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

__all__ = ["COMMANDS", "Commands"]

COMMANDS = {
    "app": "start the app in the browser",
    "explain": "relevance maps of scans",
    "prepare": "bring raw T1 scans or DICOM folders onto a network's grid",
    "study": "write and check study files",
    "cohort": "relevance maps of a whole study, and averages of its groups",
    "statistics": "the groups of a cohort compared: total, areas, voxels",
    "paper": "figure 1, tables 1 and 2, animations and npz of a cohort",
    "methods": "list relevance methods and their parameters",
    "models": "list networks and what is known of them",
    "model": "check a network: what it returns, which methods work",
    "fetch": "fetch an openly published network or data set",
    "simulate": "write simulated scans with known atrophy",
    "train": "train networks on a study's own scans, by cross-validation",
    "trust": "benchmark methods by measures of trust",
}  # module of this package: what help says of it


class Commands:
    """Where commands add their parsers; those that are not wanted are listed without being imported.

    Parameters
    ----------
    parsers : argparse._SubParsersAction
        Of the whole command line.
    """

    def __init__(self, parsers: Any):
        self._parsers = parsers

    def add_parser(self, name: str, **settings: Any) -> argparse.ArgumentParser:
        """Add the parser of one command, with the line that help lists of it."""
        return self._parsers.add_parser(name, help=COMMANDS[name], **settings)

    def add(self, wanted: str | None) -> None:
        """Add one command, and the names of the others; all of them if none is wanted."""
        for name in COMMANDS:
            if wanted in (None, name):
                import_module(f"mriinterp.commands.{name}").add_parser(self)
            else:
                self.add_parser(name, add_help=False)
