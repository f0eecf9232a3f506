"""How a scan's intensities are brought to what a network was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mriinterp.image.intensity import Intensities
from mriinterp.image.volume import Volume, check_same_grid, resample
from mriinterp.models.needs import (
    AIR_IS_ZERO,
    BRAIN_ABOVE_ZERO,
    MOST_OF_BRAIN_ABOVE_ZERO,
    NO_AIR_ABOVE_ZERO,
    NO_SPIKE,
    Need,
)

__all__ = ["NORMALISATIONS", "Normalisation", "Rule", "read_normalisation"]

VOXELWISE_EPSILON = 1e-10  # as in the original code: keeps voxels of zero deviation finite


def _none(data: np.ndarray, params: dict) -> np.ndarray:
    return data


def _scan_mean(data: np.ndarray, params: dict) -> np.ndarray:
    mean = float(data.mean(dtype=np.float64))
    if mean <= 0:
        raise ValueError(f"expected a scan of positive mean intensity, got mean {mean:.4g}: it cannot be divided by it")
    return np.clip(data / np.float32(mean), *params["clip"]) if "clip" in params else data / np.float32(mean)


def _scan_zscore(data: np.ndarray, params: dict) -> np.ndarray:
    inside = data > 0
    values = data[inside].astype(np.float64)
    if values.size == 0 or values.std() == 0:
        raise ValueError("expected a scan with varying intensities above zero, got none: it cannot be standardised")
    below = np.count_nonzero(data < 0)
    if below > values.size:
        raise ValueError(
            f"expected a scan whose brain is above 0, got {below:,} voxels below 0 and {values.size:,} above: what is "
            "standardised are the voxels above 0"
        )
    return np.where(inside, (data - values.mean()) / values.std(), 0).astype(np.float32)


def _voxelwise(data: np.ndarray, params: dict) -> np.ndarray:
    mean, std = params["mean"], params["std"]
    varies = std > 0
    scaled = (data - mean) / (std + VOXELWISE_EPSILON)
    return np.where(varies, scaled, 0).astype(np.float32)


@dataclass(frozen=True)
class Rule:
    """A kind of normalisation.

    Parameters
    ----------
    apply : callable
        ``apply(data, params)``: voxels (i, j, k) to network input.
    does : str
        What it does to a scan, in words.
    needs : tuple of Need
        Which scans it holds for.
    parameters : frozenset of str
    """

    apply: Callable[[np.ndarray, dict], np.ndarray]
    does: str
    needs: tuple[Need, ...]
    parameters: frozenset[str] = frozenset()


NORMALISATIONS: dict[str, Rule] = {
    # networks that take intensities as they are may well be trained on standardised scans, whose brain has mean 0
    "none": Rule(_none, "takes intensities as they are", (AIR_IS_ZERO, MOST_OF_BRAIN_ABOVE_ZERO, NO_SPIKE)),
    "scan_mean": Rule(
        _scan_mean,
        "divides by the mean of all voxels",
        (AIR_IS_ZERO, BRAIN_ABOVE_ZERO, NO_SPIKE),
        frozenset({"clip"}),
    ),
    "scan_zscore": Rule(
        _scan_zscore, "standardises the voxels above 0", (NO_AIR_ABOVE_ZERO, BRAIN_ABOVE_ZERO, NO_SPIKE)
    ),
    "voxelwise": Rule(
        _voxelwise,
        "compares each voxel with the training scans",
        (AIR_IS_ZERO, BRAIN_ABOVE_ZERO, NO_SPIKE),
        frozenset({"mean", "std"}),
    ),
}


@dataclass(frozen=True, eq=False)
class Normalisation:
    """A rule applied to a scan that already lies on the model's grid.

    Parameters
    ----------
    kind : str
        ``"none"``: voxels pass bitwise. ``"scan_mean"``: divided by the mean
        of all voxels, then clipped to `params["clip"]` when given.
        ``"scan_zscore"``: mean 0 and standard deviation 1 over the voxels
        above zero; the background stays 0. ``"voxelwise"``: minus a mean and
        divided by a standard deviation of each voxel over the training
        scans (arrays `params["mean"]`, `params["std"]`, shape of the grid);
        voxels that never varied become 0. Which scans each holds for stands
        in `NORMALISATIONS`.
    params : dict
    """

    kind: str = "none"
    params: dict = field(default_factory=dict)

    def __post_init__(self):
        if not isinstance(self.kind, str) or self.kind not in NORMALISATIONS:
            raise ValueError(
                f"expected a known normalisation, got {self.kind!r}; available: {', '.join(NORMALISATIONS)}"
            )
        known = self.rule.parameters
        unknown = self.params.keys() - known
        if unknown:
            raise ValueError(
                f"expected parameters of the normalisation {self.kind!r}, got {', '.join(sorted(unknown))}; "
                f"available: {', '.join(sorted(known)) or 'none'}"
            )
        clip = self.params.get("clip")
        if clip is not None and not _is_range(clip):
            raise ValueError(f"expected clip as [lowest, highest], got {clip!r}")

    @property
    def rule(self) -> Rule:
        """What this kind does, and which scans it holds for."""
        return NORMALISATIONS[self.kind]

    def apply(self, data: np.ndarray) -> np.ndarray:
        """Map float32 voxels (i, j, k) to the float32 network input (i, j, k).

        Raises
        ------
        ValueError
            For intensities that it cannot make sense of, e.g. a mean of 0.
        """
        return self.rule.apply(data, self.params).astype(np.float32, copy=False)

    def warnings_of(self, found: Intensities, *, stripped: bool = True) -> tuple[str, ...]:
        """Return what a scan's intensities lack of what this normalisation holds for, a sentence each.

        Parameters
        ----------
        found : Intensities
        stripped : bool
            Whether the network was trained on skull-stripped scans, whose air
            holds no noise.
        """
        broken = [text for need in self.rule.needs if (text := need.broken(found, stripped))]
        return tuple(f"{text}. The network's normalisation {self.rule.does}: {self.holds_for}" for text in broken)

    @property
    def holds_for(self) -> str:
        """Which scans it holds for, in words."""
        return f"it holds for scans {', '.join(need.expected for need in self.rule.needs)}"

    @property
    def digest(self) -> str:
        """SHA-256 over the kind and its parameters, arrays included."""
        digest = hashlib.sha256(self.kind.encode())
        for key in sorted(self.params):
            value = self.params[key]
            digest.update(key.encode())
            digest.update(value.tobytes() if isinstance(value, np.ndarray) else json.dumps(value).encode())
        return digest.hexdigest()


def _is_range(clip) -> bool:
    numbers = isinstance(clip, (list, tuple)) and all(isinstance(value, (int, float)) for value in clip)
    return numbers and len(clip) == 2 and clip[0] < clip[1]


def read_normalisation(entry: dict | None, folder: Path, read_volume: Callable[[Path], Volume], grid) -> Normalisation:
    """Read the `normalisation` entry of a model card.

    Parameters
    ----------
    entry : dict or None
        E.g. ``{"kind": "scan_mean", "clip": [0, 8]}`` or ``{"kind":
        "voxelwise", "mean": "mean.nii.gz", "std": "std.nii.gz"}`` with files
        beside the card.
    folder : Path
        Folder of the card.
    read_volume : callable
        Reads the two files.
    grid : Grid
        Grid of the model; both files must lie on it.
    """
    if entry is None:
        return Normalisation()
    if not isinstance(entry, dict) or "kind" not in entry:
        raise ValueError(f'expected normalisation as {{"kind": …}}, got {entry!r}')
    params = {key: value for key, value in entry.items() if key != "kind"}
    if entry["kind"] == "voxelwise":
        missing = {"mean", "std"} - params.keys()
        if missing:
            raise ValueError(
                f"expected files 'mean' and 'std' for the voxelwise normalisation, missing: {sorted(missing)}"
            )
        for key in ("mean", "std"):
            if not isinstance(params[key], str):
                raise ValueError(f"expected {key!r} of the normalisation as the name of a file, got {params[key]!r}")
            volume = read_volume(folder / params[key])
            if volume.source is not None and volume.source.matches(grid):
                volume = resample(volume, grid)  # back to the model's own voxel order, exact
            check_same_grid(volume, grid, f"normalisation file {params[key]}", "the model")
            params[key] = np.ascontiguousarray(volume.data)
    return Normalisation(entry["kind"], params)
