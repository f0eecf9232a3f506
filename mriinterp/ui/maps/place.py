"""The place where a map is shown: on the scan as it came, or in template space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from mriinterp.areas.atlas import Atlas
from mriinterp.image.volume import Volume
from mriinterp.prepare import Prepared
from mriinterp.relevance_map import RelevanceMap
from mriinterp.ui.base.choice import segments
from mriinterp.ui.base.clicks import jump_to
from mriinterp.ui.base.viewlink import last_place
from mriinterp.ui.scan.subject import Subject
from mriinterp.ui.session.keys import SPACE
from mriinterp.ui.session.life import forgotten_with_uploads
from mriinterp.ui.sources.resources import atlas_of, on_grid_of

__all__ = ["IN_TEMPLATE", "Place", "choose_place", "on_scan_grid"]

OWN, MNI = "own", "mni"
LABELS = {OWN: "Own scan", MNI: "MNI space"}
HOME_HELD = 8  # six maps beside each other, their difference, and the areas: about 60 MB each at 1 mm


@forgotten_with_uploads
@st.cache_resource(max_entries=HOME_HELD, show_spinner="Resampling the map to the scan …")
def _home(scan: str, thing: str, order: int, _prepared: Prepared, _volume: Volume) -> Volume:
    return _prepared.to_scan(_volume, order=order)


def on_scan_grid(prepared: Prepared, volume: Volume, order: int = 1) -> Volume:
    """Return a map or labels in template space on the grid of the scan as it came, made once."""
    return _home(prepared.digests["home"], volume.digest, order, prepared, volume)


@dataclass(frozen=True, eq=False)
class Place:
    """Where a page shows a map.

    Parameters
    ----------
    prepared : Prepared or None
        The map is shown on this scan as it came; None: in template space.
    name : str
        Of the page's viewer.
    """

    prepared: Prepared | None = None
    name: str = "planes"

    @property
    def viewer(self) -> str:
        """Key of the viewer; each space has its own crosshair."""
        return self.name if self.prepared is None else f"{self.name}_own"

    @property
    def prefix(self) -> str:
        """Of the viewer's names in the address."""
        return "" if self.prepared is None else "own_"

    @property
    def space(self) -> str:
        """Name of the coordinates."""
        return "MNI" if self.prepared is None else "scanner"

    @property
    def suffix(self) -> str:
        """In the names of files of what is shown."""
        return "" if self.prepared is None else "_own-scan"

    def scan(self, subject: Subject, relevance: RelevanceMap) -> Volume:
        """Return the scan that lies under a map."""
        return on_grid_of(subject.scan, relevance.volume) if self.prepared is None else self.prepared.scan

    def bring(self, volume: Volume, order: int = 1) -> Volume:
        """Return a map or labels of template space where they are shown."""
        return volume if self.prepared is None else on_scan_grid(self.prepared, volume, order)

    def atlas(self, study: str, scan: Volume) -> Atlas:
        """Return the study's areas on the grid of the scan."""
        atlas = atlas_of(study)
        return atlas.on(scan.grid) if self.prepared is None else replace(atlas, labels=self.bring(atlas.labels, 0))

    def to_shown(self, mm: Sequence[float]) -> tuple[float, float, float]:
        """Return where a point of template space lies in what is shown, mm."""
        return _moved(None if self.prepared is None else self.prepared.transform.to_scan, mm)

    def to_template(self, mm: Sequence[float]) -> tuple[float, float, float]:
        """Return where a point of what is shown lies in template space, mm."""
        return _moved(None if self.prepared is None else self.prepared.transform.to_template, mm)


IN_TEMPLATE = Place()


def _moved(lead: Callable[[Any], np.ndarray] | None, mm: Sequence[float]) -> tuple[float, float, float]:
    """Return where a transform leads a point, mm to 0.01; None leads to where it is."""
    x, y, z = mm
    if lead is None:
        return x, y, z
    x, y, z = lead([[float(x), float(y), float(z)]])[0]
    return round(float(x), 2), round(float(y), 2), round(float(z), 2)


def choose_place(prepared: Prepared | None, name: str = "planes") -> Place:
    """Choose between the scan as it came and template space; the crosshair stays at its place in the brain.

    Scans that came prepared leave no choice.

    Parameters
    ----------
    prepared : Prepared or None
    name : str
        Of the page's viewer.
    """
    if prepared is None:
        return Place(name=name)
    space = segments(
        "Space",
        SPACE,
        LABELS,
        width="content",
        help="The map on the scan as it was taken, or in the template’s space. Areas keep their MNI coordinates; "
        "pictures and files follow.",
        on_change=_follow,
        args=(prepared, name),
    )
    return Place(prepared if space == OWN else None, name)


def _follow(prepared: Prepared, name: str) -> None:
    """Move the crosshair of the space that is chosen now to where that of the other one was."""
    own, mni = Place(prepared, name), Place(name=name)
    before, now = (mni, own) if SPACE.value == OWN else (own, mni)
    place = last_place(before.viewer)
    if place is not None:
        jump_to(now.viewer, own.to_shown(place) if now is own else own.to_template(place))
