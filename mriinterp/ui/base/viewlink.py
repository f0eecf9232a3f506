"""Crosshair and settings of a viewer in the address, and from one visit of a page to the next."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from mriinterp.image.volume import Grid
from mriinterp.ui.base.address import asked, entry_number, not_found, went_back
from mriinterp.ui.base.clicks import take_jump
from mriinterp.ui.base.linked import flag, linked_value
from mriinterp.ui.base.words import capital
from mriinterp.ui.session.keys import CONVENTION, VIEWERS
from mriinterp.ui.viewer import Layer, Patch, ViewerState, viewer

__all__ = ["last_place", "linked_viewer", "shown_radiological", "shown_settings"]

# Of each setting: name of the viewer's own, value at the start, how a text becomes one.
_WORDS = {
    "view": ("ortho", "mosaic"),
    "layout": ("auto", "rows", "columns"),
    "convention": ("radiological", "neurological"),
    "threshold_mode": ("percentile", "value"),
    "outlines": ("off", "area", "all"),
    "planes": ("all", "Sagittal", "Coronal", "Axial"),
    "signedScale": ("blue-red", "blue-black-red", "blue-white-red", "purple-orange"),
    "unsignedScale": ("orange-red", "inferno", "hot", "viridis"),
}
_NUMBERS = {"threshold": 90.0, "cluster": 1, "opacity": 0.8, "black": 0.0, "white": 1.0, "top": None}
_SWITCHES = {
    "overlay": True,
    "smooth": True,
    "fade": True,
    "crosshair": True,
    "patch": True,
    "share_range": False,
    "contours": True,
}
DEFAULTS: dict[str, Any] = {name: words[0] for name, words in _WORDS.items()} | _NUMBERS | _SWITCHES
DEFAULTS["zoom"] = None  # or factor and centre in mm
NAMES = {"patch": "boxes", "signedScale": "signed_colours", "unsignedScale": "colours"}  # in the address, if another
_ARGUMENTS = (
    "view",
    "layout",
    "convention",
    "threshold",
    "threshold_mode",
    "cluster",
    "opacity",
    "outlines",
    "share_range",
)
FARTHEST_MM = 1000.0
LARGEST_ZOOM = 12.0
# Seconds that a browser has to draw a viewer before what stands below it is sent: in a session first, and after a change;
# none where a page is entered for the first time, all of which is waited for.
HEAD_START = (0.8, 0.15)


def linked_viewer(
    scan: Any,
    layers: Sequence[Layer],
    *,
    key: str,
    prefix: str = "",
    start: Sequence[float] | None = None,
    share_range: bool | None = None,
    defaults: dict[str, Any] | None = None,
    patch: Patch | None = None,
    **options: Any,
) -> ViewerState:
    """Show a viewer whose crosshair and settings are in the address and outlast visits of other pages.

    On which side the patient's left lies is one setting for all viewers. A
    click in a chart moves the crosshair through `mriinterp.ui.base.clicks`.

    Parameters
    ----------
    scan, layers, key, patch, **options
        As of `mriinterp.ui.viewer.viewer`.
    prefix : str
        Of the names in the address, where a page has a second viewer.
    start : sequence of 3 float, optional
        Crosshair where neither address nor reader say anything: an address
        need not hold it.
    share_range : bool, optional
        None: the reader's choice; else the page's, for which the viewer
        offers no switch.
    defaults : dict, optional
        Settings that begin otherwise than usual.
    """
    usual = {**DEFAULTS, **(defaults or {})}
    first = not VIEWERS.kept
    memory = _memory(key)
    if memory.entry != entry_number():
        memory.entry, memory.placed, memory.begin = entry_number(), False, memory.begin + 1
        memory.given = _settings_at_entry({} if went_back() else memory.now, usual, prefix)
        memory.given["convention"] = _convention(usual)
        memory.mm = _asked_place(scan.grid, prefix) or (None if went_back() else memory.mm)
    elif (
        memory.now.get("convention", _shown_convention()) != _shown_convention()
    ):  # changed in another viewer of the page
        memory.begin += 1
        memory.given = {**memory.now, "convention": _shown_convention()}
    settings = dict(memory.given)
    if share_range is not None:
        settings["share_range"] = share_range
    place = take_jump(key) or (None if memory.placed else memory.mm or start)
    memory.placed |= place is not None
    memory.jumps += place is not None
    state = viewer(
        scan,
        layers,
        key=key,
        cursor_mm=place,
        jump=None if place is None else memory.jumps,
        look={name: value for name, value in settings.items() if name not in _ARGUMENTS},
        begin=memory.begin,
        usual={**usual, "share_range": settings["share_range"]},
        scale_fixed=share_range is not None,
        patch=patch,
        **{name: settings[name] for name in _ARGUMENTS},
        **options,
    )
    before, now = memory.now.get("convention"), {**settings, **state.settings}
    memory.now = now
    _keep_convention(now["convention"], changed=before not in (None, now["convention"]))
    mm = memory.mm = state.cursor_mm
    moved = mm if state.clicked or mm != _tuple(start) else None
    linked_value(f"{prefix}mm", None if moved is None else ",".join(f"{v:g}" for v in moved))
    for name, value in now.items():
        kept = value != usual[name] and not (name == "share_range" and share_range is not None)
        linked_value(_name(name, prefix), _text(value) if kept else None)
    shown = (scan.digest, *(layer.volume.digest for layer in layers))
    if shown != memory.shown:
        if first or memory.shown:
            time.sleep(HEAD_START[0 if first else 1])
        memory.shown = shown
    return state


def _name(setting: str, prefix: str) -> str:
    """Return what a setting is called in the address; that of all viewers has one name."""
    return setting if setting == "convention" else f"{prefix}{NAMES.get(setting, setting)}"


@dataclass
class _Memory:
    """What is known of a viewer from run to run.

    `given` are its settings as the page was entered, and `now` as last
    reported; `begin` counts how often they were given anew, `placed`:
    whether the crosshair was put somewhere since, `jumps` how often that was
    done at all. `shown` are the digests of what it shows.
    """

    entry: int | None = None
    begin: int = 0
    placed: bool = False
    jumps: int = 0
    given: dict[str, Any] = field(default_factory=dict)
    now: dict[str, Any] = field(default_factory=dict)
    mm: tuple[float, ...] | None = None
    shown: tuple[str, ...] = ()


def _memory(key: str) -> _Memory:
    return VIEWERS.begin({}).setdefault(key, _Memory())


def last_place(key: str) -> tuple[float, ...] | None:
    """Return where the crosshair of a viewer was when it was last shown, mm."""
    return _memory(key).mm


def shown_settings(key: str) -> dict[str, Any]:
    """Return the settings of a viewer as it was last shown."""
    return dict(_memory(key).now)


def shown_radiological() -> bool:
    """Return whether viewers have the patient's left on the screen's right, as the reader last chose."""
    return _shown_convention() == "radiological"


def _shown_convention() -> str:
    return CONVENTION.get((None, DEFAULTS["convention"]))[1]


def _convention(usual: dict[str, Any]) -> str:
    """Return the convention of all viewers: as another one on the page has it, of the address, or as it was."""
    entry, word = CONVENTION.get((None, usual["convention"]))
    if entry == entry_number():
        return word
    word = usual["convention"] if went_back() else word
    return _asked_setting("convention", "", word)


def _keep_convention(word: str, *, changed: bool) -> None:
    """Keep the convention for all viewers; those above the one in which it was changed are drawn once more."""
    entry = entry_number()
    CONVENTION.put((entry, word))
    others = (memory for memory in VIEWERS.value.values() if memory.entry == entry)
    if changed and any(memory.now.get("convention") != word for memory in others):
        st.rerun()


def _tuple(mm: Sequence[float] | None) -> tuple[float, ...] | None:
    return None if mm is None else tuple(float(v) for v in mm)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(f"{number:g}" for number in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _settings_at_entry(now: dict[str, Any], usual: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return settings with which a page is entered: of the address, of the last visit, or the usual ones."""
    settings = {**usual, **now}
    for name in DEFAULTS.keys() - {"convention"}:
        settings[name] = _asked_setting(name, prefix, settings[name])
    return settings


def _asked_setting(name: str, prefix: str, value: Any) -> Any:
    """Return a setting of the address; `value`, where it has none, or nonsense, which is noted."""
    for raw in asked(_name(name, prefix))[-1:]:
        try:
            return _parse(name, raw)
        except ValueError:
            label = NAMES.get(name, name).replace("_", " ")
            sentence = f"{capital(label)} {raw} is no setting: {_text(value)} is shown."
            not_found(f"{prefix}{name}", sentence)
    return value


def _parse(name: str, raw: str) -> Any:
    """Return the value of a setting in a text of the address; ValueError for nonsense."""
    if name in _WORDS:
        if raw not in _WORDS[name]:
            raise ValueError(raw)
        return raw
    if name in _SWITCHES:
        return flag(raw)
    if name == "zoom":
        factor, *centre = (float(number) for number in raw.split(","))
        if len(centre) != 3 or not 1 <= factor <= LARGEST_ZOOM or not all(abs(mm) < FARTHEST_MM for mm in centre):
            raise ValueError(raw)
        return [factor, *centre]
    value = int(raw) if name == "cluster" else float(raw)
    if not math.isfinite(value) or (name != "black" and value < 0):
        raise ValueError(raw)
    return value


def _asked_place(grid: Grid, prefix: str) -> tuple[float, ...] | None:
    """Return the place in mm that the address names, if it lies in the scan."""
    for raw in asked(f"{prefix}mm")[-1:]:
        try:
            mm = tuple(float(v) for v in raw.split(","))
            if len(mm) != 3 or not all(abs(v) < FARTHEST_MM for v in mm):
                raise ValueError(raw)
            voxel = grid.to_voxel(mm)
            if all(-0.5 <= v <= n - 0.5 for v, n in zip(voxel, grid.shape, strict=True)):
                return mm
        except ValueError:
            pass
        not_found(f"{prefix}mm", f"({raw}) mm is no place in this scan: the strongest relevance is shown.")
    return None
