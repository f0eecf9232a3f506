"""Quality of a preparation: brain in place, whole, without skull, T1 contrast.

The thresholds rest on few healthy adults and on damaged versions of their scans (docs/prepare.md); they must be watched
on old brains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mriinterp.areas.atlas import load_atlas
from mriinterp.image.space import FINE, mni_correlation, skull_signal
from mriinterp.image.template import brain_mask, template, tissue
from mriinterp.image.volume import Grid, Volume
from mriinterp.prepare.transform import Transform

__all__ = ["LEVELS", "Finding", "Quality", "judge", "load_references"]

LEVELS = ("good", "look", "refuse")

CORRELATION = (0.70, 0.50)
VOLUME_ML = (900.0, 2000.0)
VOLUME_LIMIT_ML = (500.0, 2700.0)
COVERAGE = (0.97, 0.80)  # share of a lobe inside the field of view
PRESENT = (0.85, 0.60)  # share of a lobe inside the brain mask: 0.90 or more in eight healthy adults
SCALE = (0.7, 1.35)
SCALE_LIMIT = (0.55, 1.7)
VOXEL_MM = 3.0
BORDER = 0.002  # share of the mask; a registered brain often just reaches the edge of its grid
SKULL = 0.10
CONTRAST = (0.06, 0.02)
CHECK_GRID = Grid((61, 73, 61), np.array([[3, 0, 0, -90], [0, 3, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1.0]]))

LOBES = {
    "frontal": ("Precentral", "Frontal", "Rolandic", "Supp_Motor", "Olfactory", "Rectus", "Paracentral"),
    "temporal": ("Temporal", "Heschl", "Fusiform", "Hippocampus", "ParaHippocampal", "Amygdala"),
    "parietal": ("Postcentral", "Parietal", "SupraMarginal", "Angular", "Precuneus"),
    "occipital": ("Calcarine", "Cuneus", "Lingual", "Occipital"),
    "central": ("Insula", "Cingulum", "Caudate", "Putamen", "Pallidum", "Thalamus"),
    "cerebellum": ("Cerebelum", "Vermis"),
}


@dataclass(frozen=True)
class Finding:
    """One judgement.

    Parameters
    ----------
    level : {"good", "look", "refuse"}
    measure : str
    text : str
        What was found and what is expected, a sentence.
    """

    level: str
    measure: str
    text: str


@dataclass(frozen=True, eq=False)
class Quality:
    """How far a prepared scan can be relied on.

    Parameters
    ----------
    correlation : float
        With the template, `mriinterp.image.space.mni_correlation`.
    volume_ml : float
        Of the brain mask.
    border : float
        Share of the mask's voxels on the outermost layers of the scan.
    coverage, present : mapping of str to float
        Share of each lobe of the template inside the scan's field of view,
        and inside the brain mask.
    scales : tuple of 3 floats
        Stretch of the transform along its principal axes, scan to template.
    mirrored : bool
        Whether the transform changes the handedness.
    turned : bool
        Whether the header's orientation was found to be wrong.
    voxel_mm : tuple of 3 floats
        Voxel size of the scan.
    skull : float
        Share of the space around the brain that still holds tissue.
    contrast : float
        (white − grey) / white matter, medians; negative where grey is brighter.
    findings : tuple of Finding
        What is not good.
    """

    correlation: float
    volume_ml: float
    border: float
    coverage: Mapping[str, float]
    present: Mapping[str, float]
    scales: tuple[float, float, float]
    mirrored: bool
    turned: bool
    voxel_mm: tuple[float, float, float]
    skull: float
    contrast: float
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> str:
        """The worst level of the findings: good, look or refuse."""
        return LEVELS[max((LEVELS.index(finding.level) for finding in self.findings), default=0)]

    def as_dict(self) -> dict:
        """Return entries for JSON and tables."""
        return {
            "Verdict": self.verdict,
            "Findings": [asdict(finding) for finding in self.findings],
            "Correlation": round(self.correlation, 4),
            "BrainVolumeMl": round(self.volume_ml, 1),
            "MaskOnBorder": round(self.border, 5),
            "FieldOfView": {lobe: round(value, 4) for lobe, value in self.coverage.items()},
            "LobeInMask": {lobe: round(value, 4) for lobe, value in self.present.items()},
            "Scales": [round(value, 4) for value in self.scales],
            "Mirrored": self.mirrored,
            "OrientationOfHeaderWrong": self.turned,
            "VoxelSizeMm": [round(value, 4) for value in self.voxel_mm],
            "SkullLeft": round(self.skull, 4),
            "GreyWhiteContrast": round(self.contrast, 4),
        }

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Quality:
        """Read what `as_dict` described; KeyError, TypeError or ValueError if an entry is missing or wrong."""
        first, second, third = map(float, entries["Scales"])
        i, j, k = map(float, entries["VoxelSizeMm"])
        return cls(
            correlation=float(entries["Correlation"]),
            volume_ml=float(entries["BrainVolumeMl"]),
            border=float(entries["MaskOnBorder"]),
            coverage=dict(entries["FieldOfView"]),
            present=dict(entries["LobeInMask"]),
            scales=(first, second, third),
            mirrored=bool(entries["Mirrored"]),
            turned=bool(entries["OrientationOfHeaderWrong"]),
            voxel_mm=(i, j, k),
            skull=float(entries["SkullLeft"]),
            contrast=float(entries["GreyWhiteContrast"]),
            findings=tuple(Finding(**finding) for finding in entries["Findings"]),
        )

    @property
    def words(self) -> str:
        """All findings, as sentences; "" where there is nothing to note."""
        return " ".join(finding.text for finding in self.findings)


@lru_cache(maxsize=1)
def _lobes() -> dict[str, np.ndarray]:
    """Return template points (n, 3), mm, of each lobe's part inside the brain."""
    atlas = load_atlas("AAL").on(CHECK_GRID)
    inside = brain_mask(CHECK_GRID).data
    points = {}
    for lobe, beginnings in LOBES.items():
        labels = atlas.areas.loc[atlas.areas["name"].str.startswith(beginnings), "label"]
        points[lobe] = CHECK_GRID.to_mm(np.argwhere(np.isin(atlas.labels.data, labels) & inside))
    return points


def load_references() -> None:
    """Read what scans are judged by, so that `judge` need not: on another core while a registration works."""
    _lobes()
    for kind in ("wm", "gm"):
        tissue(kind, FINE)
    mni_correlation(template(FINE))


def judge(scan: Volume, mask: Volume, transform: Transform, *, turned: bool = False) -> Quality:
    """Measure a preparation and judge it.

    Parameters
    ----------
    scan : Volume
        As it came from the scanner, RAS+.
    mask : Volume
        Brain mask on the scan's grid, bool.
    transform : Transform
    turned : bool
        Whether the header's orientation was found to be wrong.

    Returns
    -------
    Quality
    """
    brain = scan.with_data(np.where(mask.data, scan.data, 0).astype(np.float32))
    moved = transform.scan_on(brain, FINE)
    volume_ml = float(mask.data.sum()) * scan.grid.voxel_volume / 1000
    coverage, present = _shares(mask, transform)
    linear = np.linalg.inv(transform.matrix)[:3, :3]
    first, second, third = (float(value) for value in np.linalg.svd(linear, compute_uv=False))
    quality = Quality(
        correlation=mni_correlation(moved),
        volume_ml=volume_ml,
        border=_border(mask.data),
        coverage=coverage,
        present=present,
        scales=(first, second, third),
        mirrored=bool(np.linalg.det(linear) < 0),
        turned=turned,
        voxel_mm=scan.grid.voxel_sizes,
        skull=skull_signal(moved),
        contrast=_contrast(moved),
    )
    return _with_findings(quality)


def _shares(mask: Volume, transform: Transform) -> tuple[dict[str, float], dict[str, float]]:
    coverage, present = {}, {}
    last = np.array(mask.data.shape) - 1
    for lobe, points in _lobes().items():
        voxels = np.round(mask.grid.to_voxel(transform.to_scan(points))).astype(int)
        seen = np.all((voxels >= 0) & (voxels <= last), axis=1)
        coverage[lobe] = float(seen.mean())
        present[lobe] = float(mask.data[tuple(voxels[seen].T)].sum() / len(points))
    return coverage, present


def _border(mask: np.ndarray) -> float:
    """Return the share of a mask's voxels that lie on the outermost layer of any side."""
    inner = mask[1:-1, 1:-1, 1:-1].sum()
    return float((mask.sum() - inner) / max(mask.sum(), 1))


def _contrast(moved: Volume) -> float:
    """Return (white − grey) / white matter, medians where the template is nearly pure."""
    white = np.median(moved.data[tissue("wm", moved.grid).data > 0.95])
    grey = np.median(moved.data[tissue("gm", moved.grid).data > 0.85])
    return float((white - grey) / white) if white > 0 else 0.0


def _level(value: float, good: float, look: float) -> str:
    return "good" if value >= good else "look" if value >= look else "refuse"


def _with_findings(quality: Quality) -> Quality:
    found: list[Finding] = []

    def note(level: str, measure: str, text: str) -> None:
        if level != "good":
            found.append(Finding(level, measure, text))

    note(
        _level(quality.correlation, *CORRELATION),
        "correlation",
        f"The brain matches the template with a correlation of {quality.correlation:.2f}; {CORRELATION[0]:.2f} or more "
        f"is expected, below {CORRELATION[1]:.2f} it does not lie in place.",
    )
    ml = quality.volume_ml
    if not VOLUME_ML[0] <= ml <= VOLUME_ML[1]:
        level = "look" if VOLUME_LIMIT_ML[0] <= ml <= VOLUME_LIMIT_ML[1] else "refuse"
        note(level, "volume", f"The brain mask has {ml:.0f} ml; {VOLUME_ML[0]:.0f} to {VOLUME_ML[1]:.0f} are expected.")
    if quality.border > BORDER:
        note("look", "border", "The brain mask touches the border of the scan: part of the brain may be cut off.")
    for shares, limits, what in (
        (quality.coverage, COVERAGE, "lies inside the field of view"),
        (quality.present, PRESENT, "lies inside the brain mask"),
    ):
        lobe, share = min(shares.items(), key=lambda entry: entry[1])
        text = f"{share:.0%} of the template's {lobe} region {what}; {limits[0]:.0%} or more is expected."
        note(_level(share, *limits), what.split()[-1], text)
    if not all(SCALE[0] <= scale <= SCALE[1] for scale in quality.scales):
        stretch = ", ".join(f"{scale:.2f}" for scale in quality.scales)
        text = f"The transform stretches the brain by {stretch}; {SCALE[0]} to {SCALE[1]} is expected."
        possible = all(SCALE_LIMIT[0] <= scale <= SCALE_LIMIT[1] for scale in quality.scales)
        note("look" if possible else "refuse", "scale", text)
    if quality.mirrored:
        note("refuse", "handedness", "The transform mirrors the brain: left and right would be exchanged.")
    if quality.turned:
        text = (
            "The header's orientation is wrong: the brain was found turned by 45° or more. Left and right cannot be known "
            "from the image, so they may be exchanged."
        )
        note("look", "orientation", text)
    if max(quality.voxel_mm) > VOXEL_MM:
        sizes = " × ".join(f"{size:.1f}" for size in quality.voxel_mm)
        note("look", "voxel size", f"The voxels measure {sizes} mm; at most {VOXEL_MM:.0f} mm is expected.")
    if quality.skull >= SKULL:
        note("look", "skull", f"{quality.skull:.0%} of the space around the brain still holds tissue.")
    found_contrast = (
        "White matter is darker than grey"
        if quality.contrast < 0
        else f"White matter is brighter than grey by {quality.contrast:.0%} of its intensity"
    )
    contrast_text = f"{found_contrast}; brighter by {CONTRAST[0]:.0%} or more is expected of a T1-weighted scan."
    note(_level(quality.contrast, *CONTRAST), "contrast", contrast_text)
    return Quality(**{**quality.__dict__, "findings": tuple(found)})
