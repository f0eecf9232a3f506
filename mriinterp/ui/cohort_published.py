"""Averages that somebody published, shown as a cohort's own."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mriinterp.export.npz import ORIGINAL_GRIDS, OriginalMaps, read_original_npz
from mriinterp.image.volume import Volume
from mriinterp.ui.cohort_data import View

__all__ = ["FileView", "open_file"]


class FileView(View):
    """Averages from an npz of the original authors.

    Parameters
    ----------
    maps : OriginalMaps
    title, key : str
    """

    kind = "reading"
    simulated = False

    def __init__(self, maps: OriginalMaps, title: str, key: str):
        self.title, self.key, self.grid = title, key, maps.grid
        names = list(maps.means)
        self.positive = names[0] if len(names) > 1 else ""
        self.groups = tuple(reversed(names)) if len(names) == 2 else (*names[1:], *names[:1])
        self.methods = tuple(dict.fromkeys(m for found in maps.means.values() for m in found))
        self._maps = {
            (method, group): Volume(data, maps.grid.affine)
            for group, found in maps.means.items()
            for method, data in found.items()
        }

    def n(self, method: str, group: str) -> int | None:
        return None if (method, group) in self._maps else 0

    def explained_words(self, method: str) -> str:
        return "which class the maps explain is not known"

    def why_no_test(self, method: str) -> str:
        return (
            "A file of averages does not say which class its maps explain (in Rieke et al. 2018 what the network "
            "predicted for each scan), so its groups are shown side by side and not subtracted or tested."
        )

    def mean(self, method: str, group: str) -> Volume:
        return self._maps[method, group]


@st.cache_resource(max_entries=2, show_spinner="Reading the averages …")
def open_file(name: str, digest: str, _path: Path) -> FileView:
    """Averages of a published file (`digest` is the file's)."""
    return FileView(read_original_npz(_path, grids=ORIGINAL_GRIDS, name=name), name, digest)
