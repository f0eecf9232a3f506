"""The viewer as a Streamlit component: Python hands over volumes once, the browser does the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import streamlit as st

from mriinterp.image.volume import Grid, Volume, check_same_grid
from mriinterp.ui.session.keys import Key, placed_key
from mriinterp.ui.session.life import forgotten_with_uploads
from mriinterp.ui.viewer.assets import viewer_script, viewer_style, volume_script
from mriinterp.ui.viewer.layer import Contour, Layer, Patch, ViewerState
from mriinterp.ui.viewer.packing import Packed, pack_labels, pack_mask, pack_relevance, pack_scan

if TYPE_CHECKING:
    from mriinterp.areas.atlas import Atlas

__all__ = ["pack_ahead", "viewer"]

_VIEWER = st.components.v2.component("mriinterp_viewer", js=viewer_script(), css=viewer_style())
_VOLUME = st.components.v2.component("mriinterp_volume", js=volume_script())


@forgotten_with_uploads
@st.cache_resource(max_entries=64, show_spinner=False)
def _pack(kind: str, digest: str, _thing: Any) -> Packed:
    packers = {"scan": pack_scan, "relevance": pack_relevance, "mask": pack_mask}
    if kind in packers:
        return packers[kind](_thing.canonical())
    return pack_labels(_thing.labels.canonical(), _thing.areas)


def viewer(
    scan: Volume,
    layers: Sequence[Layer] = (),
    *,
    contours: Sequence[Contour] = (),
    atlas: Atlas | None = None,
    key: str,
    cursor_mm: Sequence[float] | None = None,
    jump: str | int | None = None,
    height: int | None = None,
    view: Literal["ortho", "mosaic"] = "ortho",
    layout: Literal["auto", "rows", "columns"] = "auto",
    convention: Literal["radiological", "neurological"] = "radiological",
    threshold: float | None = None,
    threshold_mode: Literal["value", "percentile"] = "percentile",
    cluster: int = 1,
    opacity: float = 0.8,
    outlines: Literal["off", "area", "all"] = "off",
    share_range: bool = False,
    look: Mapping[str, Any] | None = None,
    begin: str | int | None = None,
    usual: Mapping[str, Any] | None = None,
    scale_fixed: bool = False,
    patch: Patch | None = None,
    space: str = "MNI",
    scan_label: str = "T1",
    value_label: str = "relevance",
    caption: str = "",
    stem: str = "",
    note: str = "",
    dimmed: str = "",
    report: bool = True,
) -> ViewerState:
    """Show maps over a scan in linked planes.

    Volumes travel once; a click, the end of a drag, and any other change once
    the reader pauses are reported and rerun the script.

    Parameters
    ----------
    scan : Volume, shape (i, j, k)
        Any orientation; shown in the voxel order closest to RAS+.
    layers : sequence of Layer
        Shown beside each other with one crosshair.
    contours : sequence of Contour
        Outlines on every map, which the reader can hide.
    atlas : Atlas, optional
        Areas on the grid of the scan, for names and outlines.
    key : str
        Identity of this viewer on the page. Settings survive reruns under it.
    cursor_mm : sequence of 3 float, optional
        Moves the crosshair in the run in which it changes; None leaves it
        where it is, at first at the peak. A click that the page hands back
        here moves nothing.
    jump : str or int, optional
        Change it to move to `cursor_mm` again although that is the same, or
        although the reader's last change is reported in the same run.
    height : int, optional
        Largest height of a row of planes in pixels.
    view, layout, convention, threshold, threshold_mode, cluster, opacity, outlines, share_range
        Settings at the start; a change from Python is applied when it is made.
        `threshold` is a value or a percentile of the magnitudes that are not
        0 (None: 90th percentile), `cluster` the least number of voxels that
        touch by faces, `layout` rows or columns of planes.
    look : mapping, optional
        Further display settings at the start, under the names in which
        `ViewerState.settings` reports them: ``planes``, ``overlay``,
        ``smooth``, ``fade``, ``crosshair``, ``patch``, ``black``, ``white``,
        ``signedScale``, ``unsignedScale``, ``top``, ``contours`` and
        ``zoom`` (None, or factor and centre in mm, four numbers).
    begin : str or int, optional
        Change it to have all settings taken as they are given here, whatever
        the reader chose; settings reported before are then void.
    usual : mapping, optional
        Settings that the viewer's Reset returns to; None: those given here.
    scale_fixed : bool
        The page decides whether maps share a colour scale; the viewer offers
        no switch for it.
    patch : Patch, optional
        Boxes of an occlusion to draw; without layers also the centres of all boxes.
    space : str
        Name of the millimetre coordinates, ``"MNI"`` or ``"scanner"``.
    scan_label : str
        Name of the scan's values in the status line.
    value_label : str
        Name of a single map's values there.
    caption, stem : str
        What a saved picture is of, written above it, and the beginning of its
        file name.
    note : str
        A line below the planes.
    dimmed : str
        Why the planes are drawn faintly, written over them; "" if they are not.
    report : bool
        Whether clicks and other changes rerun the script.

    Returns
    -------
    ViewerState

    Raises
    ------
    ValueError
        If a layer, a scan of a layer, a contour, the atlas or the boxes are
        on another grid.
    """
    _check_grids(scan, layers, contours, atlas)
    packed: dict[str, Packed] = {}
    spec = _spec(scan, layers, contours, atlas, packed)
    spec |= _placed(key, None if cursor_mm is None else _three(cursor_mm, "cursor_mm"), jump)
    spec |= {
        "key": key,
        "space": space,
        "scanLabel": scan_label,
        "valueLabel": value_label,
        "caption": caption,
        "stem": stem or None,
        "scaleFixed": scale_fixed,
        "begin": begin,
        "usual": None if usual is None else dict(usual),
        "note": note,
        "dimmed": dimmed,
        "report": report,
        "height": height,
    }
    spec["patch"] = _patch(patch, scan)
    spec["settings"] = {
        "view": view, "layout": layout, "convention": convention, "threshold": threshold,
        "threshold_mode": threshold_mode, "cluster": int(cluster), "opacity": float(opacity),
        "outlines": outlines, "share_range": bool(share_range), **(look or {}),
    }  # fmt: skip
    return _state(_mount(spec, packed, key), scan, spec)


def pack_ahead(
    scan: Volume, layers: Sequence[Layer] = (), *, contours: Sequence[Contour] = (), atlas: Atlas | None = None
) -> None:
    """Pack the volumes of a viewer before a page shows it; parameters as of `viewer`."""
    _spec(scan, layers, contours, atlas, {})


def _patch(patch: Patch | None, scan: Volume) -> dict[str, list] | None:
    if patch is None:
        return None
    check_same_grid(scan.canonical(), patch.viewer_grid, "the scan", "the boxes of the occlusion")
    return patch.placed()


def _mount(spec: dict, packed: dict[str, Packed], key: str) -> Any:
    """Put the volumes and the viewer on the page; what the reader last reported."""
    with st.container(gap=None, key=f"{key}_room"):
        for slot, one in enumerate(packed.values()):
            _VOLUME(data=one.message, key=f"{key}-volume-{slot}")
        return _VIEWER(data=spec, key=key, on_cursor_change=lambda: None).get("cursor")


def _check_grids(scan: Volume, layers: Sequence[Layer], contours: Sequence[Contour], atlas: Atlas | None) -> None:
    for layer in layers:
        check_same_grid(scan, layer.volume, "the scan", f"layer {layer.name!r}")
        if layer.scan is not None:
            check_same_grid(scan, layer.scan, "the scan", f"the scan under layer {layer.name!r}")
    for contour in contours:
        check_same_grid(scan, contour.volume, "the scan", f"contour {contour.name!r}")
    if atlas is not None:
        check_same_grid(scan, atlas.labels, "the scan", f"atlas {atlas.name!r}")


def _spec(
    scan: Volume,
    layers: Sequence[Layer],
    contours: Sequence[Contour],
    atlas: Atlas | None,
    packed: dict[str, Packed],
) -> dict:
    """Return the part of the message that depends on volumes; fills `packed` with what must be sent."""

    def add(kind: str, thing: Any, digest: str) -> dict:
        one = _pack(kind, digest, thing)
        packed[one.digest] = one
        return one.meta

    scans = [scan, *(layer.scan for layer in layers if layer.scan is not None)]
    metas = [add("scan", one, one.digest) for one in scans]
    place = {id(one): index for index, one in enumerate(scans)}
    shown = scan.canonical()
    spec: dict[str, Any] = {
        "shape": list(shown.data.shape),
        "affine": shown.affine.tolist(),
        "toVoxel": np.linalg.inv(scan.affine).tolist(),
        "scans": metas,
        "layers": [
            {
                **add("relevance", layer.volume, layer.volume.digest),
                "name": layer.name, "unit": layer.unit, "signed": layer.signed,
                "range": None if layer.range is None else [float(v) for v in layer.range],
                "scan": 0 if layer.scan is None else place[id(layer.scan)],
                "part": layer.part, "ends": None if layer.ends is None else list(layer.ends),
            }
            for layer in layers
        ],
        "contours": [
            {**add("mask", one.volume, one.volume.digest), "name": one.name, "color": one.color} for one in contours
        ],
        "atlas": None,
    }  # fmt: skip
    if atlas is not None:
        table = hashlib.sha256(atlas.areas.to_csv(index=False).encode()).hexdigest()
        spec["atlas"] = {"name": atlas.name, **add("atlas", atlas, atlas.labels.digest + table)}
    return spec


def _three(values: Sequence[float], name: str) -> list[float]:
    numbers = [float(v) for v in values]
    if len(numbers) != 3 or not np.isfinite(numbers).all():
        raise ValueError(f"expected three finite numbers for {name}, got {list(values)}")
    return numbers


def _placed(key: str, cursor: list[float] | None, jump: str | int | None) -> dict:
    """Return where Python last put the crosshair, and the number of that move.

    The arguments count as a move only in the run in which they change, and
    not in a run that a click caused: a page that keeps the last click and
    hands it back one run late must not pull the crosshair from the new click.
    A new `jump` is a move in any case.
    """
    component = Key[Any](key).get() or {}
    reported = component.get("cursor") or {}
    memory = placed_key(key).begin({"cursor": None, "move": 0, "seen": None, "click": None})
    clicked = reported.get("click") != memory["click"]
    echo = jump is None and reported.get("move") == memory["move"] and reported.get("mm") == cursor
    asked = jump is not None and (memory["seen"] or [None, None])[1] != jump
    if cursor is not None and (asked or not (clicked or echo)) and memory["seen"] != [cursor, jump]:
        memory |= {"cursor": cursor, "move": memory["move"] + 1}
    memory |= {"seen": [cursor, jump], "click": reported.get("click")}
    return {"cursor": memory["cursor"], "move": memory["move"]}


def _state(reported: Any, scan: Volume, spec: dict) -> ViewerState:
    """Return the reader's place, unless Python moved the crosshair to another place since; the settings in any case."""
    reported = reported if isinstance(reported, dict) else {}
    settings = dict(reported.get("settings") or {}) if reported.get("begin") == spec["begin"] else {}
    if reported.get("mm") is not None and reported.get("move") == spec["move"]:
        return _at(scan.grid, reported["mm"], settings, clicked=True)
    if spec["cursor"] is None:
        return ViewerState(None, None, settings=settings)
    return _at(scan.grid, spec["cursor"], settings)


def _at(grid: Grid, mm: Sequence[float], settings: dict, *, clicked: bool = False) -> ViewerState:
    x, y, z = mm
    i, j, k = np.clip(np.rint(grid.to_voxel((x, y, z))), 0, np.array(grid.shape) - 1)
    return ViewerState((float(x), float(y), float(z)), (int(i), int(j), int(k)), clicked, settings)
