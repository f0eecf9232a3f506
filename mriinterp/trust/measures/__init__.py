"""Measures of trust: one file each in this folder, found when the package is imported."""

from pathlib import Path

from mriinterp.base.discover import run_files

run_files(Path(__file__).parent, __name__)
