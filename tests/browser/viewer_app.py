"""An app that shows only the viewer, with volumes whose every value a test can compute."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mriinterp.image.volume import Volume

SHAPE = (113, 137, 113)
AFFINE = np.array([[1.6, 0, 0, -90], [0, 1.6, 0, -126], [0, 0, 1.6, -72], [0, 0, 0, 1.0]])
OBLIQUE = np.array([[0, 1.6, 0.1, -80], [-1.6, 0, 0.05, 90], [0.1, 0, 2.0, -60], [0, 0, 0, 1.0]])
NASTY = "<img src=x onerror=alert(1)> & 'co'"
JUMP_MM = (30.0, -30.0, 0.0)


@dataclass
class Blocks:
    """Stands for an atlas."""

    name: str
    labels: Volume
    areas: pd.DataFrame


def head(shape=SHAPE):
    """An ellipsoid of tissue that brightens to the right, front and top differently."""
    i, j, k = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    inside = (i / 0.8) ** 2 + (j / 0.85) ** 2 + (k / 0.8) ** 2 < 1
    return np.where(inside, 500 + 100 * i + 60 * j + 30 * k, 0).astype(np.float32), inside


def relevance(shape=SHAPE, box=False):
    """Two large positive blobs, a negative one, and a hundred single voxels; the largest a box, if asked for."""
    i, j, k = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    n = np.array(shape)

    def blob(at, width):
        c = np.array(at) * (n - 1)
        return np.exp(-((i - c[0]) ** 2 + (j - c[1]) ** 2 + (k - c[2]) ** 2) / (2 * width**2))

    width = min(shape) / 14
    data = 0.08 * blob((0.3, 0.5, 0.4), width) + 0.05 * blob((0.7, 0.5, 0.4), width)
    data -= 0.06 * blob((0.5, 0.3, 0.65), width)
    data[np.abs(data) < 1e-4] = 0
    rng = np.random.default_rng(3)
    spots = rng.integers(n // 4, 3 * n // 4, size=(100, 3))
    data[tuple(spots.T)] += 0.03
    if box:
        data[n[0] // 2 : n[0] // 2 + 9, n[1] // 2 : n[1] // 2 + 7, n[2] // 2 : n[2] // 2 + 5] = 0.5
    return (data * head(shape)[1]).astype(np.float32)


def blocks(shape=SHAPE):
    """Labels 11, 12, … in eight octants, one with a name that wants to be markup."""
    i, j, k = np.indices(shape)
    octant = (i > shape[0] // 2) + 2 * (j > shape[1] // 2) + 4 * (k > shape[2] // 2)
    names = [f"octant {n}" for n in range(7)] + [NASTY]
    areas = pd.DataFrame({"label": np.arange(11, 19), "name": names, "hemisphere": [""] * 8})
    return np.where(head(shape)[1], octant + 11, 0).astype(np.int16), areas


def main():
    import streamlit as st

    from mriinterp.incremental import BoxGrid
    from mriinterp.ui.viewer import Contour, Layer, Patch, viewer

    st.set_page_config(layout="wide")
    query = st.query_params
    affine, shape = (OBLIQUE, (40, 50, 30)) if "oblique" in query else (AFFINE, SHAPE)

    @st.cache_resource
    def volumes(oblique, box):
        labels, areas = blocks(shape)
        scan, signed = Volume(head(shape)[0], affine), Volume(relevance(shape, box), affine)
        return scan, signed, Volume(np.abs(signed.data) * 2e-3, affine), Blocks("blocks", Volume(labels, affine), areas)

    scan, signed, unsigned, atlas = volumes("oblique" in query, "box" in query)
    part = query.get("part", "both")
    only = {"both": lambda d: d, "positive": lambda d: np.maximum(d, 0), "negative": lambda d: np.minimum(d, 0)}[part]
    ends = ("speaks against AD", "supports AD")
    common = (-0.08, 0.08) if "common" in query else None
    occlusion = signed if part == "both" else signed.with_data(only(signed.data))
    layers = [
        Layer("Occlusion", occlusion, "change of P(AD) when occluded", part=part, ends=ends, range=common),
        Layer(NASTY, unsigned, "|gradient|", signed=False),
        Layer(
            "Mirrored",
            signed.with_data(signed.data[::-1].copy()),
            "change of P(AD) when occluded",
            scan=scan.with_data(scan.data[::-1].copy()),
            range=common,
        ),
    ][: int(query.get("n", "1"))]
    if "mask" in query:
        mask = signed.with_data((np.abs(signed.data) > 0.01).astype(np.float32))
        layers.append(Layer("Mask", mask, "1 inside", signed=False, range=(0, 1)))
    contours = (
        [Contour(f"truth {NASTY}", signed.with_data((signed.data > 0.03).astype(np.float32)))]
        if "contour" in query
        else []
    )
    st.button("again")
    jump = st.button("jump")
    if st.toggle("hide"):
        return
    place = st.session_state.get("last") if "echo" in query else JUMP_MM if jump else None
    state = viewer(
        scan, layers, contours=contours, atlas=atlas, key="viewer", cursor_mm=place,
        outlines=query.get("outlines", "off"), view=query.get("view", "ortho"),
        patch=Patch(BoxGrid(shape, int(query["patch"]), 25, "published" in query), scan.grid)
        if "patch" in query
        else None,
        look={"planes": "Coronal", "top": 0.05} if "look" in query else {"zoom": [3, -20, -10, 10]} if "zoom" in query else None, scale_fixed="common" in query,
        caption="sim-003 · Occlusion · explains AD · Simulated data" if "caption" in query else "",
        stem="sim-003_occlusion_AD" if "caption" in query else "",
    )  # fmt: skip
    st.session_state["last"] = state.cursor_mm
    st.text(f"mm {state.cursor_mm} voxel {state.cursor_voxel} clicked {state.clicked}")
    st.caption(f"convention {state.settings.get('convention')}")
    st.caption(", ".join(f"{name}: {value}" for name, value in state.settings.items()))


if __name__ == "__main__":
    main()
