"""Values for the tests of the viewer's JavaScript, computed with numpy, scipy and nibabel.

``python -m tests.ui.viewer.reference`` writes ``reference.json``, which the
tests beside it read, so that they run without Python; pytest checks that the
file is up to date.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pandas as pd
from nibabel.affines import apply_affine, from_matvec, voxel_sizes
from nibabel.eulerangles import euler2mat
from scipy import ndimage, stats

from mriinterp.image.volume import Grid, Volume
from mriinterp.incremental import BoxGrid, grid_boxes
from mriinterp.ui.viewer import Patch
from mriinterp.ui.viewer.packing import NOT_A_NUMBER, Packed, pack_labels, pack_relevance, pack_scan

FILE = Path(__file__).with_name("reference.json")
SHAPE = (7, 8, 9)
TURNED = euler2mat(0.10, -0.15, 0.20)
AFFINES = {
    "RAS": from_matvec(np.diag([1.6, 1.6, 1.6]), [-90, -126, -72]),
    "LAS": from_matvec(np.diag([-1.0, 2.0, 3.0]), [6, -5, 1]),
    "axes exchanged": from_matvec([[0, 1.6, 0.1], [-1.6, 0, 0.05], [0.1, 0, -2.0]], [-80, 90, 60]),
    "oblique": from_matvec(TURNED @ np.diag([1.5, 2.0, 2.5]), [-4.0, -7.5, -11.0]),
    "sheared": from_matvec(TURNED @ np.array([[1.5, 0.4, 0], [0, 2.0, -0.3], [0, 0, 2.5]]), [3.0, 4.0, 5.0]),
}
PLANES = ((1, 2), (0, 2), (0, 1))  # across and up, of sagittal, coronal and axial planes
PERCENTS = (0, 0.1, 10, 25, 50, 90, 99, 99.9, 100)
BOX_GRIDS = [  # affine, shape, size, stride, published
    ("RAS", (7, 8, 9), (1, 2, 3), (1, 2, 3), False),
    ("RAS", (7, 8, 9), (2, 3, 4), (3, 4, 2), True),
    ("LAS", (7, 8, 9), (3, 3, 3), (2, 2, 2), False),
    ("axes exchanged", (7, 8, 9), (1, 4, 5), (4, 3, 2), False),
    ("axes exchanged", (7, 8, 9), (5, 4, 3), (4, 2, 6), True),
    ("oblique", (5, 1, 11), (20, 1, 3), (10, 1, 5), False),
]


def _numbers(values: object) -> list:
    return np.asarray(values).tolist()


def _wire(packed: Packed) -> dict:
    return {"meta": packed.meta, "message": base64.b64encode(packed.message).decode()}


def _flat(data: np.ndarray) -> list:
    return data.ravel(order="F").tolist()


def _maps(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Maps of 504 voxels; all but the last have whole numbers of steps of 1."""
    signed = np.zeros(504)
    signed[:400] = rng.choice(np.r_[-29_999:0, 1:35_533], 400, replace=False)
    signed[[7, 11]] = 35_533, -30_000
    tied = np.repeat([0.0, 5.0, 17.0, 65_533.0], 126)
    maps = {"signed": signed, "ties": tied, "mask": np.repeat([0.0, 65_533.0], 252), "zero": np.zeros(504)}
    maps["fractions"] = rng.normal(size=504) * 1e-4
    return {name: rng.permutation(values).reshape(SHAPE).astype(np.float32) for name, values in maps.items()}


def percentiles(rng: np.random.Generator) -> list[dict]:
    """Percentiles of the magnitudes other than 0, and the share of them below a magnitude."""
    cases = []
    for name, data in _maps(rng).items():
        for signed in (True, False):
            sizes = np.abs(data[data != 0]) if signed else data[data > 0]
            packed = pack_relevance(Volume(data, np.eye(4)))
            found = [np.percentile(sizes, p, method="inverted_cdf") if sizes.size and p else 0 for p in PERCENTS]
            some = np.unique(sizes)[::40]
            below = [stats.percentileofscore(sizes, at, kind="strict") for at in some]
            cases.append(
                {"name": name, "signed": signed, "shape": SHAPE, **_wire(packed), "count": int(sizes.size)}
                | {"percents": PERCENTS, "magnitudes": _numbers(found), "some": _numbers(some), "below": below}
            )
    return cases


def _cluster_case(name: str, codes: np.ndarray, low: int, high: int, least: int, zero: int) -> dict:
    shown = np.zeros(codes.shape, int)
    clusters = 0
    valid = codes != NOT_A_NUMBER
    for sign, side in ((3, valid & (codes >= high)), (4, valid & (codes <= low))):
        marks, _ = ndimage.label(side)  # faces
        sizes = np.bincount(marks.ravel())
        kept = (sizes >= least) & (np.arange(sizes.size) > 0)
        clusters += int(kept.sum())
        shown[kept[marks]] = sign
    values = np.where(shown > 0, codes.astype(float) - zero, 0)
    others = [(1, 2), (0, 2), (0, 1)]
    return {
        "name": name, "shape": codes.shape, "codes": _flat(codes), "low": low, "high": high, "least": least, "zero": zero,
        "mask": _flat(shown), "voxels": int((shown > 0).sum()), "clusters": clusters,
        "positive": [_numbers(np.maximum(values, 0).sum(axis=axes)) for axes in others],
        "negative": [_numbers(np.minimum(values, 0).sum(axis=axes)) for axes in others],
    }  # fmt: skip


def clusters(rng: np.random.Generator) -> list[dict]:
    """Clusters by ``scipy.ndimage.label``, with what is shown and its sums over slices."""
    smooth = ndimage.gaussian_filter(rng.normal(size=SHAPE), 0.8)
    codes = np.rint(30_000 + 40_000 * smooth).clip(0, NOT_A_NUMBER - 1).astype(int)
    holes = codes.copy()
    holes[rng.random(SHAPE) < 0.1] = NOT_A_NUMBER
    ends = np.zeros((4, 3, 2), int)  # neighbours in memory, at opposite ends of a row or plane
    ends[3, 0, 0] = ends[0, 1, 0] = ends[3, 2, 0] = ends[0, 0, 1] = 9
    diagonal = np.indices((4, 4, 4)).sum(axis=0) % 2 * 9
    thin = codes[:, :1, :]
    cases = [("smooth", codes, 25_000, 35_000, least, 30_000) for least in (1, 2, 5, 40)]
    cases += [("holes", holes, 26_000, 33_000, least, 30_000) for least in (1, 3)]
    cases += [("unsigned", codes, -1, 33_000, 3, 0), ("one slice", thin, 27_000, 33_000, 2, 30_000)]
    cuts = rng.choice([19, 20, 21, 30, 39, 40, 41], (5, 4, 3))
    cases += [("values at the cuts", cuts, 20, 40, 2, 30)]
    cases += [("ends of rows", ends, -1, 9, 2, 0), ("edges and corners", diagonal, -1, 9, 1, 0)]
    return [_cluster_case(*case) for case in cases]


def peaks() -> list[dict]:
    """The middle of the largest connected part, the voxel nearest to its centre of mass."""
    two = np.zeros(SHAPE, bool)
    two[0:5, 1:4, 2:5] = True
    two[6, 5:8, 6:9] = True
    ends = np.zeros((5, 4, 3), bool)
    ends[2:5, 0, 0] = ends[0:4, 1, 1] = True  # the first ends where the second row of memory begins
    ends[0:2, 1, 0] = True
    hook = np.zeros(SHAPE, bool)  # begins at its middle arm, so that one must walk back to find the rest
    hook[1:6, 4, 2] = hook[1, 1:5, 4] = hook[5, 4, 2:7] = hook[1, 4, 2:5] = True
    cases = []
    for name, mask in (("two boxes", two), ("ends of rows", ends), ("hook", hook)):
        marks, count = ndimage.label(mask)
        sizes = ndimage.sum_labels(mask, marks, range(1, count + 1))
        part = np.argwhere(marks == 1 + int(np.argmax(sizes)))
        distance = ((part - part.mean(axis=0)) ** 2).sum(axis=1)
        nearest = part[distance <= distance.min() + 1e-9]
        voxels = np.flatnonzero(mask.ravel(order="F"))
        middle = np.ravel_multi_index(tuple(nearest.T), mask.shape, order="F")
        cases.append({"name": name, "shape": mask.shape, "voxels": _numbers(voxels), "middle": _numbers(middle)})
    return cases


def spaces(rng: np.random.Generator) -> list[dict]:
    """Millimetres, voxels of the file and of the viewer, edges and volumes of voxels."""
    cases = []
    for name, affine in AFFINES.items():
        numbered = Volume(np.arange(504, dtype=np.float32).reshape(SHAPE), affine)
        shown = numbered.canonical()
        voxels = np.stack([rng.integers(0, n, 8) for n in shown.data.shape], axis=1)
        voxels[:2] = np.zeros(3), np.array(shown.data.shape) - 1
        in_file = [np.unravel_index(int(shown.data[tuple(v)]), SHAPE) for v in voxels]
        cases.append({
            "name": name, "shape": shown.data.shape, "affine": _numbers(shown.affine),
            "toVoxel": _numbers(np.linalg.inv(affine)), "voxels": _numbers(voxels),
            "mm": _numbers(apply_affine(affine, np.array(in_file))), "file": _numbers(in_file),
            "inverse": _numbers(np.linalg.inv(shown.affine)), "edges": _numbers(voxel_sizes(shown.affine)),
            "extents": [_numbers((voxel_sizes(shown.affine) * shown.data.shape)[list(axes)]) for axes in PLANES],
            "volume": abs(float(np.linalg.det(affine[:3, :3]))),
        })  # fmt: skip
    return cases


def packed(rng: np.random.Generator) -> dict:
    """Volumes as Python packs them, and the values they were made of."""
    relevance = rng.normal(size=SHAPE).astype(np.float32) * 0.02
    relevance[rng.random(SHAPE) < 0.3] = 0
    missing = relevance.copy()
    missing[1, 2, 3] = np.nan
    scan = np.zeros(SHAPE, np.float32)
    scan[2:6, 2:7, 2:8] = rng.uniform(100, 900, (4, 5, 6))
    few = rng.choice([0, 11, 12, 2001], SHAPE).astype(np.int32)
    many = np.arange(504).reshape(SHAPE).astype(np.int32)
    areas = pd.DataFrame({"label": [11, 12, 2001], "name": ["Hip", "Hip", "<b>"], "hemisphere": ["L", "R", ""]})
    names = {0: "outside the areas", 11: "Hip (left)", 12: "Hip (right)", 2001: "<b>"}
    others = {value: f"label {value}" for value in range(1, 504)}
    grid = np.eye(4)
    return {
        "relevance": {**_wire(pack_relevance(Volume(relevance, grid))), "values": _flat(relevance.astype(float))},
        "missing": {**_wire(pack_relevance(Volume(missing, grid))), "voxel": 1 + 2 * 7 + 3 * 56},
        "scan": {
            **_wire(pack_scan(Volume(scan, grid))), "shape": SHAPE, "values": _flat(scan.astype(float)),
            "window": _numbers(np.percentile(scan[scan > 0], (1, 99))), "bounds": [[2, 5], [2, 6], [2, 7]],
        },
        "few areas": {**_wire(pack_labels(Volume(few, grid), areas)), "names": [names[v] for v in _flat(few)]},
        "many areas": {
            **_wire(pack_labels(Volume(many, grid), areas)),
            "names": [{**others, **names}[v] for v in _flat(many)],
        },
    }  # fmt: skip


def boxes() -> list[dict]:
    """The box that occlusion hides around a voxel, as the voxels of the viewer that it holds."""
    cases = []
    for name, shape, size, stride, published in BOX_GRIDS:
        grid = Grid(shape, AFFINES[name])
        numbered = Volume(np.arange(np.prod(shape), dtype=np.float32).reshape(shape), grid.affine).canonical()
        regions = grid_boxes(shape, size, stride, published=published)
        voxels, expected = [], []
        for voxel in np.ndindex(numbered.data.shape):
            in_file = np.unravel_index(int(numbered.data[voxel]), shape)
            centres = [np.arange(0, n, step) for n, step in zip(shape, stride, strict=True)]
            nearest = [int(np.abs(c - at).argmin()) for c, at in zip(centres, in_file, strict=True)]
            inside = np.zeros(shape, np.float32)
            region = regions[np.ravel_multi_index(nearest, [len(c) for c in centres])]
            inside[tuple(slice(*side) for side in region)] = 1
            held = np.argwhere(Volume(inside, grid.affine).canonical().data)
            voxels.append(voxel)
            expected.append(_numbers(np.stack([held.min(axis=0), held.max(axis=0) + 1], axis=1)))
        some = slice(None, None, 3)
        cases.append(
            {"name": f"{name} {shape} size {size} stride {stride}" + " as published" * published}
            | {
                "patch": Patch(BoxGrid(shape, size, stride, published), grid).placed(),
                "voxels": voxels[some],
                "boxes": expected[some],
            }
        )
    return cases


def ramps() -> list[dict]:
    """Colours between stops, and codes that a map shows at a value."""
    stops = {"kind": "unsigned", "name": "hot"}
    rgb = [[74, 0, 0], [160, 0, 0], [240, 16, 0], [255, 112, 0], [255, 192, 0], [255, 255, 96], [255, 255, 232]]
    at = np.linspace(0, 1, 256)
    channels = [np.interp(at, np.linspace(0, 1, len(rgb)), channel) for channel in np.array(rgb).T]
    return [{**stops, "colors": _numbers(np.stack(channels, axis=1))}]


def reference() -> dict:
    """Return all reference values, JSON-ready."""
    rng = np.random.default_rng(20181106)
    values = {
        "percentiles": percentiles(rng), "clusters": clusters(rng), "peaks": peaks(), "spaces": spaces(rng),
        "packed": packed(rng), "boxes": boxes(), "ramps": ramps(),
    }  # fmt: skip
    return json.loads(json.dumps(values))


if __name__ == "__main__":
    FILE.write_text(json.dumps(reference(), separators=(",", ":")) + "\n", encoding="utf-8")
