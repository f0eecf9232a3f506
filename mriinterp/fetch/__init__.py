"""What others have published openly, fetched on request: networks with their weights.

Each publication is one file in `mriinterp.fetch.published`. Nothing is sent
out before `fetch` is called, and nothing afterwards.
"""

from __future__ import annotations

from pathlib import Path

from mriinterp.base.discover import run_files
from mriinterp.fetch.publication import (
    Publication,
    RemoteFile,
    fetch,
    fetched_study,
    fetched_variants,
    get_publication,
    publication_names,
    register_publication,
)

__all__ = [
    "Publication",
    "RemoteFile",
    "fetch",
    "fetched_study",
    "fetched_variants",
    "get_publication",
    "publication_names",
    "register_publication",
]

run_files(Path(__file__).parent / "published", f"{__name__}.published")
