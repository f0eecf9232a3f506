"""Published averages, shown as a cohort's own."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import streamlit as st

from mriinterp.export.npz import ORIGINAL_GRIDS, OriginalMaps, read_original_npz
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import Meaning
from mriinterp.ui.base.words import words_of
from mriinterp.ui.cohort.data import View
from mriinterp.ui.session.life import current_session, forgotten_with_uploads
from mriinterp.ui.sources.scans import READING

__all__ = ["FileView", "open_file", "open_upload"]


class FileView(View):
    """Averages from an npz of the original authors.

    Parameters
    ----------
    maps : OriginalMaps
    title, key : str
    """

    def __init__(self, maps: OriginalMaps, title: str, key: str):
        if maps.grid is None:
            raise ValueError(f"expected averages on one of the known grids, got {title} on none of them")
        self.simulated = maps.about.get("simulated", False)
        self._about = maps.about
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
        return self._about.get("explains", "which class the maps explain is not known")

    def why_no_test(self, method: str) -> str:
        if self._about.get("one_target"):
            return ""
        return (
            "This file does not say that its maps explain one class (in Rieke et al. 2018 it is what the network "
            "predicted for each scan), so its groups are shown side by side and not subtracted or tested."
        )

    def mean(self, method: str, group: str) -> Volume:
        return self._maps[method, group]

    def meaning(self, method: str) -> Meaning:
        signed = any(volume.data.min() < 0 for (of, _), volume in self._maps.items() if of == method)
        return replace(super().meaning(method), signed=signed)


@forgotten_with_uploads
@st.cache_resource(max_entries=2, show_spinner="Reading the averages …")
def _read(file_id: str, name: str, _data: bytes) -> FileView | str:
    """Read the averages of an uploaded file, or why it cannot be read: a refused file is not read at every rerun."""
    with READING, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "averages.npz"
        path.write_bytes(_data)
        try:
            return open_file(name, file_id, path)
        except (ValueError, OSError) as error:
            return words_of(error)


def open_upload(file) -> FileView:
    """Open the averages of a file that Streamlit's uploader returned; ValueError if it holds none."""
    current_session().holds_scan = True
    found = _read(file.file_id, file.name, file.getvalue())
    if isinstance(found, str):
        raise ValueError(found)
    return found


def open_file(name: str, key: str, path: Path) -> FileView:
    """Open the averages of a published file, under a key of its own."""
    return FileView(read_original_npz(path, grids=ORIGINAL_GRIDS, name=name), name, key)
