"""Studies: subjects, their scans, a model and an atlas; the demo study and studies from a file."""

from __future__ import annotations

from pathlib import Path

from mriinterp.models import TrustCode
from mriinterp.study.base import Study
from mriinterp.study.demo import DemoStudy
from mriinterp.study.folders import StudyFolders
from mriinterp.study.recipes import AtlasRecipe, ModelRecipe
from mriinterp.study.settings import StudySettings, read_study_file
from mriinterp.study.sources import FileScan, PreparedScan, SimulatedScan
from mriinterp.study.table_study import TableStudy
from mriinterp.study.tomlfile import write_study_file

__all__ = [
    "AtlasRecipe",
    "DemoStudy",
    "FileScan",
    "ModelRecipe",
    "PreparedScan",
    "SimulatedScan",
    "Study",
    "StudyFolders",
    "StudySettings",
    "TableStudy",
    "load_study",
    "read_study_file",
    "write_study_file",
]


def load_study(source: str | Path, *, trust_code: TrustCode = False) -> Study:
    """Load a study by name (``"demo"``) or from a study file (``.toml``).

    Parameters
    ----------
    source : str or Path
    trust_code : bool or collection of str
        Permission to run the Python file, or to open the exported program, that a
        study file may name for its network: any, or those of these SHA-256 digests.

    Raises
    ------
    KeyError
        Neither a known name nor a study file.
    FileNotFoundError, ValueError
        A study file that is absent, or wrong: every problem is listed.
    """
    if str(source) == DemoStudy.name:
        return DemoStudy()
    if str(source).lower().endswith(".toml"):
        return TableStudy(read_study_file(source, trust_code=trust_code))
    raise KeyError(
        f"expected a study, got {str(source)!r}; available: {DemoStudy.name}, or the path of a study file (.toml)"
    )
